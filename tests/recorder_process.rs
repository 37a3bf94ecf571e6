//! A run whose nodes are in processes of their own is recorded by its parent.

#![cfg(all(unix, feature = "pipeline", feature = "telemetry"))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/processes.rs"]
mod processes;

use std::fs;

use entourage::events::RunEnd;
use entourage::{
    Catalog, NodeState, Pipeline, RunOptions, RunRecord, RunRecorder, logger, serve_worker,
};
use processes::{again, does};

#[test]
fn nodes_in_worker_processes_are_recorded_with_what_they_say_and_how_they_die() {
    let nodes = [
        does("talks", || logger().unwrap().info("from afar")),
        does("dies", || std::process::abort()),
        does("lives", || ()),
    ];
    let pipeline = Pipeline::new(nodes).unwrap();
    serve_worker(&pipeline, &Catalog::empty()).if_asked();

    let test = nodes_in_worker_processes_are_recorded_with_what_they_say_and_how_they_die;
    let folder = tempfile::tempdir().unwrap();
    let recorder = RunRecorder::new(folder.path());
    let options = RunOptions::new().run_id("r").keep_going().listener(recorder.clone());
    let runner = again(test).workers(2).build().unwrap();
    runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();

    let run = folder.path().join("r");
    let record = RunRecord::read(&run).unwrap();
    assert_eq!((record.end(), record.problems()), (Some(RunEnd::Failed), &[][..]));
    assert_eq!(record.started().unwrap().runner, "process");
    let dies = record.node("dies").unwrap();
    assert_eq!((dies.state, &*dies.failure.unwrap().kind), (NodeState::Failed, "died"));
    assert_eq!(record.count(NodeState::Done), 2);
    let said = fs::read_to_string(run.join("nodes/talks.1.jsonl")).unwrap();
    assert!(said.contains(r#""message":"from afar""#), "{said}");
    assert_eq!(recorder.problems(), [""; 0]);
}
