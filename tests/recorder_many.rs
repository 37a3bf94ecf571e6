//! Many runs and many nodes are recorded at once, each event once.

#![cfg(all(feature = "pipeline", feature = "telemetry"))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::fs;
use std::sync::Barrier;
use std::thread;

use entourage::{
    Catalog, Data, Executor, NodeState, Pipeline, RunCollector, RunOptions, RunRecord, RunRecorder,
    ThreadRunner, node,
};
use pipelines::{Folder, names_in};

fn fan_out(nodes: u32) -> Pipeline {
    let nodes = (0..nodes).map(|at| {
        let data = Data::<u32>::memory(&*format!("d{at}").leak());
        node(move || at).reads(()).writes(data).named(format!("n{at}"))
    });
    Pipeline::new(nodes).unwrap()
}

#[test]
fn a_hundred_thousand_nodes_are_all_on_file_without_a_gap() {
    const NODES: u32 = 100_000;
    let folder = Folder::new();
    let pipeline = fan_out(NODES);
    let pool = Executor::builder().num_threads(4).build().unwrap();
    let recorder = RunRecorder::new(folder.path("runs"));
    let options = RunOptions::new().run_id("r").listener(recorder.clone());
    let report = ThreadRunner::new(&pool).run(&pipeline, &Catalog::empty(), options).unwrap();
    let run = folder.path("runs/r");
    let record = RunRecord::read(&run).unwrap();
    assert_eq!(record.problems(), [""; 0]);
    assert_eq!(record.count(NodeState::Done), NODES as usize);
    for (written, node) in record.nodes().zip(report.nodes()) {
        assert_eq!((written.name, written.ran), (node.name, node.ran));
    }
    let summary = fs::read(run.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
    assert_eq!(summary["events"]["written"], 2 * NODES + 2);
    assert_eq!(summary["nodes"].as_array().unwrap().len(), NODES as usize);
    assert_eq!(recorder.problems(), [""; 0]);
}

#[test]
fn runs_of_one_id_at_one_moment_never_share_a_folder() {
    const RUNS: usize = 100;
    let folder = Folder::new();
    let pipeline = fan_out(20);
    let pool = Executor::builder().num_threads(4).build().unwrap();
    let together = Barrier::new(RUNS);
    let collector = RunCollector::new();
    thread::scope(|threads| {
        for at in 0..RUNS {
            // Of one recorder or of several: it makes no difference.
            let recorder = RunRecorder::new(folder.path("runs"));
            let (pipeline, pool, together) = (&pipeline, &pool, &together);
            let collector = collector.clone();
            threads.spawn(move || {
                let options = RunOptions::new().run_id("r").save_version(format!("v{at}"));
                let options = options.listener(recorder.clone()).listener(collector);
                together.wait();
                ThreadRunner::new(pool).run(pipeline, &Catalog::empty(), options).unwrap();
            });
        }
    });
    let mut expected = vec!["r".to_owned()];
    expected.extend((2..=RUNS).map(|nth| format!("r~{nth}")));
    expected.sort();
    let names = names_in(&folder.path("runs"));
    assert_eq!(names, expected);
    let mut versions: Vec<_> = names
        .iter()
        .map(|name| {
            let record = RunRecord::read(folder.path("runs").join(name)).unwrap();
            assert_eq!((record.run_id(), record.count(NodeState::Done)), (Some("r"), 20));
            record.started().unwrap().save_version.to_string()
        })
        .collect();
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), RUNS);
    let collected = collector.take();
    assert_eq!(collected.len(), RUNS);
    assert!(collected.iter().all(|record| record.count(NodeState::Done) == 20));
}
