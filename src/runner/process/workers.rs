//! The worker processes of one runner.

use super::launch::Launch;
use super::protocol::Request;
use super::worker::Worker;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Worker processes: those that wait for a task, and how to start another.
/// Whoever needs one takes it, and has it alone.
pub(super) struct Workers {
    launch: Launch,
    /// The one that was used last is taken first.
    idle: Mutex<Vec<Worker>>,
    tasks: AtomicU64,
    runs: AtomicU64,
}

impl Workers {
    pub(super) fn new(launch: Launch) -> Self {
        Self { launch, idle: Mutex::default(), tasks: AtomicU64::new(0), runs: AtomicU64::new(0) }
    }

    /// One that waits, or a new one.
    pub(super) fn take(&self) -> Result<Worker, String> {
        loop {
            let idle = self.idle.lock().pop();
            let Some(mut worker) = idle else { return self.launch.start() };
            // Else somebody has killed it while it waited: no node's affair.
            if worker.is_alive() {
                return Ok(worker);
            }
        }
    }

    /// Keeps a worker for the next task.
    pub(super) fn put_back(&self, worker: Worker) {
        self.idle.lock().push(worker);
    }

    /// A number that no other task of these workers has.
    pub(super) fn next_task(&self) -> u64 {
        self.tasks.fetch_add(1, Ordering::Relaxed)
    }

    /// A number that no other run of these workers has.
    pub(super) fn next_run(&self) -> u64 {
        self.runs.fetch_add(1, Ordering::Relaxed)
    }

    /// Tells those that wait that a run is over. Who is still at a task of it finds
    /// out by the next run's.
    pub(super) fn release(&self) {
        // One that cannot be told is gone, or stuck, and found to be so when needed.
        self.idle.lock().iter_mut().for_each(|worker| _ = worker.say(&Request::Release));
    }

    /// How much memory each may take up, in bytes.
    pub(super) fn memory_limit(&self) -> Option<u64> {
        self.launch.memory_limit
    }

    /// Lets go of those that wait, and sees them end.
    pub(super) fn dismiss(&self) {
        let mut idle = std::mem::take(&mut *self.idle.lock());
        // All are told before the first is waited for.
        idle.iter_mut().for_each(Worker::dismiss);
    }
}
