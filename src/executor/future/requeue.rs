//! The way to the end of the queue, for a worker.
//!
//! What a worker queues it takes again before everything else: before what it
//! queued earlier, and before all that came from outside of the pool, which it
//! looks at only when it has nothing of its own. A future that wakes itself, or
//! two that wake each other, would so keep everything else from a pool of one
//! worker, and hang if they waited for it. Only what is queued by a thread that is
//! no worker goes to the end. So now and then a future goes by way of one, which
//! is started when the first future needs it and does nothing else.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use once_cell::sync::Lazy;

/// What can be put in its pool's queue.
pub(super) trait Enqueue: Send + Sync {
    fn enqueue(self: Arc<Self>);
}

type Job = Arc<dyn Enqueue>;

/// `None` where the system refused the thread.
static USHER: Lazy<Option<Sender<Job>>> = Lazy::new(|| {
    let (send, jobs) = mpsc::channel();
    let usher = thread::Builder::new().name("entourage-usher".to_owned());
    usher.spawn(move || usher_in(&jobs)).ok().map(|_| send)
});

fn usher_in(jobs: &Receiver<Job>) {
    for job in jobs {
        job.enqueue();
    }
}

/// Queues `job` behind everything that its pool has to do.
pub(super) fn behind_everything(job: Job) {
    match &*USHER {
        Some(usher) => {
            if let Err(unsent) = usher.send(job) {
                unsent.0.enqueue();
            }
        }
        None => job.enqueue(),
    }
}
