//! Nodes that take what they read instead of borrowing it.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use entourage::{
    Catalog, Data, Dataset, Node, Pipeline, Retry, RunOptions, SequentialRunner, node,
};
use pipelines::with_each_runner;

/// A value that counts how often it was cloned.
#[derive(Debug, Default)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn clones(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self(self.0.clone())
    }
}

const COUNTED: Data<Counted> = Data::memory("counted");

fn clones(name: &str) -> Data<usize> {
    Data::memory("clones").named(name)
}

fn make() -> Node {
    node(Counted::default).reads(()).writes(COUNTED).named("make")
}

/// Takes it, and says how often it has been cloned.
fn take(name: &str) -> Node {
    node(|counted: Counted| counted.clones()).reads(COUNTED.take()).writes(clones(name)).named(name)
}

#[test]
fn only_reader_of_what_a_node_wrote_takes_it_without_a_copy() {
    let pipeline = Pipeline::new([make(), take("take")]).unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&clones("take")), Some(0));
    });
}

#[test]
fn last_reader_takes_it_without_a_copy_once_the_others_are_done() {
    // Borrows first, and the taker comes after it.
    let look = node(|_: &Counted| ()).reads(COUNTED).writes(Data::<()>::memory("looked"));
    let after = |counted: Counted, _: &()| counted.clones();
    let after = node(after).reads((COUNTED.take(), Data::memory("looked"))).writes(clones("after"));
    let pipeline = Pipeline::new([make(), look.named("look"), after.named("after")]).unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&clones("after")), Some(0));
    });
}

#[test]
fn several_readers_that_take_it_cost_one_clone_each_but_for_the_last() {
    let pipeline = Pipeline::new([make(), take("a"), take("b"), take("c")]).unwrap();
    let mut report =
        SequentialRunner::new().run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
    let mut counts = ["a", "b", "c"].map(|name| report.take_output(&clones(name)).unwrap());
    counts.sort_unstable();
    assert_eq!(counts, [1, 2, 2]);
}

#[test]
fn node_that_reads_one_dataset_twice_clones_it_at_most_once() {
    let both = |taken: Counted, seen: &Counted| {
        assert!(Arc::ptr_eq(&taken.0, &seen.0));
        taken.clones()
    };
    let twice = |first: Counted, second: Counted| {
        assert!(Arc::ptr_eq(&first.0, &second.0));
        first.clones()
    };
    for node in [
        node(both).reads((COUNTED.take(), COUNTED)).writes(clones("count")),
        node(twice).reads((COUNTED.take(), COUNTED.take())).writes(clones("count")),
    ] {
        let pipeline = Pipeline::new([make(), node.named("read")]).unwrap();
        with_each_runner(|runner| {
            let mut report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
            assert_eq!(report.take_output(&clones("count")), Some(1));
        });
    }
}

/// Storage from which each load is a new value.
struct Stored;

impl Dataset<Counted> for Stored {
    fn load(&self) -> Result<Counted, Box<dyn Error + Send + Sync>> {
        Ok(Counted::default())
    }

    fn save(&self, _: &Counted) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

#[test]
fn what_is_loaded_from_storage_for_one_reader_is_taken_without_a_copy() {
    let catalog = Catalog::builder().dataset(&COUNTED, Stored).build().unwrap();
    let loaded = Pipeline::new([take("take")]).unwrap();
    let saved_and_loaded = Pipeline::new([make(), take("take")]).unwrap();
    with_each_runner(|runner| {
        for pipeline in [&loaded, &saved_and_loaded] {
            let mut report = runner.run(pipeline, &catalog, RunOptions::new()).unwrap();
            assert_eq!(report.take_output(&clones("take")), Some(0));
        }
    });
}

/// Takes it, and fails as often as that; then says how often it has been cloned.
fn take_after(failures: usize) -> Node {
    let attempts = AtomicUsize::new(0);
    let take = move |counted: Counted| {
        let is_good = attempts.fetch_add(1, Ordering::Relaxed) >= failures;
        if is_good { Ok(counted.clones()) } else { Err("not yet") }
    };
    node(take).reads(COUNTED.take()).writes(clones("take")).named("take")
}

#[test]
fn each_attempt_finds_what_it_takes_and_the_last_that_may_be_needs_no_copy() {
    for (failures, expected) in [(0, 1), (1, 2), (2, 2)] {
        with_each_runner(|runner| {
            let pipeline = Pipeline::new([make(), take_after(failures).retry(Retry::new(3))]);
            let pipeline = pipeline.unwrap();
            let mut report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
            assert_eq!(report.take_output(&clones("take")), Some(expected));
        });
    }
}

/// Storage that counts its loads, of which the first ones fail.
struct Fragile {
    loads: Arc<AtomicUsize>,
    failures: usize,
}

impl Dataset<Counted> for Fragile {
    fn load(&self) -> Result<Counted, Box<dyn Error + Send + Sync>> {
        let is_good = self.loads.fetch_add(1, Ordering::Relaxed) >= self.failures;
        if is_good { Ok(Counted::default()) } else { Err("away".into()) }
    }

