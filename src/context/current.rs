//! What is current on this thread, and the only ways in which it changes.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;

use super::explain::{Explanation, Reason};
use super::key::KeyMeta;
use super::unwind::quietly;
use super::values::Context;
use crate::sync::thread_local;

thread_local! {
    static CONTEXT: RefCell<Context> = const { RefCell::new(Context::EMPTY) };
    /// What this thread is about. Needs no destructor: a plain load.
    static DOING: Cell<u32> = const { Cell::new(IDLE) };
}

// One word, so that whoever begins or ends a task writes all of it at once, what
// a leaked guard left in it included. Any bit means that whatever the thread
// starts next has something to be hidden from it.
const IDLE: u32 = 0;
/// A task that carries nothing.
const BARE_TASK: u32 = 1;
/// A frame: a task with what it carries.
const FRAME: u32 = 1 << 1;
/// A key that somebody set, outside of any task perhaps.
const KEYS: u32 = 1 << 2;
/// The bits from here up count suppressions.
const SUPPRESSION: u32 = 1 << 3;

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
        had_keys: u32,
    }
    impl Drop for Restore {
        fn drop(&mut self) {
            DOING.set(DOING.get() & !KEYS | self.had_keys);
            let ended = replace_context(std::mem::take(&mut self.outer));
            if std::thread::panicking() {
                // A second panic, out of a value's `Drop`, would abort.
                quietly(|| drop(ended));
            }
        }
    }
    let was = DOING.get();
    DOING.set(was | KEYS);
    let _restore = Restore { outer: replace_context(context), had_keys: was & KEYS };
    f()
}

/// Tells this thread from every other that lives.
#[inline]
pub(crate) fn thread_token() -> usize {
    DOING.with(|doing| std::ptr::from_ref(doing).addr())
}

/// What a thread was about before a frame was entered on it.
#[derive(Clone, Copy, Default)]
pub(super) struct Doing(u32);

/// Marks this thread as running a task in a frame, with nothing suppressed.
#[inline]
pub(super) fn enter_frame() -> Doing {
    Doing(DOING.replace(FRAME))
}

/// Undoes [`enter_frame`], and what was suppressed in the frame and not resumed.
#[inline]
pub(super) fn leave_frame(outer: Doing) {
    DOING.set(outer.0);
}

/// Marks this thread, which runs no task, as running one that carries nothing.
#[inline]
pub(super) fn enter_bare_task() {
    DOING.set(BARE_TASK);
}

/// Marks this thread as running no task.
#[inline]
pub(crate) fn leave_tasks() {
    DOING.set(IDLE);
}

/// Marks this thread, which waited in a frame, as running that on.
#[inline]
pub(crate) fn resume_frame() {
    DOING.set(FRAME);
}

/// Whether this thread is running a task, or anything else that is to be hidden
/// from what it starts next.
#[inline]
pub(crate) fn is_in_task() -> bool {
    DOING.get() != IDLE
}

pub(super) fn is_suppressed() -> bool {
    DOING.get() >= SUPPRESSION
}

/// Where `key` was set for this thread, or why it is not.
pub(super) fn explain(key: &'static KeyMeta) -> Explanation {
    let explanation = with_context(|context| context.explain_meta(key));
    if explanation.is_never_set() && DOING.get() & BARE_TASK != 0 {
        return Explanation::held_back(key.name, None, Reason::Off);
    }
    explanation
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
    let _suppressed = SuppressGuard::new();
    f()
}

/// As [`suppress`], until it is dropped: for a stretch of code that is not a
/// closure's, such as the rest of a function with many ways out.
///
/// Guards count, so that they may overlap in any way. One that is leaked goes on
/// to the end of the task that made it, and no further; outside of any task it
/// goes on as long as the thread.
///
/// A guard belongs to the task, or the [`Snapshot::scope`](crate::Snapshot::scope),
/// in which it was made: drop it there. Carried out of it, or into another, it
/// suppresses nothing, and its drop may end a suppression that is not its own.
/// [`suppress`] cannot be used so.
///
/// ```
/// use entourage::{Executor, SuppressGuard};
/// entourage::context_key! { static TENANT: u32 = propagate; }
///
/// fn count_in_the_background(pool: &Executor) {
///     let _suppressed = SuppressGuard::new();
///     pool.spawn(|| assert_eq!(TENANT.get(), None)).join().unwrap();
/// }
///
/// let pool = Executor::builder().num_threads(1).build()?;
/// TENANT.scope(7, || {
///     count_in_the_background(&pool);
///     assert_eq!(pool.spawn(|| TENANT.get()).join().unwrap(), Some(7));
/// });
/// # Ok::<(), entourage::BuildError>(())
/// ```
#[derive(Debug)]
#[must_use = "propagation is suppressed for as long as this lives"]
pub struct SuppressGuard {
    /// To be dropped on the thread that made it.
    _not_send: PhantomData<*const ()>,
}

impl SuppressGuard {
    /// Switches propagation off on this thread.
    #[expect(clippy::new_without_default, reason = "`default()` would not tell what it does")]
    pub fn new() -> Self {
        DOING.set(DOING.get() + SUPPRESSION);
        Self { _not_send: PhantomData }
    }
}

impl Drop for SuppressGuard {
    fn drop(&mut self) {
        let doing = DOING.get();
        // One that outlived its task, in a thread-local say, finds its count gone.
        if doing >= SUPPRESSION {
            DOING.set(doing - SUPPRESSION);
        }
    }
}
