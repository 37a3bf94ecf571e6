//! Tasks of a scope, and scopes in tasks of a scope.

use super::{ByHand, ROUNDS, Shape, TASKS, small_work};
use crate::hand::Hand;

pub(super) const SCOPE: Shape = Shape {
    name: "scope",
    count: TASKS,
    rounds: ROUNDS,
    ours: |pool| {
        pool.scope(|s| {
            for n in 0..TASKS {
                s.spawn(move |_| small_work(n));
            }
        });
    },
    bare: |pool| {
        pool.scope(|s| {
            for n in 0..TASKS {
                s.spawn(move |_| small_work(n));
            }
        });
    },
    by_hand: Some(ByHand {
        cloned: |pool| {
            let hand = Hand::take();
            pool.scope(|s| {
                hand.enter(|| {
                    for n in 0..TASKS {
                        let hand = hand.clone();
                        s.spawn(move |_| hand.enter(|| small_work(n)));
                    }
                });
            });
        },
        current: |pool| {
            let hand = Hand::take();
            pool.scope(|s| {
                hand.enter(|| {
                    for n in 0..TASKS {
                        let hand = Hand::take();
                        s.spawn(move |_| hand.enter(|| small_work(n)));
                    }
                });
            });
        },
    }),
};

/// How many tasks open a scope, and how many each spawns in it.
const SIDE: usize = 64;

pub(super) const NESTED_SCOPES: Shape = Shape {
    name: "nested_scopes",
    count: SIDE * SIDE,
    rounds: ROUNDS,
    ours: |pool| {
        pool.scope(|s| {
            for n in 0..SIDE {
                s.spawn(move |_| {
                    pool.scope(|s| {
                        for m in 0..SIDE {
                            s.spawn(move |_| small_work(n + m));
                        }
                    });
                });
            }
        });
    },
    bare: |pool| {
        pool.scope(|s| {
            for n in 0..SIDE {
                s.spawn(move |_| {
                    pool.scope(|s| {
                        for m in 0..SIDE {
                            s.spawn(move |_| small_work(n + m));
                        }
                    });
                });
            }
        });
    },
    by_hand: Some(ByHand {
        cloned: |pool| {
            let hand = Hand::take();
            let inner = |hand: &Hand, n: usize| {
                pool.scope(|s| {
                    for m in 0..SIDE {
                        let hand = hand.clone();
                        s.spawn(move |_| hand.enter(|| small_work(n + m)));
                    }
                });
            };
            pool.scope(|s| {
                hand.enter(|| {
                    for n in 0..SIDE {
                        let hand = hand.clone();
                        s.spawn(move |_| hand.enter(|| inner(&hand, n)));
                    }
                });
            });
        },
        current: |pool| {
            let hand = Hand::take();
            let inner = |n: usize| {
                pool.scope(|s| {
                    for m in 0..SIDE {
                        let hand = Hand::take();
                        s.spawn(move |_| hand.enter(|| small_work(n + m)));
                    }
                });
            };
            pool.scope(|s| {
                hand.enter(|| {
                    for n in 0..SIDE {
                        let hand = Hand::take();
                        s.spawn(move |_| hand.enter(|| inner(n)));
                    }
                });
            });
        },
    }),
};
