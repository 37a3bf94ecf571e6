//! Waiting that ends: with the value, with the handle, or with an error, and
//! for one task or for many.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use entourage::{Executor, JoinHandle, TaskError};
use support::{one_worker, workers};

/// Long enough for anything that is to happen, and never waited out.
const LONG: Duration = Duration::from_secs(3600);
/// Short enough to be waited out.
const SHORT: Duration = Duration::from_millis(2);

type Joined<R> = Result<Result<R, TaskError>, JoinHandle<R>>;

fn value<R>(joined: Joined<R>) -> R {
    joined.expect("in time").expect("a value")
}

#[test]
fn handle_comes_back_when_its_task_is_not_over_in_time_and_is_good_for_another_wait() {
    let pool = one_worker();
    let (open, gate) = mpsc::channel();
    let task = pool.spawn(move || gate.recv().unwrap());
    let task = task.join_timeout(Duration::ZERO).unwrap_err();
    let task = task.join_timeout(SHORT).unwrap_err();
    assert!(!task.is_finished());
    open.send(7).unwrap();
    assert_eq!(value(task.join_timeout(LONG)), 7);
}

#[test]
fn timeout_beyond_what_a_clock_shows_is_none() {
    assert_eq!(value(one_worker().spawn(|| 7).join_timeout(Duration::MAX)), 7);
}

#[test]
fn timeout_of_zero_takes_the_value_that_is_there_and_runs_nothing() {
    let pool = one_worker();
    let inner = pool.clone();
    let task = pool.spawn(move || {
        let queued = inner.spawn(|| 7);
        let queued = queued.join_timeout(Duration::ZERO).unwrap_err();
        let is_untouched = queued.cancel();
        (is_untouched, value(over(&inner).join_timeout(Duration::ZERO)))
    });
    assert_eq!(task.join().unwrap(), (true, 8));
}

/// The handle of a task that is over. To be called on the only worker.
fn over(pool: &Executor) -> JoinHandle<u32> {
    let task = pool.spawn(|| 8);
    support::steal_one();
    assert!(task.is_finished());
    task
}

#[test]
fn worker_that_waits_with_a_timeout_runs_the_task_if_nobody_has_begun_it() {
    let pool = one_worker();
    let inner = pool.clone();
    let task = pool.spawn(move || value(inner.spawn(|| 7).join_timeout(SHORT)));
    assert_eq!(task.join().unwrap(), 7);
}

#[test]
fn worker_that_waits_with_a_timeout_for_another_pools_task_does_its_own_pools_work_meanwhile() {
    let (here, there) = (one_worker(), one_worker());
    let back = here.clone();
    let waiting = here.spawn(move || {
        // To end, that task needs the very worker that waits for it.
        value(there.spawn(move || back.spawn(|| 7).join().unwrap()).join_timeout(LONG))
    });
    assert_eq!(waiting.join().unwrap(), 7);
}

#[test]
fn worker_that_waits_with_a_timeout_takes_part_in_a_broadcast() {
    let pool = workers(2);
    let inner = pool.clone();
    let indices = pool.install(|| {
        let (begun, has_begun) = mpsc::channel();
        let task = pool.spawn(move || {
            begun.send(()).unwrap();
            inner.broadcast(|worker| worker.index)
        });
        has_begun.recv().unwrap();
        value(task.join_timeout(LONG))
    });
    assert_eq!(indices, [0, 1]);
}

#[test]
fn wait_with_an_end_closes_no_circle() {
    let pool = workers(2);
    let begin = Arc::new(Barrier::new(2));
    let (hand, first_next) = mpsc::channel::<JoinHandle<()>>();
    let (give_up, may_give_up) = mpsc::channel::<()>();
    let begins = begin.clone();
    let first = pool.spawn(move || {
        let mut second = first_next.recv().unwrap();
        begins.wait();
        // In vain, as long as the other waits for this one: either this is said,
        // or time runs out, and in both cases the other gets its value.
        loop {
            match second.join_timeout(SHORT) {
                Err(back) => second = back,
                Ok(outcome) => break assert!(outcome.unwrap_err().is_deadlock()),
            }
        }
        may_give_up.recv().unwrap();
        7
    });
    let (tell, told) = mpsc::channel();
    let second = pool.spawn(move || {
        begin.wait();
        tell.send(first.join()).unwrap();
    });
    hand.send(second).unwrap();
    give_up.send(()).unwrap();
    assert_eq!(told.recv().unwrap().unwrap(), 7);
}

#[test]
fn task_that_waits_for_itself_with_a_timeout_is_told_at_once() {
    let pool = one_worker();
    let (hand, own) = mpsc::channel::<JoinHandle<()>>();
    let (tell, told) = mpsc::channel();
    let task = pool.spawn(move || {
        let own = own.recv().unwrap();
        tell.send(own.join_timeout(LONG).expect("no handle").unwrap_err()).unwrap();
    });
    hand.send(task).unwrap();
    assert!(told.recv().unwrap().is_deadlock());
}

#[test]
fn outcomes_of_many_tasks_are_in_the_order_of_their_handles() {
    let pool = workers(2);
    let spawn = |n: usize| {
        pool.spawn(move || match n % 3 {
            0 => panic!("{n}"),
            _ => n,
        })
    };
    let outcomes = JoinHandle::join_all((0..100).map(spawn));
    assert_eq!(outcomes.len(), 100);
    for (n, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(value) => assert_eq!((value, n % 3 == 0), (n, false)),
            Err(error) => assert!(error.to_string().ends_with(&format!(": {n}")), "{error}"),
        }
    }
    assert!(JoinHandle::<()>::join_all([]).is_empty());
}

#[test]
fn worker_that_joins_many_runs_what_nobody_has_begun_before_it_waits() {
    let pool = workers(2);
    let inner = pool.clone();
    let task = pool.spawn(move || {
        let (open, gate) = mpsc::channel();
        let (begun, has_begun) = mpsc::channel();
        let first = inner.spawn(move || {
            begun.send(()).unwrap();
            gate.recv().unwrap()
        });
        // On the other worker, which is thereby taken.
        has_begun.recv().unwrap();
        // Were they joined in turn, the first would wait for the second in vain.
        let second = inner.spawn(move || {
            open.send(1).unwrap();
            2
        });
        let outcomes = JoinHandle::join_all([first, second]);
        outcomes.into_iter().map(Result::unwrap).collect::<Vec<_>>()
    });
    assert_eq!(task.join().unwrap(), [1, 2]);
}

#[test]
fn handles_of_several_pools_are_joined_together() {
    let pools = [one_worker(), one_worker(), workers(2)];
    let inner = pools.clone();
    let task = pools[0].spawn(move || {
        let spawn = |n: usize| inner[n % 3].spawn(move || n);
        JoinHandle::join_all((0..30).map(spawn)).into_iter().map(Result::unwrap).sum::<usize>()
    });
    assert_eq!(task.join().unwrap(), 435);
}
