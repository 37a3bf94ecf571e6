//! What hooks are told of a node that is tried again, given up, or called off.

#![cfg(feature = "pipeline")]

#[path = "support/hooks.rs"]
mod hooks;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use entourage::{
    CancelToken, Cancelled, Catalog, Data, Dataset, Executor, Hooks, Node, Pipeline, Propagation,
    Retry, RunOptions, ThreadRunner, node,
};
use hooks::{Each, Log, Told};
use pipelines::with_each_runner;

const IN: Data<u32> = Data::memory("in");
const TOP: Data<u32> = Data::memory("top");
const SUM: Data<u32> = Data::memory("sum");
const LATER: Data<u32> = Data::memory("later");

/// Time enough to begin, and too short for what does not end.
const SOON: Duration = Duration::from_millis(400);

/// Logs what is told of nodes, with the number of the attempt.
fn numbered(log: &Log) -> impl Hooks + use<> {
    let log = log.clone();
    Each(move |told: Told| {
        if let Some(attempt) = told.attempt {
            log.say(format!("{attempt} {}", told.summary()));
        }
        Ok(())
    })
}

/// A sum of two inputs that fails as often as that.
fn flaky(failures: u32) -> Node {
    let failures = AtomicU32::new(failures);
    let add = move |n: &u32, top: &u32| {
        let has_failed =
            failures.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if has_failed.is_ok() { Err("not yet") } else { Ok(n + top) }
    };
    node(add).reads((IN, TOP)).writes(SUM).named("add")
}

fn loads(attempt: u32) -> Vec<String> {
    let loads = ["before", "after"].map(|when| format!("{attempt} {when}_dataset_loaded"));
    ["in", "top"].iter().flat_map(|of| loads.clone().map(|told| format!("{told} {of}"))).collect()
}

fn attempt(number: u32, is_good: bool) -> Vec<String> {
    let rest: &[&str] = match is_good {
        false => &["before_node_run add", "on_node_error add"],
        true => &[
            "before_node_run add",
            "after_node_run add",
            "before_dataset_saved sum",
            "after_dataset_saved sum",
        ],
    };
    let rest = rest.iter().map(|told| format!("{number} {told}"));
    loads(number).into_iter().chain(rest).collect()
}

#[test]
fn each_attempt_is_told_whole_and_with_its_number() {
    let log = Log::default();
    let catalog = Catalog::builder().value(&IN, 4).value(&TOP, 3).build().unwrap();
    for options in [RunOptions::new(), RunOptions::new().propagation(Propagation::off())] {
        with_each_runner(|runner| {
            let pipeline = Pipeline::new([flaky(2).retry(Retry::new(3))]).unwrap();
            let options = options.clone().hooks(numbered(&log));
            let mut report = runner.run(&pipeline, &catalog, options).unwrap();
            assert_eq!(report.take_output(&SUM), Some(7));
            let expected = [attempt(1, false), attempt(2, false), attempt(3, true)].concat();
            assert_eq!(log.take(), expected);
        });
    }
}

/// A store of which the first load fails.
#[derive(Default)]
struct Store(AtomicU32);

impl Dataset<u32> for Store {
    fn load(&self) -> Result<u32, Box<dyn Error + Send + Sync>> {
        if self.0.fetch_add(1, Ordering::Relaxed) == 0 { Err("worn out".into()) } else { Ok(3) }
    }

