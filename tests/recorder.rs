//! What happens in a run is on file, and is read back as it was.

#![cfg(all(feature = "pipeline", feature = "telemetry"))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use entourage::events::RunEnd;
use entourage::{
    CancelToken, Cancelled, Catalog, Data, FileDataset, NodeState, Pipeline, Retry, RunOptions,
    RunRecord, RunRecorder, SequentialRunner, node,
};
use pipelines::{Folder, names_in, with_each_runner, with_thread_runner};
use serde_json::Value;

const RAW: Data<[u64]> = Data::records("raw");
const SUM: Data<u64> = Data::memory("sum");
const TEXT: Data<str> = Data::text("text");
const FACTOR: Data<u64> = Data::parameter("factor");

/// `add`, then `tell`.
fn pipeline() -> Pipeline {
    let add = |raw: &[u64], factor: &u64| raw.iter().sum::<u64>() * factor;
    Pipeline::new([
        node(add).reads((RAW, FACTOR)).writes(SUM).named("add").tag("slow"),
        node(|sum: &u64| sum.to_string()).reads(SUM).writes(TEXT).named("tell"),
    ])
    .unwrap()
}

fn catalog(folder: &Folder) -> Catalog {
    fs::write(folder.path("raw.jsonl"), "1\n2\n3\n").unwrap();
    Catalog::builder()
        .file("raw", FileDataset::json_lines(folder.path("raw.jsonl")))
        .file("text", FileDataset::text(folder.path("text.txt")))
        .parameters_text("parameters.yml", "factor: 2")
        .build()
        .unwrap()
}

/// The folder of the only run.
fn only_run(runs: &Path) -> PathBuf {
    let [name] = &names_in(runs)[..] else { panic!("{:?}", names_in(runs)) };
    runs.join(name)
}

fn lines(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("events.jsonl")).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn summary(run: &Path) -> Value {
    serde_json::from_slice(&fs::read(run.join("summary.json")).unwrap()).unwrap()
}

/// What the events of a run are called, in their order, with their nodes.
fn told(run: &Path) -> Vec<String> {
    let mut lines = lines(run);
    lines.sort_by_key(|line| line["seq"].as_u64());
    let seqs: Vec<_> = lines.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (0..lines.len() as u64).collect::<Vec<_>>());
    let word = |line: &Value| match line["node"].as_str() {
        Some(node) => format!("{} {node}", line["event"].as_str().unwrap()),
        None => line["event"].as_str().unwrap().to_owned(),
    };
    lines.iter().map(word).collect()
}

fn states(record: &RunRecord) -> Vec<(&str, NodeState)> {
    record.nodes().map(|node| (node.name, node.state)).collect()
}

#[test]
fn a_run_is_on_file_when_the_runner_returns() {
    with_each_runner(|runner| {
        let folder = Folder::new();
        let runs = folder.path("runs");
        let recorder = RunRecorder::new(&runs);
        let options = RunOptions::new().run_id("nightly-42").listener(recorder.clone());
        let options = options.load_version("raw", "v1");
        let refused = runner.run(&pipeline(), &catalog(&folder), options).unwrap_err();
        assert!(refused.is_refused());
        fs::remove_dir_all(&runs).unwrap();

        let options = RunOptions::new().run_id("nightly-42").listener(recorder.clone());
        let report = runner.run(&pipeline(), &catalog(&folder), options).unwrap();
        let run = runs.join("nightly-42");
        assert_eq!(recorder.folder_of(report.run_id()), Some(run.clone()));
        assert_eq!(names_in(&run), ["events.jsonl", "pipeline.json", "summary.json"]);
        assert_eq!(
            told(&run),
            [
                "run_started",
                "node_started add",
                "dataset_loaded add",
                "node_done add",
                "node_started tell",
                "dataset_released",
                "dataset_saved tell",
                "node_done tell",
                "run_ended",
            ]
        );
        let expected: Value = serde_json::from_str(&pipeline().to_json()).unwrap();
        let written = fs::read(run.join("pipeline.json")).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), expected);

        let record = RunRecord::read(&run).unwrap();
        assert_eq!(record.problems(), [""; 0]);
        assert_eq!((record.run_id(), record.end()), (Some("nightly-42"), Some(RunEnd::Done)));
        assert_eq!(record.took(), report.took());
        assert_eq!(record.started().unwrap().parameters[0].1, "2");
        for (written, node) in record.nodes().zip(report.nodes()) {
            assert_eq!((written.name, written.state), (node.name, NodeState::Done));
            assert_eq!((written.queued, written.ran), (node.queued, node.ran));
            assert_eq!((written.attempts, written.rows), (1, node.rows.map(|rows| rows as u64)));
        }
        assert_eq!(recorder.problems().len(), 0, "{:?}", recorder.problems());
    });
}

