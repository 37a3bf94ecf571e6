//! A tokio runtime of many threads: closures on its blocking threads, and futures
//! on its workers.

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tracing::{Instrument, Span};

use super::traced;
use crate::way::{Seen, Way, Who};

/// As many threads for closures as for futures.
fn runtime(threads: usize) -> Arc<Runtime> {
    let runtime =
        Builder::new_multi_thread().worker_threads(threads).max_blocking_threads(threads).build();
    Arc::new(runtime.expect("the system starts threads"))
}

/// What looks like the way, and is not: the span is entered around the wait for
/// the closure, and not around the closure.
#[derive(Clone)]
pub(crate) struct SpawnBlocking(Arc<Runtime>);

impl Way for SpawnBlocking {
    const NAME: &'static str = "tokio spawn_blocking(f).in_current_span()";
    type Taken = ();

    fn start(threads: usize) -> Self {
        Self(runtime(threads))
    }

    fn call_as<R>(&self, who: Who, f: impl FnOnce() -> R) -> R {
        traced::call_as(who, f)
    }

    fn take(&self) {}

    fn submit(&self, (): &(), task: impl FnOnce() + Send + 'static) {
        drop(self.0.spawn_blocking(task).in_current_span());
    }

    fn seen(&self) -> Seen {
        traced::seen()
    }

    fn leak(&self, who: Who) {
        traced::leak(who);
    }

    fn give_way(&self) -> bool {
        false
    }
}

#[derive(Clone)]
pub(crate) struct SpawnBlockingByHand(Arc<Runtime>);

impl Way for SpawnBlockingByHand {
    const NAME: &'static str = "tokio spawn_blocking, tracing span by hand";
    type Taken = Span;

    fn start(threads: usize) -> Self {
        Self(runtime(threads))
    }

    fn call_as<R>(&self, who: Who, f: impl FnOnce() -> R) -> R {
        traced::call_as(who, f)
    }

    fn take(&self) -> Span {
        Span::current()
    }

    fn submit(&self, taken: &Span, task: impl FnOnce() + Send + 'static) {
        let span = taken.clone();
        drop(self.0.spawn_blocking(move || span.in_scope(task)));
    }

    fn seen(&self) -> Seen {
        traced::seen()
    }

    fn leak(&self, who: Who) {
        traced::leak(who);
    }

    fn give_way(&self) -> bool {
        false
    }
}

/// The closure as a future that is ready at its first poll.
#[derive(Clone)]
pub(crate) struct Spawn(Arc<Runtime>);

impl Way for Spawn {
    const NAME: &'static str = "tokio spawn(async { f() }.in_current_span())";
    type Taken = ();

    fn start(threads: usize) -> Self {
        Self(runtime(threads))
    }

    fn call_as<R>(&self, who: Who, f: impl FnOnce() -> R) -> R {
        traced::call_as(who, f)
    }

    fn take(&self) {}

    fn submit(&self, (): &(), task: impl FnOnce() + Send + 'static) {
        drop(self.0.spawn(async move { task() }.in_current_span()));
    }

    fn seen(&self) -> Seen {
        traced::seen()
    }

    fn leak(&self, who: Who) {
        traced::leak(who);
    }

    fn give_way(&self) -> bool {
        false
    }
}
