//! One submitted task: who runs it, and where its value goes.
//!
//! ```text
//! Queued ── claim ──▶ Running ── finish ──▶ Finished ── take ──▶ Taken
//! ```
//!
//! [`Joinable::run`] claims to call the closure, [`Joinable::cancel`] to drop it.
//! Several threads may try, the worker that finds the task in the pool's queue,
//! the one that joins it, and whoever cancels it: the state is under one lock, so
//! the second finds `Running` or later and leaves it alone. `Running` names the
//! thread that ends the task, one way or the other: a waiter waits for that, and
//! the closure of a cancelled task is gone when its handle is ready. `Finished`
//! is written once, by the thread that claimed, and the wake-ups are sent after
//! it, so a waiter that saw `Running` under the lock and then waits cannot miss
//! them: both the waker and the condition variable are armed under that lock.
//! No foreign code runs under it, not even the `Drop` of a waker: that may own
//! a future, and the future another handle.
//!
//! What a task leaves that nobody will take, a value or a panic whose handle is
//! gone, ends in the task's own context. Only where the handle goes in the
//! moment between the task's leaving that context and `Finished` does it end
//! with nothing to be seen: later than that, the one who drops the handle has
//! it, and earlier, the snapshot would outlive the value.

#[cfg(all(test, entourage_shuttle))]
mod model;
mod run;

use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

pub(super) use self::run::{tell, tell_others};
use super::books::{Books, Entry};
use super::error::{TaskError, TaskName};
use super::waits::{self, Awaited};
use crate::context::{Snapshot, quietly};
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Condvar, Mutex};

/// How the body of a task is run, or dropped.
pub(super) enum Carry {
    /// In what was captured at submit.
    Snapshot(Snapshot),
    /// With nothing carried and nothing shown.
    Off,
}

/// What a handle receives.
pub(super) type Outcome<R> = Result<R, TaskError>;

/// Hears of panics that no handle is there to receive.
pub(super) type PanicHandler = Arc<dyn Fn(&TaskError) + Send + Sync>;

pub(super) struct Task<F, R> {
    name: TaskName,
    shared: Mutex<Shared<F, R>>,
    done: Condvar,
    books: Arc<Books>,
}

struct Shared<F, R> {
    state: State<F, R>,
    waker: Option<Waker>,
    /// Whether the handle is gone.
    is_detached: bool,
}

enum State<F, R> {
    Queued(Queued<F>),
    Running { thread: ThreadId },
    Finished(Outcome<R>),
    Taken,
}

struct Queued<F> {
    body: F,
    carry: Carry,
    /// In the books of the executor; `None` if it is in none.
    entry: Option<Entry>,
}

/// What a handle needs of a task, with the type of its body gone.
pub(super) trait Joinable<R>: Awaited {
    fn name(&self) -> &TaskName;
    /// The pool whose workers may run the task; held by the task, and so by its
    /// handle.
    fn pool(&self) -> &rayon::ThreadPool;
    /// Runs the task here unless somebody has begun it.
    fn run(&self);
    /// Drops the task's body here unless somebody has begun it, and says whether
    /// nobody had.
    fn cancel(&self) -> bool;
    /// Blocks until the task is finished or nudged, or for `at_most` that long.
    fn block(&self, at_most: Option<Duration>);
    fn is_finished(&self) -> bool;
    /// Takes the value out, or leaves `waker` to be woken for it.
    fn take(&self, waker: Option<&Waker>) -> Option<Outcome<R>>;
    /// Notes that the handle is gone.
    fn detach(&self);
}

