//! What a run leaves behind: values in its report, and handles to what the
//! catalog keeps.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use entourage::{
    Catalog, Data, Dataset, FileDataset, Pipeline, RunOptions, RunReport, SequentialRunner, node,
};
use pipelines::{Folder, with_each_runner};

type BoxError = Box<dyn Error + Send + Sync>;

const TEXT: Data<str> = Data::text("text");
const LENGTH: Data<usize> = Data::memory("length");
const KEPT: Data<usize> = Data::memory("kept");
const MIDDLE: Data<str> = Data::text("middle");

/// Reads `middle`, and writes a file, a value that the catalog keeps and one that
/// it does not know.
fn pipeline() -> Pipeline {
    let begin = node(|| "words".to_owned()).reads(()).writes(MIDDLE).named("begin");
    let end = |middle: &str| (middle.to_uppercase(), middle.len(), 2 * middle.len());
    let end = node(end).reads(MIDDLE).writes((TEXT, LENGTH, KEPT)).named("end");
    Pipeline::new([end, begin]).unwrap()
}

fn catalog(folder: &Folder) -> Catalog {
    Catalog::builder()
        .file("text", FileDataset::text(folder.path("text.txt")))
        .file("middle", FileDataset::text(folder.path("middle.txt")))
        .memory("kept")
        .build()
        .unwrap()
}

fn listed(report: &RunReport) -> Vec<(&str, bool)> {
    report.outputs().map(|output| (output.name(), output.is_stored())).collect()
}

#[test]
fn every_final_output_is_listed_and_can_be_loaded_wherever_it_is() {
    let folder = Folder::new();
    let catalog = catalog(&folder);
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline(), &catalog, RunOptions::new()).unwrap();
        assert_eq!(listed(&report), [("kept", true), ("length", false), ("text", true)]);
        assert_eq!(report.output_names().collect::<Vec<_>>(), ["length"]);
        assert_eq!(*report.load(&TEXT).unwrap(), "WORDS");
        assert_eq!(*report.load(&LENGTH).unwrap(), 5);
        assert_eq!(*report.load(&KEPT).unwrap(), 10);
        let places: Vec<_> =
            report.outputs().map(|output| output.description().map(|of| of.to_string())).collect();
        assert!(places[2].as_ref().unwrap().contains("text.txt"), "{places:?}");
        assert!(places[1].is_none());
        assert_eq!(report.take_output(&LENGTH), Some(5));
        assert_eq!(listed(&report), [("kept", true), ("text", true)]);
        let taken = report.load(&LENGTH).unwrap_err();
        assert_eq!(taken.to_string(), "loading dataset `length`: it was taken from the report");
    });
}

#[test]
fn what_is_no_final_output_is_not_loaded_and_the_error_says_why() {
    let folder = Folder::new();
    let catalog = catalog(&folder);
    let report = SequentialRunner::new().run(&pipeline(), &catalog, RunOptions::new()).unwrap();
    for (name, expected) in [
        ("middle", "loading dataset `middle`: it is no final output: another node reads it"),
        ("txet", "loading dataset `txet`: no node of the run writes it; did you mean `text`?"),
    ] {
        assert_eq!(report.load(&TEXT.named(name)).unwrap_err().to_string(), expected);
    }
    let other = Data::<u8>::memory("length");
    assert!(report.load(&other).unwrap_err().is_load());
    std::fs::remove_file(folder.path("text.txt")).unwrap();
    let gone = report.load(&TEXT).unwrap_err().to_string();
    assert!(gone.contains("text.txt") && gone.contains("no such file"), "{gone}");
}

