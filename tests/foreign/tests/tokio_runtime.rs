//! The handle of the runtime goes along, and where there is none, none is found.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use entourage::accessors::TOKIO;
use entourage_foreign_tests::{one_worker, steal_one};
use tokio::runtime::{Builder, Handle};

#[test]
fn task_finds_the_runtime_of_its_submitter() {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    let pool = one_worker(&TOKIO);
    let answer = runtime.block_on(async {
        pool.spawn(|| {
            let sleep = async { tokio::time::sleep(Duration::from_millis(1)).await };
            Handle::current().block_on(sleep);
            Handle::current().block_on(tokio::spawn(async { 42 })).unwrap()
        })
        .await
    });
    assert_eq!(answer.unwrap(), 42);
}

#[test]
fn task_without_a_runtime_finds_none() {
    let pool = one_worker(&TOKIO);
    assert!(pool.spawn(|| Handle::try_current().is_err()).join().unwrap());
}

/// What `task`, which carries no handle, does in the wait of one that does.
fn over_a_waiting_task<R: Send + 'static>(task: impl FnOnce() -> R + Send + 'static) -> R {
    let runtime = Builder::new_current_thread().build().unwrap();
    let pool = one_worker(&TOKIO);
    let waiting = {
        let _entered = runtime.enter();
        pool.spawn(|| {
            steal_one();
            Handle::current().id()
        })
    };
    let answer = pool.spawn(task).join().unwrap();
    assert_eq!(waiting.join().unwrap(), runtime.handle().id());
    assert!(pool.rayon_pool().install(|| Handle::try_current().is_err()));
    answer
}

#[test]
fn waiting_tasks_runtime_is_hidden_behind_one_that_was_shut_down() {
    let (hidden, is_some) =
        over_a_waiting_task(|| (TOKIO.current().is_none(), Handle::try_current().is_ok()));
    assert!(hidden && is_some);
}

#[test]
fn what_is_spawned_on_the_hidden_runtime_is_cancelled() {
    let (future, closure) =
        over_a_waiting_task(|| (tokio::spawn(async { 1 }), tokio::task::spawn_blocking(|| 1)));
    let runtime = Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(future).unwrap_err().is_cancelled());
    assert!(runtime.block_on(closure).unwrap_err().is_cancelled());
}

#[test]
fn timer_on_the_hidden_runtime_panics() {
    let panicked = over_a_waiting_task(|| {
        let sleep = || drop(tokio::time::sleep(Duration::ZERO));
        catch_unwind(AssertUnwindSafe(sleep)).is_err()
    });
    assert!(panicked);
}

#[test]
fn task_submitted_where_the_runtime_is_hidden_carries_none() {
    let inner = one_worker(&TOKIO);
    let found =
        over_a_waiting_task(move || inner.spawn(|| Handle::try_current().is_ok()).join().unwrap());
    assert!(!found);
}

#[test]
fn scope_shares_one_capture_for_as_long_as_the_runtime_is_the_same() {
    let [first, second] = [0, 1].map(|_| Builder::new_current_thread().build().unwrap());
    let pool = one_worker(&TOKIO);
    let [one, other] = [&first, &second].map(|runtime| runtime.handle().id());
    let check = |expected| move || assert_eq!(Handle::current().id(), expected);
    let _entered = first.enter();
    pool.in_place_scope(|s| {
        for _ in 0..10 {
            s.spawn(move |_| check(one)());
        }
        let _entered = second.enter();
        s.spawn(move |_| check(other)());
    });
    assert_eq!(pool.stats().snapshots, 2);
}

#[test]
fn guard_that_outlives_its_task_fails_that_task_and_no_other() {
    let pool = one_worker(&TOKIO);
    let runtime = Builder::new_current_thread().build().unwrap();
    let handle = runtime.handle().clone();
    let outer = runtime.enter();
    let forgets = pool.spawn(move || std::mem::forget(handle.enter()));
    drop(outer);
    assert!(forgets.join().unwrap_err().is_panic());
    assert!(pool.spawn(|| TOKIO.current().is_none()).join().unwrap());
}
