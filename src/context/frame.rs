//! One task's stay on a thread: everything entered, everything restored.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::accessor::ErasedAccessor;
use super::capture::{Accessors, Capture, Foreign};
use super::current::{self, Doing};
use super::follow::follow;
use super::innermost::within;
use super::trace::TraceFrame;
use super::unwind::{Payload, first_panic, keep_first, quietly, sum_up, swallow};
use super::values::Context;
use crate::sync::thread_local;

thread_local! {
    /// The accessors that are entered on this thread, which a task that carries
    /// nothing has to clear.
    static ENTERED: RefCell<Option<Accessors>> = const { RefCell::new(None) };
    /// Whether there are any. Needs no destructor: a plain load.
    static HAS_ENTERED: Cell<bool> = const { Cell::new(false) };
}

/// What a thread held before a task began on it.
///
/// Entering and leaving are two calls rather than a closure because a leaf of a
/// parallel iterator begins in one method and ends in another.
#[must_use = "a thread that was entered must be left"]
#[derive(Default)]
pub(crate) struct Frame {
    context: Option<Context>,
    was_doing: Doing,
    trace: TraceFrame,
    accessors: Option<EnteredAccessors>,
}

struct EnteredAccessors {
    outer: Option<Accessors>,
    guards: Vec<Box<dyn Any>>,
}

impl Frame {
    /// Makes this thread hold what is in `capture` and nothing else.
    ///
    /// On a panic of an accessor or a subscriber everything is put back and the
    /// payload returned.
    pub(crate) fn enter(capture: &Capture) -> Result<Self, Payload> {
        let mut frame = Self::default();
        match frame.begin(capture) {
            Ok(()) => Ok(frame),
            Err(payload) => {
                swallow(frame.leave());
                Err(payload)
            }
        }
    }

    /// As [`enter`](Self::enter), but what a panic cut short stays entered as
    /// far as it came, to be left like any other.
    fn begin(&mut self, capture: &Capture) -> Result<(), Payload> {
        let (context, trace) = (capture.context(), capture.trace());
        self.context = enter_context(context);
        self.was_doing = current::enter_frame();
        self.trace.enter(trace)?;
        self.enter_accessors(capture.foreign())
    }

    /// Puts everything back, in reverse, whatever panics on the way; the first
    /// such panic is returned.
    pub(crate) fn leave(mut self) -> Result<(), Payload> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Payload> {
        let mut outcome = Ok(());
        if let Some(EnteredAccessors { outer, mut guards }) = self.accessors.take() {
            while let Some(guard) = guards.pop() {
                first_panic(&mut outcome, || drop(guard));
            }
            replace_entered(outer);
        }
        keep_first(&mut outcome, self.trace.leave());
        current::leave_frame(self.was_doing);
        if let Some(context) = self.context.take() {
            first_panic(&mut outcome, || drop(current::replace_context(context)));
        }
        outcome
    }

    /// Runs `f` in `capture`. A panic comes back as a payload: `f`'s own, or
    /// else the first of whatever was entered for it.
    pub(crate) fn run<R>(capture: &Capture, f: impl FnOnce() -> R) -> Result<R, Payload> {
        let (ran, left) = Self::run_apart(capture, f);
        sum_up(ran, left, drop_clean)
    }

    /// Runs `f` in `capture` and returns how that ended, and apart from it how
    /// leaving the capture did.
    #[inline]
    pub(crate) fn run_apart<R>(
        capture: &Capture,
        f: impl FnOnce() -> R,
    ) -> (Result<R, Payload>, Result<(), Payload>) {
        match capture.watched() {
            None => Self::run_unwatched(capture, f),
            Some(watched) => watched.run_apart(capture, f),
        }
    }

    /// As [`run_apart`](Self::run_apart), and nobody hears of what `f` leaves
    /// behind.
    #[inline]
    pub(super) fn run_unwatched<R>(
        capture: &Capture,
        f: impl FnOnce() -> R,
    ) -> (Result<R, Payload>, Result<(), Payload>) {
        if HAS_ENTERED.get() || capture.foreign().is_some() {
            return Self::run_entered(capture, f);
        }
        let context = enter_context(capture.context());
        let was_doing = current::enter_frame();
        let mut trace = TraceFrame::default();
        let answer = match trace.enter(capture.trace()) {
            Ok(()) => catch_unwind(AssertUnwindSafe(|| within(capture, f))),
            Err(payload) => {
                // What `f` captured ends in `f`'s own context all the same.
                quietly(|| drop(f));
                Err(payload)
            }
        };
        let left = trace.leave();
        current::leave_frame(was_doing);
        if let Some(context) = context {
            // No value ends here: the capture has it, too.
            drop(current::replace_context(context));
        }
        (answer, left)
    }

