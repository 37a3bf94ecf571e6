//! An executor says what it is doing, and what became of its tasks.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::sync::{Arc, Barrier, mpsc};

use entourage::{Executor, ExecutorStats, Propagation};
use support::{occupy, one_worker, steal_one, workers};

/// Queued, running and parked.
fn now(stats: ExecutorStats) -> [u64; 3] {
    [stats.queued, stats.running, stats.parked]
}

/// Finished, panicked and cancelled.
fn ended(stats: ExecutorStats) -> [u64; 3] {
    [stats.finished, stats.panicked, stats.cancelled]
}

#[test]
fn each_end_of_a_task_is_counted_when_its_handle_is_ready() {
    let pool = one_worker();
    assert_eq!(pool.stats(), pool.clone().stats());
    assert_eq!((now(pool.stats()), ended(pool.stats())), ([0; 3], [0; 3]));
    pool.spawn(|| ()).join().unwrap();
    assert_eq!((now(pool.stats()), ended(pool.stats())), ([0; 3], [1, 0, 0]));
    assert!(pool.spawn(|| panic!("on purpose")).join().is_err());
    assert_eq!((now(pool.stats()), ended(pool.stats())), ([0; 3], [1, 1, 0]));
    let busy = occupy(&pool);
    assert!(pool.spawn(|| ()).cancel());
    assert_eq!((now(pool.stats()), ended(pool.stats())), ([0; 3], [1, 1, 1]));
    drop(busy);
    // Policies share the workers, and the books.
    let off = pool.with_propagation(Propagation::off()).unwrap();
    off.spawn_fifo(|| ()).join().unwrap();
    assert_eq!(ended(pool.stats()), [2, 1, 1]);
}

#[test]
fn queued_running_and_parked_tasks_are_told_apart() {
    let pool = one_worker();
    let busy = occupy(&pool);
    let inner = pool.clone();
    let waits = pool.spawn(move || {
        let before = now(inner.stats());
        steal_one();
        (before, now(inner.stats()))
    });
    let inner = pool.clone();
    let stolen = pool.spawn(move || now(inner.stats()));
    let last = pool.spawn(|| ());
    assert_eq!(now(pool.stats()), [3, 0, 0]);
    drop(busy);
    assert_eq!(stolen.join().unwrap(), [1, 1, 1]);
    assert_eq!(waits.join().unwrap(), ([2, 1, 0], [1, 1, 0]));
    last.join().unwrap();
    assert_eq!(now(pool.stats()), [0; 3]);
}

#[test]
fn task_that_another_worker_took_is_counted_as_stolen_and_no_other_is() {
    let pool = workers(2);
    let inner = pool.clone();
    let task = pool.spawn(move || {
        let both = Arc::new(Barrier::new(2));
        let meets = both.clone();
        let elsewhere = inner.spawn(move || _ = meets.wait());
        both.wait();
        elsewhere.join().unwrap();
        // A task that its spawner runs is not.
        let (tell, told) = mpsc::channel();
        let here = rayon::current_thread_index();
        inner
            .install(|| inner.spawn(move || tell.send(rayon::current_thread_index()).unwrap()))
            .join()
            .unwrap();
        u64::from(told.recv().unwrap() != here)
    });
    let others = task.join().unwrap();
    assert_eq!(pool.stats().stolen, 1 + others);
}

#[test]
fn detached_tasks_are_counted_where_that_is_asked_for() {
    for propagation in [Propagation::all(), Propagation::off()] {
        let builder = Executor::builder().num_threads(1).propagation(propagation);
        let [plain, tracked] =
            [false, true].map(|tracks| builder.clone().track_detached(tracks).build().unwrap());
        for (pool, expected) in [(&plain, [0; 3]), (&tracked, [2, 1, 0])] {
            pool.spawn_detached(|| ());
            pool.task("named").spawn_detached(|| ());
            pool.spawn_detached(|| panic!("on purpose"));
            pool.install(|| ());
            assert_eq!(ended(pool.stats()), expected);
        }
    }
}

#[test]
fn what_others_put_on_a_shared_pool_and_what_a_task_waits_for_is_not_counted() {
    let rayon = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap());
    let [pool, other] = [(); 2].map(|()| Executor::builder().pool(rayon.clone()).build().unwrap());
    let inner = pool.clone();
    pool.spawn(move || {
        inner.scope(|s| s.spawn(|_| ()));
        inner.join(|| (), || ());
        inner.broadcast(|_| ());
        rayon.install(|| ());
        other.spawn(|| ()).join().unwrap();
    })
    .join()
    .unwrap();
    assert_eq!(ended(pool.stats()), [1, 0, 0]);
}

#[test]
fn books_of_a_busy_pool_balance_in_the_end() {
    let pool = workers(4);
    fn tree(pool: &Executor, depth: u32) {
        if depth > 0 {
            let children = [0, 1].map(|_| {
                let inner = pool.clone();
                pool.spawn(move || tree(&inner, depth - 1))
            });
            for child in children {
                child.join().unwrap();
            }
        }
    }
    tree(&pool, 10);
    let stats = pool.stats();
    assert_eq!((now(stats), ended(stats)), ([0; 3], [2046, 0, 0]));
    assert!(stats.stolen <= stats.finished);
}
