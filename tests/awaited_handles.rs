//! A handle is a future: it wakes whoever polled it last, and is ready once.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use entourage::{JoinHandle, TaskError};
use support::one_worker;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn poll<R: Send + 'static>(task: &mut JoinHandle<R>, waker: &Waker) -> Poll<Result<R, TaskError>> {
    Pin::new(task).poll(&mut Context::from_waker(waker))
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn handle_is_awaited() {
    let pool = one_worker();
    let sum = block_on(async {
        let first = pool.spawn(|| 1);
        let second = pool.spawn(|| 2);
        second.await.unwrap() + first.await.unwrap()
    });
    assert_eq!(sum, 3);
    let error = block_on(pool.spawn(|| panic!("in the task"))).unwrap_err();
    assert!(error.to_string().ends_with(": in the task"), "{error}");
}

#[test]
fn handle_that_is_polled_again_after_it_was_ready_says_so() {
    let pool = one_worker();
    let mut task = pool.task("once").spawn(|| 7);
    assert_eq!(block_on(&mut task).unwrap(), 7);
    let error = block_on(&mut task).unwrap_err();
    assert!(error.is_taken() && !error.is_panic() && !error.is_deadlock());
    assert!(error.to_string().contains("task `once`"), "{error}");
    assert!(task.join().unwrap_err().is_taken());
}

#[test]
fn task_wakes_whoever_polled_last_and_nobody_else() {
    let pool = one_worker();
    let (open, gate) = mpsc::channel::<()>();
    let mut task = pool.spawn(move || gate.recv().is_ok());
    let [first, second] = [(); 2].map(|()| Arc::new(Count::default()));
    for count in [&first, &second, &second] {
        assert!(poll(&mut task, &Waker::from(count.clone())).is_pending());
    }
    open.send(()).unwrap();
    pool.install(|| ());
    assert_eq!((first.get(), second.get()), (0, 1));
    assert!(block_on(task).unwrap());
}

#[test]
fn task_whose_handle_was_dropped_wakes_nobody() {
    let pool = one_worker();
    let (open, gate) = mpsc::channel::<()>();
    let mut task = pool.spawn(move || gate.recv().is_ok());
    let count = Arc::new(Count::default());
    assert!(poll(&mut task, &Waker::from(count.clone())).is_pending());
    drop(task);
    // Nor does the task keep alive what the waker holds.
    assert_eq!(Arc::strong_count(&count), 1);
    open.send(()).unwrap();
    pool.install(|| ());
    assert_eq!(count.get(), 0);
}

/// A waker that owns the future it wakes, as that of an executor does.
struct Owns(Mutex<Option<JoinHandle<Arc<()>>>>);

impl Wake for Owns {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn waker_that_owns_the_handle_it_wakes_is_freed_with_the_value_when_the_task_ends() {
    let pool = one_worker();
    let (open, gate) = mpsc::channel::<Arc<()>>();
    let mut task = pool.spawn(move || gate.recv().unwrap());
    let owner = Arc::new(Owns(Mutex::new(None)));
    assert!(poll(&mut task, &Waker::from(owner.clone())).is_pending());
    *owner.0.lock().unwrap() = Some(task);
    let freed = Arc::downgrade(&owner);
    drop(owner);
    assert_eq!(freed.strong_count(), 1);
    let value = Arc::new(());
    open.send(value.clone()).unwrap();
    pool.install(|| ());
    assert_eq!((freed.strong_count(), Arc::strong_count(&value)), (0, 1));
}

#[test]
fn panic_of_a_waker_does_not_keep_the_value_back() {
    struct Fails;
    impl Wake for Fails {
        fn wake(self: Arc<Self>) {
            panic!("waking");
        }
    }
    let pool = one_worker();
    let inner = pool.clone();
    // On the only worker: the waiting one runs the task and wakes the waker.
    let waiting = pool.spawn(move || {
        let mut task = inner.spawn(|| 7);
        assert!(poll(&mut task, &Waker::from(Arc::new(Fails))).is_pending());
        task.join().unwrap()
    });
    assert_eq!(waiting.join().unwrap(), 7);
}

#[test]
fn task_that_ends_while_it_is_polled_wakes_its_future_all_the_same() {
    let pool = support::workers(2);
    for n in 0..5000 {
        assert_eq!(block_on(pool.spawn(move || n)).unwrap(), n);
    }
}
