//! A bridge from `tracing` to a thread-local, and an accessor of that.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};

use entourage::{Accessor, Executor, JoinHandle};
use tracing::span::{Attributes, Id};
use tracing::{Span, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

thread_local! {
    /// What is current, last, and beneath it what was; the number is whose it is.
    static STACK: RefCell<Vec<(u64, String)>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn current() -> String {
    STACK.with_borrow(|stack| stack.last().map(|(_, value)| value.clone()).unwrap_or_default())
}

pub(crate) fn push(number: u64, value: &str) {
    STACK.with_borrow_mut(|stack| stack.push((number, value.to_owned())));
}

/// Takes away what is `number`'s, wherever it lies.
pub(crate) fn remove(number: u64) {
    STACK.with_borrow_mut(|stack| {
        let at = stack.iter().rposition(|(other, _)| *other == number).unwrap();
        stack.remove(at);
    });
}

/// The names of the entered spans, outermost first, as one value.
pub(crate) struct Bridge;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Bridge {
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        // What is current becomes part of the span, as baggage does.
        let span = context.span(id).unwrap();
        let value = format!("{}/{}", current(), span.name());
        span.extensions_mut().insert(value);
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        push(id.into_u64(), span.extensions().get::<String>().unwrap());
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        remove(id.into_u64());
    }
}

/// An accessor of what is current.
pub(crate) struct Value {
    panics: AtomicBool,
}

pub(crate) struct Guard {
    number: u64,
    value: String,
}

impl Guard {
    fn number() -> u64 {
        // Apart from the numbers of spans.
        u64::MAX - STACK.with_borrow(Vec::len) as u64
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        remove(self.number);
    }
}

impl Accessor for Value {
    type Value = String;
    type Guard = Guard;

    fn name(&self) -> &'static str {
        "value"
    }

    fn capture(&self) -> Option<String> {
        Some(current())
    }

    fn enter(&self, value: Option<&String>) -> Guard {
        let guard = Guard { number: Guard::number(), value: value.cloned().unwrap_or_default() };
        push(guard.number, &guard.value);
        guard
    }

    fn follows_spans(&self) -> bool {
        true
    }

    fn suspend(&self, guard: &mut Guard) {
        remove(guard.number);
        assert!(!self.panics.load(Ordering::Relaxed), "suspend");
    }

    fn resume(&self, guard: &mut Guard) {
        guard.number = Guard::number();
        push(guard.number, &guard.value);
        assert!(!self.panics.load(Ordering::Relaxed), "resume");
    }
}

pub(crate) static VALUE: Value = Value { panics: AtomicBool::new(false) };
pub(crate) static PANICS: Value = Value { panics: AtomicBool::new(true) };

pub(crate) fn pool(accessor: &'static Value) -> Executor {
    Executor::builder().num_threads(1).accessor(accessor).build().unwrap()
}

/// Submits `task` in a span, with a value set above the span's own.
pub(crate) fn submit<R: Send + 'static>(
    pool: &Executor,
    span: &Span,
    value: &str,
    task: impl FnOnce() -> R + Send + 'static,
) -> JoinHandle<R> {
    span.in_scope(|| {
        push(0, value);
        let task = pool.spawn(task);
        remove(0);
        task
    })
}

pub(crate) fn is_clean(pool: &Executor) -> bool {
    pool.rayon_pool().install(|| STACK.with_borrow(Vec::is_empty))
}
