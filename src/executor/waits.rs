//! Who waits for whom, among the threads that block on a task's handle.
//!
//! A worker that joins a task of its own pool takes the task over if nobody has
//! begun it, and else blocks until the thread that runs it is done. It does not
//! steal meanwhile: a task stolen here would lie on top of the waiting one, and
//! if it came to wait for that one, neither could go on. So a thread blocks only
//! on a task that another thread is *running*, and following "runs" and "blocks
//! on" from thread to thread leads to one that runs user code, or back to the
//! start. The latter is a deadlock, and this table is how it is seen before it
//! happens: entries are made and followed under one lock, so of the threads that
//! would close a circle the last one sees it whole.
//!
//! What the table does not know are other waits: the end of a scope, an `install`
//! in another pool, a channel. A circle through one of those is not seen.
//!
//! Threads wait here, not tasks. A worker that waits in a scope or a join of
//! rayon's steals, and what it steals may come to wait for the task beneath it,
//! which cannot go on before that returns: this is refused as well, though of
//! the tasks alone none waits for itself. It takes a handle in other hands than
//! those of the task that spawned. Who joins only what it spawned waits for what
//! began later than itself, and what lies on top of a task began later, too, so
//! that such waits never close a circle.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use once_cell::sync::Lazy;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// A task as the table sees it.
pub(super) trait Awaited: Send + Sync {
    /// The thread that runs the task now, if one does.
    fn runner(&self) -> Option<ThreadId>;
    /// Wakes the threads that block on the task, to look around.
    fn nudge(&self);
}

static WAITS: Lazy<Mutex<HashMap<ThreadId, Arc<dyn Awaited>>>> = Lazy::new(Mutex::default);

/// This thread's entry in the table, until dropped.
#[must_use = "the entry is gone when this is dropped"]
pub(super) struct Waiting(());

/// Enters that this thread is about to block on `task`; `None` if it would wait
/// for itself.
pub(super) fn enter(task: Arc<dyn Awaited>) -> Option<Waiting> {
    let here = thread::current().id();
    let mut waits = WAITS.lock();
    let mut runner = task.runner();
    while let Some(thread) = runner {
        if thread == here {
            return None;
        }
        runner = waits.get(&thread).and_then(|next| next.runner());
    }
    waits.insert(here, task);
    Some(Waiting(()))
}

/// How many broadcasts are under way in the process. Each needs every worker of
/// its pool, also one that blocks here, which no other worker can stand in for.
static BROADCASTS: AtomicUsize = AtomicUsize::new(0);

/// Runs `f`, a broadcast, with the blocked workers awake to take part.
pub(super) fn during_broadcast<R>(f: impl FnOnce() -> R) -> R {
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            BROADCASTS.fetch_sub(1, Ordering::Relaxed);
        }
    }
    // Before the nudges, each of which takes the lock under which a worker looks
    // at the count and falls asleep: it sees the count, or hears the nudge.
    BROADCASTS.fetch_add(1, Ordering::Relaxed);
    let _over = Over;
    let waited_for: Vec<_> = WAITS.lock().values().cloned().collect();
    waited_for.iter().for_each(|task| task.nudge());
    f()
}

/// Whether a broadcast is under way.
pub(super) fn is_broadcasting() -> bool {
    BROADCASTS.load(Ordering::Relaxed) > 0
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITS.lock().remove(&thread::current().id());
    }
}
