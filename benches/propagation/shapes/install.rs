//! A closure on a worker, waited for.

use super::{ROUNDS, Shape, small_work};

/// From outside, where each call wakes a worker and sleeps until it is done.
const CALLS: usize = 256;

pub(super) const INSTALL: Shape = Shape {
    name: "install",
    count: CALLS,
    rounds: ROUNDS,
    ours: |pool| (0..CALLS).for_each(|n| pool.install(|| small_work(n))),
    bare: |pool| (0..CALLS).for_each(|n| pool.install(|| small_work(n))),
    by_hand: None,
};

/// On a worker, where it is a mere call: many of them, for the way there to
/// vanish.
const CALLS_IN_PLACE: usize = 1 << 18;

pub(super) const INSTALL_IN_WORKER: Shape = Shape {
    name: "install_in_worker",
    count: CALLS_IN_PLACE,
    rounds: ROUNDS,
    ours: |pool| {
        pool.install(|| {
            (0..CALLS_IN_PLACE).for_each(|n| pool.install(|| small_work(n)));
        });
    },
    bare: |pool| {
        pool.install(|| {
            (0..CALLS_IN_PLACE).for_each(|n| pool.install(|| small_work(n)));
        });
    },
    by_hand: None,
};
