//! A spawned future is cancelled wherever it stands, and ends there.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::thread;

use entourage::FutureHandle;
use support::futures::{Count, OnDrop, block_on, yield_now};
use support::one_worker;

#[test]
fn future_is_cancelled_where_it_is_queued_or_waits() {
    for is_polled in [false, true] {
        let pool = one_worker();
        let (open, shut) = mpsc::channel::<()>();
        let (polls, (tell, told)) = (Arc::new(AtomicUsize::new(0)), mpsc::channel());
        if !is_polled {
            pool.spawn_detached(move || _ = shut.recv());
        }
        let counts = polls.clone();
        let mut task = pool.task("endless").spawn_future(async move {
            let _dropped = OnDrop(|| tell.send(thread::current().id()).unwrap());
            counts.fetch_add(1, Ordering::SeqCst);
            pending::<()>().await;
        });
        if is_polled {
            pool.install(|| ());
        }
        let woken = Arc::new(Count::default());
        let waker = Waker::from(woken.clone());
        assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
        task.cancel();
        task.cancel();
        // Gone when `cancel` returns, on this thread; never polled after that.
        assert!(task.is_finished());
        assert_eq!(woken.get(), 1);
        drop(open);
        pool.install(|| ());
        let dropped_on: Vec<_> = told.iter().collect();
        assert_eq!(dropped_on.len(), usize::from(is_polled));
        assert!(dropped_on.iter().all(|&on| on == thread::current().id()));
        assert_eq!(polls.load(Ordering::SeqCst), usize::from(is_polled));
        let error = block_on(&mut task).unwrap_err();
        assert!(error.is_cancelled() && !error.is_panic() && !error.is_taken());
        assert!(error.to_string().contains("`endless`"), "{error}");
        assert!(error.to_string().ends_with("was cancelled before it was done"), "{error}");
        assert!(block_on(&mut task).unwrap_err().is_taken());
    }
}

#[test]
fn future_that_is_cancelled_during_a_poll_ends_with_that_poll() {
    for is_last in [false, true] {
        let pool = one_worker();
        let (begin, begun) = mpsc::channel();
        let (open, gate) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let task = pool.spawn_future(async move {
            let _dropped = OnDrop(|| tell.send(thread::current().id()).unwrap());
            begin.send(thread::current().id()).unwrap();
            _ = gate.recv();
            if !is_last {
                yield_now().await;
                panic!("polled after it was cancelled");
            }
            7
        });
        let worker = begun.recv().unwrap();
        task.cancel();
        assert!(!task.is_finished());
        drop(open);
        match task.join() {
            // What the last poll returned stands.
            Ok(output) => assert_eq!((output, is_last), (7, true)),
            Err(error) => assert!(error.is_cancelled() && !is_last, "{error}"),
        }
        assert_eq!(told.recv().unwrap(), worker);
    }
}

#[test]
fn cancelling_a_future_that_is_over_changes_nothing() {
    let pool = one_worker();
    let task = pool.spawn_future(async { 7 });
    pool.install(|| ());
    task.cancel();
    assert_eq!(task.join().unwrap(), 7);
}

#[test]
fn future_may_cancel_or_drop_its_own_handle() {
    let pool = one_worker();
    for cancels in [false, true] {
        let (hand, own) = mpsc::channel::<FutureHandle<()>>();
        let (tell, told) = mpsc::channel();
        let task = pool.spawn_future(async move {
            let _dropped = OnDrop({
                let tell = tell.clone();
                move || tell.send("dropped").unwrap()
            });
            let own = own.recv().unwrap();
            if cancels {
                own.cancel();
            }
            drop(own);
            yield_now().await;
            tell.send("went on").unwrap();
        });
        hand.send(task).unwrap();
        let expected: &[_] = if cancels { &["dropped"] } else { &["went on", "dropped"] };
        assert_eq!(told.iter().collect::<Vec<_>>(), expected);
    }
}
