//! The random programs of `model`, where the process's subscriber is watched, so
//! that the crate asks it less. In a file of its own, since there is one global
//! subscriber for a process.

#[path = "model/actual.rs"]
mod actual;
#[path = "model/check.rs"]
mod check;
#[path = "model/expected.rs"]
mod expected;
#[path = "model/tree.rs"]
mod tree;

use std::sync::Once;

use entourage::SpanWatch;
use proptest::prelude::*;
use proptest::test_runner::Config;
use tracing::dispatcher::{Dispatch, set_global_default};

use check::check;
use tree::steps;

/// One subscriber for the process, besides those of threads.
fn set_subscriber() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let watched = SpanWatch::new(actual::numbered(0));
        set_global_default(Dispatch::new(watched)).unwrap();
    });
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_place_of_a_program_sees_under_a_watch_what_the_model_sees(steps in steps()) {
        set_subscriber();
        check(&steps)?;
    }
}
