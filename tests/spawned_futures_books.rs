//! Spawned futures are in the books of their executor: counted, bounded in number
//! before their first poll, and drained or dropped at a shutdown.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::future::pending;
use std::sync::mpsc;
use std::thread;

use entourage::{Executor, ExecutorStats, PanicPolicy, Shutdown, ShutdownReport, WhenFull};
use support::futures::{Gate, OnDrop, yield_now};
use support::{occupy, one_worker, workers};

entourage::context_key! { static TENANT: u32 = propagate; }

/// Queued, running, pending.
fn now(stats: ExecutorStats) -> [u64; 3] {
    [stats.queued, stats.running, stats.pending]
}

/// Finished, panicked, cancelled.
fn ended(stats: ExecutorStats) -> [u64; 3] {
    [stats.finished, stats.panicked, stats.cancelled]
}

/// Ran, dropped, unfinished.
fn counts(report: ShutdownReport) -> [u64; 3] {
    [report.ran, report.dropped, report.unfinished]
}

/// A future that waits for the gate, and what tells where it was dropped.
fn waits_at(gate: &Gate, tell: &mpsc::Sender<Option<u32>>) -> impl Future<Output = u32> + use<> {
    let (gate, tell) = (gate.clone(), tell.clone());
    let dropped = OnDrop(move || tell.send(TENANT.get()).unwrap());
    async move {
        let _dropped = dropped;
        gate.pass().await;
        7
    }
}

#[test]
fn future_is_counted_where_it_stands() {
    let pool = one_worker();
    let (gate, (tell, _told)) = (Gate::default(), mpsc::channel());
    let busy = occupy(&pool);
    let inner = pool.clone();
    let task = pool.spawn_future(async move {
        let first = now(inner.stats());
        yield_now().await;
        (first, now(inner.stats()))
    });
    let waiting = pool.spawn_future(waits_at(&gate, &tell));
    assert_eq!(now(pool.stats())[0], 2);
    drop(busy);
    // A worker's own go before what came from outside.
    assert_eq!(task.join().unwrap(), ([1, 1, 0], [1, 1, 0]));
    pool.install(|| ());
    assert_eq!(now(pool.stats()), [0, 0, 1]);
    gate.open();
    waiting.join().unwrap();
    assert_eq!((now(pool.stats()), ended(pool.stats())), ([0; 3], [2, 0, 0]));
}

#[test]
fn each_end_of_a_future_is_counted_when_its_handle_is_ready() {
    let pool = one_worker();
    let panics = pool.spawn_future(async {
        yield_now().await;
        panic!("on purpose")
    });
    assert!(panics.join().is_err());
    assert_eq!(ended(pool.stats()), [0, 1, 0]);
    // Cancelled where it waits, and before it began; and with a panic.
    let waiting = pool.spawn_future(pending::<()>());
    pool.install(|| ());
    waiting.cancel();
    assert!(waiting.join().unwrap_err().is_cancelled());
    let busy = occupy(&pool);
    pool.spawn_future(async {}).cancel();
    assert_eq!(ended(pool.stats()), [0, 1, 2]);
    let bomb = OnDrop(|| panic!("on purpose"));
    pool.spawn_future(async move { drop(bomb) }).cancel();
    assert_eq!(ended(pool.stats()), [0, 2, 2]);
    drop(busy);
    // One that nothing can wake.
    pool.spawn_future(pending::<()>()).detach();
    pool.install(|| ());
    assert_eq!((now(pool.stats()), ended(pool.stats())), ([0; 3], [0, 2, 3]));
    assert_eq!(counts(pool.shutdown(Shutdown::Drain)), [0; 3]);
}

#[test]
fn counts_of_many_futures_on_two_workers_add_up() {
    let pool = workers(2);
    let tasks: Vec<_> = (0..500_u64)
        .map(|n| {
            pool.spawn_future(async move {
                for _ in 0..n % 4 {
                    yield_now().await;
                }
                assert_ne!(n % 5, 4, "on purpose");
            })
        })
        .collect();
    let failed = tasks.into_iter().filter_map(|task| task.join().err()).count();
    assert_eq!(failed, 100);
    assert_eq!((now(pool.stats()), ended(pool.stats())), ([0; 3], [400, 100, 0]));
}

#[test]
fn draining_waits_for_futures_that_wait() {
    let pool = one_worker();
    let (gate, (tell, _told)) = (Gate::default(), mpsc::channel());
    let task = pool.spawn_future(waits_at(&gate, &tell));
    pool.install(|| ());
    let report = thread::scope(|threads| {
        let draining = threads.spawn(|| pool.shutdown(Shutdown::Drain));
        while !pool.is_shut_down() {
            thread::yield_now();
        }
        assert!(!task.is_finished());
        gate.open();
        draining.join().unwrap()
    });
    assert_eq!(counts(report), [1, 0, 0]);
    assert_eq!(task.join().unwrap(), 7);
}

