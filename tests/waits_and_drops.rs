//! Nothing hangs: not on a broadcast, and not on what panics while it is dropped.

use std::panic::panic_any;
use std::sync::mpsc;

use entourage::{Accessor, Executor};

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

/// Panics, with a payload that panics too, when a task is left.
struct LeavesBadly;

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        panic_any(Bomb);
    }
}

impl Accessor for LeavesBadly {
    type Value = ();
    type Guard = Guard;
    fn name(&self) -> &'static str {
        "leaves badly"
    }
    fn capture(&self) -> Option<()> {
        None
    }
    fn enter(&self, _: Option<&()>) -> Guard {
        Guard
    }
}

#[test]
fn worker_blocked_on_a_handle_takes_part_in_a_broadcast() {
    let pool = Executor::builder().num_threads(2).build().unwrap();
    let inner = pool.clone();
    let indices = pool.install(|| {
        let (begun, has_begun) = mpsc::channel();
        let task = pool.spawn(move || {
            begun.send(()).unwrap();
            inner.broadcast(|worker| worker.index)
        });
        // The other worker runs it, so that this one has to wait.
        has_begun.recv().unwrap();
        task.join().unwrap()
    });
    assert_eq!(indices, [0, 1]);
}

#[test]
fn broadcasts_and_joins_of_many_tasks_all_end() {
    let pool = Executor::builder().num_threads(2).build().unwrap();
    for _ in 0..200 {
        let inner = pool.clone();
        let count = pool.install(|| {
            let task = pool.spawn(move || inner.broadcast(|_| ()).len());
            task.join().unwrap()
        });
        assert_eq!(count, 2);
    }
}

#[test]
fn handle_answers_when_body_and_guard_panic_and_a_payload_panics_in_its_drop() {
    static LEAVES_BADLY: LeavesBadly = LeavesBadly;
    let pool = Executor::builder().num_threads(1).accessor(&LEAVES_BADLY).build().unwrap();
    let error = pool.spawn(|| panic!("the body")).join().unwrap_err();
    assert!(error.to_string().ends_with("the body"), "{error}");
    // The pool lives on.
    let error = pool.spawn(|| panic!("again")).join().unwrap_err();
    assert!(error.is_panic());
}

#[test]
fn dropping_the_handle_of_a_value_that_panics_in_its_drop_is_quiet() {
    struct Value;
    impl Drop for Value {
        fn drop(&mut self) {
            panic_any(Bomb);
        }
    }
    let pool = Executor::builder().num_threads(1).build().unwrap();
    let handle = pool.spawn(|| Value);
    pool.install(|| ());
    drop(handle);
    assert_eq!(pool.spawn(|| 1).join().unwrap(), 1);
}
