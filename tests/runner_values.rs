//! What nodes read: loaded once, shared, and let go after the last of them.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use entourage::{
    Catalog, Data, Dataset, Fate, FileDataset, Node, Pipeline, RunOptions, SequentialRunner, node,
};
use pipelines::{Folder, with_each_runner, with_thread_runner};

const TEXT: Data<str> = Data::text("text");

fn number(name: impl Into<String>) -> Data<u64> {
    Data::memory("number").named(name)
}

#[test]
fn dataset_is_loaded_once_and_shared_by_its_readers() {
    let folder = Folder::new();
    let text = folder.write("text.txt", "words");
    let catalog = Catalog::builder().file("text", FileDataset::text(text)).build().unwrap();
    let place = |text: &str| text.as_ptr().addr() as u64;
    let of = |n: usize| {
        node(place).reads(TEXT).writes(number(format!("place_{n}"))).named(format!("place_{n}"))
    };
    // Kept by one more reader until all the others are done.
    let last = |text: &str, places: &u64| assert_eq!(text.as_ptr().addr() as u64, *places);
    let last = node(last).reads((TEXT, number("place_0"))).writes(()).named("last");
    let pipeline = Pipeline::new((0..8).map(of).chain([last])).unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        let mut places: Vec<_> = (1..8).map(|n| format!("place_{n}")).map(number).collect();
        let first = report.take_output(&places.remove(0)).unwrap();
        assert!(places.iter().all(|place| report.take_output(place) == Some(first)));
    });
}

/// Runs another job on this worker, on top of the current one, if there is one.
fn steal() -> bool {
    rayon::yield_now() == Some(rayon::Yield::Executed)
}

/// Storage whose load lets its worker come to another node that wants it.
struct Slow {
    outcome: fn() -> Result<String, &'static str>,
}

impl Dataset<str> for Slow {
    fn load(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
        assert!(steal(), "there is no other node");
        Ok((self.outcome)()?)
    }

    fn save(&self, _: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

#[test]
fn reader_that_finds_its_input_being_loaded_starts_when_it_is_there_not_when_its_loader_is_done() {
    let slow = Slow { outcome: || Ok("words".to_owned()) };
    let catalog = Catalog::builder().dataset(&TEXT, slow).build().unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    let reads = |name: &str| {
        let done = done.clone();
        let read = move |text: &str| {
            // The one that loaded comes first, and can now come to the other.
            let others = if steal() { done.load(Ordering::Relaxed) } else { 0 };
            done.fetch_add(1, Ordering::Relaxed);
            (text.len() + others) as u64
        };
        node(read).reads(TEXT).writes(number(name)).named(name)
    };
    let pipeline = Pipeline::new([reads("a"), reads("b")]).unwrap();
    with_thread_runner(1, |runner| {
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        let mut lengths = ["a", "b"].map(|name| report.take_output(&number(name)).unwrap());
        lengths.sort_unstable();
        assert_eq!(lengths, [5, 6]);
    });
}

#[test]
fn reader_that_waits_for_a_load_which_fails_or_panics_is_skipped() {
    let outcomes: [fn() -> Result<String, &'static str>; 2] =
        [|| Err("no words"), || panic!("no words at all")];
    for outcome in outcomes {
        let catalog = Catalog::builder().dataset(&TEXT, Slow { outcome }).build().unwrap();
        let reads = |name: &str| {
            node(|text: &str| text.len() as u64).reads(TEXT).writes(number(name)).named(name)
        };
        let pipeline = Pipeline::new([reads("a"), reads("b")]).unwrap();
        for options in [RunOptions::new(), RunOptions::new().keep_going()] {
            with_thread_runner(1, |runner| {
                let error = runner.run(&pipeline, &catalog, options).unwrap_err();
                assert_eq!(error.failures().count(), 1, "{error}");
                let by = error.failures().next().unwrap().node();
                let other = if by == "a" { "b" } else { "a" };
                let fate = error.report().unwrap().node(other).unwrap().fate.to_string();
                assert_eq!(fate, format!("skipped (by {by})"));
            });
        }
    }
}

/// A value whose life can be watched.
struct Token(#[expect(dead_code, reason = "held for its life alone")] Arc<()>);

const TOKEN: Data<Token> = Data::memory("token");

type Life = Arc<Mutex<Weak<()>>>;

/// A node that makes a token, of which `life` can tell whether it lives.
fn make(life: &Life) -> Node {
    let life = life.clone();
    let make = move || {
        let token = Arc::new(());
        *life.lock().unwrap() = Arc::downgrade(&token);
        Token(token)
    };
    node(make).reads(()).writes(TOKEN).named("make")
}

fn lives(life: &Life) -> bool {
    life.lock().unwrap().upgrade().is_some()
}

#[test]
fn intermediate_is_dropped_after_its_last_reader() {
    let life = Life::default();
    let look = |name: &'static str, life: &Life| {
        let life = life.clone();
        let look = move |_: &Token| assert!(lives(&life));
        node(look).reads(TOKEN).writes(Data::<()>::memory("seen").named(name)).named(name)
    };
    let after = {
        let life = life.clone();
        node(move |_: &(), _: &()| lives(&life))
            .reads((Data::memory("a"), Data::memory("b")))
            .writes(Data::<bool>::memory("lives"))
            .named("after")
    };
    let pipeline = Pipeline::new([make(&life), look("a", &life), look("b", &life), after]).unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&Data::<bool>::memory("lives")), Some(false));
    });
}

