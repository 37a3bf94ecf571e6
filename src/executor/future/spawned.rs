//! A spawned future as its handle sees it, and as the table of waits does.

use std::future::Future;
use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use super::task::{FutureTask, State};
use crate::context::quietly;
use crate::executor::error::{TaskError, TaskName};
use crate::executor::task::Outcome;
use crate::executor::waits::{self, Awaited};
use crate::sync::thread::ThreadId;

/// What a handle needs of a task, with the type of its future gone.
pub(super) trait Spawned<R>: Awaited {
    fn name(&self) -> &TaskName;
    fn pool(&self) -> &rayon::ThreadPool;
    /// Polls the future here if it waits to be polled, and says whether it did.
    fn poll_queued(self: Arc<Self>) -> bool;
    /// Blocks until the task is finished or nudged, or for `at_most` that long;
    /// if this thread `can_poll`, until there is a poll to be made, too.
    fn block(&self, at_most: Option<Duration>, can_poll: bool);
    fn is_finished(&self) -> bool;
    /// Takes the outcome out, or leaves `waker` to be woken for it.
    fn take(&self, waker: Option<&Waker>) -> Option<Outcome<R>>;
    /// Drops the future here, or has whoever polls it now drop it.
    fn cancel(&self);
    /// Notes that the handle is gone.
    fn detach(&self);
}

impl<F, R> Spawned<R> for FutureTask<F, R>
where
    F: Future<Output = R> + Send + 'static,
    R: Send + 'static,
{
    fn name(&self) -> &TaskName {
        &self.name
    }

    fn pool(&self) -> &rayon::ThreadPool {
        &self.pool
    }

    fn poll_queued(self: Arc<Self>) -> bool {
        self.poll_if_due()
    }

    fn block(&self, at_most: Option<Duration>, can_poll: bool) {
        let mut shared = self.shared.lock();
        match shared.state {
            State::Finished(_) | State::Taken => return,
            State::Queued(_) if can_poll => return,
            _ => {}
        }
        match waits::at_most_for_now(at_most) {
            None => self.changed.wait(&mut shared),
            Some(at_most) => {
                self.changed.wait_for(&mut shared, at_most);
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

    fn cancel(&self) {
        self.cancel_here();
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

impl<F, R> Awaited for FutureTask<F, R>
where
    F: Send,
    R: Send,
{
    fn runner(&self) -> Option<ThreadId> {
        match self.shared.lock().state {
            State::Busy { thread, .. } => Some(thread),
            _ => None,
        }
    }

    fn nudge(&self) {
        // Under the lock, or a thread about to wait would not hear it.
        let _shared = self.shared.lock();
        self.changed.notify_all();
    }
}

impl<F, R> State<F, R> {
    fn is_finished(&self) -> bool {
        matches!(self, Self::Finished(_) | Self::Taken)
    }
}
