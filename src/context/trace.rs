//! The `tracing` span and dispatcher: captured, entered, and parked.
//!
//! Two facts about `tracing` shape this file. The registry keeps one stack of
//! entered spans a thread and marks a span that is entered twice as a duplicate
//! which it then skips, so entering a captured span over the spans of a waiting
//! task can leave the waiting task's span current. The waiting task's spans must
//! therefore be *parked*: exited one by one, innermost first, and re-entered in
//! their order afterwards. And a scoped dispatcher is a thread-local of its own:
//! a span entered on a thread whose dispatcher is another records nothing.

use std::fmt::{self, Write};
use std::mem;
use std::panic::resume_unwind;
use std::ptr;
use std::thread::{self, JoinHandle};

use once_cell::sync::OnceCell;
use tracing::dispatcher::{self, DefaultGuard, Dispatch};
use tracing::span::{self, Span};
use tracing::subscriber::NoSubscriber;

use super::accessor::{Payload, first_panic, keep_first};
use super::follow::Suspended;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// The process's global dispatcher, once it was seen.
static GLOBAL: OnceCell<Dispatch> = OnceCell::new();
/// Where in memory it lies, once that is known. A hint: hence relaxed.
static GLOBAL_AT: AtomicUsize = AtomicUsize::new(0);

/// How many times in a row a subscriber may report one span as current after it
/// was exited before we hold that it does not keep track of spans at all.
const MAX_REPEATS: usize = 256;

/// The captured span and, where it is not the process's global one, its
/// dispatcher.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    dispatch: Option<Dispatch>,
    span: Option<Span>,
}

impl Trace {
    pub(super) const NONE: Self = Self { dispatch: None, span: None };

    pub(super) fn capture() -> Self {
        if !dispatcher::has_been_set() {
            return Self::NONE;
        }
        let scoped = |dispatch: &Dispatch| (!is_global(dispatch)).then(|| dispatch.clone());
        let span = Some(Span::current()).filter(|span| !span.is_none());
        Self { dispatch: dispatcher::get_default(scoped), span }
    }

    pub(super) fn is_none(&self) -> bool {
        self.dispatch.is_none() && self.span.is_none()
    }

    /// Whether a capture made now would be this one. For a scoped dispatcher,
    /// which cannot be compared, the answer is no.
    pub(super) fn is_unchanged(&self) -> bool {
        if !dispatcher::has_been_set() {
            return self.is_none();
        }
        self.dispatch.is_none() && is_current(self.id().as_ref())
    }

    fn id(&self) -> Option<span::Id> {
        self.span.as_ref().and_then(Span::id)
    }
}

/// Whether this thread has the global dispatcher, and `span` current under it.
fn is_current(span: Option<&span::Id>) -> bool {
    dispatcher::get_default(|dispatch| is_global(dispatch) && dispatch.current_span().id() == span)
}

/// The state of one thread's spans between [`enter`](Self::enter) and
/// [`leave`](Self::leave).
#[must_use = "a thread whose spans were parked must be left again"]
#[derive(Default)]
pub(super) enum TraceFrame {
    /// No dispatcher was ever set, so that there is nothing to do.
    #[default]
    Untouched,
    /// The task's span, or none for a task without, was current already under
    /// the global dispatcher: the way of most tasks, and so the short one.
    InPlace(Option<span::Id>),
    Entered(Entered),
}

pub(super) struct Entered {
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
    pub(super) fn enter(&mut self, trace: &Trace) -> Result<(), Payload> {
        let mut outcome = Ok(());
        if dispatcher::has_been_set() {
            first_panic(&mut outcome, || {
                if trace.is_unchanged() {
                    *self = Self::InPlace(trace.id());
                } else {
                    self.enter_with(trace);
                }
            });
        }
        outcome
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
    pub(super) fn leave(&mut self) -> Result<(), Payload> {
        let mut outcome = Ok(());
        let Entered { dispatch, span, was, default } = match mem::take(self) {
            Self::Untouched => return outcome,
            Self::InPlace(span) => {
                first_panic(&mut outcome, || {
                    if !is_current(span.as_ref()) {
                        let dispatch = dispatcher::get_default(Dispatch::clone);
                        let left = exit_down_to(&dispatch, span.as_ref(), |_| ());
                        left.unwrap_or_else(|payload| resume_unwind(payload));
                    }
                });
                return outcome;
            }
            Self::Entered(entered) => entered,
        };
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

/// Notes the process's global dispatcher, if it is what this thread has: a task
/// that carries none must be given it on a thread that has set it aside.
pub(crate) fn note_dispatcher() {
    if dispatcher::has_been_set() {
        dispatcher::get_default(is_global);
    }
}

/// Whether `dispatch`, a reference that `get_default` handed out on this thread,
/// is what a thread without a scoped dispatcher has. A global one must not be
/// set again as a scoped one: that ends `tracing`'s fast path for the whole
/// process.
fn is_global(dispatch: &Dispatch) -> bool {
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
        return GLOBAL.get().is_none();
    }
    if GLOBAL.get().is_none() {
        learn_global();
    }
    true
}

/// The dispatcher of a thread that has no scoped one.
fn global() -> Dispatch {
    if GLOBAL.get().is_none() {
        learn_global();
    }
    GLOBAL.get().cloned().unwrap_or_else(Dispatch::none)
}

/// Asks a new thread, which has no scoped dispatcher, for the global one and
/// where it lies. Where no thread can be started, or no global one is set, both
/// stay unknown.
fn learn_global() {
    let ask = || dispatcher::get_default(|it| (it.clone(), ptr::from_ref(it).addr()));
    let asked = thread::Builder::new().spawn(ask).map(JoinHandle::join);
    let Ok(Ok((dispatch, address))) = asked else { return };
    if !dispatch.is::<NoSubscriber>() && GLOBAL.set(dispatch).is_ok() {
        GLOBAL_AT.store(address, Ordering::Relaxed);
    }
}

/// Reads the kind of a dispatcher from the one place that tells it, the first
/// word of its `Debug`. Should that word ever change, the answer is no: the
/// dispatcher is then set on the worker, which is right and merely slower.
fn names_global(dispatch: &Dispatch) -> bool {
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

#[cfg(test)]
mod tests;
