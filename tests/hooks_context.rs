//! What hooks see of their caller, of their run and of their node, and what they
//! put there.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/hooks.rs"]
mod hooks;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/recorder.rs"]
mod recorder;

use std::error::Error;
use std::sync::LazyLock;

use entourage::hooks::{
    AfterDatasetSaved, AfterNodeRun, AfterPipelineRun, BeforeDatasetLoaded, BeforeDatasetSaved,
    BeforeNodeRun, HookResult, OnDatasetSaveError, OnNodeError,
};
use entourage::{
    Catalog, Data, Dataset, Executor, Hooks, NODE, Pipeline, Propagation, RUN_ID, RUN_LOGGER,
    RunOptions, ThreadRunner, context_key, node,
};
use hooks::{Each, Log, Told};
use pipelines::Runner;
use recorder::Recorder;
use tracing::{Dispatch, info, info_span};

context_key! {
    static TENANT: u32 = propagate;
    static OTHER: u32 = propagate;
    static BUDGET: u32 = propagate;
}

const IN: Data<u32> = Data::memory("in");
const OUT: Data<u32> = Data::memory("out");
const LAST: Data<u32> = Data::memory("last");

/// Dispatchers that want everything and are there from first to last: with one
/// alone, `tracing` asks the thread that first comes by an event whether anybody
/// wants it, for good.
static LISTENING: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [Recorder::default().dispatch(), Recorder::default().dispatch()]);

fn with_each_runner(test: impl FnMut(&dyn Runner)) {
    LazyLock::force(&LISTENING);
    pipelines::with_each_runner(test);
}

/// A store that says what it sees of the budget, and may fail to save.
struct Store {
    log: Log,
    is_broken: bool,
}

impl Dataset<u32> for Store {
    fn load(&self) -> Result<u32, Box<dyn Error + Send + Sync>> {
        self.log.say(format!("load: {:?}", BUDGET.get()));
        Ok(7)
    }

    fn save(&self, _: &u32) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.log.say(format!("save: {:?}", BUDGET.get()));
        if self.is_broken { Err("full".into()) } else { Ok(()) }
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

fn stores(log: &Log, is_broken: bool) -> Catalog {
    let store = || Store { log: log.clone(), is_broken };
    Catalog::builder().dataset(&IN, store()).dataset(&OUT, store()).build().unwrap()
}

fn looks(log: &Log) -> Pipeline {
    let say = |log: &Log, at: &str| log.say(format!("{at}: {:?}", BUDGET.get()));
    let (first, second) = (log.clone(), log.clone());
    let first = node(move |n: &u32| {
        say(&first, "first");
        *n
    });
    let second = node(move |n: &u32| {
        say(&second, "second");
        *n
    });
    Pipeline::new([
        first.reads(IN).writes(OUT).named("first"),
        second.reads(OUT).writes(LAST).named("second"),
    ])
    .unwrap()
}

#[test]
fn every_hook_sees_the_callers_key_the_run_and_if_it_is_of_one_the_node() {
    let log = Log::default();
    let (pipeline, catalog) = (looks(&log), stores(&log, false));
    with_each_runner(|runner| {
        let hook = Each(|told: Told| {
            assert_eq!((TENANT.get(), RUN_ID.get()), (Some(3), Some("r1".into())));
            assert_eq!(NODE.get().map(|node| node.to_string()), told.node);
            Ok(())
        });
        let options = RunOptions::new().run_id("r1").hooks(hook);
        TENANT.scope(3, || runner.run(&pipeline, &catalog, options)).unwrap();
        assert!(RUN_ID.get().is_none() && NODE.get().is_none());
    });
}

#[test]
fn events_of_hooks_are_in_the_callers_span_and_those_of_a_nodes_in_the_nodes() {
    let log = Log::default();
    let (pipeline, catalog) = (looks(&log), stores(&log, false));
    with_each_runner(|runner| {
        Recorder::record(|recorder| {
            let hook = Each(|told: Told| {
                info!("{}", told.summary());
                Ok(())
            });
            let options = RunOptions::new().hooks(hook);
            let run = || runner.run(&pipeline, &catalog, options).unwrap();
            info_span!("caller").in_scope(run);
            for of_run in ["after_catalog_created", "before_pipeline_run", "after_pipeline_run"] {
                assert_eq!(recorder.spans_of(of_run), ["caller"]);
            }
            for of_node in [
                "before_dataset_loaded in",
                "after_dataset_loaded in",
                "before_node_run first",
                "after_node_run first",
                "before_dataset_saved last",
                "after_dataset_saved last",
            ] {
                assert_eq!(recorder.spans_of(of_node), ["caller", "node"], "{of_node}");
            }
            info!("after");
            assert!(recorder.spans_of("after").is_empty());
        });
    });
}

#[test]
fn hooks_of_a_run_with_propagation_off_see_nothing() {
    let log = Log::default();
    let (pipeline, catalog) = (looks(&log), stores(&log, false));
    with_each_runner(|runner| {
        Recorder::record(|recorder| {
            let hook = Each(|_| {
                assert!(TENANT.get().is_none() && RUN_ID.get().is_none() && NODE.get().is_none());
                assert!(RUN_LOGGER.get().is_none());
                info!("unheard");
                Ok(())
            });
            let options = RunOptions::new().propagation(Propagation::off()).hooks(hook);
            let run = || runner.run(&pipeline, &catalog, options).unwrap();
            TENANT.scope(3, || info_span!("caller").in_scope(run));
            assert!(recorder.events().is_empty(), "{:?}", recorder.events());
        });
    });
}

/// Gives the node `first` a budget, and says what it sees of it.
struct Budget {
    name: &'static str,
    amount: u32,
    log: Log,
}

impl Budget {
    fn say(&self, at: &str) -> HookResult {
        self.log.say(format!("{} {at}: {:?}", self.name, BUDGET.get()));
        Ok(())
    }
}

impl Hooks for Budget {
    fn before_dataset_loaded(&self, _: &BeforeDatasetLoaded<'_>) -> HookResult {
        self.say("before load")
    }

