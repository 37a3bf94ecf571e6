//! Accessors for thread-locals that a subscriber sets, too.
//!
//! A layer that bridges `tracing` to another library may set that library's
//! thread-local whenever a span is entered, and put it back when the span is
//! exited: so do those of OpenTelemetry and of sentry. An accessor of the same
//! thread-local is entered after the span, and so lies above what the layer set.
//! When spans are parked and come back, the layer sets its own again, now above
//! the accessor's. So the accessors that follow the spans are suspended before
//! the spans are parked, each is resumed right after the span it was entered in,
//! and whatever the task entered above comes after that:
//!
//! ```text
//! the task   span, accessor, inner span
//! parked     -
//! resumed    span, accessor, inner span
//! ```

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem;

use tracing::dispatcher::{self, Dispatch};
use tracing::span;

use super::accessor::ErasedAccessor;
use super::unwind::{Payload, first_panic, quietly};
use crate::sync::thread_local;

thread_local! {
    /// Those entered on this thread inside a span, and not suspended, outermost
    /// first.
    static FOLLOWERS: RefCell<Vec<Follower>> = const { RefCell::new(Vec::new()) };
    static LAST: Cell<u64> = const { Cell::new(0) };
}

struct Follower {
    number: u64,
    /// The span in which it was entered.
    span: span::Id,
    accessor: &'static dyn ErasedAccessor,
    guard: Box<dyn Any>,
}

/// Keeps `guard`, of `accessor` which was just entered, where it can be suspended,
/// if that may be necessary. What is returned takes its place.
pub(super) fn follow(
    accessor: &'static dyn ErasedAccessor,
    guard: Box<dyn Any>,
) -> Result<Box<dyn Any>, Payload> {
    if !accessor.follows_spans() || !dispatcher::has_been_set() {
        return Ok(guard);
    }
    // Without a span beneath there is none that could come to lie above.
    let mut span = None;
    let mut asked = Ok(());
    first_panic(&mut asked, || {
        span = dispatcher::get_default(Dispatch::clone).current_span().id().cloned();
    });
    if let Err(payload) = asked {
        quietly(|| drop(guard));
        return Err(payload);
    }
    let Some(span) = span else { return Ok(guard) };
    let number = LAST.get() + 1;
    let mut follower = Some(Follower { number, span, accessor, guard });
    let kept = FOLLOWERS.try_with(|all| all.borrow_mut().extend(follower.take()));
    match (kept, follower) {
        // On a thread that is being torn down nothing is kept.
        (Err(_), Some(follower)) => Ok(follower.guard),
        _ => {
            LAST.set(number);
            Ok(Box::new(Following(number)))
        }
    }
}

/// Stands for the guard of a follower, and ends it.
struct Following(u64);

impl Drop for Following {
    fn drop(&mut self) {
        let ended = FOLLOWERS.try_with(|all| {
            let mut all = all.borrow_mut();
            let at = all.iter().rposition(|follower| follower.number == self.0)?;
            Some(all.remove(at))
        });
        // Foreign code runs in the guard's `Drop`: after the borrow.
        drop(ended);
    }
}

/// The followers of a task whose spans are parked.
#[must_use = "what was suspended must be resumed"]
#[derive(Default)]
pub(super) struct Suspended {
    followers: Vec<Follower>,
    /// How many of them were resumed already.
    resumed: usize,
}

impl Suspended {
    /// Suspends those that there are on this thread, innermost first. Goes on over
    /// a panic and returns the first.
    pub(super) fn suspend(&mut self) -> Result<(), Payload> {
        let mut outcome = Ok(());
        self.followers = FOLLOWERS.try_with(RefCell::take).unwrap_or_default();
        for Follower { accessor, guard, .. } in self.followers.iter_mut().rev() {
            first_panic(&mut outcome, || accessor.suspend(&mut **guard));
        }
        outcome
    }

    /// Resumes those that were entered in `span`, which was entered again, and
    /// whatever lies beneath them.
    pub(super) fn resume_in(&mut self, span: &span::Id) -> Result<(), Payload> {
        let of_it = self.followers.iter().rposition(|follower| follower.span == *span);
        self.resume_to(of_it.map_or(0, |at| at + 1))
    }

    /// Resumes all that are left.
    pub(super) fn resume(mut self) -> Result<(), Payload> {
        let outcome = self.resume_to(self.followers.len());
        let followers = mem::take(&mut self.followers);
        let _ = FOLLOWERS.try_with(|all| all.borrow_mut().splice(..0, followers).count());
        outcome
    }

    fn resume_to(&mut self, end: usize) -> Result<(), Payload> {
        let mut outcome = Ok(());
        while self.resumed < end {
            let Follower { accessor, guard, .. } = &mut self.followers[self.resumed];
            self.resumed += 1;
            first_panic(&mut outcome, || accessor.resume(&mut **guard));
        }
        outcome
    }
}
