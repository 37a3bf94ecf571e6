//! A layer that sets a thread-local for each span, as bridges from `tracing` to
//! other libraries do, and an accessor of the same thread-local: a task that
//! waited finds its own value again, above that of its span.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};

use entourage::{Accessor, Executor};
use support::steal_one;
use tracing::span::{Attributes, Id};
use tracing::{Subscriber, info_span, subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

thread_local! {
    /// What is current, last, and beneath it what was; the number is whose it is.
    static STACK: RefCell<Vec<(u64, String)>> = const { RefCell::new(Vec::new()) };
}

fn current() -> String {
    STACK.with_borrow(|stack| stack.last().map(|(_, value)| value.clone()).unwrap_or_default())
}

fn push(number: u64, value: &str) {
    STACK.with_borrow_mut(|stack| stack.push((number, value.to_owned())));
}

/// Takes away what is `number`'s, wherever it lies.
fn remove(number: u64) {
    STACK.with_borrow_mut(|stack| {
        let at = stack.iter().rposition(|(other, _)| *other == number).unwrap();
        stack.remove(at);
    });
}

/// The names of the entered spans, outermost first, as one value.
struct Bridge;

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
struct Value {
    panics: AtomicBool,
}

struct Guard {
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

static VALUE: Value = Value { panics: AtomicBool::new(false) };
static PANICS: Value = Value { panics: AtomicBool::new(true) };

fn bridged(test: impl FnOnce()) {
    subscriber::with_default(tracing_subscriber::registry().with(Bridge), test);
}

fn pool(accessor: &'static Value) -> Executor {
    Executor::builder().num_threads(1).accessor(accessor).build().unwrap()
}

/// Submits `task` in a span, with a value set above the span's own.
fn submit<R: Send + 'static>(
    pool: &Executor,
    span: &tracing::Span,
    value: &str,
    task: impl FnOnce() -> R + Send + 'static,
) -> entourage::JoinHandle<R> {
    span.in_scope(|| {
        push(0, value);
        let task = pool.spawn(task);
        remove(0);
        task
    })
}

fn is_clean(pool: &Executor) -> bool {
    pool.rayon_pool().install(|| STACK.with_borrow(Vec::is_empty))
}

#[test]
fn task_sees_what_was_set_above_its_span() {
    bridged(|| {
        let pool = pool(&VALUE);
        let task = submit(&pool, &info_span!("request"), "above", current);
        assert_eq!(task.join().unwrap(), "above");
        assert!(is_clean(&pool));
    });
}

#[test]
fn waiting_task_finds_what_was_set_above_its_span_again() {
    bridged(|| {
        let pool = pool(&VALUE);
        let waiting = submit(&pool, &info_span!("waiting"), "acme", || {
            steal_one();
            let after = current();
            let inner = info_span!("inner").in_scope(|| {
                steal_one();
                current()
            });
            [after, inner, current()]
        });
        let stolen =
            ["globex", "initech"].map(|value| submit(&pool, &info_span!("stolen"), value, current));
        assert_eq!(stolen.map(|task| task.join().unwrap()), ["globex", "initech"]);
        assert_eq!(waiting.join().unwrap(), ["acme", "acme/inner", "acme"]);
        assert!(is_clean(&pool));
    });
}

#[test]
fn each_of_four_tasks_on_one_stack_finds_its_own_again() {
    bridged(|| {
        let pool = pool(&VALUE);
        let (a, b) = (info_span!("a"), info_span!("b"));
        let body = || {
            steal_one();
            current()
        };
        // The first and the third in one span: what is resumed for the third must
        // leave the first alone.
        let tasks = [(&a, "one"), (&b, "two"), (&a, "three")]
            .map(|(span, value)| submit(&pool, span, value, body));
        let last = submit(&pool, &b, "four", current);
        assert_eq!(tasks.map(|task| task.join().unwrap()), ["one", "two", "three"]);
        assert_eq!(last.join().unwrap(), "four");
        assert!(is_clean(&pool));
    });
}

#[test]
fn waiting_task_finds_its_own_again_after_one_that_carries_nothing() {
    bridged(|| {
        let pool = pool(&VALUE);
        let off = pool.with_propagation(entourage::Propagation::off()).unwrap();
        let waiting = submit(&pool, &info_span!("waiting"), "acme", || {
            steal_one();
            current()
        });
        let nothing = off.spawn(current);
        assert_eq!(nothing.join().unwrap(), "");
        assert_eq!(waiting.join().unwrap(), "acme");
        assert!(is_clean(&pool));
    });
}

#[test]
fn panic_of_suspend_fails_the_stolen_task_and_leaves_the_waiting_ones_value() {
    bridged(|| {
        let pool = pool(&PANICS);
        let waiting = submit(&pool, &info_span!("waiting"), "acme", || {
            steal_one();
            current()
        });
        let stolen = submit(&pool, &info_span!("stolen"), "globex", current);
        assert!(stolen.join().unwrap_err().to_string().contains("suspend"));
        assert_eq!(waiting.join().unwrap(), "acme");
        assert!(is_clean(&pool));
    });
}

#[test]
fn task_in_the_span_of_its_parent_leaves_the_parents_value_where_it_was() {
    bridged(|| {
        let pool = pool(&VALUE);
        let inner = pool.clone();
        let parent = submit(&pool, &info_span!("request"), "acme", move || {
            push(1 << 40, "set by the parent");
            let child = inner.spawn(current).join().unwrap();
            let after = current();
            remove(1 << 40);
            [child, after, current()]
        });
        let set = "set by the parent";
        assert_eq!(parent.join().unwrap(), [set, set, "acme"]);
        assert!(is_clean(&pool));
    });
}
