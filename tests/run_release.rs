//! What the catalog keeps is told when the run needs it no more.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::sync::{Arc, Mutex};

use entourage::{Catalog, Data, Dataset, Node, Pipeline, RunOptions, SequentialRunner, node};
use pipelines::with_each_runner;

type BoxError = Box<dyn Error + Send + Sync>;

/// What was done to the datasets, in order.
type Deeds = Arc<Mutex<Vec<String>>>;

/// Storage that notes what is done to it.
struct Noted {
    name: &'static str,
    deeds: Deeds,
    release: fn() -> Result<(), BoxError>,
}

impl Noted {
    fn note(&self, deed: &str) {
        self.deeds.lock().unwrap().push(format!("{deed} {}", self.name));
    }
}

impl Dataset<u64> for Noted {
    fn load(&self) -> Result<u64, BoxError> {
        self.note("load");
        Ok(1)
    }

    fn save(&self, _: &u64) -> Result<(), BoxError> {
        self.note("save");
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }

    fn release(&self) -> Result<(), BoxError> {
        self.note("release");
        (self.release)()
    }
}

fn data(name: &str) -> Data<u64> {
    Data::memory("data").named(name)
}

fn catalog(deeds: &Deeds, release: fn() -> Result<(), BoxError>) -> Catalog {
    let names = ["input", "middle", "other", "result"];
    let datasets = names.map(|name| (name, Noted { name, deeds: deeds.clone(), release }));
    let bind = |catalog: entourage::CatalogBuilder, (name, noted): (&str, Noted)| {
        catalog.dataset(&data(name), noted)
    };
    datasets.into_iter().fold(Catalog::builder(), bind).build().unwrap()
}

fn begin() -> Node {
    node(|input: &u64| (*input, *input))
        .reads(data("input"))
        .writes((data("middle"), data("other")))
        .named("begin")
}

/// Reads `middle`, and writes `to`.
fn look(deeds: &Deeds, to: &str, name: &'static str) -> Node {
    let deeds = deeds.clone();
    let look = move |middle: &u64| {
        deeds.lock().unwrap().push(format!("run {name}"));
        *middle
    };
    node(look).reads(data("middle")).writes(data(to)).named(name)
}

fn released(deeds: &Deeds) -> Vec<String> {
    let mut released = deeds.lock().unwrap().clone();
    released.retain(|deed| deed.starts_with("release"));
    released.sort();
    released
}

#[test]
fn intermediate_is_released_once_when_its_last_reader_has_loaded_it() {
    with_each_runner(|runner| {
        let deeds = Deeds::default();
        // After the first reader, and in no hurry.
        let last = |_: &u64, _: &u64| 1_u64;
        let last = node(last).reads((data("middle"), data("looked"))).writes(data("result"));
        let nodes = [begin(), look(&deeds, "looked", "look"), last.named("last")];
        let other = node(|_: &u64| ()).reads(data("other")).writes(()).named("z_other");
        let pipeline = Pipeline::new(nodes.into_iter().chain([other])).unwrap();
        runner.run(&pipeline, &catalog(&deeds, || Ok(())), RunOptions::new()).unwrap();
        assert_eq!(released(&deeds), ["release middle", "release other"]);
        let deeds = deeds.lock().unwrap();
        let place = |deed: &str| deeds.iter().position(|done| done == deed).unwrap();
        assert!(place("run look") < place("release middle"));
        assert!(place("release middle") < place("save result"));
        assert_eq!(deeds.iter().filter(|deed| *deed == "load middle").count(), 1);
    });
}

#[test]
fn failed_run_releases_what_nobody_will_read_any_more() {
    with_each_runner(|runner| {
        for options in [RunOptions::new(), RunOptions::new().keep_going()] {
            let deeds = Deeds::default();
            let fail = node(|_: &u64| Err::<u64, _>("no")).reads(data("other"));
            let fail = fail.writes(data("failed")).named("a_fail");
            let never = node(|_: &u64, _: &u64| ()).reads((data("middle"), data("failed")));
            let pipeline = Pipeline::new([begin(), fail, never.writes(()).named("never")]).unwrap();
            runner.run(&pipeline, &catalog(&deeds, || Ok(())), options).unwrap_err();
            assert_eq!(released(&deeds), ["release middle", "release other"]);
        }
    });
}

#[test]
fn what_is_written_after_its_readers_became_unable_to_run_is_released_too() {
    let deeds = Deeds::default();
    let fail = node(|| Err::<u64, _>("no")).reads(()).writes(data("failed")).named("a_fail");
    let begin = begin().named("z_begin");
    let never = node(|_: &u64, _: &u64, _: &u64| ());
    let never = never.reads((data("middle"), data("other"), data("failed"))).writes(());
    let pipeline = Pipeline::new([begin, fail, never.named("never")]).unwrap();
    let (catalog, options) = (catalog(&deeds, || Ok(())), RunOptions::new().keep_going());
    SequentialRunner::new().run(&pipeline, &catalog, options).unwrap_err();
    let deeds = deeds.lock().unwrap();
    for name in ["middle", "other"] {
        let about: Vec<_> = deeds.iter().filter(|deed| deed.ends_with(name)).collect();
        assert_eq!(*about.last().unwrap(), &format!("release {name}"));
    }
}

#[test]
fn release_that_fails_or_panics_is_nobodys_failure() {
    let releases: [fn() -> Result<(), BoxError>; 2] =
        [|| Err("no release".into()), || panic!("no release at all")];
    with_each_runner(|runner| {
        for release in releases {
            let deeds = Deeds::default();
            let other = node(|_: &u64| ()).reads(data("other")).writes(()).named("other");
            let pipeline = Pipeline::new([begin(), look(&deeds, "result", "look"), other]).unwrap();
            runner.run(&pipeline, &catalog(&deeds, release), RunOptions::new()).unwrap();
            assert_eq!(released(&deeds), ["release middle", "release other"]);
        }
    });
}
