//! What a node, a load and a save see of their caller and of their run.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/recorder.rs"]
mod recorder;

use std::error::Error;
use std::sync::{Arc, LazyLock, Mutex};

use entourage::{
    Catalog, Data, Dataset, Executor, LogRecord, LogSink, NODE, Node, Pipeline, Propagation,
    RUN_ID, RUN_LOGGER, RunId, RunLogger, RunOptions, SPAN, SequentialRunner, ThreadRunner,
    context_key, logger, node,
};
use pipelines::{Runner, with_thread_runner};
use recorder::Recorder;
use tracing::{Dispatch, info, info_span};

context_key! {
    static TENANT: u32 = propagate;
    static OTHER: u32 = propagate;
    static TOKEN: u32 = clear;
}

const IN: Data<u32> = Data::memory("in");
const OUT: Data<u32> = Data::memory("out");

/// Dispatchers that want everything and are there from first to last. With one
/// alone, `tracing` asks the thread that first comes by an event whether anybody
/// wants it, for good: in the test beside this one, say, nobody does.
static LISTENING: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [Recorder::default().dispatch(), Recorder::default().dispatch()]);

fn with_each_runner(test: impl FnMut(&dyn Runner)) {
    LazyLock::force(&LISTENING);
    pipelines::with_each_runner(test);
}

/// Everything of the context that a place could see.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    place: &'static str,
    tenant: Option<u32>,
    other: Option<u32>,
    run_id: Option<RunId>,
    node: Option<String>,
    has_logger: bool,
}

impl Seen {
    fn at(place: &'static str) -> Self {
        Self {
            place,
            tenant: TENANT.get(),
            other: OTHER.get(),
            run_id: RUN_ID.get(),
            node: NODE.get().map(|node| node.as_str().to_owned()),
            has_logger: RUN_LOGGER.get().is_some(),
        }
    }

    fn nothing(place: &'static str) -> Self {
        Self { place, tenant: None, other: None, run_id: None, node: None, has_logger: false }
    }
}

/// Notes what is seen where, and says so.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<Seen>>>);

impl Notes {
    fn note(&self, place: &'static str) {
        self.0.lock().unwrap().push(Seen::at(place));
        info!("{place}");
        if let Some(logger) = logger() {
            logger.info(place);
        }
    }

    /// What was seen since it was last asked.
    fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A store that notes what its loads and saves see.
struct Store(Notes);

impl Dataset<u32> for Store {
    fn load(&self) -> Result<u32, Box<dyn Error + Send + Sync>> {
        self.0.note("load");
        Ok(7)
    }

