//! Whoever waits for a task gets its outcome: nobody waits in vain.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};

use entourage::{Executor, JoinHandle, TaskError};
use support::{one_worker, workers};

entourage::context_key! { static TENANT: u32 = propagate; }

#[test]
fn waiting_on_the_only_worker_runs_the_task_there() {
    fn sum(pool: &Executor, depth: u32) -> u32 {
        if depth == 0 {
            return 1;
        }
        let halves = [(); 2].map(|()| {
            let inner = pool.clone();
            pool.spawn(move || sum(&inner, depth - 1))
        });
        halves.into_iter().map(|half| half.join().unwrap()).sum()
    }
    let pool = one_worker();
    let inner = pool.clone();
    assert_eq!(pool.spawn(move || sum(&inner, 8)).join().unwrap(), 256);
}

#[test]
fn waiting_on_a_worker_takes_over_tasks_in_any_order() {
    let pool = workers(2);
    let inner = pool.clone();
    let task = pool.spawn(move || {
        let tasks: Vec<_> = (0..1000).map(|n| inner.spawn(move || n)).collect();
        tasks.into_iter().rev().map(|task| task.join().unwrap()).sum::<u32>()
    });
    assert_eq!(task.join().unwrap(), 499_500);
}

#[test]
fn task_that_its_waiter_runs_keeps_its_own_context() {
    let pool = one_worker();
    let inner = pool.clone();
    let task = TENANT.scope(1, || pool.spawn(|| TENANT.get()));
    let waiting = TENANT.scope(2, || {
        pool.spawn(move || {
            let late = TENANT.scope(3, || inner.spawn(|| TENANT.get()));
            (task.join().unwrap(), late.join().unwrap(), TENANT.get())
        })
    });
    assert_eq!(waiting.join().unwrap(), (Some(1), Some(3), Some(2)));
}

#[test]
fn worker_that_waits_for_a_task_running_elsewhere_is_woken() {
    let pool = workers(2);
    let both = Arc::new(Barrier::new(2));
    let (open, gate) = mpsc::channel();
    let waits = both.clone();
    let slow = pool.spawn(move || {
        waits.wait();
        gate.recv().unwrap()
    });
    let waiting = pool.spawn(move || {
        // It has begun, so that there is no taking it over.
        both.wait();
        open.send(7).unwrap();
        slow.join().unwrap()
    });
    assert_eq!(waiting.join().unwrap(), 7);
}

#[test]
fn worker_that_waits_for_another_pools_task_does_its_own_pools_work_meanwhile() {
    let (here, there) = (one_worker(), one_worker());
    let back = here.clone();
    let waiting = here.spawn(move || {
        // To end, that task needs the very worker that waits for it.
        there.spawn(move || back.spawn(|| 7).join().unwrap()).join().unwrap()
    });
    assert_eq!(waiting.join().unwrap(), 7);
}

#[test]
fn handle_says_whether_its_task_is_over() {
    let pool = one_worker();
    let (open, gate) = mpsc::channel::<()>();
    let task = pool.spawn(move || gate.recv().is_ok());
    assert!(!task.is_finished());
    open.send(()).unwrap();
    pool.install(|| ());
    assert!(task.is_finished());
    assert!(task.join().unwrap());
}

#[test]
fn what_a_task_carried_is_gone_when_its_handle_is_ready() {
    entourage::context_key! { static LARGE: Arc<()> = propagate; }
    let pool = one_worker();
    for _ in 0..100 {
        let value = Arc::new(());
        let task = LARGE.scope(value.clone(), || pool.spawn(|| LARGE.get().is_some()));
        while !task.is_finished() {
            std::thread::yield_now();
        }
        assert_eq!(Arc::strong_count(&value), 1);
        assert!(task.join().unwrap());
    }
}

/// Starts a task on each of these, at once, hands each the handle of the next in
/// the circle to join, and returns what they were told.
fn circle(pools: &[&Executor]) -> Vec<Result<(), TaskError>> {
    let begin = Arc::new(Barrier::new(pools.len()));
    let (tell, told) = mpsc::channel();
    let start = |pool: &&Executor| {
        let (hand, next) = mpsc::channel::<JoinHandle<()>>();
        let (begin, tell) = (begin.clone(), tell.clone());
        let task = pool.spawn(move || {
            let next = next.recv().unwrap();
            begin.wait();
            tell.send(next.join()).unwrap();
        });
        (task, hand)
    };
    let (mut tasks, hands): (Vec<_>, Vec<_>) = pools.iter().map(start).unzip();
    tasks.rotate_left(1);
    for (hand, next) in hands.into_iter().zip(tasks) {
        hand.send(next).unwrap();
    }
    drop(tell);
    told.iter().collect()
}

