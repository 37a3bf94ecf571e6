//! One task's stay in its span: what was entered is parked, and comes back.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tracing::dispatcher::{self, DefaultGuard, Dispatch};
use tracing::span;

use super::global::{global, is_global};
use super::{Trace, is_current, watch};
use crate::context::follow::Suspended;
use crate::context::unwind::{Payload, first_panic, keep_first};

/// How many times in a row a subscriber may report one span as current after it
/// was exited before we hold that it does not keep track of spans at all.
const MAX_REPEATS: usize = 256;

/// The state of one thread's spans between [`enter`](Self::enter) and
/// [`leave`](Self::leave).
#[must_use = "a thread whose spans were parked must be left again"]
#[derive(Default)]
pub(in crate::context) enum TraceFrame {
    /// No dispatcher was ever set, so that there is nothing to do.
    #[default]
    Untouched,
    /// The task's span, or none for a task without, was current already under
    /// the global dispatcher: the way of most tasks, and so the short one.
    InPlace {
        span: Option<span::Id>,
        /// How many changes the thread's spans had seen, where they are watched.
        changes: Option<u64>,
    },
    /// Under the global dispatcher, which is watched, nothing was entered, and
    /// the task's span was: the way of tasks on a worker that is free.
    Alone {
        span: span::Id,
        changes: u64,
    },
    Entered(Entered),
}

pub(in crate::context) struct Entered {
    dispatch: Dispatch,
    /// The span that the task is to run in.
    span: Option<span::Id>,
    was: Found,
    default: Option<DefaultGuard>,
}

/// What the task's span was found to be.
enum Found {
    /// Current already, so that nothing was moved.
    Current,
    /// Not current: what was is parked here, innermost first, the order in
    /// which it was exited.
    Parked { spans: Vec<span::Id>, followers: Suspended, is_entered: bool },
}

impl TraceFrame {
    /// Parks this thread's spans and enters `trace`. Whatever happened, and a
    /// panic of the subscriber may come at any step, [`leave`](Self::leave)
    /// undoes it.
    #[inline]
    pub(in crate::context) fn enter(&mut self, trace: &Trace) -> Result<(), Payload> {
        if dispatcher::has_been_set() { self.enter_set(trace) } else { Ok(()) }
    }

    fn enter_set(&mut self, trace: &Trace) -> Result<(), Payload> {
        catch_unwind(AssertUnwindSafe(|| {
            if trace.is_unchanged() {
                *self = Self::InPlace { span: trace.id(), changes: watch::changes() };
            } else if !self.enter_alone(trace) {
                self.enter_with(trace);
            }
        }))
    }

    /// Enters the span of `trace` where nothing is entered and the subscriber is
    /// watched; says whether that was so.
    fn enter_alone(&mut self, trace: &Trace) -> bool {
        let (None, Some(span), Some(before)) = (&trace.dispatch, trace.id(), watch::changes())
        else {
            return false;
        };
        if !is_current(None) {
            return false;
        }
        // In its place first: should the subscriber panic, it is to be left.
        *self = Self::Alone { span: span.clone(), changes: before };
        dispatcher::get_default(Dispatch::clone).enter(&span);
        if let Self::Alone { changes, .. } = self
            && let Some(after) = watch::know_after_one(before, &span)
        {
            *changes = after;
        }
        true
    }

    /// Puts an entered state in the frame's place.
    fn hold(&mut self, entered: Entered) -> &mut Entered {
        *self = Self::Entered(entered);
        match self {
            Self::Entered(entered) => entered,
            _ => unreachable!("it was put there in the line above"),
        }
    }

    fn enter_with(&mut self, trace: &Trace) {
        // Nothing is entered or exited from inside `get_default`: a look-up of the
        // subscriber's own would see no dispatcher at all.
        let (current, is_global) =
            dispatcher::get_default(|dispatch| (dispatch.clone(), is_global(dispatch)));
        let target = match &trace.dispatch {
            Some(scoped) => Some(scoped.clone()),
            None if is_global => None,
            None => Some(global()),
        };
        let default = target.as_ref().map(dispatcher::set_default);
        let dispatch = target.unwrap_or(current);
        let span = trace.id();
        let entered = Entered { dispatch, span, was: Found::Current, default };
        let Entered { dispatch, span, was, .. } = self.hold(entered);
        if dispatch.current_span().id() == span.as_ref() {
            return;
        }
        *was =
            Found::Parked { spans: Vec::new(), followers: Suspended::default(), is_entered: false };
        let Found::Parked { spans, followers, is_entered } = was else { return };
        let mut outcome = Ok(());
        if dispatch.current_span().id().is_some() {
            outcome = followers.suspend();
        }
        // A panic half-way leaves no span behind: the others are parked first.
        keep_first(&mut outcome, exit_down_to(dispatch, None, |id| spans.push(id)));
        outcome.unwrap_or_else(|payload| resume_unwind(payload));
        if let Some(id) = span {
            *is_entered = true;
            dispatch.enter(id);
        }
    }

