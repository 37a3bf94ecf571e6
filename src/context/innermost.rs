//! The capture in which a thread runs, to be lent to what it submits.
//!
//! A `join` whose second half stays on its thread, as nearly all do, needs no
//! capture; one whose second half moves needs what was current when it was
//! called. Where that is still what the task itself was entered with, the task's
//! own capture is lent: it lies beneath on this very stack, and so outlives the
//! `join`.

use std::cell::Cell;
use std::ptr;

use super::capture::Capture;
use crate::sync::thread_local;

thread_local! {
    /// What the innermost call of [`within`] on this thread was given; null where
    /// there is none.
    static INNERMOST: Cell<*const Capture> = const { Cell::new(ptr::null()) };
}

/// Runs `f` with `capture` to be lent. Whether it is what is current is for the
/// borrower to find out.
#[inline]
pub(crate) fn within<R>(capture: &Capture, f: impl FnOnce() -> R) -> R {
    struct Restore(*const Capture);
    impl Drop for Restore {
        #[inline]
        fn drop(&mut self) {
            INNERMOST.set(self.0);
        }
    }
    let _restore = Restore(INNERMOST.replace(capture));
    f()
}

/// Calls `f` with the capture of the innermost [`within`] on this thread.
#[inline]
pub(crate) fn lend<R>(f: impl FnOnce(Option<&Capture>) -> R) -> R {
    let innermost = INNERMOST.get();
    // SAFETY: a pointer that is not null was put there by a `within` that has not
    // returned, since on its return, or when a panic goes through it, it puts back
    // what was there before, which is null or by induction the pointer of an
    // earlier `within` that has not returned either. That call is below this one on
    // the same thread's stack, so it goes on until this one has returned, and `f`
    // with it; and for as long as it goes on it borrows the capture, shared. So the
    // pointer is aligned, initialised, valid for the whole call, and nothing
    // changes what it points to.
    #[expect(unsafe_code, reason = "lends what a frame below on the stack borrows")]
    let innermost = unsafe { innermost.as_ref() };
    f(innermost)
}

#[cfg(test)]
mod tests;
