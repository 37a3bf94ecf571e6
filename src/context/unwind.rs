//! Panics that were caught: which of several counts, and how the others end.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) type Payload = Box<dyn Any + Send>;

/// Runs `f`, keeping in `first` the payload of the first panic of several.
pub(crate) fn first_panic(first: &mut Result<(), Payload>, f: impl FnOnce()) {
    keep_first(first, catch_unwind(AssertUnwindSafe(f)));
}

/// Keeps in `first` the first panic of several that were caught already.
pub(crate) fn keep_first(first: &mut Result<(), Payload>, next: Result<(), Payload>) {
    match (&first, next) {
        (_, Ok(())) => {}
        (Ok(()), next) => *first = next,
        (Err(_), Err(payload)) => discard(payload),
    }
}

/// What a closure that `ran`, and the leaving of what was entered for it, come to:
/// the closure's panic counts, or else the other, for which `end` has the answer.
pub(crate) fn sum_up<R>(
    ran: Result<R, Payload>,
    left: Result<(), Payload>,
    end: impl FnOnce(R),
) -> Result<R, Payload> {
    match (ran, left) {
        (Ok(answer), Ok(())) => Ok(answer),
        (Ok(answer), Err(payload)) => {
            end(answer);
            Err(payload)
        }
        (Err(payload), left) => {
            swallow(left);
            Err(payload)
        }
    }
}

/// Runs `f` where nobody is to hear of its panic.
pub(crate) fn quietly(f: impl FnOnce()) {
    swallow(catch_unwind(AssertUnwindSafe(f)));
}

/// Ends a panic that was caught and of which nobody is to hear.
pub(crate) fn swallow<T>(caught: Result<T, Payload>) {
    match caught {
        Ok(_) => {}
        Err(payload) => discard(payload),
    }
}

/// Drops a panic's payload, whose own `Drop` may panic again.
pub(crate) fn discard(payload: Payload) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // Whoever panics a third time, out of the payload of the second, is
        // left undropped: a leak, where the alternative is an abort.
        std::mem::forget(second);
    }
}
