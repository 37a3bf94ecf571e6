//! Program and model beside each other.

use entourage::Executor;
use proptest::prelude::*;

use crate::actual;
use crate::expected::{self, State};
use crate::tree::Step;

/// What is wrong with a run of `steps` on one, two or four workers, if anything is.
pub(crate) fn check(steps: &[Step]) -> Result<(), TestCaseError> {
    [1, 2, 4].into_iter().try_for_each(|num_threads| check_on(steps, num_threads))
}

fn check_on(steps: &[Step], num_threads: usize) -> Result<(), TestCaseError> {
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
