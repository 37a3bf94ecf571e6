//! A run whose process is killed can be read, with what was under way.

#![cfg(all(unix, feature = "pipeline", feature = "telemetry"))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use entourage::{
    Catalog, Data, Executor, NodeState, Pipeline, RunOptions, RunRecord, RunRecorder, ThreadRunner,
    logger, node,
};
use pipelines::Folder;

const FOLDER: &str = "RECORDER_TEST_FOLDER";
const KILLED: i32 = 9;

/// Of this many nodes, each waiting for the one before, one in the midst never ends.
const NODES: u32 = 500;
const STUCK: u32 = 300;

fn chain(stuck: impl Fn() + Send + Sync + 'static) -> Pipeline {
    let data = |at: u32| Data::<u32>::memory(&*format!("d{at}").leak());
    let first = node(|| 0_u32).reads(()).writes(data(0)).named("n0");
    let stuck = std::sync::Arc::new(stuck);
    let others = (1..NODES).map(|at| {
        let stuck = stuck.clone();
        let next = move |before: &u32| {
            if at == STUCK {
                logger().unwrap().error("it is here");
                stuck();
            }
            before + 1
        };
        node(next).reads(data(at - 1)).writes(data(at)).named(format!("n{at}"))
    });
    Pipeline::new(std::iter::once(first).chain(others)).unwrap()
}

#[test]
#[ignore = "a part of another test, which runs it as a process"]
fn part_that_is_killed_in_a_node() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let runs = Path::new(&folder).join("runs");
    let events = runs.join("r/events.jsonl");
    let pipeline = chain(move || {
        // Until the thread of the recorder has written that the node is begun.
        let begun = format!("\"node\":\"n{STUCK}\"");
        while !fs::read_to_string(&events).unwrap().contains(&begun) {
            std::thread::yield_now();
        }
        println!("begun");
        let id = std::process::id().to_string();
        Command::new("kill").args(["-9", &id]).status().unwrap();
        loop {
            std::thread::park();
        }
    });
    let pool = Executor::builder().num_threads(2).build().unwrap();
    let options = RunOptions::new().run_id("r").listener(RunRecorder::new(runs));
    let _ = ThreadRunner::new(&pool).run(&pipeline, &Catalog::empty(), options);
}

#[test]
fn a_killed_run_is_interrupted_and_all_before_is_on_file() {
    let folder = Folder::new();
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", "part_that_is_killed_in_a_node", "--ignored"])
        .env(FOLDER, folder.path(""))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.signal(), Some(KILLED));

    let run = folder.path("runs/r");
    assert!(!run.join("summary.json").exists());
    let record = RunRecord::read(&run).unwrap();
    assert!(record.is_interrupted() && record.end().is_none());
    assert_eq!((record.run_id(), record.problems()), (Some("r"), &[][..]));
    assert_eq!(record.count(NodeState::Done), STUCK as usize);
    assert_eq!(record.count(NodeState::NeverStarted), (NODES - STUCK - 1) as usize);
    let under_way: Vec<_> =
        record.nodes().filter(|node| node.state == NodeState::Running).map(|n| n.name).collect();
    assert_eq!(under_way, [format!("n{STUCK}")]);
    let log = fs::read_to_string(run.join(format!("nodes/n{STUCK}.1.jsonl"))).unwrap();
    assert!(log.contains("it is here"), "{log}");

    // Whoever runs it again has a folder of their own.
    let recorder = RunRecorder::new(folder.path("runs"));
    let options = RunOptions::new().run_id("r").listener(recorder.clone());
    let runner = entourage::SequentialRunner::new();
    let report = runner.run(&chain(|| ()), &Catalog::empty(), options).unwrap();
    assert_eq!(recorder.folder_of(report.run_id()), Some(folder.path("runs/r~2")));
    assert!(RunRecord::read(&run).unwrap().is_interrupted());
    let [said] = &recorder.problems()[..] else { panic!("{:?}", recorder.problems()) };
    assert!(said.starts_with("run `r`: `r` is of another run of that id"), "{said}");
}
