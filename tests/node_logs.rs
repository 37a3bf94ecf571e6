//! Each attempt at a node has its own file of lines in the folder of the run, whoever
//! says them, however late, and whatever becomes of the files.

#![cfg(all(feature = "pipeline", feature = "telemetry"))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::fs;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Mutex, Once};
use std::thread;
use std::time::Duration;

use entourage::{
    ATTEMPT, Catalog, Data, Executor, ParallelIteratorExt, Pipeline, Retry, RunLogLayer,
    RunOptions, RunRecorder, ThreadRunner, logger, node,
};
use pipelines::{Folder, names_in, with_each_runner};
use rayon::prelude::*;
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt;

const A: Data<u64> = Data::memory("a");
const B: Data<u64> = Data::memory("b");
const C: Data<u64> = Data::memory("c");

fn set_global() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(RunLogLayer::new());
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

fn lines(path: impl AsRef<Path>) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What is said by others than the runner.
fn messages(path: impl AsRef<Path>) -> Vec<String> {
    let lines = lines(path).into_iter();
    let own = lines.filter(|line| !line["target"].as_str().unwrap().starts_with("entourage::run"));
    own.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_librarys_events_in_nested_work_of_two_nodes_at_once_are_in_the_file_of_each() {
    set_global();
    let pool = Executor::builder().num_threads(3).build().unwrap();
    let says = |name: &'static str| {
        let pool = pool.clone();
        move || {
            tracing::info_span!("request", of = name).in_scope(|| {
                (0..50_u32).into_par_iter().in_context().for_each(|at| {
                    pool.join(|| tracing::info!("{at:02} l"), || tracing::info!("{at:02} r"));
                });
            });
            1_u64
        }
    };
    let pipeline = Pipeline::new([
        node(says("a")).reads(()).writes(A).named("a"),
        node(says("b")).reads(()).writes(B).named("b.2"),
    ]);
    let pipeline = pipeline.unwrap();
    with_each_runner(|runner| {
        let folder = Folder::new();
        let recorder = RunRecorder::new(folder.path("runs"));
        let options = RunOptions::new().run_id("r").listener(recorder.clone());
        runner.run(&pipeline, &Catalog::empty(), options).unwrap();
        let nodes = folder.path("runs/r/nodes");
        assert_eq!(names_in(&nodes), ["a.1.jsonl", "b.2.1.jsonl"]);
        for (file, name, of) in [("a.1.jsonl", "a", "a"), ("b.2.1.jsonl", "b.2", "b")] {
            let mut said = messages(nodes.join(file));
            said.sort();
            let all = (0..50).flat_map(|at| ["l", "r"].map(|side| format!("{at:02} {side}")));
            assert_eq!(said, all.collect::<Vec<_>>());
            for line in lines(nodes.join(file)) {
                assert_eq!((&line["run_id"], &line["node"]), (&"r".into(), &name.into()));
                assert_eq!(line["attempt"], 1);
                if !line["target"].as_str().unwrap().starts_with("entourage::run") {
                    assert_eq!(line["spans"][0]["fields"]["of"], of);
                }
            }
        }
        assert_eq!(recorder.problems(), [""; 0]);
    });
}

#[test]
fn what_an_attempt_that_was_given_up_says_later_is_in_its_own_file() {
    let (started, has_started) = channel();
    let (said, has_said) = channel();
    let (has_started, has_said) = (Mutex::new(has_started), Mutex::new(has_said));
    let work = move || {
        match ATTEMPT.get() {
            Some(1) => {
                has_started.lock().unwrap().recv().unwrap();
                logger().unwrap().info("late");
                said.send(()).unwrap();
            }
            _ => {
                started.send(()).unwrap();
                logger().unwrap().info("in time");
                has_said.lock().unwrap().recv().unwrap();
            }
        }
        1_u64
    };
    let work = node(work).reads(()).writes(A).named("work");
    let work = work.timeout(Duration::from_secs(1)).retry(Retry::new(2).after_timeout());
    let pool = Executor::builder().num_threads(2).build().unwrap();
    let folder = Folder::new();
    let options = RunOptions::new().run_id("r").listener(RunRecorder::new(folder.path("runs")));
    let pipeline = Pipeline::new([work]).unwrap();
    ThreadRunner::new(&pool).run(&pipeline, &Catalog::empty(), options).unwrap();
    let nodes = folder.path("runs/r/nodes");
    assert_eq!(messages(nodes.join("work.1.jsonl")), ["late"]);
    assert_eq!(messages(nodes.join("work.2.jsonl")), ["in time"]);
}

#[test]
fn a_logger_on_a_thread_by_hand_is_heard_during_the_run_and_after_it() {
    let (hand, handed) = channel();
    let work = move || {
        let logger = logger().unwrap();
        let talker = logger.clone();
        thread::spawn(move || talker.warn("by hand")).join().unwrap();
        hand.send(logger).unwrap();
        1_u64
    };
    let pipeline = Pipeline::new([node(work).reads(()).writes(A).named("work")]).unwrap();
    let folder = Folder::new();
    let recorder = RunRecorder::new(folder.path("runs"));
    let options = RunOptions::new().run_id("r").listener(recorder.clone());
    with_one(&pipeline, options);
    let file = folder.path("runs/r/nodes/work.1.jsonl");
    assert_eq!(messages(&file), ["by hand"]);
    handed.recv().unwrap().info("afterwards");
    assert_eq!(messages(&file), ["by hand", "afterwards"]);
}

fn with_one(pipeline: &Pipeline, options: RunOptions) {
    let pool = Executor::builder().num_threads(1).build().unwrap();
    ThreadRunner::new(&pool).run(pipeline, &Catalog::empty(), options).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_costs_the_lines_it_does_not_take_and_nothing_else() {
    let folder = Folder::new();
    let nodes = folder.path("runs/r/nodes");
    let fill = {
        let nodes = nodes.clone();
        move || {
            fs::create_dir_all(&nodes).unwrap();
            std::os::unix::fs::symlink("/dev/full", nodes.join("unlucky.1.jsonl")).unwrap();
            1_u64
        }
    };
    let unlucky = |a: &u64| {
        let logger = logger().unwrap();
        logger.error("not to be read");
        (0..100).for_each(|at| logger.with("at", at).info("neither this"));
        *a
    };
    let lucky = |b: &u64| {
        logger().unwrap().info("this is");
        *b
    };
    let pipeline = Pipeline::new([
        node(fill).reads(()).writes(A).named("fill"),
        node(unlucky).reads(A).writes(B).named("unlucky"),
        node(lucky).reads(B).writes(C).named("lucky"),
    ]);
    let recorder = RunRecorder::new(folder.path("runs"));
    let options = RunOptions::new().run_id("r").listener(recorder.clone());
    with_one(&pipeline.unwrap(), options);
    assert_eq!(messages(nodes.join("lucky.1.jsonl")), ["this is"]);
    let summary = fs::read(folder.path("runs/r/summary.json")).unwrap();
    let summary: Value = serde_json::from_slice(&summary).unwrap();
    let lost = summary["logs"]["lost"].as_u64().unwrap();
    assert!(lost >= 101, "{summary}");
    assert_eq!((&summary["end"], &summary["events"]["lost"]), (&"done".into(), &0.into()));
    let [problem] = <[String; 1]>::try_from(recorder.problems()).unwrap();
    assert!(problem.contains("unlucky.1.jsonl") && problem.contains("lines lost"), "{problem}");
    assert!(!entourage::RunRecord::read(folder.path("runs/r")).unwrap().is_interrupted());
}
