//! What must not hang or abort, whatever users do in places where little is
//! expected of them: in a `Drop`, in a capture, in a task that a thread runs which
//! is no worker.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::sync::{Arc, OnceLock, mpsc};
use std::task::{Context as Poller, Wake, Waker};

use entourage::{Accessor, Context, Executor, Shutdown, TaskError, WhenFull, context_key};
use support::one_worker;

/// Keeps the only worker busy until what is returned is dropped.
fn block(pool: &Executor) -> mpsc::Sender<()> {
    let (open, gate) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    pool.spawn_detached(move || {
        begun.send(()).unwrap();
        _ = gate.recv();
    });
    has_begun.recv().unwrap();
    open
}

struct ShutOnDrop(Executor);

impl Drop for ShutOnDrop {
    fn drop(&mut self) {
        assert!(!self.0.shutdown(Shutdown::Drop).is_complete());
    }
}

struct PanicOnDrop(&'static str);

impl Drop for PanicOnDrop {
    fn drop(&mut self) {
        panic!("the drop of {}", self.0);
    }
}

#[test]
fn shutdown_in_the_drop_of_what_is_cancelled_does_not_wait_for_itself() {
    let pool = one_worker();
    let _open = block(&pool);
    let guard = ShutOnDrop(pool.clone());
    let task = pool.spawn(move || drop(guard));
    assert!(task.cancel());
    assert!(task.join().unwrap_err().is_cancelled());

    let pool = one_worker();
    let guard = ShutOnDrop(pool.clone());
    let future = pool.spawn_future(async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    });
    pool.install(|| ());
    future.cancel();
    assert!(future.join().is_err());
}

#[test]
fn shutdown_by_a_waker_or_a_panic_handler_does_not_wait_for_itself() {
    struct Shuts(Executor);
    impl Wake for Shuts {
        fn wake(self: Arc<Self>) {
            self.0.shutdown(Shutdown::Drop);
        }
    }
    let pool = one_worker();
    let _open = block(&pool);
    let mut task = pool.spawn(|| ());
    let waker = Waker::from(Arc::new(Shuts(pool.clone())));
    assert!(std::pin::Pin::new(&mut task).poll(&mut Poller::from_waker(&waker)).is_pending());
    assert!(task.cancel());
    assert!(pool.is_shut_down());

    let known: Arc<OnceLock<Executor>> = Arc::default();
    let to_shut = known.clone();
    let shuts = move |_: &TaskError| {
        to_shut.get().unwrap().shutdown(Shutdown::Drop);
    };
    let pool = Executor::builder().num_threads(1).panic_handler(shuts).build().unwrap();
    known.set(pool.clone()).unwrap();
    let _open = block(&pool);
    let bomb = PanicOnDrop("a closure");
    assert!(pool.spawn(move || drop(bomb)).cancel());
    assert!(pool.is_shut_down());
}

#[test]
fn task_that_a_helper_runs_may_shut_down_and_may_submit_during_a_drain() {
    let full = || {
        let builder = Executor::builder().num_threads(1).queue_capacity(1);
        let pool = builder.when_full(WhenFull::Help).build().unwrap();
        let open = block(&pool);
        let queued = pool.spawn(|| ());
        (pool, open, queued)
    };
    let (pool, open, _queued) = full();
    let inner = pool.clone();
    let helped = pool.spawn(move || {
        drop(open);
        inner.shutdown(Shutdown::Drain).is_complete()
    });
    assert!(!helped.join().unwrap());

    let (pool, open, _queued) = full();
    let inner = pool.clone();
    let (closing, is_closing) = mpsc::channel();
    let drain = std::thread::spawn({
        let pool = pool.clone();
        move || {
            is_closing.recv().unwrap();
            pool.shutdown(Shutdown::Drain)
        }
    });
    let helped = pool.spawn(move || {
        closing.send(()).unwrap();
        while !inner.is_shut_down() {
            std::thread::yield_now();
        }
        drop(open);
        inner.spawn(|| 7)
    });
    assert_eq!(helped.join().unwrap().join().unwrap(), 7);
    assert!(drain.join().unwrap().is_complete());
}

