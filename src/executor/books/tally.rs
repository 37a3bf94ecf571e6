//! What became of a pool's tasks, in numbers.

use crate::sync::atomic::{AtomicU64, Ordering};

/// One set of counts a worker, and one for all other threads: nobody waits for a
/// cache line to count.
pub(super) struct Tally(Box<[Counts]>);

#[derive(Default)]
#[repr(align(128))]
struct Counts {
    /// Tasks on this worker's stack: one runs, the others wait beneath it.
    depth: Count,
    finished: Count,
    panicked: Count,
    cancelled: Count,
    stolen: Count,
    /// Futures that this worker left to be polled again, less those that it took
    /// up: of all workers together it is the number that wait.
    pending: Count,
}

/// A number that is only ever added up with others, and orders nothing.
#[derive(Default)]
struct Count(AtomicU64);

impl Count {
    /// Adds `change`, as one of several threads or as the only one that does.
    fn add(&self, change: u64, is_alone: bool) {
        if is_alone {
            let now = self.0.load(Ordering::Relaxed);
            self.0.store(now.wrapping_add(change), Ordering::Relaxed);
        } else {
            self.0.fetch_add(change, Ordering::Relaxed);
        }
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::executor) enum End {
    Finished,
    Panicked,
    /// Without having run.
    Cancelled,
}

/// The totals.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) running: u64,
    pub(super) parked: u64,
    pub(super) finished: u64,
    pub(super) panicked: u64,
    pub(super) cancelled: u64,
    pub(super) stolen: u64,
    pub(super) pending: u64,
}

impl Tally {
    pub(super) fn new(num_threads: usize) -> Self {
        Self((0..=num_threads).map(|_| Counts::default()).collect())
    }

    /// The counts of this worker, or of all that is none; and whether this
    /// thread is the only one to write them.
    fn of(&self, worker: Option<usize>) -> (&Counts, bool) {
        let others = self.0.len() - 1;
        match worker.filter(|&index| index < others) {
            Some(index) => (&self.0[index], true),
            None => (&self.0[others], false),
        }
    }

    /// A task begins to run on this thread.
    pub(super) fn begin(&self, worker: Option<usize>, is_stolen: bool) {
        let (counts, is_alone) = self.of(worker);
        counts.depth.add(1, is_alone);
        if is_stolen {
            counts.stolen.add(1, is_alone);
        }
    }

    /// The future that was taken up last on this thread is to be polled again.
    pub(super) fn suspend(&self, worker: Option<usize>) {
        let (counts, is_alone) = self.of(worker);
        counts.depth.add(1_u64.wrapping_neg(), is_alone);
        counts.pending.add(1, is_alone);
    }

    /// A future that was to be polled again is taken up on this thread.
    pub(super) fn resume(&self, worker: Option<usize>) {
        let (counts, is_alone) = self.of(worker);
        counts.pending.add(1_u64.wrapping_neg(), is_alone);
    }

    /// The task that began last on this thread is over.
    pub(super) fn end(&self, worker: Option<usize>, end: End) {
        let (counts, is_alone) = self.of(worker);
        let count = match end {
            End::Finished => &counts.finished,
            End::Panicked => &counts.panicked,
            End::Cancelled => return counts.cancelled.add(1, is_alone),
        };
        counts.depth.add(1_u64.wrapping_neg(), is_alone);
        count.add(1, is_alone);
    }

    pub(super) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        let others = self.0.len() - 1;
        for (at, counts) in self.0.iter().enumerate() {
            let depth = counts.depth.get();
            // Of other threads it is not known which tasks are on which.
            let running = if at == others { depth } else { depth.min(1) };
            totals.running += running;
            totals.parked += depth - running;
            totals.finished += counts.finished.get();
            totals.panicked += counts.panicked.get();
            totals.cancelled += counts.cancelled.get();
            totals.stolen += counts.stolen.get();
            totals.pending = totals.pending.wrapping_add(counts.pending.get());
        }
        // Read half of a move from one worker to another, it may be less than none.
        if totals.pending > u64::MAX / 2 {
            totals.pending = 0;
        }
        totals
    }
}
