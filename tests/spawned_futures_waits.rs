//! Whoever waits for a spawned future gets its outcome, on a pool of one worker
//! too.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use entourage::{Executor, FutureHandle};
use support::futures::{Gate, yield_now};
use support::{one_worker, workers};

entourage::context_key! { static TENANT: u32 = propagate; }

#[test]
fn joining_on_the_only_worker_polls_the_future_there() {
    let pool = one_worker();
    let inner = pool.clone();
    let task = TENANT.scope(1, || {
        pool.spawn(move || {
            let future = async {
                yield_now().await;
                (TENANT.get(), thread::current().id())
            };
            let future = TENANT.scope(2, || inner.spawn_future(future));
            (future.join().unwrap(), TENANT.get(), thread::current().id())
        })
    });
    let ((seen, polled_on), after, here) = task.join().unwrap();
    assert_eq!((seen, after), (Some(2), Some(1)));
    assert_eq!(polled_on, here);
}

#[test]
fn joining_on_the_only_worker_runs_what_the_future_awaits() {
    fn sum(pool: &Executor, depth: u32) -> u32 {
        if depth == 0 {
            return 1;
        }
        let (left, right) = (pool.clone(), pool.clone());
        let future = pool.spawn_future(async move {
            let (l, r) = (left.clone(), right.clone());
            // One half blocks in a closure, the other is awaited throughout.
            let first = left.spawn(move || sum(&l, depth - 1));
            let second = right.spawn_future(async move {
                let inner = r.clone();
                r.spawn(move || sum(&inner, depth - 1)).await.unwrap()
            });
            second.await.unwrap() + first.await.unwrap()
        });
        future.join().unwrap()
    }
    for num_threads in [1, 2] {
        let pool = workers(num_threads);
        let inner = pool.clone();
        assert_eq!(pool.spawn(move || sum(&inner, 6)).join().unwrap(), 64);
    }
}

#[test]
fn joining_on_the_only_worker_runs_what_was_queued_from_outside() {
    let pool = one_worker();
    let (gate, inner) = (Gate::default(), pool.clone());
    let (begin, begun) = mpsc::channel();
    let waits = gate.clone();
    let waiting = pool.spawn(move || {
        let future = inner.spawn_future(async move { waits.pass().await });
        begin.send(()).unwrap();
        future.join().is_ok()
    });
    begun.recv().unwrap();
    // Only the worker that waits can run this.
    pool.spawn_detached(move || gate.open());
    assert!(waiting.join().unwrap());
}

#[test]
fn worker_that_joins_is_woken_when_its_future_is() {
    let pool = one_worker();
    for _ in 0..200 {
        let (gate, inner) = (Gate::default(), pool.clone());
        let waits = gate.clone();
        let waiting = pool.spawn(move || {
            let future = inner.spawn_future(async move { waits.pass().await });
            future.join().is_ok()
        });
        while gate.waiting() == 0 {
            thread::yield_now();
        }
        gate.open();
        assert!(waiting.join().unwrap());
    }
}

#[test]
fn worker_that_joins_another_pools_future_does_its_own_pools_work_meanwhile() {
    let (here, there) = (one_worker(), one_worker());
    let back = here.clone();
    let waiting = here.spawn(move || {
        // To end, that future needs the very worker that waits for it.
        there.spawn_future(async move { back.spawn(|| 7).await.unwrap() }).join().unwrap()
    });
    assert_eq!(waiting.join().unwrap(), 7);
}

#[test]
fn worker_that_joins_a_future_takes_part_in_a_broadcast() {
    let pool = workers(2);
    let (gate, inner) = (Gate::default(), pool.clone());
    let waits = gate.clone();
    let waiting =
        pool.spawn(move || inner.spawn_future(async move { waits.pass().await }).join().is_ok());
    while gate.waiting() == 0 {
        thread::yield_now();
    }
    assert_eq!(pool.broadcast(|worker| worker.index), [0, 1]);
    gate.open();
    assert!(waiting.join().unwrap());
}

#[test]
fn future_that_joins_its_own_handle_is_told_of_the_deadlock() {
    let pool = one_worker();
    let (hand, own) = mpsc::channel::<FutureHandle<()>>();
    let (tell, told) = mpsc::channel();
    // At once, though the worker has no lack of other work.
    let is_over = Arc::new(AtomicBool::new(false));
    let ends = is_over.clone();
    let task = pool.task("ouroboros").spawn_future(async move {
        tell.send(own.recv().unwrap().join().unwrap_err()).unwrap();
        ends.store(true, Ordering::SeqCst);
    });
    let other = pool.spawn_future(async move {
        while !is_over.load(Ordering::SeqCst) {
            yield_now().await;
        }
    });
    hand.send(task).unwrap();
    let error = told.recv().unwrap();
    other.join().unwrap();
    assert!(error.is_deadlock() && error.to_string().contains("`ouroboros`"), "{error}");
}

