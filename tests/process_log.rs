//! What is said in a node in another process is in the run's log: in a process
//! with a subscriber of its own for good, as `main` would have it.

#![cfg(all(feature = "pipeline", feature = "telemetry", unix))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/processes.rs"]
mod processes;

use std::sync::{Arc, Mutex};

use entourage::{
    Catalog, LogRecord, LogSink, Pipeline, RunId, RunLogLayer, RunLogger, RunOptions, serve_worker,
};
use processes::{again, does};
use tracing_subscriber::layer::SubscriberExt;

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn log(&self, record: &LogRecord<'_>) {
        let run = record.run_id.as_ref().map_or("-", RunId::as_str);
        let node = record.node.as_ref().map_or("-", |node| node.as_str());
        let LogRecord { level, message, .. } = record;
        self.0.lock().unwrap().push(format!("{level} {run} {node}: {message}"));
    }
}

#[test]
fn events_in_a_node_are_filed_in_the_runs_log_under_run_and_node() {
    let says = does("a", || {
        tracing::info!("three rows mended");
        panic!("out of luck");
    });
    let nodes = Pipeline::new([says]).unwrap();
    // As `main` would have it, before it serves.
    let subscriber = tracing_subscriber::registry().with(RunLogLayer::new());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    serve_worker(&nodes, &Catalog::empty()).if_asked();

    let test = events_in_a_node_are_filed_in_the_runs_log_under_run_and_node;
    let runner = again(test).workers(1).build().unwrap();
    let lines = Arc::new(Lines::default());
    let options = RunOptions::new().run_id("r1").run_logger(RunLogger::new(lines.clone()));
    runner.run(&nodes, &Catalog::empty(), options).unwrap_err();
    let lines = lines.0.lock().unwrap();
    assert_eq!(lines[0], "INFO r1 a: three rows mended");
    // The failure is told once: by the run, and not by the worker as well.
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].starts_with("ERROR r1 a: node `a` panicked at "), "{lines:?}");
}
