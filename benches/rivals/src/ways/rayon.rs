//! On a rayon pool: nothing carried, and one thing at a time carried by hand.

use std::mem;
use std::sync::Arc;

use fastrace::collector::{SpanContext, SpanId, TraceId};
use rayon::{ThreadPool, ThreadPoolBuilder};
use tracing::Span;

use super::traced;
use crate::way::{Seen, Way, Who};

fn pool(threads: usize) -> Arc<ThreadPool> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    Arc::new(pool.expect("the system starts threads"))
}

/// Without a handler, rayon aborts the process on a panic of a spawned task.
fn pool_to_panic() -> Arc<ThreadPool> {
    let pool = ThreadPoolBuilder::new().num_threads(1).panic_handler(drop);
    Arc::new(pool.build().expect("the system starts threads"))
}

/// Runs another task of the pool on top of the one that calls, as rayon does by
/// itself wherever a task waits.
pub(super) fn give_way() -> bool {
    rayon::yield_now();
    true
}

#[derive(Clone)]
pub(crate) struct Bare(Arc<ThreadPool>);

impl Way for Bare {
    const NAME: &'static str = "rayon, bare";
    type Taken = ();

    fn start(threads: usize) -> Self {
        Self(pool(threads))
    }

    fn start_to_panic() -> Self {
        Self(pool_to_panic())
    }

    fn call_as<R>(&self, who: Who, f: impl FnOnce() -> R) -> R {
        traced::call_as(who, f)
    }

    fn take(&self) {}

    fn submit(&self, (): &(), task: impl FnOnce() + Send + 'static) {
        self.0.spawn(task);
    }

    fn seen(&self) -> Seen {
        traced::seen()
    }

    fn leak(&self, who: Who) {
        traced::leak(who);
    }

    fn give_way(&self) -> bool {
        give_way()
    }
}

#[derive(Clone)]
pub(crate) struct SpanByHand(Arc<ThreadPool>);

impl Way for SpanByHand {
    const NAME: &'static str = "rayon, tracing span by hand";
    type Taken = Span;

    fn start(threads: usize) -> Self {
        Self(pool(threads))
    }

    fn start_to_panic() -> Self {
        Self(pool_to_panic())
    }

    fn call_as<R>(&self, who: Who, f: impl FnOnce() -> R) -> R {
        traced::call_as(who, f)
    }

    fn take(&self) -> Span {
        Span::current()
    }

    fn submit(&self, taken: &Span, task: impl FnOnce() + Send + 'static) {
        let span = taken.clone();
        self.0.spawn(move || span.in_scope(task));
    }

    fn seen(&self) -> Seen {
        traced::seen()
    }

    fn leak(&self, who: Who) {
        traced::leak(who);
    }

    fn give_way(&self) -> bool {
        give_way()
    }
}

/// A child span for each task, made by the caller and the local parent of what
/// the task does: fastrace's documented way to another thread.
#[derive(Clone)]
pub(crate) struct Fastrace(Arc<ThreadPool>);

impl Fastrace {
    fn root(who: Who) -> fastrace::Span {
        fastrace::Span::root("caller", SpanContext::new(Self::id(who), SpanId::default()))
    }

    fn id(who: Who) -> TraceId {
        TraceId(match who {
            Who::A => 1,
            Who::B => 2,
        })
    }
}

impl Way for Fastrace {
    const NAME: &'static str = "rayon, fastrace's local parent";
    type Taken = ();

    fn start(threads: usize) -> Self {
        Self(pool(threads))
    }

    fn start_to_panic() -> Self {
        Self(pool_to_panic())
    }

    fn call_as<R>(&self, who: Who, f: impl FnOnce() -> R) -> R {
        let root = Self::root(who);
        let _parent = root.set_local_parent();
        f()
    }

    fn take(&self) {}

    fn submit(&self, (): &(), task: impl FnOnce() + Send + 'static) {
        let span = fastrace::Span::enter_with_local_parent("task");
        self.0.spawn(move || {
            let _parent = span.set_local_parent();
            task();
        });
    }

    fn seen(&self) -> Seen {
        let context = SpanContext::current_local_parent();
        let is = |who| context.as_ref().is_some_and(|it| it.trace_id == Self::id(who));
        match (is(Who::A), is(Who::B)) {
            (true, _) => Seen::Caller(Who::A),
            (_, true) => Seen::Caller(Who::B),
            _ => Seen::Nobody,
        }
    }

    fn leak(&self, who: Who) {
        let root = Self::root(who);
        mem::forget(root.set_local_parent());
        mem::forget(root);
    }

    fn give_way(&self) -> bool {
        give_way()
    }

    fn settle(&self) {
        fastrace::flush();
    }
}

#[derive(Clone)]
pub(crate) struct OpenTelemetry(Arc<ThreadPool>);

impl OpenTelemetry {
    fn context(who: Who) -> opentelemetry::Context {
        opentelemetry::Context::current().with_value(who)
    }
}

impl Way for OpenTelemetry {
    const NAME: &'static str = "rayon, OpenTelemetry's attach by hand";
    type Taken = opentelemetry::Context;

    fn start(threads: usize) -> Self {
        Self(pool(threads))
    }

    fn start_to_panic() -> Self {
        Self(pool_to_panic())
    }

    fn call_as<R>(&self, who: Who, f: impl FnOnce() -> R) -> R {
        let _attached = Self::context(who).attach();
        f()
    }

    fn take(&self) -> opentelemetry::Context {
        opentelemetry::Context::current()
    }

    fn submit(&self, taken: &opentelemetry::Context, task: impl FnOnce() + Send + 'static) {
        let context = taken.clone();
        self.0.spawn(move || {
            let _attached = context.attach();
            task();
        });
    }

    fn seen(&self) -> Seen {
        opentelemetry::Context::map_current(|it| it.get().copied())
            .map_or(Seen::Nobody, Seen::Caller)
    }

    fn leak(&self, who: Who) {
        mem::forget(Self::context(who).attach());
    }

    fn give_way(&self) -> bool {
        give_way()
    }
}
