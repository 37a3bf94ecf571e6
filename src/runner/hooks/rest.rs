//! What hooks put around the rest of a node.

use std::panic::Location;

use tracing::Span;

use crate::context::{Context, Key};

/// Keys and spans for what is left of one attempt at a node, once its function is
/// about to be called. It is entered by a closure, so that nothing of it is left
/// behind.
pub(in crate::runner) struct Rest {
    context: Context,
    has_keys: bool,
    /// The outermost first.
    spans: Vec<Span>,
}

impl Rest {
    /// Nothing yet, on top of what is current.
    pub(super) fn here() -> Self {
        Self { context: Context::current(), has_keys: false, spans: Vec::new() }
    }

    pub(super) fn set<T: Send + Sync + 'static>(
        &mut self,
        key: &'static Key<T>,
        value: T,
        at: &'static Location<'static>,
    ) {
        self.context = self.context.with_at(key, value, at);
        self.has_keys = true;
    }

    pub(super) fn push(&mut self, span: Span) {
        self.spans.push(span);
    }

    /// Adds what was made on top of it.
    pub(super) fn add(&mut self, later: Self) {
        if later.has_keys {
            (self.context, self.has_keys) = (later.context, true);
        }
        self.spans.extend(later.spans);
    }

    /// Runs `f` in it.
    pub(in crate::runner) fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        if self.has_keys {
            self.context.clone().scope(|| in_spans(&self.spans, f))
        } else {
            in_spans(&self.spans, f)
        }
    }
}

fn in_spans<R>(spans: &[Span], f: impl FnOnce() -> R) -> R {
    /// A vector's own drop would exit the outermost first.
    struct InnermostFirst<'a>(Vec<tracing::span::Entered<'a>>);
    impl Drop for InnermostFirst<'_> {
        fn drop(&mut self) {
            while self.0.pop().is_some() {}
        }
    }
    if spans.is_empty() {
        return f();
    }
    let mut entered = InnermostFirst(Vec::with_capacity(spans.len()));
    for span in spans {
        entered.0.push(span.enter());
    }
    f()
}
