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
//! A wait with an end is in the table, so that it can be woken, but it closes no
//! circle: when it is over, the others go on. Beginning one is refused all the
//! same where the task it is for waits, without an end, for this thread, since
//! only its own end could then end it.
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

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use once_cell::sync::Lazy;

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::thread::{self, ThreadId};
use crate::sync::thread_local;

/// A task as the table sees it.
pub(super) trait Awaited: Send + Sync {
    /// The thread that runs the task now, if one does.
    fn runner(&self) -> Option<ThreadId>;
    /// Wakes the threads that block on the task, to look around.
    fn nudge(&self);
}

struct Wait {
    task: Arc<dyn Awaited>,
    /// Whether it is over at some time, whatever the task does.
    has_end: bool,
}

static WAITS: Lazy<Mutex<HashMap<ThreadId, Wait>>> = Lazy::new(Mutex::default);

/// This thread's entry in the table, until dropped.
#[must_use = "the entry is gone when this is dropped"]
pub(super) struct Waiting(());

/// Enters that this thread is about to block on `task`; `None` if it would wait
/// for itself.
pub(super) fn enter(task: Arc<dyn Awaited>, has_end: bool) -> Option<Waiting> {
    let here = thread::current().id();
    let mut waits = WAITS.lock();
    let mut runner = task.runner();
    while let Some(thread) = runner {
        if thread == here {
            return None;
        }
        let next = waits.get(&thread).filter(|next| !next.has_end);
        runner = next.and_then(|next| next.task.runner());
    }
    waits.insert(here, Wait { task, has_end });
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
    let waited_for: Vec<_> = WAITS.lock().values().map(|wait| wait.task.clone()).collect();
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

/// The longest that a worker which waits for something that is not up to its own
/// pool alone goes without a look for work there.
pub(super) const LONGEST_NAP: Duration = Duration::from_millis(16);
/// The first of these looks comes after this, and each takes twice as long.
pub(super) const SHORTEST_NAP: Duration = Duration::from_micros(250);

/// How long a thread may sleep that is about to, if `at_most` is what it would.
/// To be asked under the lock that [`Awaited::nudge`] takes.
pub(super) fn at_most_for_now(at_most: Option<Duration>) -> Option<Duration> {
    if !is_broadcasting() || rayon::current_thread_index().is_none() {
        return at_most;
    }
    Some(at_most.map_or(SHORTEST_NAP, |at_most| at_most.min(SHORTEST_NAP)))
}

thread_local! {
    /// How many waits on this thread run other work, each on top of the one before.
    static HELPING: Cell<u32> = const { Cell::new(0) };
    static LAST_HELP: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// How deep help may nest without restraint. What a waiting worker picks up may
/// wait in its turn, and pick up the next, until the stack is full.
const MOST_HELPING: u32 = 32;

/// Whether a waiting worker is to look for other work now. Deep in nested waits it
/// does so but once in the longest nap: enough to get on where what it waits for
/// needs this very worker, and slow enough for what it waits for to end first.
pub(super) fn may_help() -> bool {
    if HELPING.get() < MOST_HELPING {
        return true;
    }
    let is_time = LAST_HELP.get().is_none_or(|last| last.elapsed() >= LONGEST_NAP);
    if is_time {
        LAST_HELP.set(Some(Instant::now()));
    }
    is_time
}

/// Runs one job of this worker's pool on top of the wait; whether there was one.
pub(super) fn help() -> bool {
    struct Back(u32);
    impl Drop for Back {
        fn drop(&mut self) {
            HELPING.set(self.0);
        }
    }
    let _back = Back(HELPING.replace(HELPING.get() + 1));
    rayon::yield_now() == Some(rayon::Yield::Executed)
}

/// Waits until `is_over`, for something that is up to the workers of `pool`, or
/// until it is too late; says whether it is over. `block` sleeps until there is
/// reason to look again, and at most for what it is given.
pub(super) fn wait<E>(
    pool: &rayon::ThreadPool,
    until: Option<Instant>,
    is_over: impl Fn() -> bool,
    block: impl Fn(Option<Duration>) -> Result<(), E>,
) -> Result<bool, E> {
    let is_others_worker =
        pool.current_thread_index().is_none() && rayon::current_thread_index().is_some();
    wait_helping(is_others_worker, until, is_over, block)
}

/// As [`wait`]; whether this thread is a worker that is to run what there is to
/// run on its pool meanwhile, the caller knows.
pub(super) fn wait_helping<E>(
    helps: bool,
    until: Option<Instant>,
    is_over: impl Fn() -> bool,
    block: impl Fn(Option<Duration>) -> Result<(), E>,
) -> Result<bool, E> {
    let mut nap = SHORTEST_NAP;
    while !is_over() {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(false);
        }
        if !helps {
            // During a broadcast: its closure for this worker may be there.
            if !is_broadcasting() || rayon::yield_local() != Some(rayon::Yield::Executed) {
                block(left)?;
            }
        } else if may_help() && help() {
            nap = SHORTEST_NAP;
        } else {
            // What is waited for may come to need a worker of this thread's
            // pool, so this one must not sleep through that. Rayon offers no way
            // to be woken for both; hence the look now and then.
            block(Some(left.map_or(nap, |left| left.min(nap))))?;
            nap = (nap * 2).min(LONGEST_NAP);
        }
    }
    Ok(true)
}

#[cfg(all(test, not(entourage_shuttle)))]
mod tests;