#[test]
fn a_summary_has_what_became_of_run_and_nodes() {
    let folder = Folder::new();
    let runs = folder.path("runs");
    let options =
        RunOptions::new().run_id("r").save_version("v7").listener(RunRecorder::new(&runs));
    SequentialRunner::new().run(&pipeline(), &catalog(&folder), options).unwrap();
    let found = summary(&runs.join("r"));
    for (key, expected) in [
        ("schema", 1.into()),
        ("entourage", env!("CARGO_PKG_VERSION").into()),
        ("run_id", "r".into()),
        ("end", "done".into()),
        ("runner", "sequential".into()),
        ("workers", 1.into()),
        ("states", serde_json::json!({"done": 2})),
        ("error", Value::Null),
        ("refused", serde_json::json!([])),
        ("resume", Value::Null),
        ("save_version", "v7".into()),
        ("load_versions", serde_json::json!({})),
        ("parameters", serde_json::json!({"params:factor": 2})),
        ("events", serde_json::json!({"written": 9, "lost": 0})),
        ("problems", serde_json::json!([])),
    ] {
        assert_eq!(found[key], expected, "{key}");
    }
    assert!(humantime_like(found["started"].as_str().unwrap()), "{found}");
    let record = RunRecord::read(runs.join("r")).unwrap();
    let nanoseconds = |duration: Duration| Value::from(duration.as_nanos() as u64);
    assert_eq!(found["took_ns"], nanoseconds(record.took()));
    let path: Vec<_> = found["critical_path"].as_array().unwrap().iter().collect();
    assert_eq!((&path[0]["node"], &path[1]["node"]), (&"add".into(), &"tell".into()));
    let node = record.node("add").unwrap();
    assert_eq!(
        found["nodes"][0],
        serde_json::json!({
            "name": "add", "state": "done", "queued_ns": nanoseconds(node.queued),
            "ran_ns": nanoseconds(node.ran), "attempts": 1, "bytes_loaded": 6,
        })
    );
}

#[test]
fn a_report_and_a_trace_are_written_at_the_end_where_they_are_asked_for() {
    let folder = Folder::new();
    let recorder = RunRecorder::new(folder.path("runs")).report().trace();
    let options = RunOptions::new().run_id("r").listener(recorder.clone());
    SequentialRunner::new().run(&pipeline(), &catalog(&folder), options).unwrap();
    let run = folder.path("runs/r");
    let files = ["events.jsonl", "pipeline.json", "report.html", "summary.json", "trace.json"];
    assert_eq!(names_in(&run), files);
    // What is drawn at the end of the run is what its record draws later.
    let again = folder.path("again");
    RunRecord::read(&run).unwrap().write_trace(&again).unwrap();
    assert_eq!(fs::read(run.join("trace.json")).unwrap(), fs::read(&again).unwrap());
    let report = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(report.contains("<!doctype html>") || report.contains("<!DOCTYPE html>"));
    assert_eq!(recorder.problems(), [""; 0]);
}

/// `2026-11-21T20:30:00.123456789Z`
fn humantime_like(time: &str) -> bool {
    time.len() == 30 && time.ends_with('Z') && time.as_bytes()[10] == b'T'
}

