//! Nodes that are tried again: how often, after what, and what is told of it.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use entourage::{
    ATTEMPT, Catalog, Data, Dataset, LogRecord, LogSink, Node, Pipeline, PipelineError, Retry,
    RunLogger, RunOptions, logger, node,
};
use pipelines::{with_each_runner, with_thread_runner};

fn number(name: &str) -> Data<u32> {
    Data::memory("number").named(name)
}

#[derive(Debug, PartialEq)]
struct Spoilt(u32);

impl fmt::Display for Spoilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attempt {} is spoilt", self.0)
    }
}

impl Error for Spoilt {}

/// A node that succeeds at attempt number `good`, by its own count.
fn flaky(name: &str, good: u32) -> (Node, Arc<AtomicU32>) {
    let attempts = Arc::new(AtomicU32::new(0));
    let counted = attempts.clone();
    let work = move || {
        let attempt = counted.fetch_add(1, Ordering::Relaxed) + 1;
        if attempt < good { Err(Spoilt(attempt)) } else { Ok(attempt) }
    };
    (node(work).reads(()).writes(number(name)).named(name), attempts)
}

#[test]
fn node_that_fails_is_tried_again_until_it_is_done() {
    with_each_runner(|runner| {
        let (flaky, attempts) = flaky("flaky", 3);
        let pipeline = Pipeline::new([flaky.retry(Retry::new(5))]).unwrap();
        let mut report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        assert_eq!(attempts.load(Ordering::Relaxed), 3);
        let node = report.node("flaky").unwrap();
        assert_eq!((node.attempts, node.fate.to_string().as_str()), (3, "done"));
        let causes = node.retried.iter().map(|failure| failure.source().unwrap());
        let causes: Vec<_> = causes.map(|error| error.downcast_ref::<Spoilt>()).collect();
        assert_eq!(causes, [Some(&Spoilt(1)), Some(&Spoilt(2))]);
        assert_eq!(report.take_output(&number("flaky")), Some(3));
    });
}

#[test]
fn last_attempts_failure_is_the_nodes_and_the_earlier_ones_are_kept() {
    with_each_runner(|runner| {
        for pause in [Duration::ZERO, Duration::from_millis(1)] {
            let (flaky, attempts) = flaky("flaky", u32::MAX);
            let retry = Retry::new(3).backoff(pause, 2.0);
            let pipeline = Pipeline::new([flaky.retry(retry)]).unwrap();
            let error = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap_err();
            assert_eq!(attempts.load(Ordering::Relaxed), 3);
            let failure = error.failures().next().unwrap();
            assert_eq!(failure.source().unwrap().downcast_ref(), Some(&Spoilt(3)));
            assert_eq!(error.failures().count(), 1);
            let node = error.report().unwrap().node("flaky").unwrap();
            assert_eq!((node.attempts, node.retried.len()), (3, 2));
        }
    });
}

#[test]
fn retry_of_the_run_is_for_every_node_and_a_nodes_own_beats_it() {
    with_each_runner(|runner| {
        let (often, by_run) = flaky("often", u32::MAX);
        let (once, by_node) = flaky("once", u32::MAX);
        let pipeline = Pipeline::new([often, once.retry(Retry::new(1))]).unwrap();
        let options = RunOptions::new().retry(Retry::new(4)).keep_going();
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        let count = |attempts: &AtomicU32| attempts.load(Ordering::Relaxed);
        assert_eq!((count(&by_run), count(&by_node)), (4, 1));
        assert_eq!(error.failures().count(), 2);
    });
}

