//! The load on a bare rayon pool, carried as one writes it by hand: the span
//! that is current is cloned into each closure and entered there, and so is the
//! key, a thread-local that is set for the closure and put back after it.
//!
//! Nothing is forgotten: every closure that may come to run on another thread is
//! wrapped, those of scopes and joins and the items of a parallel iterator as
//! well, and the span is taken before the work moves to the pool.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};

use rayon::iter::ParallelIterator;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder, Yield};
use tracing::Span;

use crate::load::{Way, split_up};

thread_local! { static RUN: Cell<Option<u64>> = const { Cell::new(None) } }

#[derive(Clone)]
pub(crate) struct ByHand {
    here: Arc<ThreadPool>,
    there: Arc<ThreadPool>,
}

impl ByHand {
    pub(crate) fn new(threads: usize) -> Result<Self, ThreadPoolBuildError> {
        let pool = || ThreadPoolBuilder::new().num_threads(threads).build().map(Arc::new);
        Ok(Self { here: pool()?, there: pool()? })
    }
}

/// The span and the key that are current, to be entered in closures.
#[derive(Clone)]
struct Carried {
    span: Span,
    run: Option<u64>,
}

impl Carried {
    fn current() -> Self {
        Self { span: Span::current(), run: RUN.get() }
    }

    fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        with_key(self.run, || self.span.in_scope(f))
    }

    fn wrap<R>(self, f: impl FnOnce() -> R) -> impl FnOnce() -> R {
        move || self.enter(f)
    }
}

fn with_key<R>(run: Option<u64>, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<u64>);
    impl Drop for Restore {
        fn drop(&mut self) {
            RUN.set(self.0);
        }
    }
    let _restore = Restore(RUN.replace(run));
    f()
}

impl Way for ByHand {
    type Handle = Receiver<Option<u64>>;

    fn key() -> Option<u64> {
        RUN.get()
    }

    fn with_key<R>(run: u64, f: impl FnOnce() -> R) -> R {
        with_key(Some(run), f)
    }

    fn swapped(&self) -> Self {
        Self { here: self.there.clone(), there: self.here.clone() }
    }

    fn pools(&self) -> [&ThreadPool; 2] {
        [&self.here, &self.there]
    }

    fn spawn(&self, f: impl FnOnce() -> u64 + Send + 'static) -> Self::Handle {
        let (tell, told) = mpsc::channel();
        let f = Carried::current().wrap(f);
        self.here.spawn(move || {
            // Who no longer listens has no need of it.
            _ = tell.send(catch_unwind(AssertUnwindSafe(f)).ok());
        });
        told
    }

    /// Rayon has no handles. On a worker one must not block, or a pool whose
    /// workers all do so stands still; `yield_now` is its way to wait.
    fn wait(told: Self::Handle) -> Option<u64> {
        while rayon::current_thread_index().is_some() {
            match told.try_recv() {
                Ok(outcome) => return outcome,
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            if rayon::yield_now() == Some(Yield::Idle) {
                std::thread::yield_now();
            }
        }
        told.recv().ok().flatten()
    }

    fn background(&self, f: impl FnOnce() + Send + 'static) {
        self.here.spawn(f);
    }

    fn join(&self, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
        let carried = Carried::current();
        self.here.join(|| carried.enter(a), || carried.enter(b));
    }

    fn scope<F: FnOnce() + Send>(&self, tasks: [F; 3]) {
        let carried = Carried::current();
        self.here.scope(|s| {
            for task in tasks {
                let task = carried.clone().wrap(task);
                s.spawn(|_| task());
            }
        });
    }

    fn for_each(&self, items: u32, f: impl Fn(u32) -> u64 + Send + Sync) -> u64 {
        let carried = Carried::current();
        let items = split_up(items);
        self.here.install(|| items.map(|item| carried.enter(|| f(item))).sum())
    }

    fn elsewhere(&self, f: impl FnOnce() -> u64 + Send) -> u64 {
        self.there.install(Carried::current().wrap(f))
    }
}