#[test]
fn closure_and_future_that_join_each_other_are_told_of_the_deadlock() {
    let pool = workers(2);
    let (hand, handed) = mpsc::channel::<FutureHandle<()>>();
    let (tell, told) = mpsc::channel();
    let tells = tell.clone();
    let closure = pool.spawn(move || {
        tells.send(handed.recv().unwrap().join().err().map(|e| e.is_deadlock())).unwrap();
    });
    // To block in a poll is bad manners; to hang would be worse.
    let future = pool.spawn_future(async move {
        tell.send(closure.join().err().map(|e| e.is_deadlock())).unwrap();
    });
    hand.send(future).unwrap();
    let mut outcomes: Vec<_> = told.iter().collect();
    outcomes.sort();
    assert_eq!(outcomes, [None, Some(true)]);
}

#[test]
fn future_that_waits_by_yielding_lets_all_other_work_of_the_only_worker_run() {
    // What came from outside, behind it; what it spawned itself; another future
    // that wakes itself as well; and where a task joins it in place.
    let pool = one_worker();
    let spins = |flag: &Arc<AtomicBool>| {
        let flag = flag.clone();
        async move {
            while !flag.load(Ordering::SeqCst) {
                yield_now().await;
            }
        }
    };
    let sets = |flag: &Arc<AtomicBool>| {
        let flag = flag.clone();
        move || flag.store(true, Ordering::SeqCst)
    };
    let (first, second, third) = Default::default();
    let spinning = pool.spawn_future(spins(&first));
    let others: Vec<_> = (0..20).map(|_| pool.spawn_future(spins(&second))).collect();
    let (inner, sets_third, spins_third) = (pool.clone(), sets(&third), spins(&third));
    let spawning = pool.spawn_future(async move {
        inner.spawn_detached(sets_third);
        spins_third.await;
    });
    pool.spawn(sets(&first)).join().unwrap();
    spinning.join().unwrap();
    spawning.join().unwrap();
    pool.spawn(sets(&second)).join().unwrap();
    others.into_iter().for_each(|other| other.join().unwrap());

    let fourth = Default::default();
    let (inner, spins_fourth) = (pool.clone(), spins(&fourth));
    let joining = pool.spawn(move || inner.spawn_future(spins_fourth).join().is_ok());
    pool.spawn_detached(sets(&fourth));
    assert!(joining.join().unwrap());
}

#[test]
fn two_futures_that_wake_each_other_let_other_work_of_the_only_worker_run() {
    let pool = one_worker();
    let is_over = Arc::new(AtomicBool::new(false));
    let wakers: Arc<[std::sync::Mutex<Option<Waker>>; 2]> = Arc::default();
    let player = |me: usize| {
        let (is_over, wakers) = (is_over.clone(), wakers.clone());
        poll_fn(move |cx| {
            *wakers[me].lock().unwrap() = Some(cx.waker().clone());
            if let Some(other) = wakers[1 - me].lock().unwrap().take() {
                other.wake();
            }
            if is_over.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        })
    };
    let players = [0, 1].map(|me| pool.spawn_future(player(me)));
    let ends = is_over.clone();
    pool.spawn(move || ends.store(true, Ordering::SeqCst)).join().unwrap();
    // Each wakes the other before it ends.
    players.into_iter().for_each(|player| player.join().unwrap());
}

#[test]
fn join_with_a_timeout_gives_the_handle_back_or_the_outcome() {
    let pool = one_worker();
    let gate = Gate::default();
    let waits = gate.clone();
    let task = pool.spawn_future(async move {
        waits.pass().await;
        7
    });
    let task = task.join_timeout(Duration::from_millis(1)).unwrap_err();
    // Nor on a worker, which polls it meanwhile.
    let inner = pool.clone();
    let task = pool.spawn(move || {
        let done = inner.spawn_future(async { 6 });
        assert_eq!(done.join_timeout(Duration::from_secs(3600)).unwrap().unwrap(), 6);
        task.join_timeout(Duration::from_millis(1)).unwrap_err()
    });
    let task = task.join().unwrap();
    gate.open();
    pool.install(|| ());
    assert_eq!(task.join_timeout(Duration::ZERO).unwrap().unwrap(), 7);
}