#[test]
fn only_errors_that_the_predicate_wants_are_tried_again() {
    with_each_runner(|runner| {
        let (flaky, attempts) = flaky("flaky", u32::MAX);
        let early = |error: &(dyn Error + 'static)| {
            error.downcast_ref::<Spoilt>().is_some_and(|spoilt| spoilt.0 < 2)
        };
        let pipeline = Pipeline::new([flaky.retry(Retry::new(9).when(early))]).unwrap();
        runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap_err();
        assert_eq!(attempts.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn predicate_that_panics_wants_nothing() {
    with_each_runner(|runner| {
        let (flaky, attempts) = flaky("flaky", u32::MAX);
        let panics = |_: &(dyn Error + 'static)| panic!("in the predicate");
        let pipeline = Pipeline::new([flaky.retry(Retry::new(9).when(panics))]).unwrap();
        let error = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap_err();
        assert_eq!(attempts.load(Ordering::Relaxed), 1);
        assert!(error.failures().next().unwrap().is_error());
    });
}

#[test]
fn panic_is_tried_again_only_if_asked() {
    with_each_runner(|runner| {
        for (retry, expected) in [(Retry::new(3), 1), (Retry::new(3).after_panic(), 3)] {
            let attempts = Arc::new(AtomicU32::new(0));
            let counted = attempts.clone();
            let panics = move || -> u32 {
                panic!("attempt {}", counted.fetch_add(1, Ordering::Relaxed) + 1)
            };
            let panics = node(panics).reads(()).writes(number("a")).named("panics").retry(retry);
            let pipeline = Pipeline::new([panics]).unwrap();
            let error = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap_err();
            assert_eq!(attempts.load(Ordering::Relaxed), expected);
            let told = error.failures().next().unwrap().to_string();
            assert!(told.ends_with(&format!("attempt {expected}")), "{told}");
        }
    });
}

#[test]
fn no_attempt_begins_after_the_deadline() {
    with_each_runner(|runner| {
        let (flaky, attempts) = flaky("flaky", u32::MAX);
        // The pause alone is longer than all that is left.
        let retry = Retry::new(9)
            .backoff(Duration::from_secs(3600), 1.0)
            .jitter(0.0)
            .deadline(Duration::from_secs(60));
        let pipeline = Pipeline::new([flaky.retry(retry)]).unwrap();
        runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap_err();
        assert_eq!(attempts.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn pause_occupies_no_worker() {
    // The one worker has to run `opens` before the second attempt at `waits`, which
    // is first in the pipeline, and whose first attempt fails at once.
    let opened = Arc::new(AtomicU32::new(0));
    let (theirs, ours) = (opened.clone(), opened.clone());
    let waits = move || match theirs.load(Ordering::Relaxed) {
        0 => Err("not yet"),
        _ => Ok(1_u32),
    };
    let opens = move || {
        ours.fetch_add(1, Ordering::Relaxed);
        2_u32
    };
    let retry = Retry::new(2).backoff(Duration::from_millis(20), 1.0).jitter(0.0);
    let pipeline = Pipeline::new([
        node(waits).reads(()).writes(number("a")).named("a_waits").retry(retry),
        node(opens).reads(()).writes(number("b")).named("b_opens"),
    ])
    .unwrap();
    with_thread_runner(1, |runner| {
        let report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        assert_eq!(report.node("a_waits").unwrap().attempts, 2);
    });
}

/// What is said, with its fields.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn log(&self, record: &LogRecord<'_>) {
        let line = format!("{} attempt={}", record.message, record.attempt.unwrap_or(0));
        self.0.lock().unwrap().push(line);
    }
}

#[test]
fn number_of_the_attempt_is_in_the_context_and_in_the_log() {
    with_each_runner(|runner| {
        let lines = Arc::new(Lines::default());
        let work = || {
            logger().unwrap().info("at work");
            match ATTEMPT.get() {
                Some(3) => Ok(3),
                other => Err(Spoilt(other.unwrap_or(0))),
            }
        };
        let alone = || ATTEMPT.get().map_or(0, |_| 1_u32);
        let work = node(work).reads(()).writes(number("a")).named("work").retry(Retry::new(3));
        let alone = node(alone).reads(()).writes(number("b")).named("alone");
        let pipeline = Pipeline::new([work, alone]).unwrap();
        let options = RunOptions::new().run_logger(RunLogger::new(lines.clone()));
        let mut report = runner.run(&pipeline, &Catalog::empty(), options).unwrap();
        assert_eq!(report.take_output(&number("a")), Some(3));
        assert_eq!(report.take_output(&number("b")), Some(0), "it is tried once");
        let lines = lines.0.lock().unwrap();
        let expected = ["at work attempt=1", "at work attempt=2", "at work attempt=3"];
        assert_eq!(lines.iter().filter(|line| line.contains("at work")).count(), 3);
        assert!(expected.iter().all(|line| lines.iter().any(|l| l == line)), "{lines:?}");
    });
}

/// A dataset whose first loads and saves fail.
#[derive(Clone)]
struct Flaky {
    bad_loads: Arc<AtomicU32>,
    bad_saves: Arc<AtomicU32>,
}

impl Flaky {
    fn new(bad_loads: u32, bad_saves: u32) -> Self {
        let count = |n| Arc::new(AtomicU32::new(n));
        Self { bad_loads: count(bad_loads), bad_saves: count(bad_saves) }
    }
}

fn one_less(count: &AtomicU32) -> Result<(), Box<dyn Error + Send + Sync>> {
    let less = count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
    less.map_or(Ok(()), |_| Err("the disk is away".into()))
}

impl Dataset<u32> for Flaky {
    fn load(&self) -> Result<u32, Box<dyn Error + Send + Sync>> {
        one_less(&self.bad_loads).map(|()| 7)
    }
    fn save(&self, _: &u32) -> Result<(), Box<dyn Error + Send + Sync>> {
        one_less(&self.bad_saves)
    }
    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

#[test]
fn loads_and_saves_are_tried_again_and_whoever_waits_for_the_load_too() {
    let adds = |name: &str, writes: &str| {
        let add = node(|n: &u32| n + 1).reads(number("from")).writes(number(writes));
        add.named(name).retry(Retry::new(5))
    };
    let pipeline = Pipeline::new([adds("a", "to"), adds("b", "b"), adds("c", "c")]).unwrap();
    with_each_runner(|runner| {
        let (from, to) = (Flaky::new(2, 0), Flaky::new(0, 2));
        let catalog = Catalog::builder()
            .dataset(&number("from"), from)
            .dataset(&number("to"), to)
            .build()
            .unwrap();
        let report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        let attempts: u32 = report.nodes().map(|node| node.attempts).sum();
        assert_eq!(attempts, 3 + 2 + 2, "{report:?}");
        let retried = report.nodes().flat_map(|node| node.retried).count();
        assert_eq!(retried, 4);
    });
}

#[test]
fn inputs_are_there_for_every_attempt_and_gone_after_the_last() {
    const VALUE: Data<Arc<u32>> = Data::memory("value");
    with_each_runner(|runner| {
        let seen: Arc<Mutex<Option<Weak<u32>>>> = Arc::default();
        let (first, last) = (seen.clone(), seen.clone());
        let reads = move |value: &Arc<u32>| match ATTEMPT.get() {
            Some(1) => {
                *first.lock().unwrap() = Some(Arc::downgrade(value));
                Err("once more")
            }
            _ => Ok(**value),
        };
        let is_gone =
            move |_: &u32| u32::from(last.lock().unwrap().as_ref().unwrap().upgrade().is_none());
        let pipeline = Pipeline::new([
            node(|| Arc::new(5)).reads(()).writes(VALUE).named("make"),
            node(reads).reads(VALUE).writes(number("a")).named("reads").retry(Retry::new(2)),
            node(is_gone).reads(number("a")).writes(number("gone")).named("z"),
        ])
        .unwrap();
        let mut report = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&number("gone")), Some(1));
    });
}

#[test]
fn pausing_node_has_failed_when_another_ends_the_run() {
    let (flaky, _) = flaky("a", u32::MAX);
    let retry = Retry::new(2).backoff(Duration::from_secs(3600), 1.0);
    let fails = node(|| Err::<u32, _>("at once")).reads(()).writes(number("b")).named("b");
    let pipeline = Pipeline::new([flaky.retry(retry), fails]).unwrap();
    with_thread_runner(1, |runner| {
        let error = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap_err();
        let told: Vec<_> = error.failures().map(ToString::to_string).collect();
        assert_eq!(told, ["node `a` failed: attempt 1 is spoilt", "node `b` failed: at once"]);
        assert_eq!(error.report().unwrap().node("a").unwrap().attempts, 1);
    });
}

#[test]
fn settings_that_make_no_sense_are_said_when_the_pipeline_is_built() {
    let make = || node(|| 1_u32).reads(()).writes(number("a")).named("a");
    let told = |node: Node| {
        let error: PipelineError = Pipeline::new([node]).unwrap_err();
        error.problems()
    };
    let retry = Retry::new(0).backoff(Duration::from_secs(1), f64::NAN);
    let expected = [
        "node `a` is told 0 attempts, at least 1 is needed",
        "node `a` is told a backoff factor of NaN, it must be at least 1",
        "node `a` is told a timeout of 0 s, no node ends within",
    ];
    assert_eq!(told(make().retry(retry.clone()).timeout(Duration::ZERO)), expected);
    let pipeline = Pipeline::new([make()]).unwrap();
    with_each_runner(|runner| {
        let options = RunOptions::new().retry(retry.clone()).timeout(Duration::ZERO);
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        let expected = [
            "the run's retry is told 0 attempts, at least 1 is needed",
            "the run's retry is told a backoff factor of NaN, it must be at least 1",
            "the run is told a timeout of 0 s, no node ends within",
        ];
        assert_eq!(error.problems(), expected);
    });
}

#[test]
fn many_flaky_nodes_on_a_busy_pool_are_all_done() {
    let nodes = (0..300_u32).map(|at| {
        let (from, to) = (format!("n{}", at / 2), format!("n{}", at + 1));
        let step = move |n: &u32| match ATTEMPT.get() {
            Some(attempt) if attempt <= at % 4 => Err(Spoilt(attempt)),
            _ => Ok(n + 1),
        };
        let pause = Duration::from_micros(u64::from(at % 3) * 50);
        let retry = Retry::new(4).backoff(pause, 2.0);
        let step = node(step).reads(number(&from)).writes(number(&to));
        step.named(format!("node_{at:03}")).retry(retry)
    });
    let pipeline = Pipeline::new(nodes).unwrap();
    let catalog = Catalog::builder().value(&number("n0"), 0).build().unwrap();
    with_each_runner(|runner| {
        let report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        for (at, node) in report.nodes().enumerate() {
            let at = node.name[5..].parse::<u32>().unwrap_or(at as u32);
            assert_eq!(node.attempts, at % 4 + 1, "{}", node.name);
        }
    });
}
