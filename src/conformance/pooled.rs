//! What an accessor does on a pool of one worker.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, mpsc};

use super::subject::{Subject, on_new_thread};
use crate::{Accessor, Executor, Propagation, SPAN};

pub fn stolen_task_sees_its_own_value_and_the_waiting_task_finds_its_own_again<A, V>(
    subject: &Subject<A, V>,
) where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    let (a, b) = (subject.first(), subject.second());
    let pool = subject.one_worker().build().expect("an executor with the accessor");
    let look = {
        let subject = subject.clone();
        move || subject.get()
    };
    let (told, go) = mpsc::channel();
    let waiting = {
        let look = look.clone();
        move || {
            go.recv().expect("the test goes on");
            let before = look();
            steal_one();
            let between = look();
            steal_one();
            [before, between, look()]
        }
    };
    let (waiting, same, other) = on_new_thread(|| {
        let (waiting, same) =
            subject.with(a.clone(), || (pool.spawn(waiting), pool.spawn(look.clone())));
        let other = subject.with(b.clone(), || pool.spawn(look.clone()));
        told.send(()).expect("the waiting task is there");
        (waiting.join(), same.join(), other.join())
    });
    assert_eq!(same.expect("a stolen task"), Some(a.clone()), "what a stolen task sees");
    assert_eq!(
        other.expect("a stolen task"),
        Some(b),
        "what a task stolen over another's value sees"
    );
    let own = [Some(a.clone()), Some(a.clone()), Some(a)];
    assert_eq!(waiting.expect("the waiting task"), own, "what the waiting task sees, and again");
    assert_eq!(on_worker(&pool, subject), None, "what the worker is left with");
}

pub fn worker_is_clean_after_the_task<A, V>(subject: &Subject<A, V>)
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    for value in [subject.first(), subject.second()] {
        let pool = subject.one_worker().build().expect("an executor with the accessor");
        let look = subject.clone();
        let submit = || subject.with(value.clone(), || pool.spawn(move || look.get()));
        let task = on_new_thread(submit).join();
        assert_eq!(task.expect("the task"), Some(value), "what a task sees");
        assert_eq!(on_worker(&pool, subject), None, "what the worker is left with");
    }
    let pool = subject.one_worker().build().expect("an executor with the accessor");
    let panics = || std::panic::resume_unwind(Box::new("the task"));
    let submit = || subject.with(subject.first(), || pool.spawn(panics));
    let ended: Result<(), _> = on_new_thread(submit).join();
    assert!(ended.is_err(), "the task's panic is gone");
    assert_eq!(on_worker(&pool, subject), None, "what a panic leaves the worker with");
}

pub fn what_a_task_writes_does_not_outlive_it<A, V>(subject: &Subject<A, V>)
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    let a = subject.first();
    let pool = subject.one_worker().build().expect("an executor with the accessor");
    let write = {
        let subject = subject.clone();
        move || subject.write(subject.second())
    };
    let parent = {
        let (pool, subject, write) = (pool.clone(), subject.clone(), write.clone());
        move || {
            // In the very context of the parent, and on its thread: a shortcut
            // that enters nothing would let the parent see what it writes.
            pool.spawn(write).join().expect("the child");
            subject.get()
        }
    };
    let (parent, task) =
        on_new_thread(|| subject.with(a.clone(), || (pool.spawn(parent), pool.spawn(write))));
    assert_eq!(parent.join().expect("the parent"), Some(a), "what a parent sees after its child");
    task.join().expect("the task");
    assert_eq!(on_worker(&pool, subject), None, "what the worker is left with");
    let look = subject.clone();
    let next = on_new_thread(|| pool.spawn(move || look.get()));
    assert_eq!(next.join().expect("the next task"), None, "what the next task sees");
}