#[test]
fn free_inputs_and_free_outputs_outlive_the_run() {
    let (input, output) = (Life::default(), Life::default());
    let token = Arc::new(());
    *input.lock().unwrap() = Arc::downgrade(&token);
    let catalog =
        Catalog::builder().value(&Data::<Token>::memory("in"), Token(token)).build().unwrap();
    let read = node(|_: &Token| ()).reads(Data::memory("in")).writes(()).named("read");
    let pipeline = Pipeline::new([make(&output), read]).unwrap();
    with_each_runner(|runner| {
        let report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        assert!(lives(&input) && lives(&output));
        drop(report);
        assert!(lives(&input) && !lives(&output));
    });
}

#[test]
fn failed_run_keeps_no_intermediate() {
    let life = Life::default();
    let fail = |_: &u64, _: &Token| Err::<u64, _>("no");
    let next = number("n");
    let fail = node(fail).reads((number("in"), TOKEN)).writes(next.clone()).named("fail");
    let never = node(|_: &Token, _: &u64| ()).reads((TOKEN, next)).writes(()).named("never");
    let pipeline = Pipeline::new([make(&life), fail, never]).unwrap();
    let catalog = Catalog::builder().value(&number("in"), 1).build().unwrap();
    with_each_runner(|runner| {
        for options in [RunOptions::new(), RunOptions::new().keep_going()] {
            let error = runner.run(&pipeline, &catalog, options).unwrap_err();
            let report = error.report().unwrap();
            assert!(matches!(report.node("make").unwrap().fate, Fate::Done));
            assert_eq!(report.output_names().count(), 0);
            assert!(!lives(&life));
        }
    });
}

#[test]
fn intermediate_that_nobody_can_read_any_more_is_dropped_while_the_run_goes_on() {
    for turn in ["written before the failure", "written after the failure"] {
        let life = Life::default();
        let (fail, make) = match turn {
            "written before the failure" => ("z_fail", make(&life).named("a_make")),
            _ => ("a_fail", make(&life).named("z_make")),
        };
        let fail = node(|| Err::<u64, _>("no")).reads(()).writes(number("n")).named(fail);
        let never = node(|_: &Token, _: &u64| 1_u64).reads((TOKEN, number("n")));
        let never = never.writes(number("m")).named("never");
        let after = node(|_: &u64| ()).reads(number("m")).writes(()).named("never_after");
        // In the second group, and so after the failure and the writing.
        let begin = node(|| 0_u64).reads(()).writes(number("begin")).named("begin");
        let watched = life.clone();
        let look = node(move |_: &u64| lives(&watched)).reads(number("begin"));
        let look = look.writes(Data::<bool>::memory("lives")).named("look");
        let pipeline = Pipeline::new([make, fail, never, after, begin, look]).unwrap();
        let error = SequentialRunner::new()
            .run(&pipeline, &Catalog::empty(), RunOptions::new().keep_going())
            .unwrap_err();
        let report = error.report().unwrap();
        assert_eq!(
            report.output(&Data::<bool>::memory("lives")).as_deref(),
            Some(&false),
            "{turn}"
        );
        assert!(matches!(report.node("never").unwrap().fate, Fate::Skipped { .. }));
        assert!(matches!(report.node("never_after").unwrap().fate, Fate::Skipped { .. }));
    }
}
