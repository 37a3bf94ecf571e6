//! What happens in a run is told, one event at a time: what in which order, and to
//! whom.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entourage::events::{Event, EventKind, Listener, NodeEnd, RunEnd, RunListener, Transfer};
use entourage::{
    CancelToken, Catalog, Data, FileDataset, LogRecord, LogSink, Pipeline, Retry, RunId, RunLogger,
    RunOptions, SequentialRunner, logger, node,
};
use pipelines::{Folder, with_each_runner};

const RAW: Data<[u64]> = Data::records("raw");
const SUM: Data<u64> = Data::memory("sum");
const TEXT: Data<str> = Data::text("text");

/// Keeps each event in words, and whole.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Event<'static>>>>);

impl Listener for Heard {
    fn run(&self, _: &RunId) -> Arc<dyn RunListener> {
        Arc::new(self.clone())
    }
}

impl RunListener for Heard {
    fn event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(event.clone().into_owned());
    }
}

impl Heard {
    fn words(&self) -> Vec<String> {
        let mut events = std::mem::take(&mut *self.0.lock().unwrap());
        events.sort_by_key(|event| event.seq);
        assert!(events.iter().enumerate().all(|(at, event)| event.seq == at as u64));
        events.iter().map(|event| in_words(&event.kind)).collect()
    }
}

fn in_words(kind: &EventKind<'_>) -> String {
    let end = |end: &NodeEnd<'_>| format!("{}#{}", end.node.name, end.attempt);
    let moved = |word: &str, moved: &Transfer<'_>| {
        let (rows, error) = (moved.rows, moved.error.as_deref().unwrap_or("fine"));
        format!("{word} {} for {}: {rows:?}, {error}", moved.dataset, moved.node.name)
    };
    match kind {
        EventKind::RunStarted(started) => format!("run of {} by {}", started.nodes, started.runner),
        EventKind::NodeUpToDate { node } => format!("{} is up to date", node.name),
        EventKind::NodeStarted { node, attempt, .. } => format!("start {}#{attempt}", node.name),
        EventKind::DatasetLoaded(load) => moved("load", load),
        EventKind::DatasetSaved(save) => moved("save", save),
        EventKind::DatasetReleased { dataset } => format!("release {dataset}"),
        EventKind::NodeDone(done) => format!("done {} rows {:?}", end(done), done.rows),
        EventKind::NodeFailed { end: failed, failure } => {
            format!("{} of {}: {}", failure.kind, end(failed), failure.message)
        }
        EventKind::NodeRetried { end: failed, failure, .. } => {
            format!("again after {} of {}", failure.kind, end(failed))
        }
        EventKind::NodeCancelled(gave_up) => format!("cancelled {}", end(gave_up)),
        EventKind::NodeSkipped { node, by } => format!("skip {} by {}", node.name, by.name),
        EventKind::RunCancelled => "cancelled".to_owned(),
        EventKind::RunEnded(ended) => format!("end: {}", ended.end),
        _ => "something else".to_owned(),
    }
}

#[test]
fn a_run_is_told_from_its_beginning_to_its_end() {
    let folder = Folder::new();
    std::fs::write(folder.path("raw.jsonl"), "1\n2\n3\n").unwrap();
    let catalog = Catalog::builder()
        .file("raw", FileDataset::json_lines(folder.path("raw.jsonl")))
        .file("text", FileDataset::text(folder.path("text.txt")))
        .build()
        .unwrap();
    let pipeline = Pipeline::new([
        node(|raw: &[u64]| raw.iter().sum::<u64>()).reads(RAW).writes(SUM).named("add"),
        node(|sum: &u64| sum.to_string()).reads(SUM).writes(TEXT).named("tell"),
    ])
    .unwrap();
    with_each_runner(|runner| {
        let heard = Heard::default();
        let options = RunOptions::new().listener(heard.clone());
        runner.run(&pipeline, &catalog, options).unwrap();
        let words = heard.words();
        assert!(words[0] == "run of 2 by thread" || words[0] == "run of 2 by sequential");
        let rest = [
            "start add#1",
            "load raw for add: Some(3), fine",
            "done add#1 rows None",
            "start tell#1",
            "release sum",
            "save text for tell: None, fine",
            "done tell#1 rows None",
            "end: done",
        ];
        assert_eq!(words[1..], rest);
    });
}

