//! Storage of the user's own making.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use entourage::{Catalog, Data, Dataset, DatasetError, Pipeline, RunError, RunOptions, node};
use pipelines::{Runner, with_each_runner};

type BoxError = Box<dyn Error + Send + Sync>;

const IN: Data<str> = Data::text("in");
const OUT: Data<[u32]> = Data::memory("out");

/// A store that counts how it is used.
#[derive(Clone, Default)]
struct Store<T> {
    held: Arc<Mutex<Option<T>>>,
    loads: Arc<AtomicUsize>,
    fails: bool,
    panics: bool,
}

impl<T> Store<T> {
    fn holding(value: T) -> Self {
        Self { held: Arc::new(Mutex::new(Some(value))), ..Self::empty() }
    }

    fn empty() -> Self {
        Self { held: Arc::default(), loads: Arc::default(), fails: false, panics: false }
    }

    fn failing(self) -> Self {
        Self { fails: true, ..self }
    }

    fn panicking(self) -> Self {
        Self { panics: true, ..self }
    }

    fn used(&self, what: &str) -> Result<(), BoxError> {
        assert!(!self.panics, "{what} went off");
        if self.fails { Err(Refused(what.to_owned()).into()) } else { Ok(()) }
    }
}

#[derive(Debug, PartialEq)]
struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was refused", self.0)
    }
}

impl Error for Refused {}

impl Dataset<str> for Store<String> {
    fn load(&self) -> Result<String, BoxError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.used("load")?;
        self.held.lock().unwrap().clone().ok_or_else(|| "nothing there".into())
    }

    fn save(&self, value: &str) -> Result<(), BoxError> {
        self.used("save")?;
        *self.held.lock().unwrap() = Some(value.to_owned());
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(self.held.lock().unwrap().is_some())
    }
}

impl Dataset<[u32]> for Store<Vec<u32>> {
    fn load(&self) -> Result<Vec<u32>, BoxError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.used("load")?;
        Ok(self.held.lock().unwrap().clone().unwrap_or_default())
    }

    fn save(&self, value: &[u32]) -> Result<(), BoxError> {
        self.used("save")?;
        *self.held.lock().unwrap() = Some(value.to_vec());
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        self.used("exists")?;
        Ok(self.held.lock().unwrap().is_some())
    }
}

fn lengths(text: &str) -> Vec<u32> {
    text.split(' ').map(|word| word.len() as u32).collect()
}

fn pipeline() -> Pipeline {
    let total = |lengths: &[u32]| lengths.iter().sum::<u32>();
    let most = |lengths: &[u32]| lengths.iter().max().copied();
    Pipeline::new([
        node(lengths).reads(IN).writes(OUT),
        node(total).reads(OUT).writes(Data::<u32>::memory("total")).named("total"),
        node(most).reads(OUT).writes(Data::<Option<u32>>::memory("most")).named("most"),
    ])
    .unwrap()
}

fn run(
    runner: &dyn Runner,
    input: &Store<String>,
    output: &Store<Vec<u32>>,
) -> Result<(u32, Option<u32>), RunError> {
    let catalog = Catalog::builder().dataset(&IN, input.clone()).dataset(&OUT, output.clone());
    let catalog = catalog.build().unwrap();
    let mut report = runner.run(&pipeline(), &catalog, RunOptions::new())?;
    let take = |report: &mut entourage::RunReport| {
        let total = report.take_output(&Data::<u32>::memory("total"));
        (total.unwrap(), report.take_output(&Data::<Option<u32>>::memory("most")).unwrap())
    };
    Ok(take(&mut report))
}

#[test]
fn nodes_read_from_it_and_write_to_it_and_share_what_was_loaded() {
    with_each_runner(|runner| {
        let (input, output) = (Store::holding("a bb ccc".to_owned()), Store::empty());
        assert_eq!(run(runner, &input, &output).unwrap(), (6, Some(3)));
        assert_eq!(*output.held.lock().unwrap(), Some(vec![1, 2, 3]));
        assert_eq!(input.loads.load(Ordering::Relaxed), 1);
        assert_eq!(output.loads.load(Ordering::Relaxed), 1, "once for both readers");
    });
}

