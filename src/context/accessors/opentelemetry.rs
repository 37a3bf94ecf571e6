//! The OpenTelemetry context.

use std::fmt;

use ::opentelemetry::{Context, ContextGuard};

use super::unless_torn_down;
use crate::context::Accessor;

/// The type of [`OPENTELEMETRY`].
#[derive(Debug)]
pub struct OpenTelemetry {
    _private: u8,
}

/// Carries [`opentelemetry::Context::current`](::opentelemetry::Context::current):
/// the span context, the baggage and every other value in it.
///
/// A task with none sees the empty context, also where it is run in the wait of
/// another task.
///
/// ```
/// use entourage::{Executor, accessors};
/// use opentelemetry::Context;
///
/// #[derive(Debug, PartialEq)]
/// struct Tenant(&'static str);
///
/// let pool = Executor::builder().num_threads(2).accessor(&accessors::OPENTELEMETRY).build()?;
/// let guard = Context::current_with_value(Tenant("acme")).attach();
/// let seen = pool.spawn(|| Context::current().get() == Some(&Tenant("acme")));
/// assert!(seen.join().unwrap());
///
/// drop(guard);
/// let seen = pool.spawn(|| Context::current().get::<Tenant>().is_some());
/// assert!(!seen.join().unwrap());
/// # Ok::<(), entourage::BuildError>(())
/// ```
///
/// # With `tracing-opentelemetry`
///
/// Its layer attaches the context of every span that is entered, unless its
/// `with_context_activation` says no. The executor enters the span first and
/// this accessor after it, so the captured context is on top: it is the one of
/// that very span, or one that was attached above it. Nothing is applied twice:
/// spans made in the task have the parent they would have at the submit.
///
/// While a task waits and its worker runs another, the spans of the waiting task
/// are exited, and entered again afterwards, whereupon the layer attaches their
/// contexts anew and this accessor the captured one above that of its span. What
/// the *task itself* attached by hand stays where it is, which is now beneath:
/// until its guard is dropped, the context of the task's innermost span is
/// current instead. A task that attaches a context and then joins, or waits in
/// another way, should open a span after it, which keeps the context, or turn the
/// layer's activation off.
///
/// # What a task leaves behind
///
/// A `ContextGuard` that a task forgets ([`std::mem::forget`]) keeps its context
/// attached to the worker, since OpenTelemetry has no other way to detach it.
/// Tasks of an executor with this accessor do not see it, others do.
pub static OPENTELEMETRY: OpenTelemetry = OpenTelemetry { _private: 0 };

/// Detaches what was attached.
#[doc(hidden)]
#[must_use = "the context is detached when the guard is dropped"]
pub struct Attached {
    context: Context,
    /// `None` while it is suspended, and on a thread that is being torn down.
    guard: Option<ContextGuard>,
}

impl Attached {
    fn new(context: Context) -> Self {
        let mut attached = Self { context, guard: None };
        attached.attach();
        attached
    }

    fn attach(&mut self) {
        let context = self.context.clone();
        self.guard = unless_torn_down(|| context.attach());
    }
}

impl Accessor for OpenTelemetry {
    type Value = Context;
    type Guard = Attached;

    fn name(&self) -> &'static str {
        "entourage::accessors::OPENTELEMETRY"
    }

    /// The empty context, too, is captured as it is: it does not say that there
    /// is nothing in it, and to attach it is to clear.
    fn capture(&self) -> Option<Context> {
        unless_torn_down(Context::current)
    }

    fn enter(&self, value: Option<&Context>) -> Attached {
        Attached::new(value.cloned().unwrap_or_default())
    }

    /// The layer of `tracing-opentelemetry` attaches the contexts of spans.
    fn follows_spans(&self) -> bool {
        true
    }

    fn suspend(&self, attached: &mut Attached) {
        attached.guard = None;
    }

    fn resume(&self, attached: &mut Attached) {
        attached.attach();
    }
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attached")
    }
}
