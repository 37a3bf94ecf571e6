//! The span, carried as it is by hand.

use std::sync::atomic::{AtomicBool, Ordering};

use tracing::Span;
use tracing::dispatcher::{self, Dispatch};

/// Whether the dispatcher is carried as well: a global one need not be.
static IS_SCOPED: AtomicBool = AtomicBool::new(false);

/// The caller's span and, where that is not the process's, its dispatcher.
#[derive(Clone)]
pub(crate) struct Hand {
    span: Span,
    dispatch: Option<Dispatch>,
}

impl Hand {
    /// Has every hand carry the dispatcher from now on.
    pub(crate) fn carries_dispatcher() {
        IS_SCOPED.store(true, Ordering::Relaxed);
    }

    /// Takes what is current here.
    pub(crate) fn take() -> Self {
        let is_scoped = IS_SCOPED.load(Ordering::Relaxed);
        let dispatch = is_scoped.then(|| dispatcher::get_default(Dispatch::clone));
        Self { span: Span::current(), dispatch }
    }

    /// Runs `f` in it.
    pub(crate) fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        match &self.dispatch {
            None => self.span.in_scope(f),
            Some(dispatch) => dispatcher::with_default(dispatch, || self.span.in_scope(f)),
        }
    }
}
