//! What libraries say in a node, however deep in nested parallel work, is filed
//! under the run and the node. Under a global subscriber: a file of its own.

#![cfg(all(feature = "pipeline", feature = "telemetry"))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/hooks.rs"]
mod hooks;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use entourage::{
    CancelToken, Catalog, Data, Dataset, Executor, LogRecord, LogSink, Node, ParallelIteratorExt,
    Pipeline, RunLogLayer, RunLogger, RunOptions, ThreadRunner, node,
};
use hooks::{Each, Told};
use pipelines::with_each_runner;
use rayon::prelude::*;
use tracing::{Level, info};
use tracing_subscriber::layer::SubscriberExt;

const IN: Data<u64> = Data::memory("in");

fn set_global() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(RunLogLayer::new());
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// `run/node: message` of each record that is no word of the runner's own.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn log(&self, record: &LogRecord<'_>) {
        if !record.target.starts_with("entourage::run") {
            let run = record.run_id.as_ref().map_or("-", |id| id.as_str());
            let node = record.node.as_ref().map_or("-", |node| node.as_str());
            self.0.lock().unwrap().push(format!("{run}/{node}: {}", record.message));
        }
    }
}

impl Lines {
    fn sorted(&self) -> Vec<String> {
        let mut lines = std::mem::take(&mut *self.0.lock().unwrap());
        lines.sort();
        lines
    }
}

/// A library that knows of no run, and says each number below 64 once.
fn library(pool: &Executor) {
    (0..16_u32).into_par_iter().in_context().for_each(|four| {
        let say = |at: u32| info!("{:02}", four * 4 + at);
        let two = |at: u32| {
            (at..at + 2).into_par_iter().in_context().for_each(say);
        };
        pool.join(|| pool.join(|| two(0), || ()), || pool.scope(|scope| scope.spawn(|_| two(2))));
    });
}

/// A store that is a library, too.
struct Store(Executor);

impl Dataset<u64> for Store {
    fn load(&self) -> Result<u64, Box<dyn Error + Send + Sync>> {
        self.0.join(|| info!("load left"), || info!("load right"));
        Ok(1)
    }

