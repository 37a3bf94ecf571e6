//! Random programs, of spawns, joins, scopes, parallel iterators, panics, keys,
//! spans, subscribers, policies and suppressions in one another, see on one, two
//! and four workers what a model sees that runs them one after the other.

mod actual;
mod expected;
mod tree;

use std::sync::Once;

use entourage::Executor;
use proptest::prelude::*;
use proptest::test_runner::Config;
use tracing::dispatcher::set_global_default;

use expected::State;
use tree::{Step, steps};

entourage::context_key! {
    static PLAIN: u8 = propagate;
    static SHY: u8 = clear;
    static BOUND: u8 = never;
    /// Set to see whether it would be carried.
    static PROBE: () = propagate;
}

/// One subscriber for the process, besides those of threads.
fn set_subscriber() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_global_default(actual::subscriber(0)).unwrap());
}

/// What is wrong with a run of `steps` on so many workers, if anything is.
fn check(steps: &[Step], num_threads: usize) -> Result<(), TestCaseError> {
    // A pool of its own: one that a failure left dirty would spoil the shrinking.
    let pool = Executor::builder().num_threads(num_threads).build().unwrap();
    let seen = actual::run(&pool, steps);
    let expected = expected::expect(steps);
    prop_assert!(
        seen.keys().eq(expected.keys()),
        "on {num_threads} workers, looks at other places than expected: {seen:#?}"
    );
    for (path, seen) in seen {
        let may = &expected[&path];
        prop_assert!(
            matches!(&seen[..], [one] if may.contains(one)),
            "on {num_threads} workers, at {path:?}: {seen:#?} instead of {may:#?}"
        );
    }
    let workers = pool.rayon_pool().broadcast(|_| actual::look());
    prop_assert_eq!(workers, vec![State::default(); num_threads], "workers are not clean");
    prop_assert_eq!(actual::look(), State::default(), "the caller's thread is not clean");
    Ok(())
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_place_of_a_program_sees_what_the_model_sees(steps in steps()) {
        set_subscriber();
        for num_threads in [1, 2, 4] {
            check(&steps, num_threads)?;
        }
    }
}
