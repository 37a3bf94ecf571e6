//! A run as OpenTelemetry is told of it, by `tracing-opentelemetry`: one trace, in
//! which each span has its right parent, whichever worker it was on.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::Duration;

use entourage::accessors::OPENTELEMETRY;
use entourage::{
    CancelToken, Catalog, Data, Dataset, Executor, Node, ParallelIteratorExt, Pipeline, Retry,
    RunId, RunOptions, SequentialRunner, ThreadRunner, node,
};
use entourage_foreign_tests::Exported;
use opentelemetry::trace::{SpanId, Status, TraceId};
use opentelemetry_sdk::trace::{Sampler, SpanData};
use rayon::prelude::*;
use tracing::instrument::WithSubscriber;
use tracing::{Instrument, dispatcher, info, info_span};

const NUMBER: Data<u64> = Data::memory("number");
/// The nodes that read the first one's dataset, and are read by the last one.
const WIDTH: usize = 8;
/// The leaves of each node's parallel iterator.
const LEAVES: usize = 16;

fn number(name: impl Into<String>) -> Data<u64> {
    NUMBER.named(name.into())
}

/// Storage, with a span of its own.
struct Store;

impl Dataset<u64> for Store {
    fn load(&self) -> Result<u64, Box<dyn Error + Send + Sync>> {
        info_span!("read from the store").in_scope(|| Ok(1))
    }

