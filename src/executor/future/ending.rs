//! How a spawned future ends: dropped in its context, its outcome handed over.
//!
//! What nobody will take, an output or a panic whose handle is gone, ends in the
//! future's own context. Only where the handle goes in the moment between that and
//! `Finished` does it end with nothing to be seen: later, the one who drops the
//! handle has it, and earlier, the snapshot would outlive it.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use super::task::{Body, FutureTask, State};
use crate::context::{
    Frame, Payload, Snapshot, drop_clean, keep_first, quietly, run_clean, swallow,
};
use crate::executor::error::TaskError;
use crate::executor::task::{Carry, Outcome, tell};

/// Why a future is dropped.
pub(super) enum End<R> {
    Ready(R),
    Panicked(Payload),
    Cancelled,
}

impl<F, R> FutureTask<F, R> {
    /// Drops the future in its context, and the snapshot after it.
    pub(super) fn end(&self, Body { future, carry }: Body<F>, end: End<R>) -> Option<Outcome<R>> {
        // On whichever thread, which may hold what no flag tells of: it has to be
        // looked for.
        let carry = match carry {
            Carry::Off => Carry::Snapshot(Snapshot::empty()),
            carry => carry,
        };
        let (ran, left) = carry.run(|| self.observe(future, end));
        self.settle(ran, left, carry)
    }

    /// Drops the future, in whose context this is called. `None` where no handle
    /// is left: the outcome then ended here, in that context as well.
    pub(super) fn observe(&self, future: Pin<Box<F>>, end: End<R>) -> Option<Outcome<R>> {
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(future)));
        let outcome = match (end, dropped) {
            (End::Ready(output), Ok(())) => Ok(output),
            (End::Cancelled, Ok(())) => Err(TaskError::cancelled_future(self.name.clone())),
            (End::Cancelled, Err(payload)) => Err(self.panicked(payload)),
            (End::Ready(output), Err(payload)) => {
                quietly(|| drop(output));
                Err(self.panicked(payload))
            }
            // What the poll panicked with counts, and not what came of it.
            (End::Panicked(payload), dropped) => {
                swallow(dropped);
                Err(self.panicked(payload))
            }
        };
        if self.shared.lock().is_detached {
            self.see_off(outcome);
            return None;
        }
        Some(outcome)
    }

    fn panicked(&self, payload: Payload) -> TaskError {
        TaskError::panicked(self.name.clone(), payload)
    }

    /// Ends an outcome that nobody is there to receive.
    pub(super) fn see_off(&self, outcome: Outcome<R>) {
        if let Err(error) = &outcome
            && error.is_panic()
        {
            tell(self.on_panic.as_ref(), error);
        }
        quietly(|| drop(outcome));
    }

    /// Ends the snapshot, and says what the end of the future, the leaving of its
    /// context and that come to.
    pub(super) fn settle(
        &self,
        ran: Result<Option<Outcome<R>>, Payload>,
        mut left: Result<(), Payload>,
        carry: Carry,
    ) -> Option<Outcome<R>> {
        keep_first(&mut left, carry.retire());
        let payload = match (ran, left) {
            (Ok(outcome), Ok(())) => return outcome,
            (Ok(Some(Err(error))), left) if error.is_panic() => {
                swallow(left);
                return Some(Err(error));
            }
            (Ok(outcome), Err(payload)) => {
                drop_clean(outcome);
                payload
            }
            (Err(payload), left) => {
                swallow(left);
                payload
            }
        };
        Some(Err(self.panicked(payload)))
    }

    pub(super) fn finish(&self, outcome: Option<Outcome<R>>) {
        let mut shared = self.shared.lock();
        let mut waker = shared.waker.take();
        let mut unseen = None;
        shared.state = match outcome {
            Some(outcome) if !shared.is_detached => State::Finished(outcome),
            outcome => {
                unseen = outcome;
                State::Taken
            }
        };
        drop(shared);
        self.changed.notify_all();
        if waker.is_some() || unseen.is_some() {
            let mut tell_others = || {
                if let Some(waker) = waker.take() {
                    quietly(|| waker.wake());
                }
                if let Some(outcome) = unseen.take() {
                    self.see_off(outcome);
                }
            };
            // Foreign code, and another task may be waiting beneath. Should its
            // context refuse to be put away, a future must be woken even so.
            quietly(|| run_clean(&mut tell_others));
            tell_others();
        }
    }
}

/// A future that nobody can wake any more, and nobody waits for, ends with the
/// last of its wakers or with its handle, in its context as well.
impl<F, R> Drop for FutureTask<F, R> {
    fn drop(&mut self) {
        let state = mem::replace(&mut self.shared.get_mut().state, State::Taken);
        if let State::Idle(body) | State::Queued(body) = state
            && let Some(outcome) = self.end(body, End::Cancelled)
        {
            // Its context would not be left: nothing of it is to be seen here.
            quietly(|| run_clean(|| self.see_off(outcome)));
        }
    }
}

impl Carry {
    /// Runs `f` in what is carried, and returns how that ended, and apart from it
    /// how the leaving did.
    pub(super) fn run<T>(
        &self,
        f: impl FnOnce() -> T,
    ) -> (Result<T, Payload>, Result<(), Payload>) {
        match self {
            Self::Off => (catch_unwind(AssertUnwindSafe(|| run_clean(f))), Ok(())),
            Self::Snapshot(snapshot) => Frame::run_apart(snapshot.as_capture(), f),
        }
    }

    fn retire(self) -> Result<(), Payload> {
        match self {
            Self::Off => Ok(()),
            Self::Snapshot(snapshot) => snapshot.retire(),
        }
    }
}
