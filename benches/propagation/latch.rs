//! How the main thread waits for a burst of tasks.
//!
//! A static, so that a task owns nothing of it: to clone and drop a count of it
//! would make both sides slower, and their ratio better.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Thread};

static LEFT: AtomicUsize = AtomicUsize::new(0);
static WAITING: Mutex<Option<Thread>> = Mutex::new(None);

/// Calls `submit`, and waits until `tasks` tasks have counted.
pub(crate) fn wait_for(tasks: usize, submit: impl FnOnce()) {
    *WAITING.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current());
    LEFT.store(tasks, Ordering::Release);
    submit();
    while LEFT.load(Ordering::Acquire) > 0 {
        thread::park();
    }
}

/// One task is done.
pub(crate) fn count() {
    if LEFT.fetch_sub(1, Ordering::AcqRel) == 1
        && let Some(thread) = &*WAITING.lock().unwrap_or_else(PoisonError::into_inner)
    {
        thread.unpark();
    }
}
