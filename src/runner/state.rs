//! What a run keeps while it goes on.
//!
//! Each node counts the producers it still waits for; the thread that brings the
//! count to zero, and no other, makes it ready. Each dataset counts the nodes
//! that still have to read it; the one that brings that to zero lets the value
//! go. A node that can never run any more, because of one that failed, counts as
//! having read. Values that must be loaded are loaded by the first node that
//! wants them, and the others are put on the dataset's list and started again
//! when it is there: no thread ever waits for another.

use std::mem;
use std::time::{Duration, Instant};

use super::report::Fate;
use crate::catalog::Value;
use crate::pipeline::{NodeIndex, Pipeline};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

pub(super) struct RunState {
    pub(super) nodes: Vec<NodeState>,
    pub(super) datasets: Vec<DatasetState>,
    began: Instant,
    stopped: AtomicBool,
}

pub(super) struct NodeState {
    waiting_for: AtomicU32,
    /// Nanoseconds from the run's beginning.
    ready_at: AtomicU64,
    /// Whether it has read its inputs, or never will.
    has_read: AtomicBool,
    outcome: Mutex<Option<Outcome>>,
}

#[derive(Default)]
pub(super) struct Outcome {
    pub(super) fate: Fate,
    pub(super) queued: Duration,
    pub(super) ran: Duration,
    pub(super) rows: Option<usize>,
}

pub(super) struct DatasetState {
    readers: AtomicU32,
    held: Mutex<Held>,
}

pub(super) enum Held {
    /// Not loaded, or not written yet.
    Nothing,
    Value(Value),
    /// Somebody is loading it; these nodes want it too.
    Loading(Vec<NodeIndex>),
    /// The load failed, in this node. So it stays.
    Failed(NodeIndex),
    /// Read by all who would.
    Released,
}

impl RunState {
    pub(super) fn new(pipeline: &Pipeline) -> Self {
        let nodes = pipeline.node_indices().map(|node| NodeState {
            waiting_for: AtomicU32::new(pipeline.dependency_count(node)),
            ready_at: AtomicU64::new(0),
            has_read: AtomicBool::new(false),
            outcome: Mutex::new(None),
        });
        // What no node reads is read by the report.
        let held = |readers: usize| DatasetState {
            readers: AtomicU32::new(readers.max(1) as u32),
            held: Mutex::new(Held::Nothing),
        };
        Self {
            nodes: nodes.collect(),
            datasets: pipeline
                .dataset_indices()
                .map(|dataset| held(pipeline.consumers(dataset).len()))
                .collect(),
            began: Instant::now(),
            stopped: AtomicBool::new(false),
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Starts no further node. A hint to others that need not be seen at once:
    /// hence relaxed.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

impl NodeState {
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
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        self.ready_at.store(nanos, Ordering::Relaxed);
    }

    pub(super) fn ready_at(&self) -> Duration {
        Duration::from_nanos(self.ready_at.load(Ordering::Relaxed))
    }

    pub(super) fn finish(&self, outcome: Outcome) {
        *self.outcome.lock() = Some(outcome);
    }

    pub(super) fn take_outcome(&self) -> Option<Outcome> {
        self.outcome.lock().take()
    }
}

impl DatasetState {
    pub(super) fn held(&self) -> impl std::ops::DerefMut<Target = Held> + '_ {
        self.held.lock()
    }

    /// Puts a written value where its readers find it, or gives it back where
    /// all of them have become unable to run.
    pub(super) fn write(&self, value: Value) -> Option<Value> {
        let mut held = self.held.lock();
        // Under the lock, which `read_by_one` takes after it has counted: whoever
        // counts the last reader after this look finds the value and takes it.
        if self.readers.load(Ordering::Acquire) == 0 {
            return Some(value);
        }
        *held = Held::Value(value);
        None
    }

    /// Puts down what a load came to, and returns the nodes that wait for it.
    pub(super) fn loaded(&self, outcome: Held) -> Vec<NodeIndex> {
        match mem::replace(&mut *self.held.lock(), outcome) {
            Held::Loading(waiting) => waiting,
            _ => Vec::new(),
        }
    }

    /// Notes that one reader has what it needs, or is none any more. The last
    /// one is given the value that was kept for it, to be dropped outside the
    /// lock.
    pub(super) fn read_by_one(&self) -> Option<Value> {
        if self.readers.fetch_sub(1, Ordering::AcqRel) != 1 {
            return None;
        }
        let mut held = self.held.lock();
        match mem::replace(&mut *held, Held::Released) {
            Held::Value(value) => Some(value),
            failed @ Held::Failed(_) => {
                *held = failed;
                None
            }
            Held::Nothing | Held::Loading(_) | Held::Released => None,
        }
    }
}
