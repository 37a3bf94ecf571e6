//! What a run keeps of its nodes and datasets while it goes on.
//!
//! Each node counts the producers it still waits for; the thread that brings the
//! count to zero, and no other, makes it ready. Each dataset counts the nodes
//! that still have to read it; the one that brings that to zero takes the value
//! along. A node that can never run any more, because of one that failed, counts
//! as having read. Values that must be loaded are loaded by the first node that
//! wants them, and the others are put on the dataset's list and started again
//! when it is there: no thread ever waits for another.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bindings::{Binding, Bindings};
use super::dataset_state::DatasetState;
use super::error::NodeFailure;
use super::hooks::HookError;
use crate::pipeline::NodeIndex;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

pub(super) struct RunState {
    /// Shared with the report, which reads what is written here.
    pub(super) nodes: Arc<[NodeState]>,
    pub(super) datasets: Box<[DatasetState]>,
    pub(super) failures: Mutex<Vec<(NodeIndex, NodeFailure)>>,
    /// Of hooks that were told of a load, a save or a whole node which failed, until
    /// the failure of the node takes them along.
    pub(super) besides: Mutex<Vec<(NodeIndex, HookError)>>,
    began: Instant,
    is_stopped: AtomicBool,
}

/// One node's part in a run, as numbers: durations are nanoseconds, points in
/// time nanoseconds from the run's beginning.
pub(super) struct NodeState {
    waiting_for: AtomicU32,
    stage: AtomicU8,
    /// Whether it has read its inputs, or never will.
    has_read: AtomicBool,
    ready_at: AtomicU64,
    began_at: AtomicU64,
    ran: AtomicU64,
    rows: AtomicU64,
}

/// How far a node has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Unfinished,
    Done,
    Failed,
    /// It gave up because the run was called off.
    Cancelled,
}

const NO_ROWS: u64 = u64::MAX;

impl RunState {
    pub(super) fn new(bound: &Bindings) -> Self {
        let pipeline = &bound.pipeline;
        let nodes = pipeline.node_indices().map(|at| NodeState::new(pipeline.dependency_count(at)));
        let datasets = pipeline.dataset_indices().map(|dataset| {
            let ready = match &bound.bindings[dataset as usize] {
                Binding::Ready(value) => Some(value.clone()),
                Binding::Unbound | Binding::Bound(_) => None,
            };
            // What no node reads is read by the report.
            let readers = pipeline.consumers(dataset).len().max(1) as u32;
            DatasetState::new(readers, ready)
        });
        Self {
            nodes: nodes.collect(),
            datasets: datasets.collect(),
            failures: Mutex::default(),
            besides: Mutex::default(),
            began: Instant::now(),
            is_stopped: AtomicBool::new(false),
        }
    }

    /// Counts the time from now on.
    pub(super) fn begin_now(&mut self) {
        self.began = Instant::now();
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Starts no further node. A hint to others that need not be seen at once:
    /// hence relaxed.
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }
}

impl NodeState {
    fn new(waiting_for: u32) -> Self {
        Self {
            waiting_for: AtomicU32::new(waiting_for),
            stage: AtomicU8::new(Stage::Unfinished as u8),
            has_read: AtomicBool::new(false),
            ready_at: AtomicU64::new(0),
            began_at: AtomicU64::new(0),
            ran: AtomicU64::new(0),
            rows: AtomicU64::new(NO_ROWS),
        }
    }

    /// Whether no producer is waited for.
    pub(super) fn is_ready(&self) -> bool {
        self.waiting_for.load(Ordering::Acquire) == 0
    }

    /// Notes that one producer is done; whether it was the last.
    ///
    /// Release, so that what this producer wrote is seen by whoever the last
    /// one starts; acquire, so that the last one has seen the others' writes.
    pub(super) fn producer_done(&self) -> bool {
        self.waiting_for.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Notes that its inputs are read, or never will be; whether that is new.
    pub(super) fn reads(&self) -> bool {
        !self.has_read.swap(true, Ordering::Relaxed)
    }

    pub(super) fn set_ready(&self, at: Duration) {
        self.ready_at.store(nanos(at), Ordering::Relaxed);
    }

    /// Notes how it ended. Release: whoever sees the stage sees the numbers.
    pub(super) fn finish(&self, stage: Stage, began: Duration, ended: Duration) {
        self.began_at.store(nanos(began), Ordering::Relaxed);
        self.ran.store(nanos(ended.saturating_sub(began)), Ordering::Relaxed);
        self.stage.store(stage as u8, Ordering::Release);
    }

    /// Notes how it ended that never ran to an end.
    pub(super) fn end(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Release);
    }

    pub(super) fn set_rows(&self, rows: usize) {
        self.rows.store(rows as u64, Ordering::Relaxed);
    }

    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            stage if stage == Stage::Done as u8 => Stage::Done,
            stage if stage == Stage::Failed as u8 => Stage::Failed,
            stage if stage == Stage::Cancelled as u8 => Stage::Cancelled,
            _ => Stage::Unfinished,
        }
    }

    pub(super) fn queued(&self) -> Duration {
        self.queued_until(Duration::from_nanos(self.began_at.load(Ordering::Relaxed)))
    }

    /// How long it has been ready at that time.
    pub(super) fn queued_until(&self, now: Duration) -> Duration {
        now.saturating_sub(Duration::from_nanos(self.ready_at.load(Ordering::Relaxed)))
    }

    pub(super) fn ran(&self) -> Duration {
        Duration::from_nanos(self.ran.load(Ordering::Relaxed))
    }

    pub(super) fn rows(&self) -> Option<usize> {
        Some(self.rows.load(Ordering::Relaxed)).filter(|rows| *rows != NO_ROWS).map(|n| n as usize)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
