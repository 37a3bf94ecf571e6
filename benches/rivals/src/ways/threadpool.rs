//! The `threadpool` crate, one queue under a lock, with the span by hand.

use tracing::Span;

use super::traced;
use crate::way::{Seen, Way, Who};

#[derive(Clone)]
pub(crate) struct ThreadPool(threadpool::ThreadPool);

impl Way for ThreadPool {
    const NAME: &'static str = "threadpool, tracing span by hand";
    type Taken = Span;

    fn start(threads: usize) -> Self {
        Self(threadpool::ThreadPool::new(threads))
    }

    fn call_as<R>(&self, who: Who, f: impl FnOnce() -> R) -> R {
        traced::call_as(who, f)
    }

    fn take(&self) -> Span {
        Span::current()
    }

    fn submit(&self, taken: &Span, task: impl FnOnce() + Send + 'static) {
        let span = taken.clone();
        self.0.execute(move || span.in_scope(task));
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
