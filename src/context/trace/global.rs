//! The process's global dispatcher, and how it is told from a scoped one.
//!
//! `tracing` does not say which dispatchers are global, and a global one must not
//! be set again as a scoped one: that ends its fast path for the whole process.

use std::fmt::{self, Write};
use std::ptr;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use once_cell::sync::OnceCell;
use tracing::dispatcher::{self, Dispatch};
use tracing::subscriber::NoSubscriber;

use super::watch;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// The process's global dispatcher, once it was seen.
static GLOBAL: OnceCell<Dispatch> = OnceCell::new();
/// Where in memory it lies, once that is known. A hint: hence relaxed.
static GLOBAL_AT: AtomicUsize = AtomicUsize::new(0);

/// Notes the process's global dispatcher, if it is what this thread has: a task
/// that carries none must be given it on a thread that has set it aside.
pub(crate) fn note_dispatcher() {
    if dispatcher::has_been_set() {
        dispatcher::get_default(is_global);
    }
}

/// Whether `dispatch`, a reference that `get_default` handed out on this thread,
/// is what a thread without a scoped dispatcher has.
#[inline]
pub(super) fn is_global(dispatch: &Dispatch) -> bool {
    // The global one lies in a static, of which `get_default` hands out the very
    // address. A copy of it that somebody set as scoped lies elsewhere, and is
    // told by its kind, below.
    let is_known = ptr::from_ref(dispatch).addr() == GLOBAL_AT.load(Ordering::Relaxed);
    is_known || is_of_global_kind(dispatch)
}

#[cold]
fn is_of_global_kind(dispatch: &Dispatch) -> bool {
    if !names_global(dispatch) {
        return false;
    }
    if dispatch.is::<NoSubscriber>() {
        // `Dispatch::none()` counts as global too. It is what this thread has
        // by itself unless there is a global one that somebody set aside.
        return global().is::<NoSubscriber>();
    }
    if GLOBAL.get().is_none() {
        learn();
    }
    true
}

/// The dispatcher of a thread that has no scoped one.
///
/// In a process that has none but scoped ones the answer takes a thread, and is
/// good for a while. A global one that is set meanwhile is seen at once by a thread
/// that has no scoped one; only tasks that carry no dispatcher, and begin on top of
/// one that waits with a scoped one, may miss it for as long.
pub(super) fn global() -> Dispatch {
    /// When nothing was found last.
    static MISSED: Mutex<Option<Instant>> = Mutex::new(None);
    const A_WHILE: Duration = Duration::from_millis(100);

    if let Some(global) = GLOBAL.get() {
        return global.clone();
    }
    let missed = *MISSED.lock();
    if missed.is_none_or(|at| at.elapsed() > A_WHILE) {
        learn();
        *MISSED.lock() = Some(Instant::now());
    }
    GLOBAL.get().cloned().unwrap_or_else(Dispatch::none)
}

/// Asks a new thread, which has no scoped dispatcher, for the global one and
/// where it lies. Where no thread can be started, or no global one is set, both
/// stay unknown.
fn learn() {
    let ask = || dispatcher::get_default(|it| (it.clone(), ptr::from_ref(it).addr()));
    let asked = thread::Builder::new().spawn(ask).map(JoinHandle::join);
    let Ok(Ok((dispatch, address))) = asked else { return };
    let is_watched = watch::is_watched(&dispatch);
    if !dispatch.is::<NoSubscriber>() && GLOBAL.set(dispatch).is_ok() {
        watch::set_global(is_watched);
        GLOBAL_AT.store(address, Ordering::Relaxed);
    }
}

/// Reads the kind of a dispatcher from the one place that tells it, the first
/// word of its `Debug`. Should that word ever change, the answer is no: the
/// dispatcher is then set on the worker, which is right and merely slower.
pub(super) fn names_global(dispatch: &Dispatch) -> bool {
    struct FirstWord(bool);
    impl Write for FirstWord {
        fn write_str(&mut self, word: &str) -> fmt::Result {
            self.0 = word.starts_with("Dispatch::Global");
            Err(fmt::Error)
        }
    }
    let mut first = FirstWord(false);
    // The error is ours and stops the formatting after the first word.
    let _ = write!(first, "{dispatch:?}");
    first.0
}
