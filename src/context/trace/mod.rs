//! The `tracing` span and dispatcher: captured, entered, and parked.
//!
//! Two facts about `tracing` shape this folder. The registry keeps one stack of
//! entered spans a thread and marks a span that is entered twice as a duplicate
//! which it then skips, so entering a captured span over the spans of a waiting
//! task can leave the waiting task's span current. The waiting task's spans must
//! therefore be *parked*: exited one by one, innermost first, and re-entered in
//! their order afterwards. And a scoped dispatcher is a thread-local of its own:
//! a span entered on a thread whose dispatcher is another records nothing.

mod frame;
mod global;
mod watch;

use tracing::dispatcher::{self, Dispatch};
use tracing::span::{self, Span};

pub(super) use frame::TraceFrame;
pub(crate) use global::note_dispatcher;
pub use watch::SpanWatch;

use global::is_global;

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
        if Self::is_plainly_none() {
            return Self::NONE;
        }
        let scoped = |dispatch: &Dispatch| (!is_global(dispatch)).then(|| dispatch.clone());
        let span = Some(Span::current()).filter(|span| !span.is_none());
        Self { dispatch: dispatcher::get_default(scoped), span }
    }

    /// Whether there can be anything to capture at all.
    pub(super) fn may_be() -> bool {
        dispatcher::has_been_set()
    }

    /// Whether it is plain, without a question to the subscriber, that a capture
    /// made now would be of nothing.
    #[inline]
    pub(super) fn is_plainly_none() -> bool {
        !dispatcher::has_been_set() || watch::changes().is_some() && is_current(None)
    }

    pub(super) fn is_none(&self) -> bool {
        self.dispatch.is_none() && self.span.is_none()
    }

    /// Whether a capture made now would be this one. For a scoped dispatcher,
    /// which cannot be compared, the answer is no.
    #[inline]
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
#[inline]
fn is_current(span: Option<&span::Id>) -> bool {
    dispatcher::get_default(|dispatch| {
        is_global(dispatch) && watch::current(dispatch).as_ref() == span
    })
}

#[cfg(test)]
mod tests;
