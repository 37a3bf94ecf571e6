//! What is shown of a context: which keys are set, and of their values only those
//! that were declared to be shown.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use entourage::{Context, Executor, RUN_ID, Snapshot};
use support::spy::{Spy, with_local};
use support::{one_worker, panic_of};

/// A value that must not be seen in any log; its `Debug` would show it.
#[derive(Clone, Debug, PartialEq)]
struct Secret(&'static str);

entourage::context_key! {
    static TOKEN: Secret = propagate;
    static TENANT: Secret = propagate, shown;
    static SCRATCH: Secret = never;
}

/// Runs `f` with a value for each key, and a secret of another library's.
fn dressed<R>(f: impl FnOnce() -> R) -> R {
    let f = || SCRATCH.scope(Secret("hunter4"), f);
    with_local("locale", 424_242, || {
        TOKEN.scope(Secret("hunter2"), || TENANT.scope(Secret("acme"), f))
    })
}

#[test]
fn debug_of_a_context_names_its_keys_and_shows_only_what_may_be_shown() {
    let shown = dressed(|| format!("{:?}", Context::current()));
    for name in ["redaction::TOKEN", "redaction::TENANT", "redaction::SCRATCH"] {
        assert!(shown.contains(name), "{shown}");
    }
    assert!(shown.contains(r#"Secret("acme")"#), "{shown}");
    assert!(!shown.contains("hunter"), "{shown}");
    assert_eq!(shown.matches("<redacted>").count(), 2, "{shown}");
    assert_eq!(format!("{:?}", Context::empty()), "{}");
    // A key that comes with the crate and is no secret.
    let run = RUN_ID.scope("nightly-42".into(), || format!("{:?}", Context::current()));
    assert!(run.contains("nightly-42"), "{run}");
}

#[test]
fn debug_of_what_carries_a_context_shows_no_more_than_the_context() {
    let spy = Spy::on("locale").leak();
    let pool = Executor::builder().num_threads(1).accessor(spy).build().unwrap();
    dressed(|| {
        let (snapshot, task) = (pool.snapshot(), pool.task("load").spawn(|| ()));
        let (future, all) = (snapshot.instrument(7), Snapshot::capture());
        for shown in [
            format!("{snapshot:#?}"),
            format!("{all:?}"),
            format!("{future:?}"),
            format!("{task:?}"),
            format!("{pool:?}"),
            format!("{TOKEN:?}"),
        ] {
            assert!(!shown.contains("hunter") && !shown.contains("424242"), "{shown}");
        }
        assert!(format!("{snapshot:?}").contains("acme"));
    });
}

#[test]
fn error_of_a_task_shows_nothing_of_what_it_carried() {
    let pool = one_worker();
    let error = dressed(|| pool.task("load").spawn(|| panic!("no rows"))).join().unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("no rows") && !shown.contains("hunter"), "{shown}");
    // What a task says of a secret by itself is its own affair.
    let text = dressed(|| panic_of(|| pool.install(|| panic!("{:?}", TOKEN.get().unwrap().0))));
    assert_eq!(text, r#""hunter2""#);
}