    /// Exits what was entered and whatever was left entered on top of it, and
    /// re-enters the parked spans. Returns the first panic of the subscriber.
    #[inline]
    pub(in crate::context) fn leave(&mut self) -> Result<(), Payload> {
        match self {
            Self::Untouched => Ok(()),
            Self::InPlace { changes: Some(before), .. }
                if watch::changes() == Some(*before) && dispatcher::get_default(is_global) =>
            {
                Ok(())
            }
            _ => self.leave_entered(),
        }
    }

    fn leave_entered(&mut self) -> Result<(), Payload> {
        let mut outcome = Ok(());
        match mem::take(self) {
            Self::Untouched => {}
            Self::InPlace { span, .. } => leave_in_place(&mut outcome, span.as_ref()),
            Self::Alone { span, changes } => leave_alone(&mut outcome, &span, changes),
            Self::Entered(entered) => outcome = entered.leave(),
        }
        outcome
    }
}

/// The global dispatcher, which this thread had when the task began. A task may have
/// left it with another, by a guard that was forgotten: then the global one is set
/// over that.
fn back_to_global() -> Dispatch {
    let (current, is_global) = dispatcher::get_default(|it| (it.clone(), is_global(it)));
    if is_global {
        return current;
    }
    let global = global();
    mem::forget(dispatcher::set_default(&global));
    global
}

fn leave_in_place(outcome: &mut Result<(), Payload>, span: Option<&span::Id>) {
    first_panic(outcome, || {
        if !is_current(span) {
            let dispatch = back_to_global();
            exit_down_to(&dispatch, span, |_| ()).unwrap_or_else(|payload| resume_unwind(payload));
        }
    });
}

fn leave_alone(outcome: &mut Result<(), Payload>, span: &span::Id, changes: u64) {
    let is_untouched = watch::changes() == Some(changes);
    first_panic(outcome, || {
        let dispatch = back_to_global();
        if is_untouched {
            dispatch.exit(span);
            return;
        }
        let mut is_entered = true;
        let left = exit_down_to(&dispatch, None, |id| is_entered &= *span != id);
        // The subscriber is of those that do not say what is current.
        if is_entered {
            dispatch.exit(span);
        }
        left.unwrap_or_else(|payload| resume_unwind(payload));
    });
}

impl Entered {
    fn leave(self) -> Result<(), Payload> {
        let Self { dispatch, span, was, default } = self;
        let mut outcome;
        match was {
            Found::Current => outcome = exit_down_to(&dispatch, span.as_ref(), |_| ()),
            Found::Parked { spans, mut followers, mut is_entered } => {
                outcome =
                    exit_down_to(&dispatch, None, |id| is_entered &= span.as_ref() != Some(&id));
                // The subscriber is of those that do not say what is current.
                if let (Some(id), true) = (&span, is_entered) {
                    first_panic(&mut outcome, || dispatch.exit(id));
                }
                for id in spans.iter().rev() {
                    first_panic(&mut outcome, || dispatch.enter(id));
                    keep_first(&mut outcome, followers.resume_in(id));
                }
                keep_first(&mut outcome, followers.resume());
            }
        }
        first_panic(&mut outcome, || drop(default));
        outcome
    }
}

/// Exits the spans entered on this thread, innermost first, down to `stop` or
/// to none, and tells `exited` of each. Goes on over a panic of the subscriber
/// and returns the first.
fn exit_down_to(
    dispatch: &Dispatch,
    stop: Option<&span::Id>,
    mut exited: impl FnMut(span::Id),
) -> Result<(), Payload> {
    let mut outcome = Ok(());
    let (mut last, mut repeats) = (None, 0);
    loop {
        let mut current = None;
        first_panic(&mut outcome, || current = dispatch.current_span().id().cloned());
        let Some(id) = current.filter(|id| Some(id) != stop) else { return outcome };
        repeats = if last.as_ref() == Some(&id) { repeats + 1 } else { 0 };
        if repeats == MAX_REPEATS {
            return outcome;
        }
        first_panic(&mut outcome, || dispatch.exit(&id));
        last = Some(id.clone());
        exited(id);
    }
}
