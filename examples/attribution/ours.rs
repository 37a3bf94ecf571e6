//! The load on this crate's executor: nothing is carried by hand.

use entourage::{BuildError, Executor, JoinHandle, ParallelIteratorExt, Propagation};
use rayon::ThreadPool;
use rayon::iter::ParallelIterator;

use crate::load::{Way, split_up};

entourage::context_key! { pub(crate) static RUN: u64 = propagate; }

#[derive(Clone)]
pub(crate) struct Ours {
    here: Executor,
    there: Executor,
    off: Executor,
}

impl Ours {
    pub(crate) fn new(threads: usize) -> Result<Self, BuildError> {
        let here = Executor::builder().num_threads(threads).build()?;
        let there = Executor::builder().num_threads(threads).build()?;
        Ok(Self { off: carrying_nothing(&here), here, there })
    }

    /// Whether no worker holds anything of a task that is over.
    pub(crate) fn is_clean(&self) -> bool {
        let look = |_: rayon::BroadcastContext<'_>| {
            RUN.get().is_none() && tracing::Span::current().is_none()
        };
        self.pools().iter().all(|pool| pool.broadcast(look).into_iter().all(|clean| clean))
    }
}

fn carrying_nothing(pool: &Executor) -> Executor {
    pool.with_propagation(Propagation::off()).expect("off names no key that could be wrong")
}

impl Way for Ours {
    type Handle = JoinHandle<u64>;

    fn key() -> Option<u64> {
        RUN.get()
    }

    fn with_key<R>(run: u64, f: impl FnOnce() -> R) -> R {
        RUN.scope(run, f)
    }

    fn swapped(&self) -> Self {
        let (here, there) = (self.there.clone(), self.here.clone());
        Self { off: carrying_nothing(&here), here, there }
    }

    fn pools(&self) -> [&ThreadPool; 2] {
        [self.here.rayon_pool(), self.there.rayon_pool()]
    }

    fn spawn(&self, f: impl FnOnce() -> u64 + Send + 'static) -> Self::Handle {
        self.here.spawn(f)
    }

    fn wait(handle: Self::Handle) -> Option<u64> {
        handle.join().ok()
    }

    fn background(&self, f: impl FnOnce() + Send + 'static) {
        self.off.spawn_detached(f);
    }

    fn join(&self, a: impl FnOnce() + Send, b: impl FnOnce() + Send) {
        self.here.join(a, b);
    }

    fn scope<F: FnOnce() + Send>(&self, tasks: [F; 3]) {
        self.here.scope(|s| tasks.into_iter().for_each(|task| s.spawn(|_| task())));
    }

    fn for_each(&self, items: u32, f: impl Fn(u32) -> u64 + Send + Sync) -> u64 {
        let items = split_up(items);
        self.here.install(|| items.in_context().map(f).sum())
    }

    fn elsewhere(&self, f: impl FnOnce() -> u64 + Send) -> u64 {
        self.there.install(f)
    }
}
