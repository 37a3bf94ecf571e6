//! Tasks of their own, which nobody waits for but by a count or a handle.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Result;

use entourage::Executor;
use rayon::ThreadPool;

use super::{ByHand, ROUNDS, Shape, TASKS, small_work};
use crate::hand::Hand;
use crate::latch;

/// Submitted by a thread that is no worker.
pub(super) const SPAWN: Shape = Shape {
    name: "spawn",
    count: TASKS,
    rounds: ROUNDS,
    ours: |pool| latch::wait_for(TASKS, || spawn_ours(pool)),
    bare: |pool| latch::wait_for(TASKS, || spawn_bare(pool)),
    by_hand: Some(ByHand {
        cloned: |pool| latch::wait_for(TASKS, || spawn_cloned(pool, &Hand::take())),
        current: |pool| latch::wait_for(TASKS, || spawn_current(pool)),
    }),
};

/// Submitted by a worker.
pub(super) const SPAWN_IN_WORKER: Shape = Shape {
    name: "spawn_in_worker",
    count: TASKS,
    rounds: ROUNDS,
    ours: |pool| latch::wait_for(TASKS, || pool.install(|| spawn_ours(pool))),
    bare: |pool| latch::wait_for(TASKS, || pool.install(|| spawn_bare(pool))),
    by_hand: Some(ByHand {
        cloned: |pool| {
            let hand = Hand::take();
            let op = || hand.enter(|| spawn_cloned(pool, &hand));
            latch::wait_for(TASKS, || pool.install(op));
        },
        current: |pool| {
            let hand = Hand::take();
            let op = || hand.enter(|| spawn_current(pool));
            latch::wait_for(TASKS, || pool.install(op));
        },
    }),
};

fn spawn_ours(pool: &Executor) {
    for n in 0..TASKS {
        pool.spawn_detached(move || task(n));
    }
}

fn spawn_bare(pool: &ThreadPool) {
    for n in 0..TASKS {
        pool.spawn(move || task(n));
    }
}

fn spawn_cloned(pool: &ThreadPool, hand: &Hand) {
    for n in 0..TASKS {
        let hand = hand.clone();
        pool.spawn(move || hand.enter(|| task(n)));
    }
}

fn spawn_current(pool: &ThreadPool) {
    for n in 0..TASKS {
        let hand = Hand::take();
        pool.spawn(move || hand.enter(|| task(n)));
    }
}

fn task(n: usize) {
    small_work(n);
    latch::count();
}

/// With the value waited for. The bare pool has no handles: there it is a channel
/// a task, and a panic caught, as whoever wants the value must write it.
pub(super) const SPAWN_JOIN: Shape = Shape {
    name: "spawn_join",
    count: TASKS,
    rounds: ROUNDS,
    ours: |pool| {
        let handles: Vec<_> = (0..TASKS).map(|n| pool.spawn(move || black_box(n))).collect();
        for handle in handles {
            handle.join().expect("the task has a value");
        }
    },
    bare: |pool| receive_all(|n| answer(pool, move || black_box(n))),
    by_hand: Some(ByHand {
        cloned: |pool| {
            let hand = Hand::take();
            receive_all(|n| {
                let hand = hand.clone();
                answer(pool, move || hand.enter(|| black_box(n)))
            });
        },
        current: |pool| {
            receive_all(|n| {
                let hand = Hand::take();
                answer(pool, move || hand.enter(|| black_box(n)))
            });
        },
    }),
};

fn answer<R: Send + 'static>(
    pool: &ThreadPool,
    f: impl FnOnce() -> R + Send + 'static,
) -> Receiver<Result<R>> {
    let (sender, receiver) = sync_channel(1);
    pool.spawn(move || {
        // Nobody may be listening any more.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(f)));
    });
    receiver
}

fn receive_all<R>(spawn: impl Fn(usize) -> Receiver<Result<R>>) {
    let receivers: Vec<_> = (0..TASKS).map(spawn).collect();
    for receiver in receivers {
        let sent = receiver.recv().expect("the task sends");
        sent.unwrap_or_else(|_| panic!("the task does not panic"));
    }
}