#[test]
fn a_failure_is_told_with_its_causes_and_what_it_keeps_from_running() {
    #[derive(Debug, thiserror::Error)]
    #[error("no sum")]
    struct NoSum(#[source] std::num::ParseIntError);
    let fail = || Err::<u64, _>(NoSum("x".parse::<u8>().unwrap_err()));
    let pipeline = Pipeline::new([
        node(fail).reads(()).writes(SUM).named("add"),
        node(|sum: &u64| sum.to_string()).reads(SUM).writes(TEXT).named("tell"),
    ])
    .unwrap();
    with_each_runner(|runner| {
        let heard = Heard::default();
        let options = RunOptions::new().listener(heard.clone());
        runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        let failed = heard.0.lock().unwrap().iter().find_map(|event| match &event.kind {
            EventKind::NodeFailed { failure, .. } => Some(failure.clone()),
            _ => None,
        });
        let failed = failed.unwrap();
        assert_eq!(failed.message, "node `add` failed: no sum");
        assert_eq!(failed.causes, ["invalid digit found in string"]);
        let ended = heard.0.lock().unwrap().last().cloned().unwrap();
        let EventKind::RunEnded(ended) = ended.kind else { panic!("no end") };
        assert_eq!((ended.end, ended.resume.unwrap().nodes.len()), (RunEnd::Failed, 2));
        let rest = ["start add#1", "error of add#1: node `add` failed: no sum", "skip tell by add"];
        assert_eq!(heard.words()[1..4], rest);
    });
}

#[test]
fn every_attempt_is_told_with_its_number() {
    with_each_runner(|runner| {
        let tries = Mutex::new(0);
        let fail_once = move || {
            let mut tries = tries.lock().unwrap();
            *tries += 1;
            if *tries == 1 { Err("not yet") } else { Ok(1_u64) }
        };
        let retry = Retry::new(3).backoff(Duration::ZERO, 1.0);
        let twice = node(fail_once).reads(()).writes(SUM).named("twice").retry(retry);
        let pipeline = Pipeline::new([twice]).unwrap();
        let heard = Heard::default();
        let options = RunOptions::new().listener(heard.clone());
        runner.run(&pipeline, &Catalog::empty(), options).unwrap();
        let rest = [
            "start twice#1",
            "again after error of twice#1",
            "start twice#2",
            "done twice#2 rows None",
            "end: done",
        ];
        assert_eq!(heard.words()[1..], rest);
    });
}

#[test]
fn a_refused_run_has_an_end_and_nothing_else() {
    let pipeline =
        Pipeline::new([node(|raw: &[u64]| raw.len() as u64).reads(RAW).writes(SUM).named("count")])
            .unwrap();
    with_each_runner(|runner| {
        let heard = Heard::default();
        let options = RunOptions::new().listener(heard.clone());
        runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        assert_eq!(heard.words(), ["end: refused"]);
    });
}

#[test]
fn a_run_that_is_called_off_says_so_once() {
    with_each_runner(|runner| {
        let token = CancelToken::new();
        let theirs = token.clone();
        let cancel = move || {
            theirs.cancel();
            theirs.cancel();
            1_u64
        };
        let pipeline = Pipeline::new([
            node(cancel).reads(()).writes(SUM).named("cancel"),
            node(|sum: &u64| sum.to_string()).reads(SUM).writes(TEXT).named("tell"),
        ])
        .unwrap();
        let heard = Heard::default();
        let options = RunOptions::new().listener(heard.clone()).cancel_token(token);
        runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        let words = heard.words();
        assert_eq!(words.iter().filter(|word| *word == "cancelled").count(), 1, "{words:?}");
        assert_eq!(words.last().unwrap(), "end: cancelled");
    });
}

/// Has something against every run, or panics at every event, or both.
#[derive(Clone)]
struct Difficult {
    refuses: bool,
}

impl Listener for Difficult {
    fn run(&self, _: &RunId) -> Arc<dyn RunListener> {
        Arc::new(self.clone())
    }
}

impl RunListener for Difficult {
    fn begin(&self, _: &Pipeline) -> Result<(), Box<dyn Error + Send + Sync>> {
        if self.refuses { Err("the disk is full".into()) } else { Ok(()) }
    }

    fn event(&self, _: &Event<'_>) {
        panic!("not again");
    }
}

fn one_node() -> Pipeline {
    Pipeline::new([node(|| 1_u64).reads(()).writes(SUM).named("one")]).unwrap()
}

#[test]
fn a_listener_may_refuse_a_run_before_its_first_node() {
    with_each_runner(|runner| {
        let heard = Heard::default();
        let options =
            RunOptions::new().listener(heard.clone()).listener(Difficult { refuses: true });
        let error = runner.run(&one_node(), &Catalog::empty(), options).unwrap_err();
        assert!(error.is_refused());
        assert_eq!(error.problems(), ["the disk is full"]);
        assert_eq!(heard.words(), ["end: refused"]);
    });
}

#[test]
fn a_listener_that_panics_costs_nobody_anything() {
    with_each_runner(|runner| {
        let heard = Heard::default();
        let options =
            RunOptions::new().listener(Difficult { refuses: false }).listener(heard.clone());
        runner.run(&one_node(), &Catalog::empty(), options).unwrap();
        assert_eq!(heard.words().last().unwrap(), "end: done");
    });
}

/// Takes a run's messages.
#[derive(Clone, Default)]
struct Messages(Arc<Mutex<Vec<String>>>);

impl LogSink for Messages {
    fn log(&self, record: &LogRecord<'_>) {
        self.0.lock().unwrap().push(record.message.to_owned());
    }
}

impl Listener for Messages {
    fn run(&self, _: &RunId) -> Arc<dyn RunListener> {
        Arc::new(self.clone())
    }
}

impl RunListener for Messages {
    fn logger(&self) -> Option<RunLogger> {
        Some(RunLogger::new(Arc::new(self.clone())))
    }

    fn event(&self, _: &Event<'_>) {}
}

#[test]
fn every_listener_with_a_logger_is_given_each_message() {
    let say = || {
        logger().unwrap().info("here");
        1_u64
    };
    let pipeline = Pipeline::new([node(say).reads(()).writes(SUM).named("say")]).unwrap();
    with_each_runner(|runner| {
        let all = [Messages::default(), Messages::default(), Messages::default()];
        let own = RunLogger::new(Arc::new(all[0].clone()));
        let options = RunOptions::new().run_logger(own);
        let options = options.listener(all[1].clone()).listener(all[2].clone());
        runner.run(&pipeline, &Catalog::empty(), options).unwrap();
        assert!(all.iter().all(|messages| *messages.0.lock().unwrap() == ["here"]));
    });
}

#[test]
fn nodes_that_are_up_to_date_are_told_with_their_place_in_the_whole() {
    let folder = Folder::new();
    let file = FileDataset::text(folder.path("text.txt"));
    let catalog = Catalog::builder().file("text", file).build().unwrap();
    const LAST: Data<u64> = Data::memory("last");
    let pipeline = Pipeline::new([
        node(|| 1_u64).reads(()).writes(SUM).named("a_sum"),
        node(|sum: &u64| sum.to_string()).reads(SUM).writes(TEXT).named("b_tell"),
        node(|text: &str| text.len() as u64).reads(TEXT).writes(LAST).named("c_count"),
        node(|_: &u64| ()).reads(LAST).writes(()).named("d_look"),
    ])
    .unwrap();
    SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new()).unwrap();
    let heard = Heard::default();
    let options = RunOptions::new().only_missing().listener(heard.clone());
    SequentialRunner::new().run(&pipeline, &catalog, options).unwrap();
    let indices: Vec<_> = heard.0.lock().unwrap().iter().filter_map(index).collect();
    assert_eq!(indices, [("a_sum", 0), ("b_tell", 1), ("c_count", 2), ("d_look", 3)].map(named));
    let words = heard.words();
    assert_eq!(words[1..3], ["a_sum is up to date", "b_tell is up to date"]);
}

fn index(event: &Event<'static>) -> Option<(String, u32)> {
    match &event.kind {
        EventKind::NodeUpToDate { node } | EventKind::NodeStarted { node, .. } => {
            Some((node.name.to_string(), node.index))
        }
        _ => None,
    }
}

fn named((name, index): (&str, u32)) -> (String, u32) {
    (name.to_owned(), index)
}

#[test]
fn what_a_listener_refuses_a_run_for_may_not_end_it_otherwise() {
    struct Unspeakable;
    impl Listener for Unspeakable {
        fn run(&self, _: &RunId) -> Arc<dyn RunListener> {
            Arc::new(Self)
        }
    }
    impl RunListener for Unspeakable {
        fn begin(&self, _: &Pipeline) -> Result<(), Box<dyn Error + Send + Sync>> {
            #[derive(Debug)]
            struct Panics;
            impl std::fmt::Display for Panics {
                fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    panic!("not even this")
                }
            }
            impl Error for Panics {}
            Err(Panics.into())
        }

        fn event(&self, _: &Event<'_>) {}
    }
    with_each_runner(|runner| {
        let heard = Heard::default();
        let options = RunOptions::new().listener(heard.clone()).listener(Unspeakable);
        let error = runner.run(&one_node(), &Catalog::empty(), options).unwrap_err();
        assert_eq!(error.problems(), ["<an error that cannot be shown>"]);
        assert_eq!(heard.words(), ["end: refused"]);
    });
}

#[test]
fn an_error_that_never_ends_is_told_as_far_as_anybody_reads() {
    #[derive(Debug)]
    struct Endless;
    impl std::fmt::Display for Endless {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            // The runner's own words about it, and the test's, are to have an end.
            (0..10_000_000).try_for_each(|_| f.write_str("on and on "))
        }
    }
    impl Error for Endless {}
    let fail = || Err::<u64, _>(Endless);
    let pipeline = Pipeline::new([node(fail).reads(()).writes(SUM).named("add")]).unwrap();
    let heard = Heard::default();
    let options = RunOptions::new().listener(heard.clone());
    SequentialRunner::new().run(&pipeline, &Catalog::empty(), options).unwrap_err();
    let events = heard.0.lock().unwrap();
    let told = events.iter().find_map(|event| match &event.kind {
        EventKind::NodeFailed { failure, .. } => Some(failure.message.len()),
        _ => None,
    });
    assert!(told.unwrap() < 70_000);
}
