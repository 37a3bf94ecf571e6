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
use crate::context::{Payload, drop_clean, keep_first, quietly, sum_up, swallow};
use crate::executor::books::{End, Entry, Stay};
use crate::executor::error::TaskError;
use crate::executor::task::{Carry, Outcome, tell, tell_others};

/// Why a future is dropped.
pub(super) enum Why<R> {
    Ready(R),
    Panicked(Payload),
    Cancelled,
    ShutDown,
}

impl<F, R> FutureTask<F, R> {
    /// Ends the task, whose future is not being polled, on whichever thread.
    pub(super) fn end(&self, Body { future, carry, entry }: Body<F>, why: Why<R>) {
        let was_suspended = entry.as_ref().is_some_and(Entry::is_suspended);
        let mut stay = self.books.begin(entry);
        let outcome = self.drop_future(future, carry.for_any_thread(&self.books), why, &mut stay);
        self.finish(outcome, was_suspended);
    }

    /// Drops the future in its context, and the snapshot after it.
    pub(super) fn drop_future(
        &self,
        future: Pin<Box<F>>,
        carry: Carry,
        why: Why<R>,
        stay: &mut Stay<'_>,
    ) -> Option<Outcome<R>> {
        let mut end = End::Cancelled;
        let (ran, left) = carry.run(|| self.observe(future, why, &mut end));
        self.settle(ran, left, carry, end, stay)
    }

    /// Drops the future, in whose context this is called. `None` where no handle
    /// is left: the outcome then ended here, in that context as well.
    pub(super) fn observe(
        &self,
        future: Pin<Box<F>>,
        why: Why<R>,
        end: &mut End,
    ) -> Option<Outcome<R>> {
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(future)));
        let outcome = match (why, dropped) {
            (Why::Ready(output), Ok(())) => Ok(output),
            (Why::Cancelled, Ok(())) => Err(TaskError::cancelled_future(self.name.clone())),
            (Why::ShutDown, Ok(())) => Err(TaskError::shut_down(self.name.clone())),
            (Why::Cancelled | Why::ShutDown, Err(payload)) => Err(self.panicked(payload)),
            (Why::Ready(output), Err(payload)) => {
                quietly(|| drop(output));
                Err(self.panicked(payload))
            }
            // What the poll panicked with counts, and not what came of it.
            (Why::Panicked(payload), dropped) => {
                swallow(dropped);
                Err(self.panicked(payload))
            }
        };
        *end = match &outcome {
            Ok(_) => End::Finished,
            Err(error) if error.is_panic() => End::Panicked,
            Err(_) => End::Cancelled,
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
            tell(self.books.terms().on_panic.as_ref(), error);
        }
        quietly(|| drop(outcome));
    }

    /// Ends the snapshot, and says what the end of the future, the leaving of its
    /// context and that come to, to the books as well.
    pub(super) fn settle(
        &self,
        ran: Result<Option<Outcome<R>>, Payload>,
        mut left: Result<(), Payload>,
        carry: Carry,
        end: End,
        stay: &mut Stay<'_>,
    ) -> Option<Outcome<R>> {
        keep_first(&mut left, carry.retire());
        let panicked = ran.is_err() || left.is_err();
        stay.end(if panicked { End::Panicked } else { end });
        match ran {
            Ok(Some(Err(error))) if error.is_panic() => {
                swallow(left);
                Some(Err(error))
            }
            ran => sum_up(ran, left, drop_clean)
                .unwrap_or_else(|payload| Some(Err(self.panicked(payload)))),
        }
    }

    /// Hands the outcome over, and strikes a task that `was_suspended` off the list
    /// of those.
    pub(super) fn finish(&self, outcome: Option<Outcome<R>>, was_suspended: bool) {
        if was_suspended {
            self.books.strike_off(self.address());
        }
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
        self.changed.notify_all();
        tell_others(waker, unseen, |outcome| self.see_off(outcome));
    }
}

/// A future that nobody can wake any more, and nobody waits for, ends with the
/// last of its wakers or with its handle, in its context as well.
impl<F, R> Drop for FutureTask<F, R> {
    fn drop(&mut self) {
        let state = mem::replace(&mut self.shared.get_mut().state, State::Taken);
        if let State::Idle(body) | State::Queued(body) = state {
            self.end(body, Why::Cancelled);
        }
    }
}
