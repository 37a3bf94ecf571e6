//! A task that has not begun can be called off: its closure ends at once, in
//! its own context, and its handle says so.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use entourage::{Executor, Propagation, TaskError};
use support::recorder::Recorder;
use support::{occupy, one_worker, workers};
use tracing::{info, info_span};

entourage::context_key! { static TENANT: u32 = propagate; }

/// Tells, when it is dropped, what it sees.
struct Tells(mpsc::Sender<Option<u32>>);

impl Drop for Tells {
    fn drop(&mut self) {
        info!("dropped");
        self.0.send(TENANT.get()).unwrap();
    }
}

#[test]
fn closure_of_a_cancelled_task_is_dropped_at_once_in_its_own_context() {
    Recorder::record(|recorder| {
        let pool = one_worker();
        let busy = occupy(&pool);
        let (tell, told) = mpsc::channel();
        let tells = Tells(tell);
        let task = info_span!("submits")
            .in_scope(|| TENANT.scope(1, || pool.task("late").spawn(move || drop(tells))));
        info_span!("cancels").in_scope(|| {
            TENANT.scope(2, || {
                assert!(task.cancel());
                assert_eq!(TENANT.get(), Some(2));
                info!("after");
            });
        });
        assert_eq!(told.try_recv(), Ok(Some(1)));
        assert_eq!(recorder.spans_of("dropped"), ["submits"]);
        assert_eq!(recorder.spans_of("after"), ["cancels"]);
        assert!(task.is_finished() && !task.cancel());
        let error = task.join().unwrap_err();
        assert!(error.is_cancelled() && !error.is_panic() && !error.is_deadlock());
        assert!(error.to_string().contains("task `late`"), "{error}");
        drop(busy);
        // The worker finds it in the queue, and leaves it alone.
        pool.install(|| ());
    });
}

#[test]
fn closure_of_a_cancelled_task_that_carries_nothing_sees_nothing() {
    Recorder::record(|recorder| {
        let pool = one_worker().with_propagation(Propagation::off()).unwrap();
        let _busy = occupy(&pool);
        let (tell, told) = mpsc::channel();
        let tells = Tells(tell);
        let task = TENANT.scope(1, || pool.spawn(move || drop(tells)));
        info_span!("cancels").in_scope(|| assert!(task.cancel()));
        assert_eq!(told.try_recv(), Ok(None));
        // Not even the canceller's dispatcher is there to record it.
        assert!(recorder.events().is_empty(), "{:?}", recorder.events());
    });
}

#[test]
fn what_a_cancelled_task_carried_is_gone_when_it_is_cancelled() {
    entourage::context_key! { static LARGE: Arc<()> = propagate; }
    let pool = one_worker();
    let _busy = occupy(&pool);
    let value = Arc::new(());
    let task = LARGE.scope(value.clone(), || pool.spawn(|| ()));
    assert_eq!(Arc::strong_count(&value), 2);
    assert!(task.cancel());
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn task_that_has_begun_is_not_cancelled() {
    let pool = one_worker();
    let (open, gate) = mpsc::channel();
    let (begun, has_begun) = mpsc::channel();
    let task = pool.spawn(move || {
        begun.send(()).unwrap();
        gate.recv().unwrap()
    });
    has_begun.recv().unwrap();
    assert!(!task.cancel());
    open.send(7).unwrap();
    pool.install(|| ());
    assert!(task.is_finished() && !task.cancel());
    assert_eq!(task.join().unwrap(), 7);
}

#[test]
fn task_cancels_another_that_waits_behind_it_on_the_only_worker() {
    let pool = one_worker();
    let inner = pool.clone();
    let task = TENANT.scope(1, || {
        pool.spawn(move || {
            let late = TENANT.scope(2, || inner.spawn(|| ()));
            let cancelled = late.cancel();
            (cancelled, late.join().unwrap_err().is_cancelled(), TENANT.get())
        })
    });
    assert_eq!(task.join().unwrap(), (true, true, Some(1)));
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn cancelling_wakes_the_future_that_waits() {
    let pool = one_worker();
    let _busy = occupy(&pool);
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut task = pin!(pool.spawn(|| ()));
    assert!(task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(task.cancel());
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    match task.poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(outcome) => assert!(outcome.unwrap_err().is_cancelled()),
        Poll::Pending => panic!("it is over"),
    }
}

#[test]
fn panic_in_the_drop_of_a_cancelled_closure_is_told_and_the_handle_says_cancelled() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the bomb");
        }
    }
    let (tell, told) = mpsc::channel();
    let handler = move |error: &TaskError| tell.send((error.to_string(), TENANT.get())).unwrap();
    let pool = Executor::builder().num_threads(1).panic_handler(handler).build().unwrap();
    let _busy = occupy(&pool);
    let bomb = Bomb;
    let task = TENANT.scope(1, || pool.task("armed").spawn(move || drop(bomb)));
    assert!(task.cancel());
    let (text, tenant) = told.try_recv().unwrap();
    assert!(text.contains("`armed`") && text.ends_with(": the bomb"), "{text}");
    assert_eq!(tenant, Some(1));
    assert!(task.join().unwrap_err().is_cancelled());
    assert!(told.try_recv().is_err());
}

#[test]
fn each_of_many_tasks_is_either_run_or_cancelled_and_its_handle_says_which() {
    let pool = workers(2);
    for _ in 0..200 {
        let ran = Arc::new(AtomicUsize::new(0));
        let spawn = |_| {
            let ran = ran.clone();
            pool.spawn(move || _ = ran.fetch_add(1, Ordering::Relaxed))
        };
        let tasks: Vec<_> = (0..32).map(spawn).collect();
        // Two threads cancel the same tasks, from both ends.
        let cancelled: usize = thread::scope(|threads| {
            let backwards =
                threads.spawn(|| tasks.iter().rev().filter(|task| task.cancel()).count());
            let forwards = tasks.iter().filter(|task| task.cancel()).count();
            forwards + backwards.join().unwrap()
        });
        let outcomes = entourage::JoinHandle::join_all(tasks);
        let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        assert!(outcomes.into_iter().filter_map(Result::err).all(|error| error.is_cancelled()));
        assert_eq!(refused, cancelled);
        // All the closures are gone, run or not.
        assert_eq!(ran.load(Ordering::Relaxed), 32 - cancelled);
        assert_eq!(Arc::strong_count(&ran), 1);
    }
}
