//! What is said in a run is in the run's folder, under its attempt.

#![cfg(all(feature = "pipeline", feature = "telemetry"))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use entourage::hooks::{BeforePipelineRun, HookResult};
use entourage::{
    Catalog, Data, Hooks, LogLimits, Pipeline, Retry, RunLogLayer, RunOptions, RunRecorder,
    SequentialRunner, logger, node,
};
use pipelines::{Folder, names_in, with_each_runner};
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt;

const SUM: Data<u64> = Data::memory("sum");
const NEXT: Data<u64> = Data::memory("next");

/// What nodes say themselves, without what the runner says of them.
fn messages(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let own = lines.filter(|line| !line["target"].as_str().unwrap().starts_with("entourage::run"));
    own.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

fn summary(run: &Path) -> Value {
    serde_json::from_slice(&fs::read(run.join("summary.json")).unwrap()).unwrap()
}

fn with_log_layer(test: impl FnOnce()) {
    let subscriber = tracing_subscriber::registry().with(RunLogLayer::new());
    tracing::subscriber::with_default(subscriber, test);
}

#[test]
fn each_attempt_has_a_file_of_its_own_whose_lines_are_counted() {
    with_log_layer(|| {
        with_each_runner(|runner| {
            let calls = AtomicU32::new(0);
            let second = move || {
                let call = calls.fetch_add(1, Ordering::Relaxed);
                tracing::info!("call {call}");
                if call == 0 { Err("not yet") } else { Ok(7_u64) }
            };
            let next = |sum: &u64| {
                logger().unwrap().info("by the logger");
                sum + 1
            };
            let pipeline = Pipeline::new([
                node(second).reads(()).writes(SUM).named("add").retry(Retry::new(2)),
                node(next).reads(SUM).writes(NEXT).named("next"),
            ]);
            let folder = Folder::new();
            let recorder = RunRecorder::new(folder.path("runs"));
            let options = RunOptions::new().run_id("r").listener(recorder.clone());
            runner.run(&pipeline.unwrap(), &Catalog::empty(), options).unwrap();

            let run = folder.path("runs/r");
            let nodes = run.join("nodes");
            assert_eq!(names_in(&nodes), ["add.1.jsonl", "add.2.jsonl", "next.1.jsonl"]);
            assert_eq!(messages(&nodes.join("add.1.jsonl")), ["call 0"]);
            assert_eq!(messages(&nodes.join("add.2.jsonl")), ["call 1"]);
            assert_eq!(messages(&nodes.join("next.1.jsonl")), ["by the logger"]);

            let summary = summary(&run);
            let files = ["add.1.jsonl", "add.2.jsonl", "next.1.jsonl"];
            let texts = files.map(|name| fs::read_to_string(nodes.join(name)).unwrap());
            let logs = |attempt: u32, text: &str| {
                let (lines, bytes) = (text.lines().count(), text.len());
                json!({"attempt": attempt, "lines": lines, "bytes": bytes})
            };
            let of_add = json!([logs(1, &texts[0]), logs(2, &texts[1])]);
            assert_eq!(summary["nodes"][0]["logs"], of_add);
            assert_eq!(summary["nodes"][1]["logs"], json!([logs(1, &texts[2])]));
            let outside = fs::read_to_string(run.join("run.jsonl")).unwrap_or_default();
            let lines = texts.concat().lines().count() + outside.lines().count();
            assert_eq!(summary["logs"]["lines"], lines);
            assert_eq!(recorder.problems(), [""; 0]);
        });
    });
}

#[test]
fn what_hooks_say_before_a_run_that_is_refused_is_kept_with_it() {
    struct Says;
    impl Hooks for Says {
        fn before_pipeline_run(&self, _: &mut BeforePipelineRun<'_>) -> HookResult {
            logger().unwrap().error("I knew it");
            Ok(())
        }
    }
    let folder = Folder::new();
    let pipeline =
        Pipeline::new([node(|sum: &u64| sum + 1).reads(SUM).writes(NEXT).named("next")]).unwrap();
    let options = RunOptions::new().run_id("r").hooks(Says);
    let options = options.listener(RunRecorder::new(folder.path("runs")));
    let error = SequentialRunner::new().run(&pipeline, &Catalog::empty(), options).unwrap_err();
    assert!(error.is_refused());
    let run = folder.path("runs/r");
    assert_eq!(names_in(&run), ["events.jsonl", "run.jsonl", "summary.json"]);
    assert_eq!(messages(&run.join("run.jsonl")), ["I knew it"]);
    assert_eq!(summary(&run)["logs"]["lines"], 1);
}

#[test]
fn what_is_beyond_the_limits_is_counted_in_the_summary() {
    let talk = || {
        (0..1000_u64).for_each(|number| logger().unwrap().info(format!("line {number}")));
        7_u64
    };
    let folder = Folder::new();
    let pipeline = Pipeline::new([node(talk).reads(()).writes(SUM).named("talk")]).unwrap();
    let limits = LogLimits::new().attempt_bytes(10_000);
    let recorder = RunRecorder::new(folder.path("runs")).log_limits(limits);
    let options = RunOptions::new().run_id("r").listener(recorder);
    SequentialRunner::new().run(&pipeline, &Catalog::empty(), options).unwrap();
    let run = folder.path("runs/r");
    let summary = summary(&run);
    let (log, all) = (&summary["nodes"][0]["logs"][0], &summary["logs"]);
    let dropped = log["dropped"].as_u64().unwrap();
    assert!(dropped > 500 && all["dropped"] == dropped, "{log} {all}");
    let said = messages(&run.join("nodes/talk.1.jsonl"));
    let said = said.iter().filter(|message| message.starts_with("line ")).count() as u64;
    assert_eq!(said + dropped, 1000);
}

/// The folder of the logs cannot be made: a file is in its place.
#[test]
fn no_event_is_lost_where_logs_cannot_be_written_and_that_is_said() {
    let folder = Folder::new();
    let nodes = folder.path("runs/r/nodes");
    let talk = move || {
        // By now the folder of the run is there.
        fs::write(&nodes, "in the way").unwrap();
        logger().unwrap().error("nobody will read this");
        7_u64
    };
    let pipeline = Pipeline::new([node(talk).reads(()).writes(SUM).named("talk")]).unwrap();
    let recorder = RunRecorder::new(folder.path("runs"));
    let options = RunOptions::new().run_id("r").listener(recorder.clone());
    SequentialRunner::new().run(&pipeline, &Catalog::empty(), options).unwrap();
    let run = folder.path("runs/r");
    let record = entourage::RunRecord::read(&run).unwrap();
    assert_eq!(record.end(), Some(entourage::events::RunEnd::Done));
    let [problem] = record.problems() else { panic!("{:?}", record.problems()) };
    assert!(problem.contains("talk.1.jsonl"), "{problem}");
    assert_eq!(recorder.problems(), [format!("run `r`: {problem}")]);
    let summary = summary(&run);
    assert_eq!((&summary["logs"]["lost"], &summary["events"]["lost"]), (&1.into(), &0.into()));
}