#[test]
fn a_failed_run_has_its_failures_and_what_they_kept_from_running() {
    #[derive(Debug, thiserror::Error)]
    #[error("no sum")]
    struct NoSum(#[source] std::num::ParseIntError);
    let fail = || Err::<u64, _>(NoSum("x".parse::<u8>().unwrap_err()));
    let other = node(|| 3_u64).reads(()).writes(Data::<u64>::memory("other")).named("other");
    let nodes = [
        node(fail).reads(()).writes(SUM).named("add"),
        node(|sum: &u64| sum.to_string()).reads(SUM).writes(TEXT).named("tell"),
        other,
    ];
    let pipeline = Pipeline::new(nodes).unwrap();
    with_each_runner(|runner| {
        let folder = Folder::new();
        let options =
            RunOptions::new().keep_going().listener(RunRecorder::new(folder.path("runs")));
        let error = runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        let run = only_run(&folder.path("runs"));
        let record = RunRecord::read(&run).unwrap();
        assert_eq!(record.run_id(), Some(error.report().unwrap().run_id().as_str()));
        assert_eq!((record.end(), record.problems().len()), (Some(RunEnd::Failed), 0));
        let (add, tell) = (record.node("add").unwrap(), record.node("tell").unwrap());
        assert_eq!((add.state, tell.state), (NodeState::Failed, NodeState::Skipped));
        assert_eq!(record.node("other").unwrap().state, NodeState::Done);
        assert_eq!(tell.skipped_by, Some("add"));
        let failure = add.failure.unwrap();
        assert_eq!(failure.message, "node `add` failed: no sum");
        assert_eq!(failure.causes, ["invalid digit found in string"]);
        let resume = record.ended().unwrap().resume.as_ref().unwrap();
        assert_eq!(resume.nodes, ["add", "tell"]);

        let summary = summary(&run);
        assert_eq!(summary["states"], serde_json::json!({"done": 1, "failed": 1, "skipped": 1}));
        assert_eq!(summary["resume"]["nodes"], serde_json::json!(["add", "tell"]));
        let of_add = summary["nodes"].as_array().unwrap().iter().find(|node| node["name"] == "add");
        assert_eq!(
            of_add.unwrap()["failure"],
            serde_json::json!({
                "kind": "error", "message": "node `add` failed: no sum",
                "causes": ["invalid digit found in string"],
            })
        );
        assert!(summary["error"].as_str().unwrap().contains("add"), "{summary}");
    });
}

#[test]
fn a_cancelled_run_says_so() {
    with_each_runner(|runner| {
        let token = CancelToken::new();
        let mine = token.clone();
        let give_up = move || -> Result<u64, Cancelled> {
            mine.cancel();
            CancelToken::current().check().map(|()| 1)
        };
        let nodes = [
            node(give_up).reads(()).writes(SUM).named("add"),
            node(|sum: &u64| sum + 1).reads(SUM).writes(Data::<u64>::memory("next")).named("next"),
        ];
        let folder = Folder::new();
        let recorder = RunRecorder::new(folder.path("runs"));
        let options = RunOptions::new().cancel_token(token.clone()).listener(recorder);
        runner.run(&Pipeline::new(nodes).unwrap(), &Catalog::empty(), options).unwrap_err();
        let run = only_run(&folder.path("runs"));
        let record = RunRecord::read(&run).unwrap();
        assert_eq!(record.end(), Some(RunEnd::Cancelled));
        let expected = [("add", NodeState::Cancelled), ("next", NodeState::NeverStarted)];
        assert_eq!(states(&record), expected);
        assert!(told(&run).contains(&"run_cancelled".to_owned()));
    });
}

#[test]
fn every_attempt_at_a_node_is_told() {
    with_each_runner(|runner| {
        let calls = AtomicU32::new(0);
        let third = move || match calls.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err("not yet"),
            _ => Ok(7_u64),
        };
        let third = node(third).reads(()).writes(SUM).named("add");
        let pipeline = Pipeline::new([third.retry(Retry::new(5))]).unwrap();
        let folder = Folder::new();
        let options = RunOptions::new().listener(RunRecorder::new(folder.path("runs")));
        runner.run(&pipeline, &Catalog::empty(), options).unwrap();
        let run = only_run(&folder.path("runs"));
        let record = RunRecord::read(&run).unwrap();
        let node = record.node("add").unwrap();
        assert_eq!((node.state, node.attempts), (NodeState::Done, 3));
        assert_eq!(node.failure.unwrap().message, "node `add` failed: not yet");
        let retried = told(&run).iter().filter(|event| *event == "node_retried add").count();
        assert_eq!(retried, 2);
    });
}

