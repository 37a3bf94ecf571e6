//! What a thread captured last, to be shared by what it submits next.
//!
//! A thread that submits many tasks mostly does so in one context, and tasks may
//! share a capture as long as nothing changed. The thread must not keep what was
//! captured alive, though: a span has to close with its last task. So it keeps a
//! weak reference, and shares while some task still holds the capture.

use std::cell::RefCell;
use std::sync::{Arc, Weak};

use super::capture::Capture;
use super::policy::CarryPolicy;
use super::snapshot::Snapshot;
use super::unwind::swallow;
use crate::sync::thread_local;

thread_local! {
    static RECENT: RefCell<Weak<Capture>> = const { RefCell::new(Weak::new()) };
}

/// This thread's last capture, if one taken by `policy` now would be the same; or
/// else `take`s a new one.
#[inline]
pub(crate) fn capture(policy: &CarryPolicy, take: impl FnOnce() -> Capture) -> Snapshot {
    if Capture::is_plainly_blank(policy) {
        return Snapshot::empty();
    }
    if let Ok(Some(recent)) = RECENT.try_with(|recent| recent.borrow().upgrade()) {
        if recent.is_unchanged(policy) {
            return recent.into();
        }
        // It may have become the last owner meanwhile.
        swallow(Snapshot::from(recent).retire());
    }
    let taken = take();
    if taken.is_blank() {
        return Snapshot::empty();
    }
    let taken = Arc::new(taken);
    // What is replaced owns no value.
    _ = RECENT.try_with(|recent| recent.replace(Arc::downgrade(&taken)));
    taken.into()
}