#[test]
fn its_error_arrives_unchanged_with_the_name_of_the_dataset() {
    with_each_runner(|runner| {
        let input = Store::holding("a".to_owned()).failing();
        let error = run(runner, &input, &Store::empty()).unwrap_err();
        let failure = error.failures().next().unwrap();
        assert!(failure.is_load() && !failure.is_save() && !failure.is_error());
        let dataset: &DatasetError = failure.source().unwrap().downcast_ref().unwrap();
        assert!(dataset.is_load() && dataset.dataset() == "in");
        let own: &Refused = dataset.source().unwrap().downcast_ref().unwrap();
        assert_eq!(*own, Refused("load".into()));
        assert_eq!(
            failure.to_string(),
            "node `lengths` failed: loading dataset `in`: load was refused"
        );

        let output = Store::empty().failing();
        let input = Store::holding("a".to_owned());
        let catalog = Catalog::builder().dataset(&IN, input).dataset(&OUT, output).build().unwrap();
        let write = node(lengths).reads(IN).writes(OUT);
        let pipeline = Pipeline::new([write]).unwrap();
        let error = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
        let failure = error.failures().next().unwrap();
        assert!(failure.is_save());
        let told = "node `lengths` failed: saving dataset `out`: save was refused";
        assert_eq!(failure.to_string(), told);
    });
}

#[test]
fn its_panic_is_the_failure_of_the_node_that_came_to_it() {
    with_each_runner(|runner| {
        let input = Store::holding("a".to_owned()).panicking();
        let error = run(runner, &input, &Store::empty()).unwrap_err();
        let failure = error.failures().next().unwrap();
        assert!(failure.is_panic());
        assert!(failure.place().unwrap().file().ends_with("catalog_custom.rs"));
        let told = failure.to_string();
        assert!(told.ends_with(": load went off"), "{told}");
    });
}

#[test]
fn what_is_not_there_is_said_before_the_run() {
    with_each_runner(|runner| {
        let error = run(runner, &Store::empty(), &Store::empty()).unwrap_err();
        assert_eq!(error.problems(), ["dataset `in`: it is not there; it is wanted by `lengths`"]);
    });
}

#[test]
fn whether_it_is_there_may_fail_or_panic_and_the_run_is_refused() {
    let sum = |numbers: &[u32]| numbers.iter().sum::<u32>();
    let read = node(sum).reads(OUT).writes(Data::<u32>::memory("sum"));
    let pipeline = Pipeline::new([read.named("sum")]).unwrap();
    let told = |store: Store<Vec<u32>>| {
        let catalog = Catalog::builder().dataset(&OUT, store).build().unwrap();
        let mut told = Vec::new();
        with_each_runner(|runner| {
            let error = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
            assert!(error.is_refused());
            told = error.problems().to_vec();
        });
        told
    };
    let failing = Store::holding(vec![1]).failing();
    let expected = "dataset `out`: whether it is there cannot be found out: exists was refused";
    assert_eq!(told(failing), [expected]);
    let panicking = Store::holding(vec![1]).panicking();
    assert_eq!(told(panicking), ["dataset `out`: the look at it panicked: exists went off"]);
}

#[test]
fn dataset_of_another_type_than_its_nodes_use_is_refused() {
    let catalog = Catalog::builder()
        .dataset(&Data::<str>::text("out"), Store::holding("x".to_owned()))
        .dataset(&IN, Store::holding("a".to_owned()))
        .build()
        .unwrap();
    with_each_runner(|runner| {
        let error = runner.run(&pipeline(), &catalog, RunOptions::new()).unwrap_err();
        let expected = "dataset `out`: it is a `[u32]` to its nodes and a `str` in the catalog";
        assert_eq!(error.problems(), [expected]);
    });
}

#[test]
fn it_serves_a_dataset_that_nodes_name_by_string() {
    let count = node(|text: &str| text.len()).reads_named("in").writes_named("n").named("count");
    let pipeline = Pipeline::new([count]).unwrap();
    let catalog =
        Catalog::builder().dataset(&IN, Store::holding("abc".to_owned())).build().unwrap();
    with_each_runner(|runner| {
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&Data::<usize>::memory("n")), Some(3));
    });
}
