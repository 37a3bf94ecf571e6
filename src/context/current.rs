//! What is current on this thread, and the only ways in which it changes.

use std::cell::{Cell, RefCell};

use super::accessor::quietly;
use super::values::Context;
use crate::sync::thread_local;

thread_local! {
    static CONTEXT: RefCell<Context> = const { RefCell::new(Context::EMPTY) };
    /// Whether this thread is running a task, or holds a key or a suppression
    /// that somebody set outside of any, so that whatever it starts next has
    /// something to be hidden from it. Needs no destructor: a plain load.
    static IN_TASK: Cell<bool> = const { Cell::new(false) };
    static SUPPRESSED: Cell<bool> = const { Cell::new(false) };
}

/// Calls `f` with the current context: with the empty one while the thread is
/// being torn down.
pub(super) fn with_context<R>(f: impl FnOnce(&Context) -> R) -> R {
    let mut f = Some(f);
    let seen = CONTEXT.try_with(|context| f.take().map(|f| f(&context.borrow())));
    match (seen, f) {
        (Ok(Some(answer)), _) => answer,
        (_, Some(f)) => f(&Context::EMPTY),
        _ => unreachable!("`f` was called or is still here"),
    }
}

/// Makes `context` current and returns what was. During the teardown of the
/// thread nothing is kept, and `context` comes straight back.
pub(super) fn replace_context(context: Context) -> Context {
    let mut context = Some(context);
    let replaced = CONTEXT.try_with(|current| match context.take() {
        Some(context) => current.replace(context),
        None => Context::EMPTY,
    });
    // The replaced value is returned and dropped by the caller, after the
    // borrow: a value's `Drop` may read and set the context.
    replaced.unwrap_or_else(|_| context.unwrap_or_default())
}

/// Runs `f` in `context`, then restores what was current, also on a panic.
pub(super) fn with_replaced<R>(context: Context, f: impl FnOnce() -> R) -> R {
    struct Restore {
        outer: Context,
        was_in_task: bool,
    }
    impl Drop for Restore {
        fn drop(&mut self) {
            leave_task(self.was_in_task);
            let ended = replace_context(std::mem::take(&mut self.outer));
            if std::thread::panicking() {
                // A second panic, out of a value's `Drop`, would abort.
                quietly(|| drop(ended));
            }
        }
    }
    let _restore = Restore { outer: replace_context(context), was_in_task: enter_task() };
    f()
}

/// Marks this thread as running a task and says whether it already was.
#[inline]
pub(crate) fn enter_task() -> bool {
    IN_TASK.replace(true)
}

/// Tells this thread from every other that lives.
#[inline]
pub(crate) fn thread_token() -> usize {
    IN_TASK.with(|in_task| std::ptr::from_ref(in_task).addr())
}

/// Undoes [`enter_task`].
#[inline]
pub(crate) fn leave_task(outer: bool) {
    IN_TASK.set(outer);
}

/// Whether this thread is running a task.
#[inline]
pub(crate) fn is_in_task() -> bool {
    IN_TASK.get()
}

pub(super) fn is_suppressed() -> bool {
    SUPPRESSED.get()
}

pub(super) fn replace_suppressed(suppressed: bool) -> bool {
    SUPPRESSED.replace(suppressed)
}

/// Runs `f` with propagation switched off on this thread: work submitted
/// meanwhile carries nothing. Nests, ends with `f` also when it panics, and is
/// not itself carried: a task submitted under it propagates as ever.
///
/// ```
/// use entourage::{Executor, suppress};
/// entourage::context_key! { static TENANT: u32 = propagate; }
///
/// let pool = Executor::builder().num_threads(1).build()?;
/// TENANT.scope(7, || {
///     assert_eq!(suppress(|| pool.spawn(|| TENANT.get())).join().unwrap(), None);
///     assert_eq!(pool.spawn(|| TENANT.get()).join().unwrap(), Some(7));
/// });
/// # Ok::<(), entourage::BuildError>(())
/// ```
pub fn suppress<R>(f: impl FnOnce() -> R) -> R {
    struct Restore {
        was_suppressed: bool,
        was_in_task: bool,
    }
    impl Drop for Restore {
        fn drop(&mut self) {
            leave_task(self.was_in_task);
            replace_suppressed(self.was_suppressed);
        }
    }
    let was_suppressed = replace_suppressed(true);
    let _restore = Restore { was_suppressed, was_in_task: enter_task() };
    f()
}