#[test]
fn fork_that_submits_to_the_full_queue_it_is_called_for_does_not_wait_for_itself() {
    static POOL: OnceLock<Executor> = OnceLock::new();
    context_key! {
        static FORKED: u32 = propagate, fork = |parent| {
            POOL.get().unwrap().spawn(|| ()).detach();
            parent + 1
        };
    }
    let pool = Executor::builder().num_threads(1).queue_capacity(1).build().unwrap();
    POOL.set(pool.clone()).unwrap();
    let seen = FORKED.scope(1, || pool.spawn(|| FORKED.get())).join().unwrap();
    assert_eq!(seen, Some(2));
}

#[test]
fn many_tasks_that_wait_for_another_pool_do_not_pile_up_on_one_stack() {
    let (first, second) = (one_worker(), one_worker());
    let open = block(&first);
    let tasks: Vec<_> = (0..2000)
        .map(|n| {
            let second = second.clone();
            first.spawn(move || second.spawn(move || n).join().unwrap())
        })
        .collect();
    drop(open);
    let sum: u64 = tasks.into_iter().map(|task| task.join().unwrap()).sum();
    assert_eq!(sum, 1999 * 2000 / 2);
}

#[test]
fn two_values_of_one_context_that_panic_in_their_drop_fail_the_task() {
    context_key! {
        static FIRST: PanicOnDrop = propagate;
        static SECOND: PanicOnDrop = propagate;
    }
    let pool = one_worker();
    let open = block(&pool);
    let context = || {
        let first = Context::empty().with(&FIRST, PanicOnDrop("the first"));
        first.with(&SECOND, PanicOnDrop("the second"))
    };
    let task = context().scope(|| pool.spawn(|| 1));
    drop(open);
    assert!(task.join().unwrap_err().is_panic());
    assert_eq!(pool.spawn(|| 2).join().unwrap(), 2);
}

/// Panics whenever it is left.
struct LeavesBadly;

struct BadGuard;

impl Drop for BadGuard {
    fn drop(&mut self) {
        panic!("the guard");
    }
}

impl Accessor for LeavesBadly {
    type Value = ();
    type Guard = BadGuard;
    fn name(&self) -> &'static str {
        "leaves badly"
    }
    fn capture(&self) -> Option<()> {
        None
    }
    fn enter(&self, _: Option<&()>) -> BadGuard {
        BadGuard
    }
}

#[test]
fn guard_that_panics_at_every_end_fails_its_task_and_what_that_submits() {
    static LEAVES_BADLY: LeavesBadly = LeavesBadly;
    let pool = Executor::builder().num_threads(1).accessor(&LEAVES_BADLY).build().unwrap();
    let inner = pool.clone();
    let task = pool.spawn(move || {
        assert!(inner.spawn(|| 1).join().is_err());
        drop(inner.spawn(|| PanicOnDrop("an answer")));
        inner.scope(|s| s.spawn(|_| ()));
    });
    assert!(task.join().unwrap_err().is_panic());
    // The pool lives on.
    assert!(pool.spawn(|| ()).join().is_err());
}

#[test]
fn capture_that_panics_after_another_that_panics_in_its_drop_reaches_the_submitter() {
    struct Bomb;
    impl Accessor for Bomb {
        type Value = PanicOnDrop;
        type Guard = ();
        fn name(&self) -> &'static str {
            "bomb"
        }
        fn capture(&self) -> Option<PanicOnDrop> {
            Some(PanicOnDrop("a capture"))
        }
        fn enter(&self, _: Option<&PanicOnDrop>) {}
    }
    struct Fails;
    impl Accessor for Fails {
        type Value = ();
        type Guard = ();
        fn name(&self) -> &'static str {
            "fails"
        }
        fn capture(&self) -> Option<()> {
            panic!("the second capture");
        }
        fn enter(&self, _: Option<&()>) {}
    }
    static BOMB: Bomb = Bomb;
    static FAILS: Fails = Fails;
    let pool = Executor::builder().num_threads(1).accessor(&BOMB).accessor(&FAILS).build().unwrap();
    assert_eq!(support::panic_of(|| pool.spawn(|| ())), "the second capture");
}
