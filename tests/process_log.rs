//! What is said in a node in another process is in the run's log: in a process
//! with a subscriber of its own for good, as `main` would have it.

#![cfg(all(feature = "pipeline", feature = "telemetry", unix))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/processes.rs"]
mod processes;

use std::sync::{Arc, Mutex};

use entourage::{
    Catalog, LogRecord, LogSink, LogValue, Pipeline, Retry, RunId, RunLogLayer, RunLogger,
    RunOptions, logger, serve_worker,
};
use processes::{again, does};
use tracing_subscriber::layer::SubscriberExt;

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn longest_text(&self) -> usize {
        20_000
    }

    fn log(&self, record: &LogRecord<'_>) {
        let run = record.run_id.as_ref().map_or("-", RunId::as_str);
        let node = record.node.as_ref().map_or("-", |node| node.as_str());
        let LogRecord { level, message, .. } = record;
        let attempt = record.attempt.unwrap_or(0);
        let field = |(name, value): &(&str, LogValue)| match value {
            LogValue::Cut { text, bytes } => format!(" {name}={} of {bytes} bytes", text.len()),
            value => format!(" {name}={value}"),
        };
        let fields = |fields: &[(&str, LogValue)]| fields.iter().map(field).collect::<String>();
        let span =
            |span: &entourage::LogSpan<'_>| format!("{}{} / ", span.name, fields(span.fields));
        let spans: String = record.spans.iter().map(span).collect();
        let fields = fields(record.fields);
        let line = format!("{level} {run} {node}.{attempt}: {spans}{message}{fields}");
        self.0.lock().unwrap().push(line);
    }
}

#[test]
fn events_in_a_node_are_filed_in_the_runs_log_under_run_and_node() {
    let says = does("a", || {
        let request = tracing::info_span!("request", id = 7);
        let long = "x".repeat(1_000_000);
        request.in_scope(|| tracing::info!(long, "three rows mended"));
        if let Some(logger) = logger() {
            logger.with("own", true).warn("by hand");
        }
        panic!("out of luck");
    });
    let says = says.retry(Retry::new(2).after_panic());
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
    // A failure is told once: by the run, and not by the worker as well.
    assert_eq!(lines.len(), 6, "{lines:?}");
    for (attempt, lines) in (1..).zip(lines.chunks(3)) {
        let [event, own, failure] = lines else { panic!("{lines:?}") };
        let said = "request id=7 / three rows mended long=20000 of 1000000 bytes";
        assert_eq!(*event, format!("INFO r1 a.{attempt}: {said}"));
        assert_eq!(*own, format!("WARN r1 a.{attempt}: by hand own=true"));
        let level = if attempt == 1 { "WARN" } else { "ERROR" };
        let told = format!("{level} r1 a.{attempt}: node `a` panicked at ");
        assert!(failure.starts_with(&told), "{failure}");
    }
}
