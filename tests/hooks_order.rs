//! Which hooks are called when, each once, and in which order.

#![cfg(feature = "pipeline")]

#[path = "support/hooks.rs"]
mod hooks;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::sync::{Arc, Barrier};

use entourage::hooks::{
    AfterDatasetSaved, AfterPipelineRun, HookResult, OnNodeError, OnPipelineError,
};
use entourage::{
    Catalog, ChunkError, Chunks, Data, Dataset, Executor, FileDataset, Hooks, Node, Pipeline,
    RunOptions, ThreadRunner, node,
};
use hooks::{Each, Log, Told};
use pipelines::{Folder, with_each_runner, with_thread_runner};

const IN: Data<u32> = Data::memory("in");
const TOP: Data<u32> = Data::parameter("top");
const SUM: Data<u32> = Data::memory("sum");
const OUT: Data<u32> = Data::memory("out");

/// A store that logs, and fails where its log is told it does.
struct Store {
    log: Log,
    name: &'static str,
    is_broken: bool,
}

impl Dataset<u32> for Store {
    fn load(&self) -> Result<u32, Box<dyn Error + Send + Sync>> {
        self.log.say(format!("load {}", self.name));
        if self.is_broken { Err("worn out".into()) } else { Ok(7) }
    }

    fn save(&self, _: &u32) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.log.say(format!("save {}", self.name));
        if self.is_broken { Err("full".into()) } else { Ok(()) }
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

fn store(log: &Log, name: &'static str) -> Store {
    Store { log: log.clone(), name, is_broken: false }
}

fn add(log: &Log) -> Node {
    let log = log.clone();
    let add = move |n: &u32, top: &u32| {
        log.say("call add");
        n + top
    };
    node(add).reads((IN, TOP)).writes(SUM).named("add")
}

fn report(log: &Log) -> Node {
    let log = log.clone();
    let report = move |sum: &u32, n: &u32, again: &u32| {
        log.say("call report");
        sum + n + again
    };
    node(report).reads((SUM, IN, SUM)).writes(OUT).named("report")
}

fn catalog(log: &Log) -> Catalog {
    let builder = Catalog::builder().parameter(&TOP, 3);
    builder.dataset(&IN, store(log, "in")).dataset(&OUT, store(log, "out")).build().unwrap()
}

#[test]
fn every_hook_is_called_once_at_its_place() {
    let log = Log::default();
    let (pipeline, catalog) = (Pipeline::new([add(&log), report(&log)]).unwrap(), catalog(&log));
    with_each_runner(|runner| {
        let options = RunOptions::new().hooks(log.hook());
        runner.run(&pipeline, &catalog, options).unwrap();
        let expected = [
            "after_catalog_created",
            "before_pipeline_run",
            "before_dataset_loaded in",
            "load in",
            "after_dataset_loaded in",
            "before_dataset_loaded params:top",
            "after_dataset_loaded params:top",
            "before_node_run add",
            "call add",
            "after_node_run add",
            "before_dataset_saved sum",
            "after_dataset_saved sum",
            "before_dataset_loaded sum",
            "after_dataset_loaded sum",
            "before_dataset_loaded in",
            "after_dataset_loaded in",
            "before_node_run report",
            "call report",
            "after_node_run report",
            "before_dataset_saved out",
            "save out",
            "after_dataset_saved out",
            "after_pipeline_run",
        ];
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn calls_name_the_run_the_node_and_the_attempt() {
    let log = Log::default();
    let (pipeline, catalog) = (Pipeline::new([add(&log)]).unwrap(), catalog(&log));
    with_each_runner(|runner| {
        let seen = log.clone();
        log.take();
        let hook = Each(move |told: Told| {
            seen.say(format!("{} {:?} {:?}", told.run_id, told.node, told.attempt));
            Ok(())
        });
        runner.run(&pipeline, &catalog, RunOptions::new().run_id("r1").hooks(hook)).unwrap();
        let mut told = log.take();
        told.retain(|line| line.starts_with("r1"));
        told.dedup();
        assert_eq!(told, ["r1 None None", "r1 Some(\"add\") Some(1)", "r1 None None"]);
    });
}

#[test]
fn last_registered_is_called_first_before_and_after_alike() {
    let log = Log::default();
    let pipeline = Pipeline::new([node(|| 1).reads(()).writes(SUM).named("one")]).unwrap();
    let named = |name: &'static str| {
        let log = log.clone();
        Each(move |told: Told| {
            log.say(format!("{name} {}", told.method));
            Ok(())
        })
    };
    with_each_runner(|runner| {
        let options = RunOptions::new().hooks(named("a")).hooks(named("b")).hooks(named("c"));
        runner.run(&pipeline, &Catalog::empty(), options).unwrap();
        let told = log.take();
        assert_eq!(told.len(), 3 * 7, "{told:?}");
        for three in told.chunks(3) {
            let method = three[0].strip_prefix("c ").unwrap();
            assert_eq!(three[1..], [format!("b {method}"), format!("a {method}")]);
        }
    });
}

/// The calls of a run of `nodes`, all of which are to fail.
fn told_of(log: &Log, nodes: impl IntoIterator<Item = Node>, catalog: &Catalog) -> Vec<String> {
    let pipeline = Pipeline::new(nodes).unwrap();
    let mut told = Vec::new();
    with_each_runner(|runner| {
        log.take();
        let options = RunOptions::new().hooks(log.hook());
        assert!(!runner.run(&pipeline, catalog, options).unwrap_err().is_hook());
        let now = log.take();
        assert!(told.is_empty() || told == now, "{told:?} is not {now:?}");
        told = now;
    });
    told
}

#[test]
fn failure_of_a_function_is_told_after_the_loads_and_nothing_is_saved() {
    let log = Log::default();
    let fail = |_: &u32| Err::<u32, _>("no");
    let panics = |_: &u32| -> u32 { panic!("no") };
    let nodes = [
        node(fail).reads(TOP).writes(SUM).named("fails"),
        node(panics).reads(TOP).writes(SUM).named("fails"),
    ];
    for node in nodes {
        let expected = [
            "after_catalog_created",
            "before_pipeline_run",
            "before_dataset_loaded params:top",
            "after_dataset_loaded params:top",
            "before_node_run fails",
            "on_node_error fails",
            "on_pipeline_error",
        ];
        assert_eq!(told_of(&log, [node], &catalog(&log)), expected);
    }
}

#[test]
fn failed_load_is_told_as_the_datasets_the_nodes_and_the_runs() {
    let log = Log::default();
    let broken = Store { is_broken: true, ..store(&log, "in") };
    let builder = Catalog::builder().parameter(&TOP, 3);
    let catalog = builder.dataset(&IN, broken).build().unwrap();
    let expected = [
        "after_catalog_created",
        "before_pipeline_run",
        "before_dataset_loaded in",
        "load in",
        "on_dataset_load_error in",
        "on_node_error add",
        "on_pipeline_error",
    ];
    assert_eq!(told_of(&log, [add(&log)], &catalog), expected);
}

#[test]
fn failed_save_is_told_as_the_datasets_the_nodes_and_the_runs() {
    let log = Log::default();
    let broken = Store { is_broken: true, ..store(&log, "out") };
    let catalog = Catalog::builder().dataset(&OUT, broken).build().unwrap();
    let write = || (1, 2, 3);
    let (before, after) = (Data::<u32>::memory("before"), Data::<u32>::memory("after"));
    let write = node(write).reads(()).writes((before, OUT, after)).named("write");
    let expected = [
        "after_catalog_created",
        "before_pipeline_run",
        "before_node_run write",
        "after_node_run write",
        "before_dataset_saved before",
        "after_dataset_saved before",
        "before_dataset_saved out",
        "save out",
        "on_dataset_save_error out",
        "on_node_error write",
        "on_pipeline_error",
    ];
    assert_eq!(told_of(&log, [write], &catalog), expected);
}

/// Panics wherever it is asked for its data.
struct Panics;

impl Dataset<u32> for Panics {
    fn load(&self) -> Result<u32, Box<dyn Error + Send + Sync>> {
        panic!("burnt")
    }

    fn save(&self, _: &u32) -> Result<(), Box<dyn Error + Send + Sync>> {
        panic!("burnt")
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

#[test]
fn panic_of_a_load_or_a_save_is_told_as_an_error_and_fails_the_node_as_a_panic() {
    struct Note(Log);
    impl Hooks for Note {
        fn on_dataset_load_error(
            &self,
            call: &entourage::hooks::OnDatasetLoadError<'_>,
        ) -> HookResult {
            assert!(call.error.is_load());
            self.0.say(call.error.to_string());
            Ok(())
        }

        fn on_dataset_save_error(
            &self,
            call: &entourage::hooks::OnDatasetSaveError<'_>,
        ) -> HookResult {
            assert!(call.error.is_save());
            assert_eq!(call.value.get(&OUT), Some(&1));
            self.0.say(call.error.to_string());
            Ok(())
        }

        fn on_node_error(&self, call: &OnNodeError<'_>) -> HookResult {
            assert!(call.failure.is_panic() && call.failure.place().is_some());
            Ok(())
        }
    }
    let log = Log::default();
    let nodes = [
        node(|n: &u32| *n).reads(IN).writes(SUM).named("reads"),
        node(|| 1).reads(()).writes(OUT).named("writes"),
    ];
    let pipeline = Pipeline::new(nodes).unwrap();
    let catalog = Catalog::builder().dataset(&IN, Panics).dataset(&OUT, Panics).build().unwrap();
    with_each_runner(|runner| {
        let options = RunOptions::new().keep_going().hooks(Note(log.clone()));
        let error = runner.run(&pipeline, &catalog, options).unwrap_err();
        assert!(error.failures().all(|failure| failure.hook_errors().is_empty()), "{error}");
        let mut told = log.take();
        told.sort();
        let expected =
            ["loading dataset `in`: panicked: burnt", "saving dataset `out`: panicked: burnt"];
        assert_eq!(told, expected);
    });
}

#[test]
fn refused_run_is_begun_and_ended_for_its_hooks_and_no_node_is() {
    let log = Log::default();
    let expected = ["after_catalog_created", "before_pipeline_run", "on_pipeline_error"];
    assert_eq!(told_of(&log, [add(&log)], &Catalog::empty()), expected);
}

#[test]
fn empty_pipeline_is_begun_and_ended() {
    let log = Log::default();
    let pipeline = Pipeline::new([]).unwrap();
    with_each_runner(|runner| {
        let options = RunOptions::new().hooks(log.hook());
        runner.run(&pipeline, &Catalog::empty(), options).unwrap();
        let expected = ["after_catalog_created", "before_pipeline_run", "after_pipeline_run"];
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn keep_going_tells_of_each_node_that_runs_and_of_none_that_is_skipped() {
    let log = Log::default();
    let pipeline = Pipeline::new([
        node(|| Err::<u32, _>("no")).reads(()).writes(SUM).named("fails"),
        node(|n: &u32| *n).reads(SUM).writes(IN).named("skipped"),
        node(|| 1).reads(()).writes(OUT).named("works"),
    ])
    .unwrap();
    with_each_runner(|runner| {
        let options = RunOptions::new().keep_going().hooks(log.hook());
        runner.run(&pipeline, &Catalog::empty(), options).unwrap_err();
        let told = log.take();
        let count = |what: &str| told.iter().filter(|line| *line == what).count();
        assert_eq!(count("on_node_error fails"), 1);
        assert_eq!(count("after_node_run works"), 1);
        assert_eq!(count("after_dataset_saved out"), 1);
        assert!(!told.iter().any(|line| line.contains("skipped")), "{told:?}");
        assert_eq!(told.last().unwrap(), "on_pipeline_error");
    });
}

#[test]
fn end_is_told_with_the_report_or_the_error() {
    struct Ends;
    impl Hooks for Ends {
        fn after_pipeline_run(&self, call: &AfterPipelineRun<'_>) -> HookResult {
            assert_eq!(call.report.output(&SUM).as_deref(), Some(&1));
            assert_eq!(call.run.run_id(), call.report.run_id());
            assert!(call.run.catalog().contains("in"));
            Err("seen".into())
        }

        fn on_pipeline_error(&self, call: &OnPipelineError<'_>) -> HookResult {
            assert_eq!(call.error.failures().count(), 1);
            assert_eq!(call.run.pipeline().node_names().collect::<Vec<_>>(), ["fails"]);
            Err("seen".into())
        }
    }
    let good = Pipeline::new([node(|| 1).reads(()).writes(SUM).named("works")]).unwrap();
    let fail = node(|| Err::<u32, _>("no")).reads(()).writes(SUM).named("fails");
    let bad = Pipeline::new([fail]).unwrap();
    let catalog = Catalog::builder().value(&IN, 1).build().unwrap();
    with_each_runner(|runner| {
        for pipeline in [&good, &bad] {
            let error = runner.run(pipeline, &catalog, RunOptions::new().hooks(Ends)).unwrap_err();
            let [seen] = error.hook_errors() else { panic!("{error}") };
            assert_eq!(seen.source().unwrap().to_string(), "seen");
        }
    });
}

/// A store that lets its load go on when another node has looked for it, too.
struct Slow(Arc<Barrier>);

impl Dataset<u32> for Slow {
    fn load(&self) -> Result<u32, Box<dyn Error + Send + Sync>> {
        self.0.wait();
        Ok(7)
    }

    fn save(&self, _: &u32) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

#[test]
fn node_that_waits_for_anothers_load_is_told_of_each_input_once() {
    let log = Log::default();
    // Each reads two datasets, of which it is the first to want one, so that it
    // comes to wait for the other while that is being loaded.
    let both = Arc::new(Barrier::new(2));
    let (a, b) = (Data::<u32>::memory("a"), Data::<u32>::memory("b"));
    let catalog =
        Catalog::builder().dataset(&a, Slow(both.clone())).dataset(&b, Slow(both)).build().unwrap();
    let add = |a: &u32, b: &u32| a + b;
    let pipeline = Pipeline::new([
        node(add).reads((a.clone(), b.clone())).writes(SUM).named("ab"),
        node(add).reads((b, a)).writes(OUT).named("ba"),
    ])
    .unwrap();
    with_thread_runner(2, |runner| {
        for _ in 0..20 {
            let seen = log.clone();
            let hook = Each(move |told: Told| {
                if let (Some(node), Some(dataset)) = (told.node, told.dataset) {
                    seen.say(format!("{node}: {} {dataset}", told.method));
                }
                Ok(())
            });
            let options = RunOptions::new().hooks(hook);
            runner.run(&pipeline, &catalog, options).unwrap();
            let told = log.take();
            for (node, reads) in [("ab", ["a", "b"]), ("ba", ["b", "a"])] {
                let expected = reads.iter().flat_map(|dataset| {
                    ["before", "after"]
                        .map(|when| format!("{node}: {when}_dataset_loaded {dataset}"))
                });
                let is_its = |line: &&String| line.starts_with(node) && line.contains("loaded");
                let its: Vec<_> = told.iter().filter(is_its).cloned().collect();
                assert_eq!(its, expected.collect::<Vec<_>>());
            }
        }
    });
}

#[test]
fn hundred_runs_at_once_tell_each_hook_of_its_own_run() {
    let pool = Executor::builder().num_threads(4).build().unwrap();
    let runner = ThreadRunner::new(&pool);
    let copy = |at: usize| {
        let named = |at: usize| Data::<u32>::memory("step").named(format!("s{at}"));
        node(|n: &u32| *n).reads(named(at)).writes(named(at + 1)).named(format!("copy_{at}"))
    };
    let pipeline = Pipeline::new((0..10).map(copy)).unwrap();
    let start = Data::<u32>::memory("s0");
    let catalog = Catalog::builder().value(&start, 1).build().unwrap();
    std::thread::scope(|threads| {
        for run in 0..100 {
            let (runner, pipeline, catalog) = (&runner, &pipeline, &catalog);
            threads.spawn(move || {
                let log = Log::default();
                let seen = log.clone();
                let own = format!("run_{run}");
                let id = own.clone();
                let hook = Each(move |told: Told| {
                    assert_eq!(told.run_id, own);
                    seen.say(told.summary());
                    Ok(())
                });
                let options = RunOptions::new().run_id(id).hooks(hook);
                runner.run(pipeline, catalog, options).unwrap();
                assert_eq!(log.take().len(), 3 + 10 * 6);
            });
        }
    });
}

#[test]
fn chunks_that_go_to_a_file_are_told_one_by_one_and_others_as_a_whole() {
    struct Count(Log);
    impl Hooks for Count {
        fn after_dataset_saved(&self, call: &AfterDatasetSaved<'_>) -> HookResult {
            let rows = call.value.downcast::<[u32]>().map(<[u32]>::len);
            self.0.say(format!("{} {rows:?}", call.dataset));
            Ok(())
        }
    }
    let stored = || Data::<[u32]>::records("stored");
    let kept = || Data::<[u32]>::records("kept");
    let yields = |stored: &mut Chunks<[u32]>, kept: &mut Chunks<[u32]>| -> Result<(), ChunkError> {
        for chunk in [vec![1], vec![2, 3]] {
            stored.push(chunk.clone())?;
            kept.push(chunk)?;
        }
        Ok(())
    };
    let yields = node(yields).reads(()).yields((stored(), kept())).named("yields");
    let pipeline = Pipeline::new([yields]).unwrap();
    let folder = Folder::new();
    let file = FileDataset::json_lines(folder.path("stored.jsonl"));
    let catalog = Catalog::builder().file("stored", file).build().unwrap();
    let log = Log::default();
    with_each_runner(|runner| {
        let options = RunOptions::new().hooks(Count(log.clone()));
        let mut report = runner.run(&pipeline, &catalog, options).unwrap();
        assert_eq!(log.take(), ["stored Some(1)", "stored Some(2)", "kept Some(3)"]);
        assert_eq!(report.take_output(&kept()), Some(vec![1, 2, 3]));
        // A hook that will not have a chunk fails the node, and nothing is stored.
        std::fs::remove_file(folder.path("stored.jsonl")).unwrap();
        let forbid = Each(|told: Told| match told.method {
            "before_dataset_saved" => Err("not this one".into()),
            _ => Ok(()),
        });
        let error = runner.run(&pipeline, &catalog, RunOptions::new().hooks(forbid)).unwrap_err();
        let failure = error.failures().next().unwrap();
        assert!(failure.is_hook(), "{failure}");
        assert!(folder.names().is_empty(), "{:?}", folder.names());
    });
}