    fn before_node_run(&self, call: &mut BeforeNodeRun<'_>) -> HookResult {
        self.say("before")?;
        if call.node.name() == "first" {
            // What is set for the length of a closure goes with it.
            OTHER.scope(1, || call.set(&BUDGET, self.amount));
            self.say("set")?;
        }
        Ok(())
    }

    fn after_node_run(&self, _: &AfterNodeRun<'_>) -> HookResult {
        assert_eq!(OTHER.get(), None);
        self.say("after")
    }

    fn before_dataset_saved(&self, _: &BeforeDatasetSaved<'_>) -> HookResult {
        self.say("before save")
    }

    fn after_dataset_saved(&self, _: &AfterDatasetSaved<'_>) -> HookResult {
        self.say("after save")
    }

    fn on_dataset_save_error(&self, _: &OnDatasetSaveError<'_>) -> HookResult {
        self.say("save error")
    }

    fn on_node_error(&self, _: &OnNodeError<'_>) -> HookResult {
        self.say("error")
    }

    fn after_pipeline_run(&self, _: &AfterPipelineRun<'_>) -> HookResult {
        self.say("end")
    }
}

#[test]
fn key_that_a_hook_sets_is_seen_by_the_rest_of_its_node_and_by_no_other() {
    let log = Log::default();
    let (pipeline, catalog) = (looks(&log), stores(&log, false));
    with_each_runner(|runner| {
        let budget = |name, amount| Budget { name, amount, log: log.clone() };
        let options = RunOptions::new().hooks(budget("b", 20)).hooks(budget("a", 10));
        runner.run(&pipeline, &catalog, options).unwrap();
        let expected = [
            "a before load: None",
            "b before load: None",
            "load: None",
            "a before: None",
            "a set: None",
            "b before: Some(10)",
            "b set: Some(10)",
            "first: Some(20)",
            "a after: Some(20)",
            "b after: Some(20)",
            "a before save: Some(20)",
            "b before save: Some(20)",
            "save: Some(20)",
            "a after save: Some(20)",
            "b after save: Some(20)",
            "a before load: None",
            "b before load: None",
            "load: None",
            "a before: None",
            "b before: None",
            "second: None",
            "a after: None",
            "b after: None",
            "a before save: None",
            "b before save: None",
            "a after save: None",
            "b after save: None",
            "a end: None",
            "b end: None",
        ];
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn key_that_a_hook_sets_is_seen_by_the_hooks_that_are_told_of_the_failure() {
    let log = Log::default();
    let fails = |_: &u32| Err::<u32, _>("no");
    let panics = |_: &u32| -> u32 { panic!("no") };
    let nodes = [
        node(fails).reads(IN).writes(LAST).named("first"),
        node(panics).reads(IN).writes(LAST).named("first"),
        node(|n: &u32| *n).reads(IN).writes(OUT).named("first"),
    ];
    let catalog = stores(&log, true);
    for (at, node) in nodes.into_iter().enumerate() {
        let pipeline = Pipeline::new([node]).unwrap();
        with_each_runner(|runner| {
            let budget = Budget { name: "a", amount: 10, log: log.clone() };
            let options = RunOptions::new().hooks(budget);
            runner.run(&pipeline, &catalog, options).unwrap_err();
            let told = log.take();
            assert_eq!(told.last().unwrap(), "a error: Some(10)");
            assert_eq!(told.contains(&"a save error: Some(10)".to_owned()), at == 2, "{told:?}");
            assert_eq!(BUDGET.get(), None);
        });
    }
}

#[test]
fn what_a_hook_sets_goes_along_with_the_nodes_own_tasks() {
    let pool = Executor::builder().num_threads(2).build().unwrap();
    let runner = ThreadRunner::new(&pool);
    let inner = pool.clone();
    let ask = move || inner.spawn(|| BUDGET.get().unwrap_or(0)).join().unwrap();
    let pipeline = Pipeline::new([node(ask).reads(()).writes(OUT).named("first")]).unwrap();
    let budget = Budget { name: "a", amount: 10, log: Log::default() };
    let mut report =
        runner.run(&pipeline, &Catalog::empty(), RunOptions::new().hooks(budget)).unwrap();
    assert_eq!(report.take_output(&OUT), Some(10));
}

#[test]
fn key_is_set_under_propagation_off_too_since_a_hook_of_the_run_says_so() {
    let log = Log::default();
    let (pipeline, catalog) = (looks(&log), stores(&log, false));
    with_each_runner(|runner| {
        let budget = Budget { name: "a", amount: 10, log: log.clone() };
        let options = RunOptions::new().propagation(Propagation::off()).hooks(budget);
        runner.run(&pipeline, &catalog, options).unwrap();
        let told = log.take();
        assert!(told.contains(&"first: Some(10)".to_owned()), "{told:?}");
        assert!(told.contains(&"second: None".to_owned()), "{told:?}");
    });
}

#[test]
fn spans_that_hooks_enter_are_around_the_rest_of_the_node_and_of_no_other() {
    struct Enter(&'static str);
    impl Hooks for Enter {
        fn before_node_run(&self, call: &mut BeforeNodeRun<'_>) -> HookResult {
            info!("before {} by {}", call.node.name(), self.0);
            if call.node.name() == "first" {
                call.enter(info_span!("hook", by = self.0));
            }
            Ok(())
        }

        fn after_dataset_saved(&self, call: &AfterDatasetSaved<'_>) -> HookResult {
            info!("saved {} by {}", call.dataset, self.0);
            Ok(())
        }
    }
    let says = |name: &'static str| {
        move |n: &u32| {
            info!("{name}");
            *n
        }
    };
    let pipeline = Pipeline::new([
        node(says("first")).reads(IN).writes(OUT).named("first"),
        node(says("second")).reads(OUT).writes(LAST).named("second"),
    ])
    .unwrap();
    let catalog = Catalog::builder().value(&IN, 1).build().unwrap();
    with_each_runner(|runner| {
        Recorder::record(|recorder| {
            let options = RunOptions::new().hooks(Enter("b")).hooks(Enter("a"));
            runner.run(&pipeline, &catalog, options).unwrap();
            assert_eq!(recorder.spans_of("before first by a"), ["node"]);
            assert_eq!(recorder.spans_of("before first by b"), ["node", "hook"]);
            assert_eq!(recorder.spans_of("first"), ["node", "hook", "hook"]);
            assert_eq!(recorder.spans_of("saved out by a"), ["node", "hook", "hook"]);
            assert_eq!(recorder.spans_of("before second by a"), ["node"]);
            assert_eq!(recorder.spans_of("second"), ["node"]);
            assert_eq!(recorder.closings_of("hook"), 2);
        });
    });
}