    fn save(&self, _: &Counted) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

#[test]
fn what_is_taken_from_storage_is_loaded_once_for_all_attempts() {
    // Failed loads, failed calls, attempts that may be, and what they come to.
    for (bad_loads, bad_calls, attempts, loads, expected) in
        [(0, 2, 3, 1, 2), (1, 1, 3, 2, 1), (1, 0, 2, 2, 0), (2, 0, 3, 3, 0)]
    {
        with_each_runner(|runner| {
            let retry = Retry::new(attempts);
            let pipeline = Pipeline::new([take_after(bad_calls).retry(retry)]).unwrap();
            let loaded = Arc::new(AtomicUsize::new(0));
            let storage = Fragile { loads: loaded.clone(), failures: bad_loads };
            let catalog = Catalog::builder().dataset(&COUNTED, storage).build().unwrap();
            let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
            assert_eq!(loaded.load(Ordering::Relaxed), loads);
            assert_eq!(report.take_output(&clones("take")), Some(expected));
        });
    }
}

#[test]
fn what_the_catalog_keeps_in_memory_is_cloned_and_stays_as_it_was() {
    const WORDS: Data<[String]> = Data::memory("words");
    const SORTED: Data<[String]> = Data::memory("sorted");
    let sort = |mut words: Vec<String>| {
        words.sort();
        words
    };
    let catalog = Catalog::builder().value(&WORDS, vec!["b".into(), "a".into()]).build().unwrap();
    let pipeline =
        Pipeline::new([node(sort).reads(WORDS.take()).writes(SORTED).named("sort")]).unwrap();
    let same = node(|words: &[String]| words.to_vec()).reads(WORDS).writes(SORTED).named("same");
    let same = Pipeline::new([same]).unwrap();
    with_each_runner(|runner| {
        for (pipeline, expected) in [(&pipeline, ["a", "b"]), (&same, ["b", "a"])] {
            let mut report = runner.run(pipeline, &catalog, RunOptions::new()).unwrap();
            assert_eq!(report.take_output(&SORTED).unwrap(), expected);
        }
    });
}

#[test]
fn parameter_can_be_taken_again_and_again() {
    const NAMES: Data<[String]> = Data::parameter("names");
    let first = |names: Vec<String>| names.into_iter().next().unwrap_or_default();
    let first = node(first).reads(NAMES.take()).writes(Data::<str>::memory("first"));
    let pipeline = Pipeline::new([first.named("first")]).unwrap();
    let catalog = Catalog::builder().parameter(&NAMES, vec!["a".into()]).build().unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&Data::<str>::memory("first")).unwrap(), "a");
    });
}

/// A value that cannot be cloned.
struct Bad;

impl Clone for Bad {
    fn clone(&self) -> Self {
        panic!("no clone")
    }
}

/// A value whose end is a panic.
#[derive(Clone)]
struct Grudge;

impl Drop for Grudge {
    fn drop(&mut self) {
        panic!("no end")
    }
}

#[test]
fn clone_that_panics_is_the_nodes_failure_and_ends_no_process_whatever_was_taken_before() {
    const GRUDGE: Data<Grudge> = Data::memory("grudge");
    const BAD: Data<Bad> = Data::memory("bad");
    let pipeline = Pipeline::new([
        node(|| Grudge).reads(()).writes(GRUDGE).named("make"),
        node(|_: Grudge, _: Bad| ()).reads((GRUDGE.take(), BAD.take())).writes(()).named("take"),
    ])
    .unwrap();
    let catalog = Catalog::builder().value(&BAD, Bad).build().unwrap();
    with_each_runner(|runner| {
        let error = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
        let failure = error.failures().next().unwrap();
        assert!(failure.is_panic(), "{failure}");
    });
}
