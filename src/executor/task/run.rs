//! What a task does with its body: calls it, or drops it; in its own context,
//! and whatever panics meanwhile.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use super::{Carry, Outcome, PanicHandler, Queued, Task};
use crate::context::{Frame, Payload, drop_clean, keep_first, quietly, run_clean, sum_up, swallow};
use crate::executor::books::{End, Stay};
use crate::executor::error::{TaskError, TaskName};

impl<F, R> Task<F, R>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    /// Calls the body. `None` where no handle is left: the outcome has ended.
    pub(super) fn call(&self, body: F, carry: Carry, stay: &mut Stay<'_>) -> Option<Outcome<R>> {
        stay.run();
        let mut end = End::Finished;
        let (ran, left) = in_context(carry, || self.observe(body, &mut end));
        if ran.is_err() || left.is_err() {
            end = End::Panicked;
        }
        // The snapshot is gone by now: a span must not outlive its last task
        // because a handle is still held.
        let outcome = self.settle(ran, left);
        stay.end(end);
        outcome
    }

    /// Ends the task without calling its body, unless somebody has begun it, and
    /// says whether nobody had.
    pub(in crate::executor) fn call_off(&self, why: fn(TaskName) -> TaskError) -> bool {
        let Some(Queued { body, carry, entry }) = self.claim() else { return false };
        let mut stay = self.books.begin(entry);
        self.drop_body(body, carry.for_any_thread(&self.books), &mut stay);
        self.finish(Some(Err(why(self.name.clone()))));
        true
    }

    /// Drops the body in the task's context. A panic of what it owned is no
    /// outcome of a task that never ran: the panic handler is told.
    pub(super) fn drop_body(&self, body: F, carry: Carry, stay: &mut Stay<'_>) {
        let (dropped, left) = in_context(carry, || {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(body))) {
                self.see_off(Err(self.panicked(payload)));
            }
        });
        for payload in [dropped, left].into_iter().filter_map(Result::err) {
            quietly(|| run_clean(|| self.see_off(Err(self.panicked(payload)))));
        }
        stay.end(End::Cancelled);
    }

    /// Runs the body. `None` where no handle is left: the outcome then ended
    /// here, while the task's context is still current.
    fn observe(&self, body: F, end: &mut End) -> Option<Outcome<R>> {
        let outcome = catch_unwind(AssertUnwindSafe(body));
        let outcome = outcome.map_err(|payload| {
            *end = End::Panicked;
            self.panicked(payload)
        });
        if self.shared.lock().is_detached {
            self.see_off(outcome);
            return None;
        }
        Some(outcome)
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

    /// What a task that ran, and the leaving of its context, come to.
    fn settle(
        &self,
        ran: Result<Option<Outcome<R>>, Payload>,
        left: Result<(), Payload>,
    ) -> Option<Outcome<R>> {
        match ran {
            // The body's own panic counts, and not what came of it.
            Ok(Some(Err(error))) => {
                swallow(left);
                Some(Err(error))
            }
            ran => sum_up(ran, left, drop_clean)
                .unwrap_or_else(|payload| Some(Err(self.panicked(payload)))),
        }
    }

    fn panicked(&self, payload: Payload) -> TaskError {
        TaskError::panicked(self.name.clone(), payload)
    }
}

impl Carry {
    /// Runs `f` in what is carried, and returns how that ended, and apart from it
    /// how the leaving did.
    pub(in crate::executor) fn run<T>(
        &self,
        f: impl FnOnce() -> T,
    ) -> (Result<T, Payload>, Result<(), Payload>) {
        match self {
            Self::Off => (catch_unwind(AssertUnwindSafe(|| run_clean(f))), Ok(())),
            Self::Snapshot(snapshot) => Frame::run_apart(snapshot.as_capture(), f),
        }
    }

    pub(in crate::executor) fn retire(self) -> Result<(), Payload> {
        match self {
            Self::Off => Ok(()),
            Self::Snapshot(snapshot) => snapshot.retire(),
        }
    }
}

/// Runs `f` in what the task carries, and ends that: how both went.
fn in_context<T>(carry: Carry, f: impl FnOnce() -> T) -> (Result<T, Payload>, Result<(), Payload>) {
    let (ran, mut left) = carry.run(f);
    keep_first(&mut left, carry.retire());
    (ran, left)
}

/// Wakes who awaits a task that has ended, and sees off what nobody is there to
/// receive.
pub(in crate::executor) fn tell_others<T>(
    mut waker: Option<Waker>,
    mut unseen: Option<T>,
    see_off: impl Fn(T),
) {
    if waker.is_none() && unseen.is_none() {
        return;
    }
    let mut tell = || {
        if let Some(waker) = waker.take() {
            quietly(|| waker.wake());
        }
        if let Some(unseen) = unseen.take() {
            see_off(unseen);
        }
    };
    // Foreign code, and another task may be waiting beneath. Should its context
    // refuse to be put away, a future must be woken even so.
    quietly(|| run_clean(&mut tell));
    tell();
}

/// Calls the panic handler, whose own panic goes no further.
pub(in crate::executor) fn tell(on_panic: Option<&PanicHandler>, error: &TaskError) {
    if let Some(on_panic) = on_panic {
        quietly(|| on_panic(error));
    }
}
