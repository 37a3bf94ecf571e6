//! Suppression nests, survives a panic, and ends with the task that began it.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use entourage::{Executor, Propagation, Snapshot, SuppressGuard, context_key, suppress};
use support::{one_worker, steal_one};

context_key! { static TENANT: u32 = propagate; }

#[test]
fn suppress_guards_nest_and_overlap() {
    let pool = one_worker();
    let seen = || pool.spawn(|| TENANT.get()).join().unwrap();
    TENANT.scope(1, || {
        let outer = SuppressGuard::new();
        assert_eq!(seen(), None);
        let inner = SuppressGuard::new();
        assert_eq!(suppress(seen), None);
        // Not in the order of their making.
        drop(outer);
        assert_eq!(seen(), None);
        drop(inner);
        assert_eq!(seen(), Some(1));
    });
}

#[test]
fn suppress_guard_ends_with_a_panic() {
    let pool = one_worker();
    TENANT.scope(1, || {
        support::panic_of(|| {
            let _suppressed = SuppressGuard::new();
            panic!("out of here");
        });
        assert_eq!(pool.spawn(|| TENANT.get()).join().unwrap(), Some(1));
    });
}

#[test]
fn suppress_guard_that_a_task_leaks_ends_with_the_task() {
    let leaks = || std::mem::forget(SuppressGuard::new());
    let carries = |pool: &Executor| {
        pool.spawn(|| TENANT.scope(1, || !Snapshot::capture().is_empty())).join().unwrap()
    };
    let on = one_worker();
    let off = on.with_propagation(Propagation::off()).unwrap();
    for pool in [&on, &off] {
        pool.spawn(leaks).join().unwrap();
        assert!(carries(&on) && carries(&off));
        pool.scope(|s| s.spawn(move |_| leaks()));
        assert!(carries(&on) && carries(&off));
    }
    // And with the frame of a task that is stolen inside another.
    let waiting = on.spawn(|| {
        steal_one();
        TENANT.scope(1, || !Snapshot::capture().is_empty())
    });
    off.spawn(leaks).join().unwrap();
    assert!(waiting.join().unwrap());
}

#[test]
fn task_that_is_stolen_while_another_suppresses_propagates_as_ever() {
    let pool = one_worker();
    let waiting = pool.spawn(|| {
        let _suppressed = SuppressGuard::new();
        steal_one();
        TENANT.scope(1, Snapshot::capture).is_empty()
    });
    let stolen = pool.spawn(|| TENANT.scope(1, Snapshot::capture).is_empty());
    assert_eq!((stolen.join().unwrap(), waiting.join().unwrap()), (false, true));
}

#[test]
fn suppress_guard_that_outlives_its_task_ends_nothing_later() {
    use std::cell::RefCell;
    thread_local! { static KEPT: RefCell<Vec<SuppressGuard>> = const { RefCell::new(Vec::new()) }; }
    let pool = one_worker();
    pool.spawn(|| KEPT.with_borrow_mut(|kept| kept.push(SuppressGuard::new()))).join().unwrap();
    pool.spawn(|| drop(KEPT.take())).join().unwrap();
    let task = TENANT.scope(1, || pool.spawn(|| TENANT.get()));
    assert_eq!(task.join().unwrap(), Some(1));
}