#[test]
fn a_node_that_takes_too_long_is_told_as_failed_by_its_timeout() {
    let (end, is_over) = std::sync::mpsc::channel::<()>();
    let is_over = Mutex::new(is_over);
    let hang = move || -> u64 {
        let _ = is_over.lock().unwrap().recv();
        1
    };
    let hang = node(hang).reads(()).writes(SUM).named("add").timeout(Duration::from_millis(20));
    let folder = Folder::new();
    with_thread_runner(2, |runner| {
        let pipeline = Pipeline::new([hang]).unwrap();
        let options = RunOptions::new().listener(RunRecorder::new(folder.path("runs")));
        runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        drop(end);
    });
    let record = RunRecord::read(only_run(&folder.path("runs"))).unwrap();
    let node = record.node("add").unwrap();
    assert_eq!((node.state, &*node.failure.unwrap().kind), (NodeState::Failed, "timeout"));
}

#[test]
fn a_refused_run_is_recorded_with_why() {
    with_each_runner(|runner| {
        let folder = Folder::new();
        let recorder = RunRecorder::new(folder.path("runs"));
        let options = RunOptions::new().run_id("r/1").listener(recorder.clone());
        let error = runner.run(&pipeline(), &Catalog::empty(), options).unwrap_err();
        assert!(error.is_refused());
        let run = folder.path("runs/r%2F1");
        assert_eq!(names_in(&run), ["events.jsonl", "summary.json"]);
        let record = RunRecord::read(&run).unwrap();
        assert_eq!((record.run_id(), record.end()), (Some("r/1"), Some(RunEnd::Refused)));
        assert_eq!(record.ended().unwrap().problems.len(), error.problems().len());
        let found = summary(&run);
        assert_eq!((&found["run_id"], &found["end"]), (&"r/1".into(), &"refused".into()));
        assert_eq!(found["refused"].as_array().unwrap().len(), error.problems().len());
        assert_eq!(
            (found["nodes"].as_array().unwrap().len(), &found["started"]),
            (0, &Value::Null)
        );
    });
}

#[test]
fn what_is_up_to_date_keeps_its_place_in_a_run_of_what_is_missing() {
    with_each_runner(|runner| {
        let folder = Folder::new();
        let (one, two) = (Data::<str>::text("one"), Data::<str>::text("two"));
        let pipeline = Pipeline::new([
            node(|| "1".to_owned()).reads(()).writes(one.clone()).named("first"),
            node(|| "2".to_owned()).reads(()).writes(two).named("second"),
        ])
        .unwrap();
        let file = |name: &str| FileDataset::text(folder.path(name));
        let catalog = Catalog::builder().file("one", file("one.txt")).file("two", file("two.txt"));
        let catalog = catalog.build().unwrap();
        fs::write(folder.path("one.txt"), "1").unwrap();
        let recorder = RunRecorder::new(folder.path("runs"));
        let options = RunOptions::new().only_missing().listener(recorder);
        runner.run(&pipeline, &catalog, options).unwrap();
        let record = RunRecord::read(only_run(&folder.path("runs"))).unwrap();
        let expected = [("first", NodeState::UpToDate), ("second", NodeState::Done)];
        assert_eq!(states(&record), expected);
        assert_eq!(record.problems(), [""; 0]);
    });
}
