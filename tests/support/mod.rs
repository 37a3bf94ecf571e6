//! What the test files share: pools, waiting, futures, a recorder and a spy.

pub(crate) mod bridge;
pub(crate) mod futures;
pub(crate) mod recorder;
pub(crate) mod spy;
pub(crate) mod watched;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use entourage::Executor;
use rayon::Yield;

/// A pool on which what is stolen, and by whom, leaves no choice.
pub(crate) fn one_worker() -> Executor {
    workers(1)
}

pub(crate) fn workers(num_threads: usize) -> Executor {
    Executor::builder().num_threads(num_threads).build().unwrap()
}

/// Waits, as a scope or a join does, until this worker has run one other job on
/// top of the current task. On a pool of one worker that is the oldest job that
/// was submitted from outside, or the newest that this worker pushed itself.
pub(crate) fn steal_one() {
    while rayon::yield_now().expect("only a worker can steal") == Yield::Idle {
        std::thread::yield_now();
    }
}

/// Runs `f`, which must panic, and returns what with.
#[track_caller]
pub(crate) fn payload_of<R>(f: impl FnOnce() -> R) -> Box<dyn Any + Send> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("a panic was expected"),
        Err(payload) => payload,
    }
}

/// As [`payload_of`], for a panic with a text.
#[track_caller]
pub(crate) fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let payload = payload_of(f);
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_owned(),
    }
}

/// Keeps one worker busy, with a task that is in no books, until it is dropped.
pub(crate) fn occupy(pool: &Executor) -> mpsc::Sender<()> {
    let (open, gate) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    pool.rayon_pool().spawn(move || {
        begun.send(()).unwrap();
        _ = gate.recv();
    });
    has_begun.recv().unwrap();
    open
}