    fn save(&self, _: &u64) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.0.join(|| info!("save left"), || info!("save right"));
        Ok(())
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

fn out(at: usize) -> Data<u64> {
    Data::memory("out").named(format!("out_{at}"))
}

fn says(pool: &Executor, at: usize) -> Node {
    let pool = pool.clone();
    let say = move |n: &u64| {
        library(&pool);
        *n
    };
    node(say).reads(IN).writes(out(at)).named(format!("n{at}"))
}

const NODES: usize = 3;

fn pipeline(pool: &Executor) -> Pipeline {
    Pipeline::new((0..NODES).map(|at| says(pool, at))).unwrap()
}

/// The hook's words and the library's, of each node.
fn expected(run: &str) -> Vec<String> {
    let words = (0..64)
        .map(|at| format!("{at:02}"))
        .chain(["save left", "save right", "before_node_run", "after_node_run"].map(str::to_owned));
    let words: Vec<_> = words.collect();
    let mut lines: Vec<_> = (0..NODES)
        .flat_map(|at| words.iter().map(move |word| format!("{run}/n{at}: {word}")))
        .chain(["before", "after"].map(|when| format!("{run}/-: {when}_pipeline_run")))
        .collect();
    lines.sort();
    lines
}

fn catalog(pool: &Executor) -> Catalog {
    let builder = Catalog::builder().dataset(&IN, Store(pool.clone()));
    let bind =
        |builder: entourage::CatalogBuilder, at| builder.dataset(&out(at), Store(pool.clone()));
    (0..NODES).fold(builder, bind).build().unwrap()
}

fn options(run: &str, lines: &Arc<Lines>) -> RunOptions {
    let hook = Each(|told: Told| {
        if told.method.ends_with("_run") {
            info!("{}", told.method);
        }
        Ok(())
    });
    RunOptions::new().run_id(run).run_logger(RunLogger::new(lines.clone())).hooks(hook)
}

#[test]
fn words_in_nested_iterators_joins_and_scopes_of_a_node_are_the_nodes() {
    set_global();
    let pool = Executor::builder().num_threads(3).build().unwrap();
    let (pipeline, catalog) = (pipeline(&pool), catalog(&pool));
    with_each_runner(|runner| {
        let lines = Arc::new(Lines::default());
        runner.run(&pipeline, &catalog, options("r", &lines)).unwrap();
        let (loads, others): (Vec<_>, Vec<_>) =
            lines.sorted().into_iter().partition(|line| line.contains("load"));
        assert_eq!(others, expected("r"));
        // One of the nodes has loaded it, for all.
        let by = loads[0].split(':').next().unwrap();
        assert_eq!(loads, ["left", "right"].map(|side| format!("{by}: load {side}")));
        assert!(by.starts_with("r/n"), "{by}");
    });
}

#[test]
fn words_in_futures_and_tasks_that_a_node_spawns_are_the_nodes() {
    set_global();
    let pool = Executor::builder().num_threads(2).build().unwrap();
    let inner = pool.clone();
    let spawns = move || {
        let future = inner.spawn_future(async { info!("future") });
        let task = inner.spawn(|| info!("task"));
        inner.scope(|scope| scope.spawn(|_| info!("scope")));
        future.join().unwrap();
        task.join().unwrap();
        1_u64
    };
    let pipeline = Pipeline::new([node(spawns).reads(()).writes(out(0)).named("n")]).unwrap();
    with_each_runner(|runner| {
        let lines = Arc::new(Lines::default());
        let options = RunOptions::new().run_id("r").run_logger(RunLogger::new(lines.clone()));
        runner.run(&pipeline, &Catalog::empty(), options).unwrap();
        assert_eq!(lines.sorted(), ["r/n: future", "r/n: scope", "r/n: task"]);
    });
}

#[test]
fn words_of_runs_at_once_on_the_pool_that_their_nodes_work_on_are_never_mixed() {
    set_global();
    let pool = Executor::builder().num_threads(4).build().unwrap();
    let (pipeline, catalog) = (pipeline(&pool), catalog(&pool));
    std::thread::scope(|threads| {
        for run in 0..16 {
            let (pool, pipeline, catalog) = (&pool, &pipeline, &catalog);
            threads.spawn(move || {
                let (run, lines) = (format!("r{run}"), Arc::new(Lines::default()));
                let runner = ThreadRunner::new(pool);
                runner.run(pipeline, catalog, options(&run, &lines)).unwrap();
                let mut others = lines.sorted();
                others.retain(|line| !line.contains("load"));
                assert!(others == expected(&run), "{run}: {others:?}");
            });
        }
    });
}

/// `node: message` of each record of the runner's that is an error.
#[derive(Default)]
struct Errors(Mutex<Vec<String>>);

impl LogSink for Errors {
    fn log(&self, record: &LogRecord<'_>) {
        if record.level == Level::ERROR {
            let node = record.node.as_ref().map_or("-", |node| node.as_str());
            self.0.lock().unwrap().push(format!("{node}: {}", record.message));
        }
    }
}

#[test]
fn that_a_node_took_too_long_is_filed_under_it_whoever_says_so() {
    set_global();
    let waits = || CancelToken::current().wait_for(Duration::from_secs(3600));
    let slow = node(waits).reads(()).writes(Data::<bool>::memory("out")).named("slow");
    let pipeline = Pipeline::new([slow.timeout(Duration::from_millis(1))]).unwrap();
    with_each_runner(|runner| {
        let errors = Arc::new(Errors::default());
        let options = RunOptions::new().run_logger(RunLogger::new(errors.clone()));
        runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        assert_eq!(*errors.0.lock().unwrap(), ["slow: node `slow` took longer than 1ms"]);
    });
}