#[test]
fn one_of_a_circle_of_waiting_tasks_is_told_of_the_deadlock_and_the_others_go_on() {
    let pool = workers(5);
    let (here, there) = (one_worker(), one_worker());
    for pools in [vec![&pool; 2], vec![&pool; 5], vec![&here, &there], vec![&pool, &here, &there]] {
        let outcomes = circle(&pools);
        assert_eq!(outcomes.len(), pools.len());
        let refused: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(refused[0].is_deadlock());
    }
}

#[test]
fn task_that_waits_for_the_task_that_runs_it_is_told_of_the_deadlock() {
    // On one worker the first runs the second from inside its own join.
    let pool = one_worker();
    let (first_hand, first_next) = mpsc::channel::<JoinHandle<()>>();
    let (second_hand, second_next) = mpsc::channel::<JoinHandle<()>>();
    let (tell, told) = mpsc::channel();
    let second_tells = tell.clone();
    let first = pool.spawn(move || tell.send(first_next.recv().unwrap().join()).unwrap());
    let second = pool.spawn(move || second_tells.send(second_next.recv().unwrap().join()).unwrap());
    second_hand.send(first).unwrap();
    first_hand.send(second).unwrap();
    assert!(told.recv().unwrap().unwrap_err().is_deadlock());
    assert!(told.recv().unwrap().is_ok());
}

#[test]
fn task_that_waits_for_itself_is_told_of_the_deadlock() {
    let pool = one_worker();
    let (hand, own) = mpsc::channel::<JoinHandle<()>>();
    let (tell, told) = mpsc::channel();
    let task = pool.task("ouroboros").spawn(move || {
        tell.send(own.recv().unwrap().join().unwrap_err()).unwrap();
    });
    hand.send(task).unwrap();
    let error = told.recv().unwrap();
    assert!(error.is_deadlock() && !error.is_panic());
    assert!(error.to_string().contains("`ouroboros`"), "{error}");
    assert!(error.into_panic().is_err());
}

#[test]
fn task_whose_handle_is_dropped_runs_on() {
    let pool = one_worker();
    let (tell, told) = mpsc::channel();
    let first = tell.clone();
    pool.spawn(move || first.send(1).unwrap()).detach();
    drop(pool.spawn(move || tell.send(2).unwrap()));
    assert_eq!(told.iter().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn tasks_of_an_executor_that_is_dropped_run_on() {
    let pool = one_worker();
    let task = pool.spawn(|| 7);
    drop(pool);
    assert_eq!(task.join().unwrap(), 7);
}

/// An executor that counts the panics that nobody received.
fn counting(num_threads: usize) -> (Executor, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counts = count.clone();
    let handler = move |_: &TaskError| _ = counts.fetch_add(1, Ordering::Relaxed);
    let builder = Executor::builder().num_threads(num_threads).panic_handler(handler);
    (builder.build().unwrap(), count)
}

#[test]
fn panic_of_a_task_is_told_if_and_only_if_no_handle_receives_it() {
    let (pool, count) = counting(1);
    assert!(pool.spawn(|| panic!("received")).join().is_err());
    assert_eq!(count.load(Ordering::Relaxed), 0);

    let over = pool.spawn(|| panic!("over before the handle is dropped"));
    pool.install(|| ());
    assert!(over.is_finished());
    drop(over);
    assert_eq!(count.load(Ordering::Relaxed), 1);

    let (open, gate) = mpsc::channel::<()>();
    let later = pool.spawn(move || gate.recv().expect("dropped without a word"));
    drop(later);
    drop(open);
    pool.install(|| ());
    assert_eq!(count.load(Ordering::Relaxed), 2);

    let off = pool.with_propagation(entourage::Propagation::off()).unwrap();
    pool.spawn_detached(|| panic!("detached"));
    off.spawn_detached(|| panic!("detached"));
    pool.install(|| ());
    assert_eq!(count.load(Ordering::Relaxed), 4);
}

#[test]
fn panic_is_told_once_whenever_the_handle_is_dropped() {
    let (pool, count) = counting(2);
    for _ in 0..5000 {
        drop(pool.spawn(|| std::panic::resume_unwind(Box::new(()))));
    }
    // The workers hold the handler until they end, after the last task.
    drop(pool);
    while Arc::strong_count(&count) > 1 {
        std::thread::yield_now();
    }
    assert_eq!(count.load(Ordering::Relaxed), 5000);
}

#[test]
fn panic_handlers_own_panic_goes_no_further() {
    let handler = |_: &TaskError| panic!("in the handler");
    let pool = Executor::builder().num_threads(1).panic_handler(handler).build().unwrap();
    pool.spawn_detached(|| panic!("unseen"));
    drop(pool.spawn(|| panic!("unseen")));
    assert_eq!(pool.spawn(|| 7).join().unwrap(), 7);
}
