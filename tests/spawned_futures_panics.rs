//! Whatever of a spawned future panics is a value of its handle, and the pool
//! lives on.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::panic::panic_any;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};

use entourage::{Executor, FutureHandle, Propagation, TaskError};
use support::futures::{Gate, OnDrop, block_on, yield_now};
use support::one_worker;
use support::spy::{Spy, Step};

entourage::context_key! { static TENANT: u32 = propagate; }

/// Panics when it is dropped.
fn bomb(text: &'static str) -> impl Send + Unpin {
    OnDrop(move || panic!("{text}"))
}

/// One worker each, with propagation on and off.
fn on_and_off() -> [Executor; 2] {
    let on = one_worker();
    let off = on.with_propagation(Propagation::off()).unwrap();
    [on, off]
}

#[track_caller]
fn assert_panicked<R: Send + 'static>(pool: &Executor, task: FutureHandle<R>, with: &str) {
    let error = task.join().err().expect("no panic");
    assert!(error.is_panic() && !error.is_cancelled(), "{error}");
    assert!(error.to_string().ends_with(&format!(": {with}")), "{error}");
    let file = std::path::Path::new(error.place().expect("a place").file());
    assert!(file.ends_with("spawned_futures_panics.rs") || file.ends_with("spy.rs"), "{file:?}");
    // The pool lives on, and is clean.
    assert_eq!(pool.broadcast(|_| TENANT.get()), [None]);
}

#[test]
fn panic_in_any_poll_is_the_handles_with_name_and_places() {
    for pool in on_and_off() {
        assert_panicked(&pool, pool.spawn_future(async { panic!("first") }), "first");
        let later = pool.task("doomed").spawn_future(async {
            yield_now().await;
            panic!("second");
        });
        let line = line!() - 1 - 3;
        let error = block_on(later).unwrap_err();
        assert_eq!(error.task(), "doomed");
        assert_eq!(error.submitted_at().unwrap().line(), line);
        assert_eq!(error.place().unwrap().line(), line + 2);
        let payload = pool.spawn_future(async { panic_any(7_u8) }).join().unwrap_err();
        assert_eq!(*payload.into_panic().unwrap().downcast::<u8>().unwrap(), 7);
    }
}

#[test]
fn panic_in_the_drop_of_the_future_is_the_handles() {
    for pool in on_and_off() {
        // After it was ready, whose output is lost; after its own panic, which
        // counts; and where it is cancelled.
        let held = bomb("after");
        let ready = pool.spawn_future(Holds(Box::pin(async { bomb("the output") }), held));
        assert_panicked(&pool, ready, "after");
        let held = bomb("after");
        let panicked = pool.spawn_future(Holds(Box::pin(async { panic!("the poll") }), held));
        assert_panicked(&pool, panicked, "the poll");
        let held = bomb("cancelled");
        let cancelled = pool.spawn_future(Holds(Box::pin(std::future::pending::<()>()), held));
        cancelled.cancel();
        assert_panicked(&pool, cancelled, "cancelled");
    }
}

/// A future with something that lives as long as itself, not as its body.
struct Holds<R, T>(Pin<Box<dyn Future<Output = R> + Send>>, T);

impl<R, T: Unpin> Future for Holds<R, T> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<R> {
        self.0.as_mut().poll(cx)
    }
}

#[test]
fn panic_of_an_output_that_nobody_takes_goes_no_further() {
    for pool in on_and_off() {
        let gate = Gate::default();
        let waits = gate.clone();
        let late = pool.spawn_future(async move {
            waits.pass().await;
            bomb("the output")
        });
        drop(late);
        gate.open();
        let over = pool.spawn_future(async { bomb("the output") });
        pool.install(|| ());
        assert!(over.is_finished());
        drop(over);
        assert_eq!(pool.spawn_future(async { 7 }).join().unwrap(), 7);
    }
}

