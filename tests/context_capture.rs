//! A task gets what was current where and when it was submitted.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::sync::mpsc;
use std::thread;

use entourage::{Context, Executor, Snapshot};
use support::recorder::Recorder;
use support::spy::{Spy, with_local};
use support::{one_worker, workers};
use tracing::{info, info_span};

entourage::context_key! {
    static TENANT: u32 = propagate;
    static ATTEMPT: u32 = propagate;
}

/// Keeps the only worker busy until the sender is used or dropped.
fn occupy(pool: &Executor) -> mpsc::Sender<()> {
    let (open, gate) = mpsc::channel();
    // Whether it is opened or dropped makes no difference.
    pool.spawn_detached(move || _ = gate.recv());
    open
}

#[test]
fn value_set_before_the_submit_is_seen_by_the_task() {
    let pool = one_worker();
    let task = TENANT.scope(7, || pool.spawn(|| TENANT.get()));
    assert_eq!(task.join().unwrap(), Some(7));
}

#[test]
fn change_after_the_submit_is_not_seen_by_the_task() {
    let pool = one_worker();
    let gate = occupy(&pool);
    let task = TENANT.scope(1, || pool.spawn(|| TENANT.get()));
    TENANT.scope(2, || {
        gate.send(()).unwrap();
        assert_eq!(task.join().unwrap(), Some(1));
    });
}

#[test]
fn change_between_two_submits_gives_two_values() {
    let pool = workers(2);
    let tasks = [1, 2].map(|n| TENANT.scope(n, || pool.spawn(|| TENANT.get())));
    assert_eq!(tasks.map(|task| task.join().unwrap()), [Some(1), Some(2)]);
}

#[test]
fn change_between_two_spawns_of_one_scope_gives_two_values() {
    let pool = one_worker();
    let mut seen = [None; 3];
    let [first, second, third] = &mut seen;
    pool.in_place_scope(|s| {
        TENANT.scope(1, || {
            s.spawn(|_| *first = TENANT.get());
            TENANT.scope(2, || s.spawn(|_| *second = TENANT.get()));
            s.spawn(|_| *third = TENANT.get());
        });
    });
    assert_eq!(seen, [Some(1), Some(2), Some(1)]);
}

#[test]
fn key_that_was_set_and_cleared_equals_one_that_was_never_set() {
    let pool = one_worker();
    TENANT.scope(7, || {
        TENANT.cleared(|| {
            assert!(Context::current().is_empty());
            assert!(Snapshot::capture().is_empty());
            assert_eq!(pool.spawn(|| TENANT.get()).join().unwrap(), None);
        });
    });
    let never_set = Context::empty();
    let set_and_removed = never_set.with(&TENANT, 7).without(&TENANT);
    assert_eq!((set_and_removed.len(), set_and_removed.is_empty()), (0, true));
}

#[test]
fn key_that_is_not_set_is_absent_and_never_a_default() {
    let pool = one_worker();
    let task = ATTEMPT.scope(1, || pool.spawn(|| (TENANT.get(), TENANT.with(|t| t.is_none()))));
    assert_eq!(task.join().unwrap(), (None, true));
}

#[test]
fn capture_happens_on_the_submitting_thread() {
    let spy = Spy::on("locale").leak();
    let pool = Executor::builder().num_threads(1).accessor(spy).build().unwrap();
    let gate = occupy(&pool);
    // The worker is busy, and its own local is another.
    let (task, seen) = with_local("locale", 3, || {
        let task = pool.spawn(|| (support::spy::local("locale"), thread::current().id()));
        (task, support::spy::local("locale"))
    });
    gate.send(()).unwrap();
    let (on_worker, worker) = task.join().unwrap();
    assert_eq!((on_worker, seen), (Some(3), Some(3)));
    assert_ne!(worker, thread::current().id());
}

#[test]
fn pool_built_inside_a_context_leaks_nothing_of_it_into_its_tasks() {
    Recorder::record(|recorder| {
        let pool = info_span!("builder").in_scope(|| TENANT.scope(7, one_worker));
        let task = pool.spawn(|| {
            info!("later");
            TENANT.get()
        });
        assert_eq!(task.join().unwrap(), None);
        assert_eq!(recorder.spans_of("later"), [""; 0]);
    });
}

#[test]
fn tasks_of_one_scope_share_one_capture_until_the_context_changes() {
    let pool = workers(2);
    TENANT.scope(1, || {
        pool.in_place_scope(|s| {
            for _ in 0..100 {
                s.spawn(|_| assert_eq!(TENANT.get(), Some(1)));
            }
        });
        assert_eq!(pool.stats().snapshots, 1);
    });
    TENANT.scope(2, || {
        pool.in_place_scope(|s| {
            s.spawn(|_| assert_eq!(TENANT.get(), Some(2)));
            TENANT.scope(3, || s.spawn(|_| assert_eq!(TENANT.get(), Some(3))));
            s.spawn(|_| assert_eq!(TENANT.get(), Some(2)));
        });
    });
    // The third task is given what the first was.
    assert_eq!(pool.stats().snapshots, 1 + 2);
}

#[test]
fn task_that_spawns_more_into_its_scope_passes_its_own_capture_on() {
    let pool = one_worker();
    TENANT.scope(1, || {
        pool.in_place_scope(|s| {
            s.spawn(|s| {
                for _ in 0..10 {
                    s.spawn(|_| assert_eq!(TENANT.get(), Some(1)));
                }
            });
        });
    });
    assert_eq!(pool.stats().snapshots, 1);
}

#[test]
fn accessor_that_compares_lets_a_scope_share_one_capture() {
    let spy = |shares: bool| {
        let spy = Spy::on("locale");
        if shares { spy.sharing().leak() } else { spy.leak() }
    };
    // One for the scope, and then one where it is another, or one for each task.
    for (spy, expected) in [(spy(true), 2), (spy(false), 12)] {
        let pool = Executor::builder().num_threads(1).accessor(spy).build().unwrap();
        with_local("locale", 1, || {
            pool.in_place_scope(|s| {
                (0..10).for_each(|_| s.spawn(|_| ()));
                with_local("locale", 2, || s.spawn(|_| ()));
            });
        });
        assert_eq!(pool.stats().snapshots, expected);
    }
}

#[test]
fn binding_that_ended_before_the_task_ran_is_still_seen_by_it() {
    let pool = one_worker();
    let gate = occupy(&pool);
    let task = TENANT.scope(7, || pool.spawn(|| TENANT.get()));
    assert_eq!(TENANT.get(), None);
    gate.send(()).unwrap();
    assert_eq!(task.join().unwrap(), Some(7));
}

#[test]
fn one_closure_submitted_from_two_contexts_keeps_each() {
    let pool = workers(2);
    let closure = || (TENANT.get(), ATTEMPT.get());
    let first = TENANT.scope(1, || pool.spawn(closure));
    let second = ATTEMPT.scope(2, || pool.spawn(closure));
    assert_eq!(first.join().unwrap(), (Some(1), None));
    assert_eq!(second.join().unwrap(), (None, Some(2)));
}