    fn save(&self, _: &u64) -> Result<(), Box<dyn Error + Send + Sync>> {
        info_span!("written to the store").in_scope(|| Ok(()))
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

fn leaves() {
    (0..LEAVES).into_par_iter().in_context().for_each(|_| info_span!("leaf").in_scope(|| ()));
}

/// `first` loads what all of the middle read; each of these has leaves, is done at its
/// second attempt, and saves; `last` loads what the first of them saved.
fn pipeline() -> Pipeline {
    let first = node(|n: &u64| *n).reads(number("in")).writes(number("all")).named("first");
    let middle = (0..WIDTH).map(|at| {
        let tries = AtomicU32::new(0);
        let work = move |n: &u64| {
            leaves();
            match tries.fetch_add(1, Ordering::Relaxed) % 2 {
                0 => Err("not yet"),
                _ => Ok(n + at as u64),
            }
        };
        let work = node(work).reads(number("all")).writes(number(format!("out{at}")));
        work.named(format!("middle{at}")).retry(Retry::new(2).backoff(Duration::ZERO, 1.0))
    });
    let last = node(|n: &u64| *n).reads(number("out0")).writes(number("end")).named("last");
    Pipeline::new([first].into_iter().chain(middle).chain([last])).unwrap()
}

fn catalog() -> Catalog {
    let stored = (0..WIDTH).map(|at| format!("out{at}")).chain(["in".to_owned()]);
    let catalog = Catalog::builder();
    let catalog = stored.fold(catalog, |catalog, name| catalog.dataset(&number(name), Store));
    catalog.build().unwrap()
}

fn workers(num_threads: usize) -> Executor {
    Executor::builder().num_threads(num_threads).accessor(&OPENTELEMETRY).build().unwrap()
}

fn options(run_id: &str) -> RunOptions {
    RunOptions::new().run_id(RunId::from(run_id))
}

/// The spans of one trace.
struct Spans {
    spans: Vec<SpanData>,
    by_id: HashMap<SpanId, usize>,
}

impl Spans {
    fn new(spans: Vec<SpanData>) -> Self {
        let ids = spans.iter().map(|span| span.span_context.span_id()).zip(0..);
        Self { by_id: ids.collect(), spans }
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a SpanData> {
        self.spans.iter().filter(move |span| span.name == name)
    }

    fn parent(&self, span: &SpanData) -> Option<&SpanData> {
        self.by_id.get(&span.parent_span_id).map(|at| &self.spans[*at])
    }

    /// The run `run_id` of [`pipeline`] is all that is here, under a span `request`.
    fn check(&self, run_id: &str) {
        let trace = |span: &SpanData| span.span_context.trace_id();
        let traces: HashSet<TraceId> = self.spans.iter().map(trace).collect();
        assert_eq!(traces.len(), 1, "one run is one trace");
        let parents = self.spans.iter().map(|span| {
            let parent = self.parent(span).map_or("none", |parent| &*parent.name);
            let of = attribute(span, "dataset").unwrap_or_default();
            (&*span.name, of, parent)
        });
        let mut counted: HashMap<_, usize> = HashMap::new();
        parents.for_each(|parent| *counted.entry(parent).or_default() += 1);
        let mut expected = HashMap::from([
            (("request", String::new(), "none"), 1),
            (("node", String::new(), "request"), 2 + 2 * WIDTH),
            (("leaf", String::new(), "node"), 2 * WIDTH * LEAVES),
            (("load", "in".to_owned(), "node"), 1),
            (("load", "out0".to_owned(), "node"), 1),
            (("read from the store", String::new(), "load"), 2),
            (("written to the store", String::new(), "save"), WIDTH),
        ]);
        for at in 0..WIDTH {
            expected.insert(("save", format!("out{at}"), "node"), 1);
        }
        assert_eq!(counted, expected);
        let mut nodes = HashMap::new();
        for span in self.named("node") {
            assert_eq!(attribute(span, "run_id").as_deref(), Some(run_id));
            let (node, attempt) = (attribute(span, "node").unwrap(), attribute(span, "attempt"));
            nodes.entry(node).or_insert_with(Vec::new).push(attempt);
        }
        nodes.values_mut().for_each(|attempts| attempts.sort());
        for at in 0..WIDTH {
            let attempts = [Some("1".to_owned()), Some("2".to_owned())];
            assert_eq!(nodes[&format!("middle{at}")], attempts);
        }
        // What was loaded and saved for a node is in that node's span.
        for span in self.named("save") {
            let node = attribute(self.parent(span).unwrap(), "node").unwrap();
            let dataset = attribute(span, "dataset").unwrap();
            assert_eq!(node.trim_start_matches("middle"), dataset.trim_start_matches("out"));
        }
        for span in self.spans.iter().filter(|span| span.name != "request") {
            let parent = self.parent(span).unwrap();
            assert!(parent.start_time <= span.start_time && span.end_time <= parent.end_time);
        }
    }
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == key);
    found.map(|attribute| attribute.value.to_string())
}

#[test]
fn run_is_one_trace_with_the_right_parents_on_any_number_of_workers() {
    for activation in [true, false] {
        for threads in [1, 4] {
            let pool = workers(threads);
            let runner = ThreadRunner::new(&pool);
            let exported = Exported::new();
            exported.with_layer(activation, || {
                info_span!("request").in_scope(|| {
                    runner.run(&pipeline(), &catalog(), options("one")).unwrap();
                    // All has ended with the run, but what it was begun in.
                    let ended = exported.spans();
                    assert!(ended.iter().all(|span| span.name != "request"));
                    let nodes = ended.iter().filter(|span| span.name == "node");
                    assert_eq!(nodes.count(), 2 + 2 * WIDTH);
                });
            });
            Spans::new(exported.spans()).check("one");
        }
    }
}

#[test]
fn sequential_run_is_one_trace_too() {
    let exported = Exported::new();
    exported.with_layer(true, || {
        let request = info_span!("request");
        let run = || SequentialRunner::new().run(&pipeline(), &catalog(), options("one"));
        request.in_scope(run).unwrap();
    });
    Spans::new(exported.spans()).check("one");
}

#[test]
fn awaited_run_is_in_the_trace_of_the_future_that_began_it() {
    for activation in [true, false] {
        let exported = Exported::new();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let (pool, dispatch) = (workers(4), exported.dispatch(activation));
        let run = async move {
            let runner = ThreadRunner::new(&pool);
            runner.run_async(&pipeline(), &catalog(), options("awaited")).await.unwrap();
        };
        let span = dispatcher::with_default(&dispatch, || info_span!("request"));
        let request = run.instrument(span).with_subscriber(dispatch);
        runtime.block_on(async { tokio::spawn(request).await.unwrap() });
        Spans::new(exported.spans()).check("awaited");
    }
}

#[test]
fn runs_at_the_same_time_are_traces_of_their_own() {
    const RUNS: usize = 6;
    let exported = Exported::new();
    let (pool, dispatch) = (workers(4), exported.dispatch(true));
    let begin = Barrier::new(RUNS);
    std::thread::scope(|threads| {
        for run in 0..RUNS {
            let (pool, dispatch, begin) = (&pool, &dispatch, &begin);
            threads.spawn(move || {
                begin.wait();
                dispatcher::with_default(dispatch, || {
                    let options = options(&run.to_string());
                    info_span!("request").in_scope(|| {
                        ThreadRunner::new(pool).run(&pipeline(), &catalog(), options).unwrap();
                    });
                });
            });
        }
    });
    let mut traces: HashMap<TraceId, Vec<SpanData>> = HashMap::new();
    for span in exported.spans() {
        traces.entry(span.span_context.trace_id()).or_default().push(span);
    }
    let mut runs = HashSet::new();
    for spans in traces.into_values() {
        let spans = Spans::new(spans);
        let run_id = attribute(spans.named("node").next().unwrap(), "run_id").unwrap();
        spans.check(&run_id);
        runs.insert(run_id);
    }
    assert_eq!(runs.len(), RUNS);
}

fn failing() -> [Node; 2] {
    let fail = node(|| -> Result<u64, &str> { Err("no luck") }).reads(());
    let panics = node(|| -> u64 { panic!("out of luck") }).reads(());
    [fail.writes(number("a")).named("fails"), panics.writes(number("b")).named("panics")]
}

#[test]
fn span_of_a_node_that_failed_says_so() {
    let exported = Exported::new();
    let done = node(|| 1_u64).reads(()).writes(number("c")).named("done");
    let pipeline = Pipeline::new(failing().into_iter().chain([done])).unwrap();
    exported.with_layer(true, || {
        let options = options("one").keep_going();
        ThreadRunner::new(&workers(2)).run(&pipeline, &Catalog::empty(), options).unwrap_err();
    });
    let spans = exported.spans();
    let told: HashMap<_, _> = spans
        .iter()
        .map(|span| {
            let events = span.events.iter().map(|event| event.name.to_string());
            (attribute(span, "node").unwrap(), (span.status.clone(), events.collect::<Vec<_>>()))
        })
        .collect();
    for (name, cause) in [("fails", "no luck"), ("panics", "out of luck")] {
        let (status, events) = &told[name];
        assert!(matches!(status, Status::Error { .. }), "{name}: {status:?}");
        assert!(events.iter().any(|event| event.contains(cause)), "{name}: {events:?}");
    }
    assert!(!matches!(told["done"].0, Status::Error { .. }));
}

/// The attempt is over for the run, and its span is not: its worker is still at it.
#[test]
fn attempt_that_took_too_long_is_in_the_trace_twice_and_ends_when_it_ends() {
    let exported = Exported::new();
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let waits = move || {
        gate.lock().unwrap().recv().unwrap_err();
        1
    };
    let slow = node(waits).reads(()).writes(number("a")).named("slow");
    let pipeline = Pipeline::new([slow.timeout(Duration::from_millis(1))]).unwrap();
    let pool = workers(2);
    exported.with_layer(true, || {
        let run = || ThreadRunner::new(&pool).run(&pipeline, &Catalog::empty(), options("one"));
        info_span!("request").in_scope(run).unwrap_err();
    });
    let is_failed = |span: &&SpanData| matches!(span.status, Status::Error { .. });
    let failed: Vec<_> = exported.spans().iter().filter(is_failed).cloned().collect();
    let [failed] = &failed[..] else { panic!("{failed:?}") };
    assert!(failed.events.iter().any(|event| event.name.contains("slow")));
    drop(open);
    // Each worker in its turn: the one that was lost is back.
    pool.rayon_pool().broadcast(|_| ());
    let spans = Spans::new(exported.spans());
    assert_eq!(spans.named("node").count(), 2);
    assert_eq!(spans.named("node").filter(is_failed).count(), 1);
    for span in spans.named("node") {
        assert_eq!(attribute(span, "node").as_deref(), Some("slow"));
        assert_eq!(&*spans.parent(span).unwrap().name, "request");
    }
}

#[test]
fn span_of_an_attempt_that_found_itself_too_late_says_so() {
    let exported = Exported::new();
    let waits = || CancelToken::current().wait_for(Duration::from_secs(3600));
    let slow = node(waits).reads(()).writes(Data::<bool>::memory("a")).named("slow");
    let pipeline = Pipeline::new([slow.timeout(Duration::from_millis(1))]).unwrap();
    exported.with_layer(true, || {
        SequentialRunner::new().run(&pipeline, &Catalog::empty(), options("one")).unwrap_err();
    });
    let spans = exported.spans();
    let told: Vec<_> = spans.iter().map(|span| (&span.status, &span.events)).collect();
    assert!(matches!(told[..], [(Status::Error { .. }, _)]), "{told:?}");
}

#[test]
fn run_is_as_it_was_where_nothing_is_sampled() {
    let exported = Exported::sampled(Sampler::AlwaysOff);
    exported.with_layer(true, || {
        let run = || ThreadRunner::new(&workers(4)).run(&pipeline(), &catalog(), options("one"));
        let mut report = info_span!("request").in_scope(run).unwrap();
        assert_eq!(report.take_output(&number("end")), Some(1));
    });
    assert!(exported.spans().is_empty());
}

#[test]
fn run_is_sampled_whole_or_not_at_all() {
    let half = Sampler::TraceIdRatioBased(0.5);
    let exported = Exported::sampled(Sampler::ParentBased(Box::new(half)));
    let pool = workers(4);
    for run in 0..20 {
        exported.with_layer(true, || {
            let options = options(&run.to_string());
            let run = || ThreadRunner::new(&pool).run(&pipeline(), &catalog(), options);
            info_span!("request").in_scope(run).unwrap();
        });
    }
    let mut traces: HashMap<TraceId, Vec<SpanData>> = HashMap::new();
    for span in exported.spans() {
        traces.entry(span.span_context.trace_id()).or_default().push(span);
    }
    for spans in traces.into_values() {
        let spans = Spans::new(spans);
        let run_id = attribute(spans.named("node").next().unwrap(), "run_id").unwrap();
        spans.check(&run_id);
    }
}

#[test]
fn without_the_layer_a_run_is_as_ever() {
    let pool = workers(4);
    let mut report = ThreadRunner::new(&pool).run(&pipeline(), &catalog(), options("one")).unwrap();
    assert_eq!(report.take_output(&number("end")), Some(1));
    tracing::subscriber::with_default(tracing_subscriber::registry(), || {
        let run = || ThreadRunner::new(&pool).run(&pipeline(), &catalog(), options("two"));
        let mut report = info_span!("request").in_scope(run).unwrap();
        assert_eq!(report.take_output(&number("end")), Some(1));
    });
}

#[test]
fn events_are_on_the_span_of_the_node_they_happened_in() {
    let exported = Exported::new();
    let names: Arc<[String]> = (0..64).map(|at| format!("n{at}")).collect();
    let nodes = (0..names.len()).map(|at| {
        let names = names.clone();
        let work = move || {
            (0..8).into_par_iter().in_context().for_each(|_| info!("from {}", names[at]));
            at as u64
        };
        node(work).reads(()).writes(number(format!("d{at}"))).named(format!("n{at}"))
    });
    let pipeline = Pipeline::new(nodes).unwrap();
    exported.with_layer(true, || {
        let run =
            || ThreadRunner::new(&workers(4)).run(&pipeline, &Catalog::empty(), options("one"));
        info_span!("request").in_scope(run).unwrap();
    });
    for span in exported.spans().iter().filter(|span| span.name == "node") {
        let own = format!("from {}", attribute(span, "node").unwrap());
        let said = span.events.iter().filter(|event| event.name.starts_with("from"));
        assert!(said.clone().all(|event| event.name == own), "{:?}", span.events);
        assert_eq!(said.count(), 8);
    }
}