#[test]
fn future_that_comes_after_the_end_is_dropped_in_its_context_and_says_so() {
    let pool = one_worker();
    let (gate, (tell, told)) = (Gate::default(), mpsc::channel());
    pool.shutdown(Shutdown::Drain);
    let late = TENANT.scope(1, || pool.task("late").spawn_future(waits_at(&gate, &tell)));
    assert_eq!(told.try_recv().unwrap(), Some(1));
    let error = late.join().unwrap_err();
    assert!(error.is_shut_down() && !error.is_cancelled(), "{error}");
    assert!(error.to_string().contains("`late`"), "{error}");
}

#[test]
fn dropping_ends_futures_wherever_they_stand_each_in_its_context() {
    let pool = workers(2);
    let (gate, (tell, told)) = (Gate::default(), mpsc::channel());
    let spawn = |tenant| TENANT.scope(tenant, || pool.spawn_future(waits_at(&gate, &tell)));
    let waiting: Vec<_> = (0..100).map(spawn).collect();
    while gate.waiting() < 100 {
        thread::yield_now();
    }
    // One that keeps itself busy, one whose poll takes its time, and one that
    // has not begun, since both workers have.
    let busy = pool.spawn_future(async {
        loop {
            yield_now().await;
        }
    });
    let (begin, begun) = mpsc::channel();
    let (open, shut) = mpsc::channel::<()>();
    let polled = pool.spawn_future(async move {
        begin.send(()).unwrap();
        _ = shut.recv();
        pending::<()>().await;
    });
    begun.recv().unwrap();
    let report = thread::scope(|threads| {
        let dropping = threads.spawn(|| pool.shutdown(Shutdown::Drop));
        while !pool.is_shut_down() {
            thread::yield_now();
        }
        drop(open);
        dropping.join().unwrap()
    });
    assert_eq!(counts(report), [0, 102, 0]);
    let mut tenants: Vec<_> = told.try_iter().flatten().collect();
    tenants.sort_unstable();
    assert_eq!(tenants, (0..100).collect::<Vec<_>>());
    for task in waiting {
        assert!(task.join().unwrap_err().is_shut_down());
    }
    for task in [busy.join().map(drop), polled.join()] {
        assert!(task.unwrap_err().is_shut_down());
    }
    assert_eq!((now(pool.stats()), ended(pool.stats())), ([0; 3], [0, 0, 102]));
}

#[test]
fn panic_of_a_future_shuts_down_an_executor_that_is_to_end_with_it() {
    let policy = PanicPolicy::ShutDown;
    let pool = Executor::builder().num_threads(1).panic_policy(policy).build().unwrap();
    let (gate, (tell, told)) = (Gate::default(), mpsc::channel());
    let waiting = TENANT.scope(1, || pool.spawn_future(waits_at(&gate, &tell)));
    let panics = pool.spawn_future(async {
        yield_now().await;
        panic!("on purpose")
    });
    assert!(panics.join().unwrap_err().is_panic());
    assert!(waiting.join().unwrap_err().is_shut_down());
    assert_eq!(told.try_recv().unwrap(), Some(1));
    assert!(pool.is_shut_down());
}

#[test]
fn first_poll_waits_for_room_in_the_queue_or_is_made_by_whoever_submits() {
    let bounded = |when| {
        let builder = Executor::builder().num_threads(1).queue_capacity(1).when_full(when);
        builder.build().unwrap()
    };
    let pool = bounded(WhenFull::Help);
    let busy = occupy(&pool);
    let queued = pool.spawn_future(async {});
    let here = thread::current().id();
    let gate = Gate::default();
    let waits = gate.clone();
    let helped = TENANT.scope(1, || {
        pool.spawn_future(async move {
            let first = (thread::current().id(), TENANT.get());
            waits.pass().await;
            (first, thread::current().id(), TENANT.get())
        })
    });
    // Polled once, right here; from then on by the worker, room or no room.
    assert_eq!(gate.waiting(), 1);
    assert_eq!(now(pool.stats()), [1, 0, 1]);
    gate.open();
    drop(busy);
    let (first, then, tenant) = helped.join().unwrap();
    assert_eq!((first, tenant), ((here, Some(1)), Some(1)));
    assert_ne!(then, here);
    queued.join().unwrap();

    // A worker polls in place, at once.
    let pool = bounded(WhenFull::Wait);
    let inner = pool.clone();
    let sum = pool.spawn(move || {
        let tasks: Vec<_> = (0..100).map(|n| inner.spawn_future(async move { n })).collect();
        assert!(tasks.iter().filter(|task| task.is_finished()).count() >= 99);
        tasks.into_iter().map(|task| task.join().unwrap()).sum::<u32>()
    });
    assert_eq!(sum.join().unwrap(), 4950);
    // Whoever is no worker waits for it.
    let tasks: Vec<_> = (0..100).map(|n| pool.spawn_future(async move { n })).collect();
    assert_eq!(tasks.into_iter().map(|task| task.join().unwrap()).sum::<u32>(), 4950);
}