    fn save(&self, _: &u32) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

#[test]
fn attempt_after_a_failed_load_is_told_from_the_first_input_on() {
    let log = Log::default();
    with_each_runner(|runner| {
        let add = node(|n: &u32, top: &u32| n + top).reads((IN, TOP)).writes(SUM);
        let pipeline = Pipeline::new([add.named("add").retry(Retry::new(2))]).unwrap();
        let catalog = Catalog::builder().value(&IN, 4).dataset(&TOP, Store::default());
        let options = RunOptions::new().hooks(numbered(&log));
        runner.run(&pipeline, &catalog.build().unwrap(), options).unwrap();
        let mut expected = loads(1);
        expected[3] = "1 on_dataset_load_error top".to_owned();
        expected.push("1 on_node_error add".to_owned());
        expected.extend(attempt(2, true));
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn hook_that_fails_for_an_input_of_a_later_attempt_costs_that_attempt_alone() {
    let catalog = Catalog::builder().value(&IN, 4).value(&TOP, 3).build().unwrap();
    with_each_runner(|runner| {
        let later = node(|sum: &u32| sum + 1).reads(SUM).writes(LATER).named("later");
        let pipeline = Pipeline::new([flaky(1).retry(Retry::new(3)), later]).unwrap();
        let fails = Each(|told: Told| {
            let is_it = told.attempt == Some(2) && told.dataset.as_deref() == Some("top");
            if is_it { Err("not this time".into()) } else { Ok(()) }
        });
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new().hooks(fails)).unwrap();
        let add = report.node("add").unwrap();
        assert_eq!(add.attempts, 3);
        assert_eq!(add.retried.iter().filter(|failure| failure.is_hook()).count(), 1);
        assert_eq!(report.take_output(&LATER), Some(8));
    });
}

#[test]
fn attempt_that_takes_too_long_has_one_error_at_its_deadline_and_nothing_is_told_of_it_later() {
    let log = Log::default();
    for attempts in [1, 2] {
        let (open, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(Some(gate));
        // The first attempt is stuck until the run is over.
        let stuck = move || {
            let gate = gate.lock().unwrap().take();
            gate.map_or(1, |gate| gate.recv().map_or(2, |()| 3))
        };
        let stuck = node(stuck).reads(()).writes(SUM).named("add").timeout(SOON);
        let retry = Retry::new(attempts).after_timeout();
        let pipeline = Pipeline::new([stuck.retry(retry)]).unwrap();
        let pool = Executor::builder().num_threads(2).build().unwrap();
        let options = RunOptions::new().hooks(numbered(&log));
        let ended = ThreadRunner::new(&pool).run(&pipeline, &Catalog::empty(), options);
        assert_eq!(ended.is_ok(), attempts == 2);
        drop(open);
        // The worker comes to this once it is through with the late attempt.
        pool.broadcast(|_| ());
        let mut expected = vec!["1 before_node_run add".to_owned(), "1 on_node_error add".into()];
        if attempts == 2 {
            expected.extend(attempt(2, true).split_off(loads(2).len()));
        }
        assert_eq!(log.take(), expected);
    }
}

#[test]
fn on_the_calling_thread_too_a_late_attempt_has_one_error() {
    let log = Log::default();
    let late = || _ = CancelToken::current().wait_for(Duration::MAX);
    let late = node(late).reads(()).writes(Data::<()>::memory("late")).named("add").timeout(SOON);
    let pipeline = Pipeline::new([late]).unwrap();
    with_each_runner(|runner| {
        let options = RunOptions::new().hooks(numbered(&log));
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        assert!(error.failures().next().unwrap().is_timeout());
        assert_eq!(log.take(), ["1 before_node_run add", "1 on_node_error add"]);
    });
}

#[test]
fn node_that_is_called_off_has_not_failed_and_the_runs_end_is_told() {
    let log = Log::default();
    with_each_runner(|runner| {
        let token = CancelToken::new();
        let theirs = token.clone();
        let called_off = move || -> Result<u32, Cancelled> {
            theirs.cancel();
            Err(CancelToken::current().check().unwrap_err())
        };
        let called_off = node(called_off).reads(()).writes(SUM).named("add");
        let later = node(|sum: &u32| sum + 1).reads(SUM).writes(LATER).named("later");
        let pipeline = Pipeline::new([called_off.retry(Retry::new(3)), later]).unwrap();
        let options = RunOptions::new().hooks(log.hook()).cancel_token(token);
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        assert!(error.is_cancelled());
        let expected = [
            "after_catalog_created",
            "before_pipeline_run",
            "before_node_run add",
            "on_pipeline_error",
        ];
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn hooks_of_a_chunk_are_told_the_number_of_its_attempt() {
    use entourage::{ChunkError, Chunks, FileDataset};

    let log = Log::default();
    let rows = Data::<[u32]>::records("rows");
    with_each_runner(|runner| {
        let folder = pipelines::Folder::new();
        let failures = Arc::new(AtomicU32::new(1));
        let yields = move |out: &mut Chunks<[u32]>| -> Result<(), Box<dyn Error + Send + Sync>> {
            out.push(vec![1]).map_err(|error: ChunkError| error)?;
            match failures.swap(0, Ordering::Relaxed) {
                0 => Ok(()),
                _ => Err("not yet".into()),
            }
        };
        let yields = node(yields).reads(()).yields(rows.clone()).named("add");
        let pipeline = Pipeline::new([yields.retry(Retry::new(2))]).unwrap();
        let file = FileDataset::json_lines(folder.path("rows.jsonl"));
        let catalog = Catalog::builder().file("rows", file).build().unwrap();
        let options = RunOptions::new().hooks(numbered(&log));
        runner.run(&pipeline, &catalog, options).unwrap();
        let saved: Vec<_> =
            log.take().into_iter().filter(|told| told.ends_with("dataset_saved rows")).collect();
        let of = |attempt| {
            ["before", "after"].map(|when| format!("{attempt} {when}_dataset_saved rows"))
        };
        assert_eq!(saved, [of(1), of(2)].concat());
    });
}