pub fn propagation_lists_name_the_accessor<A, V>(subject: &Subject<A, V>)
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    let (accessor, a) = (subject.accessor, subject.first());
    let pool = subject.one_worker().build().expect("an executor with the accessor");
    let seen = |propagation: Propagation| {
        let named = pool.with_propagation(propagation).expect("a list with the accessor");
        let look = subject.clone();
        let task = on_new_thread(|| subject.with(a.clone(), || named.spawn(move || look.get())));
        task.join().expect("the task")
    };
    let carried = Some(a.clone());
    assert_eq!(seen(Propagation::all()), carried, "what is seen where all is carried");
    assert_eq!(seen(Propagation::only([accessor])), carried, "what is seen where it is listed");
    assert_eq!(seen(Propagation::only([accessor, &SPAN])), carried, "what is seen with the span");
    assert_eq!(seen(Propagation::only([&SPAN])), None, "what is seen where it is not listed");
    assert_eq!(seen(Propagation::except([accessor])), None, "what is seen where it is left out");
    assert_eq!(seen(Propagation::off()), None, "what is seen where nothing is carried");

    let without = Executor::builder().num_threads(1).propagation(Propagation::only([accessor]));
    assert!(without.build().is_err(), "an executor lists an accessor that it does not have");
    let twice = subject.one_worker().accessor(accessor);
    assert!(twice.build().is_err(), "an executor has one accessor twice");
}

pub fn accessor_is_entered_in_order_and_restored_in_reverse<A, V>(subject: &Subject<A, V>)
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    let log: Log<V> = Arc::default();
    let probe = |names: [&'static str; 2]| {
        let (subject, log) = (subject.clone(), log.clone());
        // As executors want it: a leak, of a test, and for its length.
        &*Box::leak(Box::new(Probe {
            names,
            look: Arc::new(move |step| {
                log.lock().expect("a log").push((step, subject.get()));
            }),
        }))
    };
    let pool = Executor::builder()
        .num_threads(1)
        .accessor(probe(["entering before it", "leaving after it"]))
        .accessor(subject.accessor)
        .accessor(probe(["entering after it", "leaving before it"]))
        .build()
        .expect("an executor with three accessors");
    let a = subject.first();
    on_new_thread(|| subject.with(a.clone(), || pool.spawn(|| ()).join().expect("the task")));
    assert_eq!(
        *log.lock().expect("a log"),
        [
            ("entering before it", None),
            ("entering after it", Some(a.clone())),
            ("leaving before it", Some(a)),
            ("leaving after it", None),
        ],
        "what two other accessors see"
    );
}

/// What is current on the only worker while no task is.
fn on_worker<A, V>(pool: &Executor, subject: &Subject<A, V>) -> Option<V>
where
    A: Accessor,
    V: Clone + PartialEq + Debug + Send + Sync + 'static,
{
    pool.rayon_pool().install(|| subject.get())
}

/// Waits, as a scope or a join does, until this worker has run another job on
/// top of the current task.
fn steal_one() {
    while rayon::yield_now() == Some(rayon::Yield::Idle) {
        std::thread::yield_now();
    }
}

/// What was current at which step.
type Log<V> = Arc<Mutex<Vec<(&'static str, Option<V>)>>>;

/// An accessor that looks at what is current when it is entered and left.
struct Probe {
    names: [&'static str; 2],
    look: Arc<dyn Fn(&'static str) + Send + Sync>,
}

struct Looks {
    step: &'static str,
    look: Arc<dyn Fn(&'static str) + Send + Sync>,
}

impl Drop for Looks {
    fn drop(&mut self) {
        (self.look)(self.step);
    }
}

impl Accessor for Probe {
    type Value = ();
    type Guard = Looks;

    fn name(&self) -> &'static str {
        self.names[0]
    }

    fn capture(&self) -> Option<()> {
        None
    }

    fn enter(&self, _: Option<&()>) -> Looks {
        (self.look)(self.names[0]);
        Looks { step: self.names[1], look: self.look.clone() }
    }
}
