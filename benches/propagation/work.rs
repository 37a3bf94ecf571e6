//! The work that both sides are given.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};

use entourage::Executor;

/// Tasks in a burst.
pub(crate) const TASKS: usize = 4096;
/// Items of a parallel iterator.
pub(crate) const ITEMS: usize = 1 << 20;
const FIB: u32 = 20;
/// How many joins `fib` makes.
pub(crate) const JOINS: usize = 10945;

/// Counts tasks down, and wakes the thread that waits for the last.
#[derive(Clone)]
pub(crate) struct Latch(Arc<(AtomicUsize, Thread)>);

impl Latch {
    /// Calls `submit` with a latch for each of a burst of tasks, and waits for
    /// all of them.
    pub(crate) fn burst(submit: impl FnOnce(Vec<Self>)) {
        let latch = Self(Arc::new((AtomicUsize::new(TASKS), thread::current())));
        submit(vec![latch.clone(); TASKS]);
        while latch.0.0.load(Ordering::Acquire) > 0 {
            thread::park();
        }
    }

    /// One task is done.
    pub(crate) fn count(self) {
        if self.0.0.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.1.unpark();
        }
    }
}

pub(crate) fn small_work(n: usize) {
    black_box(n.wrapping_mul(0x9E37_79B9));
}

pub(crate) fn items() -> Vec<u64> {
    (0..ITEMS as u64).collect()
}

/// Joins down to the leaves, on the executor.
pub(crate) fn fib(pool: &Executor) -> u32 {
    fn go(pool: &Executor, n: u32) -> u32 {
        if n < 2 {
            return black_box(n);
        }
        let (a, b) = pool.join(|| go(pool, n - 1), || go(pool, n - 2));
        a + b
    }
    pool.install(|| go(pool, FIB))
}

/// Joins down to the leaves, on the bare pool: by the method of a pool, which,
/// as the executor's must, finds out whether it is called on one of its workers.
pub(crate) fn fib_bare(pool: &rayon::ThreadPool) -> u32 {
    fn go(pool: &rayon::ThreadPool, n: u32) -> u32 {
        if n < 2 {
            return black_box(n);
        }
        let (a, b) = pool.join(|| go(pool, n - 1), || go(pool, n - 2));
        a + b
    }
    pool.install(|| go(pool, FIB))
}
