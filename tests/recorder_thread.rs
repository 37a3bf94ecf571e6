//! One thread writes for all runs of a recorder. In a file of its own, since threads
//! are counted.

#![cfg(all(feature = "pipeline", feature = "telemetry"))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::fs;
use std::sync::Barrier;
use std::thread;

use entourage::{
    Catalog, Data, NodeState, Pipeline, RunOptions, RunRecord, RunRecorder, SequentialRunner, node,
};
use pipelines::Folder;

fn fan_out(nodes: u32) -> Pipeline {
    let nodes = (0..nodes).map(|at| {
        let data = Data::<u32>::memory(&*format!("d{at}").leak());
        node(move || at).reads(()).writes(data).named(format!("n{at}"))
    });
    Pipeline::new(nodes).unwrap()
}

#[test]
fn a_hundred_runs_at_once_have_one_thread_which_ends_with_the_last_handle() {
    const RUNS: usize = 100;
    let folder = Folder::new();
    let pipeline = fan_out(50);
    let recorder = RunRecorder::new(folder.path("runs"));
    let together = Barrier::new(RUNS);
    thread::scope(|threads| {
        for at in 0..RUNS {
            let (pipeline, together) = (&pipeline, &together);
            let recorder = recorder.clone();
            threads.spawn(move || {
                let options = RunOptions::new().run_id(format!("r{at}")).listener(recorder);
                together.wait();
                SequentialRunner::new().run(pipeline, &Catalog::empty(), options).unwrap();
            });
        }
    });
    for at in 0..RUNS {
        let record = RunRecord::read(folder.path(&format!("runs/r{at}"))).unwrap();
        assert_eq!((record.problems().len(), record.count(NodeState::Done)), (0, 50));
    }
    #[cfg(target_os = "linux")]
    {
        assert_eq!(recorder_threads(), 1);
        drop(recorder);
        while recorder_threads() > 0 {
            thread::yield_now();
        }
        let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
        let runs = folder.path("runs");
        let left = open.filter(|fd| fs::read_link(fd.path()).is_ok_and(|at| at.starts_with(&runs)));
        assert_eq!(left.count(), 0);
    }
}

#[cfg(target_os = "linux")]
fn recorder_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    // The system keeps fifteen bytes of a thread's name.
    names.filter(|name| "entourage-recorder".starts_with(name.trim())).count()
}