#[test]
fn outputs_of_a_failed_run_are_those_of_the_nodes_that_are_done() {
    let folder = Folder::new();
    // An older run's.
    folder.write("text.txt", "before");
    let fail = |_: &str| Err::<String, _>("no");
    let pipeline = Pipeline::new([
        node(|| "words".to_owned()).reads(()).writes(MIDDLE).named("a_begin"),
        node(|| 1_usize).reads(()).writes(KEPT).named("b_keep"),
        node(fail).reads(MIDDLE).writes(TEXT).named("c_fail"),
    ])
    .unwrap();
    with_each_runner(|runner| {
        let options = RunOptions::new().keep_going();
        let error = runner.run(&pipeline, &catalog(&folder), options).unwrap_err();
        let report = error.report().unwrap();
        assert_eq!(listed(report), [("kept", true)]);
        let told = report.load(&TEXT).unwrap_err().to_string();
        assert_eq!(told, "loading dataset `text`: node `c_fail`, which writes it: failed");
    });
}

#[test]
fn output_that_was_up_to_date_can_be_loaded_too() {
    let folder = Folder::new();
    let catalog = catalog(&folder);
    SequentialRunner::new().run(&pipeline(), &catalog, RunOptions::new()).unwrap();
    let make = node(|| "other words".to_owned()).reads(()).writes(TEXT).named("make");
    let pipeline = Pipeline::new([make]).unwrap();
    with_each_runner(|runner| {
        let options = RunOptions::new().only_missing();
        let report = runner.run(&pipeline, &catalog, options).unwrap();
        assert_eq!(listed(&report), [("text", true)]);
        assert_eq!(*report.load(&TEXT).unwrap(), "WORDS");
    });
}

#[test]
fn output_of_which_versions_are_kept_is_the_one_that_the_run_saved() {
    let folder = Folder::new();
    let file = FileDataset::text(folder.path("text.txt")).versioned();
    let catalog = Catalog::builder().file("text", file).build().unwrap();
    with_each_runner(|runner| {
        let run = |text: &'static str| {
            let make = node(move || text.to_owned()).reads(()).writes(TEXT).named("make");
            runner.run(&Pipeline::new([make]).unwrap(), &catalog, RunOptions::new()).unwrap()
        };
        let (first, second) = (run("first"), run("second"));
        assert_eq!(*first.load(&TEXT).unwrap(), "first");
        assert_eq!(*second.load(&TEXT).unwrap(), "second");
    });
}

/// A value whose life can be watched.
struct Token(Arc<()>);

/// Storage that counts its loads, and keeps nothing.
#[derive(Clone, Default)]
struct Sieve {
    loads: Arc<AtomicUsize>,
    life: Arc<Mutex<Weak<()>>>,
}

impl Dataset<Token> for Sieve {
    fn load(&self) -> Result<Token, BoxError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        Ok(Token(Arc::new(())))
    }

    fn save(&self, token: &Token) -> Result<(), BoxError> {
        *self.life.lock().unwrap() = Arc::downgrade(&token.0);
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }
}

#[test]
fn nothing_that_is_registered_is_kept_in_memory_or_loaded_before_somebody_asks() {
    const TOKEN: Data<Token> = Data::memory("token");
    let make = node(|| Token(Arc::new(()))).reads(()).writes(TOKEN).named("make");
    let pipeline = Pipeline::new([make]).unwrap();
    with_each_runner(|runner| {
        let sieve = Sieve::default();
        let catalog = Catalog::builder().dataset(&TOKEN, sieve.clone()).build().unwrap();
        let report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        assert!(sieve.life.lock().unwrap().upgrade().is_none());
        assert_eq!(sieve.loads.load(Ordering::Relaxed), 0);
        for loads in 1..3 {
            report.load(&TOKEN).unwrap();
            assert_eq!(sieve.loads.load(Ordering::Relaxed), loads);
        }
    });
}

#[test]
fn empty_pipeline_has_an_empty_result() {
    with_each_runner(|runner| {
        let pipeline = Pipeline::new([]).unwrap();
        let report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        assert_eq!((report.nodes().len(), report.outputs().count()), (0, 0));
    });
}
