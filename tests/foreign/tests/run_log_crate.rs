//! What a library says by the `log` crate in a node is filed under the run and
//! the node.

use std::sync::{Arc, Mutex};

use entourage::{
    Catalog, Data, Executor, LogRecord, LogSink, ParallelIteratorExt, Pipeline, RunLogLayer,
    RunLogger, RunOptions, SequentialRunner, ThreadRunner, node,
};
use rayon::prelude::*;
use tracing_subscriber::layer::SubscriberExt;

const OUT: Data<u64> = Data::memory("out");

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn log(&self, record: &LogRecord<'_>) {
        if record.target == "old_library::io" {
            let run = record.run_id.as_ref().map_or("-", |id| id.as_str());
            let node = record.node.as_ref().map_or("-", |node| node.as_str());
            self.0.lock().unwrap().push(format!("{run}/{node}: {}", record.message));
        }
    }
}

#[test]
fn words_by_way_of_the_log_crate_carry_run_and_node_from_nested_work_too() {
    tracing_log::LogTracer::init().unwrap();
    let subscriber = tracing_subscriber::registry().with(RunLogLayer::new());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let pool = Executor::builder().num_threads(3).build().unwrap();
    let inner = pool.clone();
    let say = move || {
        (0..100_u32).into_par_iter().in_context().for_each(|at| {
            let say = |side: &str| log::warn!(target: "old_library::io", "{at:02} {side}");
            inner.join(|| say("a"), || say("b"));
        });
        1
    };
    let pipeline = Pipeline::new([node(say).reads(()).writes(OUT).named("say")]).unwrap();
    let (one, many) = (SequentialRunner::new(), ThreadRunner::new(&pool));
    for run in ["sequential", "threads"] {
        let lines = Arc::new(Lines::default());
        let options = RunOptions::new().run_id(run).run_logger(RunLogger::new(lines.clone()));
        let report = match run {
            "sequential" => one.run(&pipeline, &Catalog::empty(), options),
            _ => many.run(&pipeline, &Catalog::empty(), options),
        };
        report.unwrap();
        let mut said = std::mem::take(&mut *lines.0.lock().unwrap());
        said.sort();
        let expected =
            (0..100).flat_map(|at| ["a", "b"].map(|s| format!("{run}/say: {at:02} {s}")));
        assert_eq!(said, expected.collect::<Vec<_>>());
    }
}
