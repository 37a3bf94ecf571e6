use std::sync::Arc;
use std::thread::{self, ThreadId};

use super::{Awaited, enter};

/// A task that this thread runs.
struct RunBy(ThreadId);

impl Awaited for RunBy {
    fn runner(&self) -> Option<ThreadId> {
        Some(self.0)
    }

    fn nudge(&self) {}
}

/// Whether this thread may wait for a task of another thread, which itself waits
/// for one of this, with an end or without.
fn may_wait_for_one_that_waits(has_end: bool) -> bool {
    let here = thread::current().id();
    thread::scope(|threads| {
        let (entered, has_entered) = std::sync::mpsc::channel();
        let (leave, may_leave) = std::sync::mpsc::channel::<()>();
        let other = threads.spawn(move || {
            let waiting = enter(Arc::new(RunBy(here)), has_end);
            entered.send(waiting.is_some()).unwrap();
            _ = may_leave.recv();
        });
        assert!(has_entered.recv().unwrap());
        let other = other.thread().id();
        // Whether this wait has an end makes no difference.
        let answers = [false, true].map(|ends| enter(Arc::new(RunBy(other)), ends).is_some());
        drop(leave);
        assert_eq!(answers[0], answers[1]);
        answers[0]
    })
}

#[test]
fn wait_with_an_end_closes_no_circle_and_one_without_does() {
    assert!(may_wait_for_one_that_waits(true));
    assert!(!may_wait_for_one_that_waits(false));
}

#[test]
fn nobody_waits_for_what_it_runs_itself() {
    let own = || Arc::new(RunBy(thread::current().id()));
    assert!(enter(own(), false).is_none());
    assert!(enter(own(), true).is_none());
}