#[test]
fn panic_of_the_waker_of_whoever_awaits_does_not_keep_the_output_back() {
    struct Fails;
    impl Wake for Fails {
        fn wake(self: Arc<Self>) {
            panic!("waking");
        }
    }
    impl Drop for Fails {
        fn drop(&mut self) {
            panic!("dropping");
        }
    }
    for pool in on_and_off() {
        let gate = Gate::default();
        let waits = gate.clone();
        let mut task = pool.spawn_future(async move {
            waits.pass().await;
            7
        });
        let waker = std::mem::ManuallyDrop::new(Waker::from(Arc::new(Fails)));
        assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
        gate.open();
        assert_eq!(task.join().unwrap(), 7);
        assert_eq!(pool.broadcast(|_| ()).len(), 1);
    }
}

#[test]
fn panic_of_a_waker_of_what_a_future_awaits_is_that_futures_own() {
    // It wakes another by hand, and that panics: its poll has panicked.
    struct Fails;
    impl Wake for Fails {
        fn wake(self: Arc<Self>) {
            panic!("waking another");
        }
    }
    for pool in on_and_off() {
        let waking = pool.spawn_future(async { Waker::from(Arc::new(Fails)).wake() });
        assert_panicked(&pool, waking, "waking another");
    }
}

#[test]
fn accessor_that_panics_at_a_poll_ends_the_future_with_that() {
    for step in [Step::Enter, Step::Restore] {
        let spy = Spy::on("failing").panicking_at(step).leak();
        let pool = Executor::builder().num_threads(1).accessor(spy).build().unwrap();
        let (tell, told) = mpsc::channel();
        let dropped = OnDrop(move || tell.send(TENANT.get()).unwrap());
        let task = TENANT.scope(1, || {
            pool.spawn_future(async move {
                let _dropped = dropped;
                Gate::default().pass().await;
            })
        });
        pool.rayon_pool().install(|| ());
        let error = task.join().unwrap_err();
        assert!(error.to_string().ends_with(&format!(": failing at {step:?}")), "{error}");
        assert_eq!(told.try_recv().unwrap(), Some(1), "{step:?}");
        assert_eq!(pool.rayon_pool().install(|| TENANT.get()), None);
    }
}

#[test]
fn panic_is_told_if_and_only_if_no_handle_receives_it() {
    let (tell, told) = mpsc::channel();
    let handler = move |error: &TaskError| {
        let text = error.to_string();
        tell.send((text[text.rfind(' ').unwrap() + 1..].to_owned(), TENANT.get())).unwrap();
    };
    let pool = Executor::builder().num_threads(1).panic_handler(handler).build().unwrap();
    let all = || {
        pool.install(|| ());
        told.try_iter().collect::<Vec<_>>()
    };
    let spawn = |text: &'static str| pool.spawn_future(async move { panic!("{text}") });

    assert!(spawn("received").join().is_err());
    assert_eq!(all(), []);
    // Dropped before, in the future's context; and after, where there is none.
    TENANT.scope(1, || {
        pool.task("detached")
            .spawn_future(async {
                yield_now().await;
                panic!("unseen")
            })
            .detach()
    });
    assert_eq!(all(), [("unseen".to_owned(), Some(1))]);
    let over = TENANT.scope(1, || spawn("over"));
    assert_eq!(all(), []);
    drop(over);
    assert_eq!(all(), [("over".to_owned(), None)]);
    // One that nothing can wake, and that panics when it is dropped.
    let held = bomb("abandoned");
    TENANT.scope(1, || {
        pool.spawn_future(Holds(Box::pin(std::future::pending::<()>()), held)).detach()
    });
    assert_eq!(all(), [("abandoned".to_owned(), Some(1))]);
    // To be cancelled is no panic.
    let task = pool.spawn_future(std::future::pending::<()>());
    task.cancel();
    drop(task);
    assert_eq!(all(), []);
}

#[test]
fn payloads_that_panic_when_they_are_dropped_go_no_further() {
    for pool in on_and_off() {
        pool.spawn_future(async { panic_any(bomb_in_a_box()) }).detach();
        let held = OnDrop(|| panic_any(bomb_in_a_box()));
        let both = pool.spawn_future(Holds(Box::pin(async { panic!("the poll") }), held));
        assert_panicked(&pool, both, "the poll");
    }
}

fn bomb_in_a_box() -> Box<dyn Send> {
    Box::new(bomb("the payload"))
}
