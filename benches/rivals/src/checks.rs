//! Attribution: whose context a task sees, found out by asking in the task. Each
//! check has a pool of one thread for itself, so that what runs where is no
//! chance.

use std::mem;
use std::panic;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::way::{Seen, Way, Who};

/// What a task saw; `None` where it did not come to run.
pub(crate) type Answer = Option<Seen>;

#[derive(Clone, Copy)]
pub(crate) struct Checks {
    /// A task that A submitted.
    pub(crate) own: Answer,
    /// A task that nobody in particular submitted, on a thread where a task of
    /// A's waits.
    pub(crate) under_wait: Answer,
    /// A task of A's, on a thread where one of B's waits, on top of one of A's.
    pub(crate) under_two_waits: Answer,
    /// A task of nobody's, after one of A's that panicked.
    pub(crate) after_panic: Answer,
    /// A task of nobody's, after one of A's that entered B's context and never
    /// left it.
    pub(crate) after_leak: Answer,
}

pub(crate) fn of<W: Way>() -> Checks {
    Checks {
        own: own::<W>(),
        under_wait: under_wait::<W>(),
        under_two_waits: under_two_waits::<W>(),
        after_panic: after_panic::<W>(),
        after_leak: after_leak::<W>(),
    }
}

fn own<W: Way>() -> Answer {
    let way = kept(W::start(1));
    let (answer, answers) = channel();
    submit_as(&way, Some(Who::A), ask(&way, answer));
    receive(&answers)
}

fn under_wait<W: Way>() -> Answer {
    let way = kept(W::start(1));
    let (answer, answers) = channel();
    let waiting = way.clone();
    submit_as(&way, Some(Who::A), move || {
        let seen = wait_over(&waiting, None, |way, answer| ask(way, answer));
        let _ = answer.send(seen);
    });
    receive(&answers).flatten()
}

fn under_two_waits<W: Way>() -> Answer {
    let way = kept(W::start(1));
    let (answer, answers) = channel();
    let waiting = way.clone();
    submit_as(&way, Some(Who::A), move || {
        let seen = wait_over(&waiting, Some(Who::B), |way, answer| {
            let way = way.clone();
            move || {
                let seen = wait_over(&way, Some(Who::A), |way, answer| ask(way, answer));
                let _ = answer.send(seen);
            }
        });
        let _ = answer.send(seen.flatten());
    });
    receive(&answers).flatten()
}

fn after_panic<W: Way>() -> Answer {
    let way = kept(W::start_to_panic());
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    submit_as(&way, Some(Who::A), || panic!("as it was told"));
    let (answer, answers) = channel();
    submit_as(&way, None, ask(&way, answer));
    let seen = receive(&answers);
    panic::set_hook(hook);
    seen
}

fn after_leak<W: Way>() -> Answer {
    let way = kept(W::start(1));
    let leaking = way.clone();
    submit_as(&way, Some(Who::A), move || leaking.leak(Who::B));
    let (answer, answers) = channel();
    submit_as(&way, None, ask(&way, answer));
    receive(&answers)
}

/// Leaves the pool running for good: tasks hold it, and a pool must not end on a
/// thread of its own.
fn kept<W: Way>(way: W) -> W {
    mem::forget(way.clone());
    way
}

/// How long until a task counts as one that does not run.
const PATIENCE: Duration = Duration::from_millis(500);

fn receive<T>(answers: &Receiver<T>) -> Option<T> {
    answers.recv_timeout(2 * PATIENCE).ok()
}

/// A task that says what it sees.
fn ask<W: Way>(way: &W, answer: Sender<Seen>) -> impl FnOnce() + Send + use<W> {
    let way = way.clone();
    move || {
        let _ = answer.send(way.seen());
    }
}

/// Submits from a thread of its own, on which nothing else is current.
fn submit_as<W: Way>(way: &W, who: Option<Who>, task: impl FnOnce() + Send + 'static) {
    let way = way.clone();
    let submit = move || match who {
        Some(who) => way.call_as(who, || way.submit(&way.take(), task)),
        None => way.submit(&way.take(), task),
    };
    thread::spawn(submit).join().expect("submitting does not panic");
}

/// Called by a task: has `who` submit another, and waits until that has answered,
/// on the one thread there is.
fn wait_over<W: Way, T, F>(
    way: &W,
    who: Option<Who>,
    task: impl FnOnce(&W, Sender<T>) -> F,
) -> Option<T>
where
    F: FnOnce() + Send + 'static,
{
    let (answer, answers) = channel();
    submit_as(way, who, task(way, answer));
    if way.give_way() { answers.try_recv().ok() } else { answers.recv_timeout(PATIENCE).ok() }
}
