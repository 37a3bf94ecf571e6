//! Random programs, of spawns, joins, scopes, parallel iterators, panics, keys,
//! spans, subscribers, policies and suppressions in one another, see on one, two
//! and four workers what a model sees that runs them one after the other. The
//! same with a watched subscriber is in `model_watched.rs`.

mod actual;
mod check;
mod expected;
mod tree;

use std::sync::Once;

use proptest::prelude::*;
use proptest::test_runner::Config;
use tracing::dispatcher::{Dispatch, set_global_default};

use check::check;
use tree::steps;

/// One subscriber for the process, besides those of threads.
fn set_subscriber() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| set_global_default(Dispatch::new(actual::numbered(0))).unwrap());
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_place_of_a_program_sees_what_the_model_sees(steps in steps()) {
        set_subscriber();
        check(&steps)?;
    }
}