    fn save(&self, _: &u32) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.0.note("save");
        Ok(())
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn log(&self, record: &LogRecord<'_>) {
        let run = record.run_id.as_ref().map_or("-", RunId::as_str);
        let node = record.node.as_ref().map_or("-", |node| node.as_str());
        self.0.lock().unwrap().push(format!("{run} {node}: {}", record.message));
    }
}

fn copy(notes: &Notes) -> Node {
    let notes = notes.clone();
    let copy = move |n: &u32| {
        notes.note("node");
        *n
    };
    node(copy).reads(IN).writes(OUT).named("copy")
}

fn stores(notes: &Notes) -> Catalog {
    let (input, output) = (Store(notes.clone()), Store(notes.clone()));
    Catalog::builder().dataset(&IN, input).dataset(&OUT, output).build().unwrap()
}

#[test]
fn node_load_and_save_see_the_callers_key_the_run_and_the_node() {
    let (notes, lines) = (Notes::default(), Arc::new(Lines::default()));
    let (pipeline, catalog) = (Pipeline::new([copy(&notes)]).unwrap(), stores(&notes));
    with_each_runner(|runner| {
        let options = RunOptions::new().run_id("r1").run_logger(RunLogger::new(lines.clone()));
        TENANT.scope(3, || runner.run(&pipeline, &catalog, options)).unwrap();
        let expected = ["load", "node", "save"].map(|place| Seen {
            tenant: Some(3),
            run_id: Some(RunId::from("r1")),
            node: Some("copy".into()),
            has_logger: true,
            ..Seen::nothing(place)
        });
        assert_eq!(notes.take(), expected);
        let said = std::mem::take(&mut *lines.0.lock().unwrap());
        assert_eq!(said, ["r1 copy: load", "r1 copy: node", "r1 copy: save"]);
        assert_eq!(Seen::at("after"), Seen::nothing("after"), "the caller has its own back");
    });
}

#[test]
fn events_of_node_load_and_save_are_in_the_nodes_span_in_the_callers() {
    let notes = Notes::default();
    let (pipeline, catalog) = (Pipeline::new([copy(&notes)]).unwrap(), stores(&notes));
    with_each_runner(|runner| {
        Recorder::record(|recorder| {
            let run = || runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
            info_span!("caller").in_scope(run);
            assert_eq!(recorder.spans_of("load"), ["caller", "node", "load"]);
            assert_eq!(recorder.spans_of("node"), ["caller", "node"]);
            assert_eq!(recorder.spans_of("save"), ["caller", "node", "save"]);
            assert_eq!(recorder.closings_of("node"), 1);
        });
    });
}

#[test]
fn run_without_an_id_is_given_one_and_the_callers_logger_and_never_the_callers_id() {
    let (notes, lines) = (Notes::default(), Arc::new(Lines::default()));
    let pipeline = Pipeline::new([copy(&notes)]).unwrap();
    let catalog = Catalog::builder().value(&IN, 1).build().unwrap();
    with_each_runner(|runner| {
        let run = || runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        let run = || RUN_ID.scope("outer".into(), run);
        let report = RUN_LOGGER.scope(RunLogger::new(lines.clone()), run);
        assert_eq!(notes.take()[0].run_id.as_ref(), Some(report.run_id()));
        assert_ne!(report.run_id().as_str(), "outer");
        let said = std::mem::take(&mut *lines.0.lock().unwrap());
        assert!(said.contains(&format!("{} copy: node", report.run_id())), "{said:?}");
    });
}

#[test]
fn value_set_by_one_node_is_seen_by_no_other() {
    let notes = Notes::default();
    let looks = |name: &str, from: Data<u32>, to: Data<u32>| {
        let notes = notes.clone();
        let look = move |n: &u32| {
            OTHER.scope(1, || TOKEN.scope(2, || *n));
            // Left entered: nobody exits this span but the runner.
            std::mem::forget(info_span!("left").entered());
            notes.note("node");
            *n
        };
        node(look).reads(from).writes(to).named(name)
    };
    let middle = || Data::<u32>::memory("middle");
    let pipeline = Pipeline::new([looks("a", IN, middle()), looks("b", middle(), OUT)]).unwrap();
    let catalog = Catalog::builder().value(&IN, 1).build().unwrap();
    with_each_runner(|runner| {
        Recorder::record(|recorder| {
            let run = || runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
            TOKEN.scope(5, || info_span!("caller").in_scope(run));
            let seen = notes.take();
            assert!(seen.iter().all(|seen| seen.other.is_none()), "{seen:?}");
            let spans: Vec<_> = recorder.events().into_iter().map(|event| event.1).collect();
            let own: Vec<_> = spans.iter().filter(|spans| spans.contains(&"left".into())).collect();
            assert!(own.iter().all(|spans| **spans == ["caller", "node", "left"]), "{spans:?}");
            info!("after");
            assert!(recorder.spans_of("after").is_empty());
        });
    });
}

#[test]
fn allowlist_carries_what_it_names_and_the_runs_own_keys_are_set_all_the_same() {
    let notes = Notes::default();
    let (pipeline, catalog) = (Pipeline::new([copy(&notes)]).unwrap(), stores(&notes));
    with_each_runner(|runner| {
        let run = |propagation| {
            let options = RunOptions::new().run_id("r1").propagation(propagation);
            let run = || runner.run(&pipeline, &catalog, options).unwrap();
            TENANT.scope(3, || OTHER.scope(4, run));
            let seen = notes.take();
            assert!(seen.iter().all(|seen| seen.run_id == Some("r1".into())));
            assert!(seen.iter().all(|seen| seen.node.as_deref() == Some("copy")));
            let pairs: Vec<_> = seen.iter().map(|seen| (seen.tenant, seen.other)).collect();
            assert!(pairs.iter().all(|pair| *pair == pairs[0]), "{pairs:?}");
            pairs[0]
        };
        assert_eq!(run(Propagation::all()), (Some(3), Some(4)));
        assert_eq!(run(Propagation::only([&TENANT])), (Some(3), None));
        assert_eq!(run(Propagation::except([&TENANT])), (None, Some(4)));
        Recorder::record(|recorder| {
            info_span!("caller").in_scope(|| run(Propagation::except([&SPAN])));
            let in_caller = |(_, spans): &(String, Vec<String>)| spans.contains(&"caller".into());
            assert!(!recorder.events().iter().any(in_caller));
        });
    });
}

#[test]
fn callers_logger_goes_along_where_the_policy_carries_it() {
    let notes = Notes::default();
    let (pipeline, catalog) = (Pipeline::new([copy(&notes)]).unwrap(), stores(&notes));
    let logger = || RunLogger::new(Arc::new(Lines::default()));
    with_each_runner(|runner| {
        let has_logger = |options: RunOptions| {
            let run = || runner.run(&pipeline, &catalog, options).unwrap();
            RUN_LOGGER.scope(logger(), run);
            notes.take().iter().all(|seen| seen.has_logger)
        };
        let only = |options: RunOptions| options.propagation(Propagation::only([&TENANT]));
        assert!(has_logger(RunOptions::new()));
        assert!(!has_logger(only(RunOptions::new())));
        assert!(has_logger(only(RunOptions::new().run_logger(logger()))), "the run's own");
    });
}

#[test]
fn runner_takes_the_propagation_of_its_executor_unless_told_otherwise() {
    LazyLock::force(&LISTENING);
    let notes = Notes::default();
    let (pipeline, catalog) = (Pipeline::new([copy(&notes)]).unwrap(), stores(&notes));
    let pool = Executor::builder().num_threads(1).propagation(Propagation::only([&OTHER]));
    let runner = ThreadRunner::new(&pool.build().unwrap());
    let run = |options: RunOptions| {
        let run = || runner.run(&pipeline, &catalog, options).unwrap();
        TENANT.scope(3, || OTHER.scope(4, run));
        let seen = notes.take();
        (seen[0].tenant, seen[0].other)
    };
    assert_eq!(run(RunOptions::new()), (None, Some(4)));
    assert_eq!(run(RunOptions::new().propagation(Propagation::all())), (Some(3), Some(4)));
}

#[test]
fn run_with_propagation_off_sees_nothing_and_records_nothing() {
    let (notes, lines) = (Notes::default(), Arc::new(Lines::default()));
    let (pipeline, catalog) = (Pipeline::new([copy(&notes)]).unwrap(), stores(&notes));
    let expected = ["load", "node", "save"].map(Seen::nothing);
    with_each_runner(|runner| {
        Recorder::record(|recorder| {
            let options = || {
                let logger = RunLogger::new(lines.clone());
                RunOptions::new().run_id("r1").run_logger(logger).propagation(Propagation::off())
            };
            let run = || runner.run(&pipeline, &catalog, options()).unwrap();
            let report = TENANT.scope(3, || info_span!("caller").in_scope(run));
            assert_eq!(notes.take(), expected);
            assert_eq!(report.run_id().as_str(), "r1");
            assert!(recorder.events().is_empty(), "{:?}", recorder.events());
            assert!(lines.0.lock().unwrap().is_empty());
        });
    });
}

#[test]
fn run_with_propagation_off_sees_nothing_inside_a_task_either() {
    LazyLock::force(&LISTENING);
    let notes = Notes::default();
    let (pipeline, catalog) = (Pipeline::new([copy(&notes)]).unwrap(), stores(&notes));
    let expected = ["load", "node", "save"].map(Seen::nothing);
    with_thread_runner(1, |runner| {
        let pool = Executor::builder().num_threads(1).build().unwrap();
        let inside = ThreadRunner::new(&pool);
        let options = || RunOptions::new().propagation(Propagation::off());
        for runner in [&SequentialRunner::new() as &dyn Runner, &inside, runner] {
            let run = || runner.run(&pipeline, &catalog, options()).unwrap();
            TENANT.scope(3, || RUN_ID.scope("outer".into(), || pool.install(run)));
            assert_eq!(notes.take(), expected);
        }
    });
}

#[test]
fn runs_with_and_without_propagation_share_a_pool_and_do_not_see_each_other() {
    LazyLock::force(&LISTENING);
    let pool = Executor::builder().num_threads(2).build().unwrap();
    let runner = ThreadRunner::new(&pool);
    let (on, off) = (Notes::default(), Notes::default());
    let wide = |notes: &Notes| {
        let looks = |at: usize| {
            let notes = notes.clone();
            let look = move |n: &u32| {
                notes.note("node");
                *n
            };
            let out = Data::<u32>::memory("out").named(format!("out_{at}"));
            node(look).reads(IN).writes(out).named(format!("look_{at}"))
        };
        Pipeline::new((0..100).map(looks)).unwrap()
    };
    let catalog = Catalog::builder().value(&IN, 1).build().unwrap();
    let run = |notes: &Notes, options: RunOptions| {
        let pipeline = wide(notes);
        TENANT.scope(3, || {
            for _ in 0..10 {
                runner.run(&pipeline, &catalog, options.clone()).unwrap();
            }
        });
    };
    std::thread::scope(|threads| {
        threads.spawn(|| run(&on, RunOptions::new().run_id("on")));
        threads.spawn(|| run(&off, RunOptions::new().propagation(Propagation::off())));
    });
    let (on, off) = (on.take(), off.take());
    assert_eq!((on.len(), off.len()), (1000, 1000));
    assert!(on.iter().all(|seen| seen.tenant == Some(3) && seen.run_id == Some("on".into())));
    assert!(off.iter().all(|seen| *seen == Seen::nothing("node")));
}

#[test]
fn hundred_runs_at_once_on_one_pool_never_mix() {
    LazyLock::force(&LISTENING);
    const RUNS: u32 = 100;
    let pool = Executor::builder().num_threads(4).build().unwrap();
    let runner = ThreadRunner::new(&pool);
    // Each node hands on what it has seen of its run so far.
    type Trail = Vec<(Option<RunId>, Option<u32>, Option<String>)>;
    let trail = |name: String| Data::<Trail>::memory("trail").named(name);
    let look = |trail: &Trail| {
        let mut trail = trail.clone();
        trail.push((RUN_ID.get(), TENANT.get(), NODE.get().map(|node| node.to_string())));
        trail
    };
    let step = |at: usize| {
        node(look)
            .reads(trail(format!("t{at}")))
            .writes(trail(format!("t{}", at + 1)))
            .named(format!("step_{at}"))
    };
    let pipeline = Pipeline::new((0..10).map(step)).unwrap();
    let catalog = Catalog::builder().value(&trail("t0".into()), Vec::new()).build().unwrap();
    let task = |run: u32| {
        let (runner, pipeline, catalog) = (runner.clone(), pipeline.clone(), catalog.clone());
        let end = trail("t10".into());
        let run_one = move || {
            let options = RunOptions::new().run_id(format!("run_{run}"));
            runner.run(&pipeline, &catalog, options).unwrap().take_output(&end).unwrap()
        };
        TENANT.scope(run, || pool.spawn(run_one))
    };
    let tasks: Vec<_> = (0..RUNS).map(task).collect();
    for (run, task) in (0..RUNS).zip(tasks) {
        let own = |at| (Some(format!("run_{run}").into()), Some(run), Some(format!("step_{at}")));
        assert_eq!(task.join().unwrap(), (0..10).map(own).collect::<Trail>());
    }
}

#[test]
fn failures_are_filed_in_the_span_of_their_node() {
    let fail = node(|| Err::<u32, _>("no rows")).reads(()).writes(OUT).named("fail");
    let panics = || -> u32 { panic!("gone") };
    let panics = node(panics).reads(()).writes(IN).named("panics");
    let pipeline = Pipeline::new([fail, panics]).unwrap();
    with_each_runner(|runner| {
        Recorder::record(|recorder| {
            let options = RunOptions::new().keep_going();
            runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
            assert_eq!(recorder.spans_of("node `fail` failed: no rows"), ["node"]);
            let panicked = |(message, _): &&(String, Vec<String>)| message.contains("panicked at");
            let events = recorder.events();
            assert_eq!(events.iter().filter(panicked).count(), 1, "{events:?}");
            assert_eq!(events.iter().find(panicked).unwrap().1, ["node"]);
        });
    });
}
