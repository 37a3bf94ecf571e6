//! What is counted: one shape of work, on one side, as long as it is told.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, LazyLock};
use std::thread;
use std::time::Duration;

use entourage::{Executor, ParallelIteratorExt};
use rayon::ThreadPool;
use rayon::prelude::*;

/// One shape, and how each side does it so many times. One worker runs it all.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// The two lengths whose difference is counted.
    pub(crate) lengths: [usize; 2],
    /// How many tasks, joins or items a length makes.
    pub(crate) tasks: fn(usize) -> usize,
    pub(crate) ours: fn(&Executor, usize),
    pub(crate) bare: fn(&ThreadPool, usize),
    /// Whether the brief's goal, so many instructions a task, is for this one.
    pub(crate) has_goal: bool,
}

const BURSTS: [usize; 2] = [1_000, 21_000];

pub(crate) const SHAPES: [Shape; 8] = [
    Shape {
        name: "spawn",
        lengths: BURSTS,
        tasks: |length| length,
        ours: |pool, length| {
            behind_gate(length, |gate| pool.spawn_detached(gate), || spawn_ours(pool, length));
        },
        bare: |pool, length| {
            behind_gate(length, |gate| pool.spawn(gate), || spawn_bare(pool, length));
        },
        has_goal: true,
    },
    Shape {
        name: "spawn_in_worker",
        lengths: BURSTS,
        tasks: |length| length,
        ours: |pool, length| wait_for(length, || pool.install(|| spawn_ours(pool, length))),
        bare: |pool, length| wait_for(length, || pool.install(|| spawn_bare(pool, length))),
        has_goal: true,
    },
    Shape {
        name: "spawn_infallible",
        lengths: BURSTS,
        tasks: |length| length,
        ours: |pool, length| {
            wait_for(length, || {
                pool.install(|| (0..length).for_each(|_| pool.spawn_detached(count_done)));
            });
        },
        bare: |pool, length| {
            wait_for(length, || {
                pool.install(|| (0..length).for_each(|_| pool.spawn(count_done)));
            });
        },
        has_goal: true,
    },
    Shape {
        name: "scope",
        lengths: BURSTS,
        tasks: |length| length,
        ours: |pool, length| {
            pool.scope(|s| (0..length).for_each(|n| s.spawn(move |_| task(n))));
        },
        bare: |pool, length| {
            pool.scope(|s| (0..length).for_each(|n| s.spawn(move |_| task(n))));
        },
        has_goal: true,
    },
    Shape {
        name: "join",
        lengths: [10, 21],
        tasks: joins,
        ours: |pool, n| {
            black_box(pool.install(|| fib_ours(pool, n)));
        },
        bare: |pool, n| {
            black_box(pool.install(|| fib_bare(pool, n)));
        },
        has_goal: true,
    },
    Shape {
        name: "par_iter_item",
        lengths: [1 << 12, 1 << 20],
        tasks: |length| length,
        ours: sum_ours,
        bare: sum_bare,
        has_goal: true,
    },
    Shape {
        name: "par_iter_call",
        lengths: [100, 2_100],
        tasks: |length| length,
        ours: |pool, length| pool.install(|| (0..length).for_each(|_| sum_ours(pool, 16))),
        bare: |pool, length| pool.install(|| (0..length).for_each(|_| sum_bare(pool, 16))),
        has_goal: false,
    },
    Shape {
        name: "install_in_worker",
        lengths: BURSTS,
        tasks: |length| length,
        ours: |pool, length| {
            pool.install(|| (0..length).for_each(|n| pool.install(|| task(n))));
        },
        bare: |pool, length| {
            pool.install(|| (0..length).for_each(|n| pool.install(|| task(n))));
        },
        has_goal: false,
    },
];

/// May panic, for all the compiler knows, as almost every task may: out of one that
/// cannot it takes rayon's `catch_unwind`, but not out of ours, which may have
/// spans to put away.
fn task(n: usize) {
    assert_ne!(black_box(n.wrapping_mul(0x9E37_79B9)), usize::MAX);
}

static DONE: AtomicUsize = AtomicUsize::new(0);

fn counted(n: usize) {
    task(n);
    count_done();
}

fn count_done() {
    DONE.fetch_add(1, Ordering::Release);
}

fn spawn_ours(pool: &Executor, length: usize) {
    (0..length).for_each(|n| pool.spawn_detached(move || counted(n)));
}

fn spawn_bare(pool: &ThreadPool, length: usize) {
    (0..length).for_each(|n| pool.spawn(move || counted(n)));
}

/// Waits until `length` tasks have counted, by looking now and then: to be woken
/// would be counted, too.
fn wait_for(length: usize, submit: impl FnOnce()) {
    submit();
    while DONE.load(Ordering::Acquire) < length {
        thread::sleep(Duration::from_millis(5));
    }
}

/// Keeps the worker busy until everything is submitted: it would else be woken
/// and fall asleep as chance has it, and that is what would be counted.
fn behind_gate(length: usize, hold: impl FnOnce(Box<dyn FnOnce() + Send>), submit: impl FnOnce()) {
    static GATE: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
    hold(Box::new(|| {
        GATE.wait();
        GATE.wait();
    }));
    GATE.wait();
    wait_for(length, || {
        submit();
        GATE.wait();
    });
}

fn joins(n: usize) -> usize {
    if n < 2 { 0 } else { 1 + joins(n - 1) + joins(n - 2) }
}

fn fib_ours(pool: &Executor, n: usize) -> usize {
    if n < 2 {
        return black_box(n);
    }
    let (a, b) = pool.join(|| fib_ours(pool, n - 1), || fib_ours(pool, n - 2));
    a + b
}

fn fib_bare(pool: &ThreadPool, n: usize) -> usize {
    if n < 2 {
        return black_box(n);
    }
    let (a, b) = pool.join(|| fib_bare(pool, n - 1), || fib_bare(pool, n - 2));
    a + b
}

fn sum_ours(pool: &Executor, items: usize) {
    let sum = || (0..items).into_par_iter().in_context().map(black_box::<usize>).sum::<usize>();
    black_box(pool.install(sum));
}

fn sum_bare(pool: &ThreadPool, items: usize) {
    let sum = || (0..items).into_par_iter().map(black_box::<usize>).sum::<usize>();
    black_box(pool.install(sum));
}
