//! What the tests share.

mod exported;

pub use exported::Exported;

use entourage::{Accessor, Executor, ParallelIteratorExt};
use rayon::prelude::*;

/// A pool on which what is stolen, and by whom, leaves no choice.
pub fn one_worker<A: Accessor>(accessor: &'static A) -> Executor {
    Executor::builder().num_threads(1).accessor(accessor).build().unwrap()
}

/// Waits, as a scope or a join does, until this worker has run one other job on
/// top of the current task.
pub fn steal_one() {
    while rayon::yield_now().expect("only a worker can steal") == rayon::Yield::Idle {
        std::thread::yield_now();
    }
}

/// Calls `f` a thousand times on the workers of `pool`, by a parallel iterator in
/// the context of the caller.
pub fn for_each_in_context(pool: &Executor, f: impl Fn() + Send + Sync) {
    let snapshot = pool.snapshot();
    let items = (0..1000).into_par_iter().in_snapshot(snapshot);
    pool.rayon_pool().install(|| items.for_each(|_| f()));
}
