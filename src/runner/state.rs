//! What a run keeps while it goes on.
//!
//! Each node counts the producers it still waits for; the thread that brings the
//! count to zero, and no other, makes it ready. Each dataset counts the nodes
//! that still have to read it; the one that brings that to zero lets the value
//! go. Values that must be loaded are loaded by the first node that wants them,
//! and the others are put on the dataset's list and started again when it is
//! there: no thread ever waits for another.

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
    outcome: Mutex<Option<Outcome>>,
}

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
    /// The load failed, in this node.
    Failed(NodeIndex),
    /// Read by all who would.
    Released,
}

impl RunState {
    pub(super) fn new(pipeline: &Pipeline) -> Self {
        let datasets = pipeline.datasets();
        let nodes = pipeline.nodes().iter().map(|node| {
            let produced = |dataset: &&u32| datasets[**dataset as usize].producer.is_some();
            let distinct = |(at, dataset): &(usize, &u32)| !node.inputs[..*at].contains(dataset);
            let inputs =
                node.inputs.iter().enumerate().filter(distinct).map(|(_, dataset)| dataset);
            let waiting_for = inputs.filter(produced).count() as u32;
            NodeState {
                waiting_for: AtomicU32::new(waiting_for),
                ready_at: AtomicU64::new(0),
                outcome: Mutex::new(None),
            }
        });
        let held = |readers: usize| DatasetState {
            readers: AtomicU32::new(readers as u32),
            held: Mutex::new(Held::Nothing),
        };
        Self {
            nodes: nodes.collect(),
            datasets: datasets.iter().map(|dataset| held(dataset.consumers.len())).collect(),
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

    /// Notes that one reader has what it needs. The last one is given the value
    /// that was kept for it, to be dropped outside the lock.
    pub(super) fn read_by_one(&self) -> Option<Held> {
        let was_last = self.readers.fetch_sub(1, Ordering::AcqRel) == 1;
        was_last.then(|| std::mem::replace(&mut *self.held.lock(), Held::Released))
    }
}
