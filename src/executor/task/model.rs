//! A task's states under every schedule of those who may come: the thread that
//! runs it, the one that joins it, and whoever cancels, polls or drops the handle.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::{Carry, Joinable, PanicHandler, Task};
use crate::context::Snapshot;
use crate::executor::books::model::books;
use crate::executor::books::{Books, Entrance, Terms};
use crate::executor::error::TaskName;
use crate::executor::handle::JoinHandle;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::model::explore;
use crate::sync::{Condvar, Mutex, thread};

/// Counts how often it is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn enter<F, R>(books: &Arc<Books>, carry: Carry, body: F) -> Arc<Task<F, R>>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    let Entrance::Queue(entering) = books.enter() else { panic!("it is open and has room") };
    let entry = Some(entering.take());
    Arc::new(Task::new(TaskName::default(), carry, books.clone(), entry, body))
}

fn handle<F, R>(task: &Arc<Task<F, R>>) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    JoinHandle::new(task.clone())
}

#[test]
fn model_task_is_run_or_cancelled_once_and_whoever_joins_hears_which() {
    for is_off in [false, true] {
        explore(move || {
            let books = books(Terms::default());
            let count = Arc::new(AtomicUsize::new(0));
            let dropped = Arc::new(AtomicUsize::new(0));
            let (counts, drops) = (count.clone(), Dropped(dropped.clone()));
            let carry = if is_off { Carry::Off } else { Carry::Snapshot(Snapshot::empty()) };
            let task = enter(&books, carry, move || {
                let _drops = drops;
                counts.fetch_add(1, Ordering::SeqCst)
            });
            // Two that may run it: the worker that finds it in the queue, and one
            // that joins it.
            let runs = [task.clone(), task.clone()].map(|task| thread::spawn(move || task.run()));
            let cancels =
                [task.clone(), task.clone()].map(|task| thread::spawn(move || task.cancel()));
            let joined = handle(&task).join();
            let ran = count.load(Ordering::SeqCst);
            assert_eq!(dropped.load(Ordering::SeqCst), 1, "the closure is gone by now");
            let cancelled = cancels.map(|thread| thread.join().unwrap());
            let cancelled = cancelled.into_iter().filter(|&cancelled| cancelled).count();
            assert_eq!(ran + cancelled, 1);
            match joined {
                Ok(before) => assert_eq!((before, ran), (0, 1)),
                Err(error) => assert!(error.is_cancelled() && cancelled == 1),
            }
            runs.into_iter().for_each(|thread| thread.join().unwrap());
            let stats = books.stats();
            assert_eq!((stats.finished, stats.cancelled), (ran as u64, cancelled as u64));
            assert_eq!((stats.queued, stats.running, stats.parked), (0, 0, 0));
        });
    }
}

/// Wakes by what models know: a lock and a condition variable.
#[derive(Default)]
struct Unpark {
    is_woken: Mutex<bool>,
    wake: Condvar,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        *self.is_woken.lock() = true;
        self.wake.notify_all();
    }
}

fn block_on<F: Future + Unpin>(mut future: F) -> F::Output {
    loop {
        // A new one each time, so that wakers are replaced as well.
        let unpark = Arc::new(Unpark::default());
        let waker = Waker::from(unpark.clone());
        let mut context = Context::from_waker(&waker);
        for _ in 0..2 {
            if let Poll::Ready(output) = Pin::new(&mut future).poll(&mut context) {
                return output;
            }
        }
        let mut is_woken = unpark.is_woken.lock();
        while !*is_woken {
            unpark.wake.wait(&mut is_woken);
        }
    }
}

#[test]
fn model_future_that_polls_is_woken_by_the_end_of_its_task() {
    explore(|| {
        let books = books(Terms::default());
        let task = enter(&books, Carry::Off, || 7);
        let awaited = handle(&task);
        let runs = task.clone();
        let runs = thread::spawn(move || runs.run());
        let cancels = thread::spawn(move || task.cancel());
        match block_on(awaited) {
            Ok(value) => assert_eq!(value, 7),
            Err(error) => assert!(error.is_cancelled()),
        }
        runs.join().unwrap();
        cancels.join().unwrap();
    });
}

#[test]
fn model_value_or_panic_of_a_task_whose_handle_goes_ends_exactly_once() {
    for panics in [false, true] {
        explore(move || {
            let told = Arc::new(AtomicUsize::new(0));
            let tells = told.clone();
            let handler: PanicHandler = Arc::new(move |_| _ = tells.fetch_add(1, Ordering::SeqCst));
            let books = books(Terms { on_panic: Some(handler), ..Terms::default() });
            let dropped = Arc::new(AtomicUsize::new(0));
            let value = Dropped(dropped.clone());
            let task = enter(&books, Carry::Off, move || {
                if panics {
                    resume_unwind(Box::new(value));
                }
                value
            });
            let detached = handle(&task);
            let runs = thread::spawn(move || task.run());
            detached.detach();
            runs.join().unwrap();
            assert_eq!(dropped.load(Ordering::SeqCst), 1);
            assert_eq!(told.load(Ordering::SeqCst), usize::from(panics));
        });
    }
}

#[test]
fn model_of_two_tasks_that_join_each_other_one_is_told_and_the_other_goes_on() {
    explore(|| {
        let books = books(Terms::default());
        let refused = Arc::new(AtomicUsize::new(0));
        let hands = [(); 2].map(|()| Arc::new(Mutex::new(None::<JoinHandle<()>>)));
        let tasks = hands.clone().map(|hand| {
            let refused = refused.clone();
            enter(&books, Carry::Off, move || {
                let next = hand.lock().take().expect("it was handed over");
                if let Err(error) = next.join() {
                    assert!(error.is_deadlock());
                    refused.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        *hands[0].lock() = Some(handle(&tasks[1]));
        *hands[1].lock() = Some(handle(&tasks[0]));
        let runs = tasks.map(|task| thread::spawn(move || task.run()));
        runs.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(refused.load(Ordering::SeqCst), 1);
        assert_eq!(books.stats().finished, 2);
    });
}
