//! Thread-locals of other libraries in the nodes of every runner.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::cell::Cell;

use entourage::{
    Accessor, Catalog, Data, Executor, Node, Pipeline, Propagation, RunOptions, SequentialRunner,
    ThreadRunner, node,
};
use pipelines::Runner;

thread_local! {
    /// Stands for a library's current session.
    static SESSION: Cell<u32> = const { Cell::new(0) };
}

struct Session;

static CARRIED: Session = Session;

struct Restore(u32);

impl Drop for Restore {
    fn drop(&mut self) {
        SESSION.set(self.0);
    }
}

impl Accessor for Session {
    type Value = u32;
    type Guard = Restore;

    fn name(&self) -> &'static str {
        "session"
    }

    fn capture(&self) -> Option<u32> {
        Some(SESSION.get()).filter(|session| *session > 0)
    }

    fn enter(&self, value: Option<&u32>) -> Restore {
        Restore(SESSION.replace(value.copied().unwrap_or(0)))
    }
}

/// Looks at the session, and leaves another behind.
fn looks(from: &'static str, to: &'static str) -> Node {
    let look = |seen: &Vec<u32>| {
        let mut seen = seen.clone();
        seen.push(SESSION.replace(99));
        seen
    };
    let named = |name| Data::<Vec<u32>>::memory(name);
    node(look).reads(named(from)).writes(named(to)).named(to)
}

fn with_each_runner(mut test: impl FnMut(&dyn Runner)) {
    test(&SequentialRunner::new().accessor(&CARRIED));
    for threads in [1, 4] {
        let pool = Executor::builder().num_threads(threads).accessor(&CARRIED).build().unwrap();
        test(&ThreadRunner::new(&pool));
    }
}

#[test]
fn node_has_the_callers_and_never_what_another_node_has_left() {
    let pipeline = Pipeline::new([looks("start", "a"), looks("a", "b")]).unwrap();
    let (start, end) = (Data::<Vec<u32>>::memory("start"), Data::<Vec<u32>>::memory("b"));
    let catalog = Catalog::builder().value(&start, Vec::new()).build().unwrap();
    with_each_runner(|runner| {
        let seen = |options: RunOptions| {
            SESSION.set(7);
            let mut report = runner.run(&pipeline, &catalog, options).unwrap();
            assert_eq!(SESSION.replace(0), 7, "the caller has its own back");
            report.take_output(&end).unwrap()
        };
        let with = |propagation| RunOptions::new().propagation(propagation);
        assert_eq!(seen(RunOptions::new()), [7, 7]);
        assert_eq!(seen(with(Propagation::only([&CARRIED]))), [7, 7]);
        assert_eq!(seen(with(Propagation::except([&CARRIED]))), [0, 0]);
    });
}

#[test]
fn sequential_run_with_propagation_off_sees_nothing_of_the_callers() {
    let pipeline = Pipeline::new([looks("start", "a"), looks("a", "b")]).unwrap();
    let (start, end) = (Data::<Vec<u32>>::memory("start"), Data::<Vec<u32>>::memory("b"));
    let catalog = Catalog::builder().value(&start, Vec::new()).build().unwrap();
    let runner = SequentialRunner::new().accessor(&CARRIED);
    SESSION.set(7);
    let options = RunOptions::new().propagation(Propagation::off());
    let mut report = runner.run(&pipeline, &catalog, options).unwrap();
    assert_eq!(report.take_output(&end).unwrap(), [0, 0]);
    assert_eq!(SESSION.replace(0), 7);
}

#[test]
fn list_that_names_what_is_not_registered_is_refused_by_every_runner() {
    let pipeline = Pipeline::new([]).unwrap();
    pipelines::with_each_runner(|runner| {
        let options = RunOptions::new().propagation(Propagation::only([&CARRIED]));
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        assert!(error.is_refused() && error.to_string().contains("session"), "{error}");
    });
}
