//! A parallel iterator over numbers.

use std::hint::black_box;

use entourage::ParallelIteratorExt;
use once_cell::sync::Lazy;
use rayon::prelude::*;

use super::{ByHand, Shape};
use crate::hand::Hand;

const ITEMS: usize = 1 << 20;
static NUMBERS: Lazy<Vec<u64>> = Lazy::new(|| (0..ITEMS as u64).collect());

/// Not so little that a compiler can make something else of the loop around it,
/// on one side and not on the other.
fn item(n: &u64) -> u64 {
    black_box(n ^ 1)
}

/// Fewer rounds than of the others: a hand that enters a span for each of a
/// million items takes its time.
pub(super) const PAR_ITER: Shape = Shape {
    name: "par_iter",
    count: ITEMS,
    rounds: 25,
    ours: |pool| {
        let sum = || NUMBERS.par_iter().in_context().map(item).sum::<u64>();
        black_box(pool.install(sum));
    },
    bare: |pool| {
        let sum = || NUMBERS.par_iter().map(item).sum::<u64>();
        black_box(pool.install(sum));
    },
    by_hand: Some(ByHand {
        cloned: |pool| {
            let hand = Hand::take();
            // Rayon clones the handle for each half that it splits off.
            let sum = || {
                let numbers = NUMBERS.par_iter().map_with(hand, |hand, n| hand.enter(|| item(n)));
                numbers.sum::<u64>()
            };
            black_box(pool.install(sum));
        },
        current: |pool| {
            let hand = Hand::take();
            let sum = || {
                let hand = hand.enter(Hand::take);
                NUMBERS.par_iter().map(|n| hand.enter(|| item(n))).sum::<u64>()
            };
            black_box(pool.install(sum));
        },
    }),
};