    /// As [`run_unwatched`](Self::run_unwatched), where there are accessors to be
    /// entered or cleared.
    #[inline(never)]
    fn run_entered<R>(
        capture: &Capture,
        f: impl FnOnce() -> R,
    ) -> (Result<R, Payload>, Result<(), Payload>) {
        let mut frame = Self::default();
        let answer = match frame.begin(capture) {
            Ok(()) => catch_unwind(AssertUnwindSafe(|| within(capture, f))),
            Err(payload) => {
                // What `f` captured ends in `f`'s own context all the same.
                quietly(|| drop(f));
                Err(payload)
            }
        };
        (answer, frame.end())
    }

    fn enter_accessors(&mut self, mine: Option<&Foreign>) -> Result<(), Payload> {
        if mine.is_none() && !HAS_ENTERED.get() {
            return Ok(());
        }
        let outer = ENTERED.try_with(|entered| entered.borrow().clone()).unwrap_or(None);
        let values = mine.map_or(&[][..], |mine| &mine.values);
        let accessors = match (mine, &outer) {
            (None, None) => return Ok(()),
            (None, Some(outer)) => outer.clone(),
            (Some(mine), None) => mine.accessors.clone(),
            (Some(mine), Some(outer)) => with_others_of(&mine.accessors, outer),
        };
        let others = accessors.len() - values.len();
        replace_entered(Some(accessors.clone()));
        let entered = self.accessors.insert(EnteredAccessors { outer, guards: Vec::new() });
        for (at, accessor) in accessors.iter().enumerate() {
            let value = at.checked_sub(others).map_or(&None, |at| &values[at]);
            entered.guards.push(follow(*accessor, accessor.enter(value)?)?);
        }
        Ok(())
    }
}

/// Makes `context` current and returns what was, or `None` where it is current
/// already.
#[inline]
fn enter_context(context: &Context) -> Option<Context> {
    let is_current = current::with_context(|current| current.is_same(context));
    (!is_current).then(|| current::replace_context(context.clone()))
}

/// `mine`, and before them those of `outer` that are not among them: another
/// executor's task is waiting on this thread, and what it entered has to be
/// cleared. First, since two accessors may be after one thread-local.
fn with_others_of(mine: &Accessors, outer: &Accessors) -> Accessors {
    let is_mine = |other: &&'static dyn ErasedAccessor| {
        mine.iter().any(|accessor| accessor.identity() == other.identity())
    };
    if Arc::ptr_eq(mine, outer) || outer.iter().all(&is_mine) {
        return mine.clone();
    }
    outer.iter().filter(|other| !is_mine(other)).chain(mine.iter()).copied().collect()
}

/// The accessors of the tasks on this thread.
pub(super) fn entered_accessors() -> Accessors {
    if !HAS_ENTERED.get() {
        return Accessors::default();
    }
    let entered = ENTERED.try_with(|entered| entered.borrow().clone()).unwrap_or(None);
    entered.unwrap_or_default()
}

fn replace_entered(accessors: Option<Accessors>) -> Option<Accessors> {
    HAS_ENTERED.set(accessors.is_some());
    ENTERED.try_with(|entered| entered.replace(accessors)).unwrap_or(None)
}

/// Runs `f` with nothing of any task to be seen. On a worker that is between
/// tasks there is nothing to hide, and this is one flag.
#[inline]
pub(crate) fn run_clean<R>(f: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        #[inline]
        fn drop(&mut self) {
            current::leave_tasks();
        }
    }
    if current::is_in_task() {
        return run_hidden(f).unwrap_or_else(|payload| resume_unwind(payload));
    }
    current::enter_bare_task();
    let _leave = Leave;
    f()
}

/// The task was started inside the wait of another, whose context and spans
/// have to be put away for as long as it runs.
#[cold]
fn run_hidden<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    let (ran, left) = Frame::run_apart(&Capture::OFF, f);
    // Not hidden: to leave once more what cannot be left would come back here.
    sum_up(ran, left, |answer| quietly(|| drop(answer)))
}

/// Drops what a task left where nothing of a task that waits beneath it is to
/// be seen, and where a panic of its `Drop` goes no further.
pub(crate) fn drop_clean<T>(value: T) {
    quietly(|| run_clean(|| quietly(|| drop(value))));
}