impl<F, R> Task<F, R>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    pub(super) fn new(
        name: TaskName,
        carry: Carry,
        books: Arc<Books>,
        entry: Option<Entry>,
        body: F,
    ) -> Self {
        let state = State::Queued(Queued { body, carry, entry });
        let shared = Mutex::new(Shared { state, waker: None, is_detached: false });
        Self { name, shared, done: Condvar::new(), books }
    }

    /// This task as one that never had a handle.
    pub(super) fn detached(mut self) -> Self {
        self.shared.get_mut().is_detached = true;
        self
    }

    fn claim(&self) -> Option<Queued<F>> {
        let mut shared = self.shared.lock();
        let running = State::Running { thread: thread::current().id() };
        match mem::replace(&mut shared.state, running) {
            State::Queued(queued) => Some(queued),
            other => {
                shared.state = other;
                None
            }
        }
    }

    fn finish(&self, outcome: Option<Outcome<R>>) {
        let mut shared = self.shared.lock();
        let waker = shared.waker.take();
        let mut unseen = None;
        shared.state = match outcome {
            Some(outcome) if !shared.is_detached => State::Finished(outcome),
            outcome => {
                unseen = outcome;
                State::Taken
            }
        };
        drop(shared);
        self.done.notify_all();
        tell_others(waker, unseen, |outcome| self.see_off(outcome));
    }
}

impl<F, R> Awaited for Task<F, R>
where
    F: Send,
    R: Send,
{
    fn runner(&self) -> Option<ThreadId> {
        match self.shared.lock().state {
            State::Running { thread } => Some(thread),
            _ => None,
        }
    }

    fn nudge(&self) {
        // Under the lock, or a thread about to wait would not hear it.
        let _shared = self.shared.lock();
        self.done.notify_all();
    }
}

impl<F, R> Joinable<R> for Task<F, R>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    fn name(&self) -> &TaskName {
        &self.name
    }

    fn pool(&self) -> &rayon::ThreadPool {
        self.books.pool()
    }

    fn run(&self) {
        let Some(Queued { body, carry, entry }) = self.claim() else { return };
        let mut stay = self.books.begin(entry);
        if stay.is_dropping() {
            self.drop_body(body, carry, &mut stay);
            self.finish(Some(Err(TaskError::shut_down(self.name.clone()))));
        } else {
            let outcome = self.call(body, carry, &mut stay);
            self.finish(outcome);
        }
    }

    fn cancel(&self) -> bool {
        self.call_off(TaskError::cancelled)
    }

    fn block(&self, at_most: Option<Duration>) {
        let mut shared = self.shared.lock();
        if shared.state.is_finished() {
            return;
        }
        match waits::at_most_for_now(at_most) {
            None => self.done.wait(&mut shared),
            Some(at_most) => {
                self.done.wait_for(&mut shared, at_most);
            }
        }
    }

    fn is_finished(&self) -> bool {
        self.shared.lock().state.is_finished()
    }

    fn take(&self, waker: Option<&Waker>) -> Option<Outcome<R>> {
        let mut fresh = None;
        loop {
            let mut shared = self.shared.lock();
            match mem::replace(&mut shared.state, State::Taken) {
                State::Finished(outcome) => return Some(outcome),
                State::Taken => return Some(Err(TaskError::taken(self.name.clone()))),
                unfinished => shared.state = unfinished,
            }
            let waker = waker?;
            if shared.waker.as_ref().is_some_and(|armed| armed.will_wake(waker)) {
                return None;
            }
            // Cloned and dropped outside of the lock.
            if fresh.is_some() {
                let old = mem::replace(&mut shared.waker, fresh);
                drop(shared);
                drop(old);
                return None;
            }
            drop(shared);
            fresh = Some(waker.clone());
        }
    }

    fn detach(&self) {
        let mut shared = self.shared.lock();
        shared.is_detached = true;
        let waker = shared.waker.take();
        let mut left = None;
        if let State::Finished(_) = shared.state {
            left = Some(mem::replace(&mut shared.state, State::Taken));
        }
        drop(shared);
        quietly(|| drop(waker));
        if let Some(State::Finished(outcome)) = left {
            self.see_off(outcome);
        }
    }
}

impl<F, R> State<F, R> {
    fn is_finished(&self) -> bool {
        matches!(self, Self::Finished(_) | Self::Taken)
    }
}
