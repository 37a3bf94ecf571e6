//! Joins down to the leaves of a tree.

use std::hint::black_box;

use entourage::Executor;
use rayon::ThreadPool;

use super::{ByHand, ROUNDS, Shape};
use crate::hand::Hand;

/// Which Fibonacci number the tree counts.
const FIB: u32 = 20;
/// How many joins that makes.
const JOINS: usize = 10945;

/// Against the method of a pool, which, as the executor's must, finds out whether
/// it is called on one of its workers.
pub(super) const JOIN: Shape = Shape {
    name: "join",
    count: JOINS,
    rounds: ROUNDS,
    ours: |pool| {
        black_box(pool.install(|| ours(pool, FIB)));
    },
    bare: |pool| {
        black_box(pool.install(|| bare(pool, FIB)));
    },
    by_hand: Some(ByHand {
        cloned: |pool| {
            let hand = Hand::take();
            black_box(pool.install(|| hand.enter(|| cloned(pool, &hand, FIB))));
        },
        current: |pool| {
            let hand = Hand::take();
            black_box(pool.install(|| hand.enter(|| current(pool, FIB))));
        },
    }),
};

fn ours(pool: &Executor, n: u32) -> u32 {
    if n < 2 {
        return black_box(n);
    }
    let (a, b) = pool.join(|| ours(pool, n - 1), || ours(pool, n - 2));
    a + b
}

fn bare(pool: &ThreadPool, n: u32) -> u32 {
    if n < 2 {
        return black_box(n);
    }
    let (a, b) = pool.join(|| bare(pool, n - 1), || bare(pool, n - 2));
    a + b
}

/// A hand cannot tell whether the second half moves, and so enters always.
fn cloned(pool: &ThreadPool, hand: &Hand, n: u32) -> u32 {
    if n < 2 {
        return black_box(n);
    }
    let second = hand.clone();
    let b = || second.enter(|| cloned(pool, &second, n - 2));
    let (a, b) = pool.join(|| cloned(pool, hand, n - 1), b);
    a + b
}

fn current(pool: &ThreadPool, n: u32) -> u32 {
    if n < 2 {
        return black_box(n);
    }
    let second = Hand::take();
    let b = || second.enter(|| current(pool, n - 2));
    let (a, b) = pool.join(|| current(pool, n - 1), b);
    a + b
}
