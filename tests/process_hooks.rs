//! Hooks of a run whose nodes are in processes: those of nodes are told in the
//! worker, those of the run in the parent.

#![cfg(all(feature = "pipeline", unix))]

#[path = "support/hooks.rs"]
mod hooks;
#[path = "support/processes.rs"]
mod processes;

use std::error::Error;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use entourage::hooks::{BeforeNodeRun, BeforePipelineRun, HookError, HookResult};
use entourage::{
    Catalog, Data, FileDataset, Hooks, NODE, Pipeline, Propagation, Retry, RunOptions, context_key,
    node, serve_worker,
};
use hooks::{Each, Log, Told};
use processes::{Folder, again, again_in, does, number};

context_key! { static BUDGET: u32 = propagate; }

/// Writes every call into a file, from whichever process, and its own.
fn writes_to(path: PathBuf) -> impl Hooks {
    Each(move |told: Told| {
        assert_eq!(NODE.get().map(|node| node.to_string()), told.node);
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        writeln!(file, "{} {}", std::process::id(), told.summary())?;
        Ok(())
    })
}

#[test]
fn hooks_of_nodes_are_told_in_the_worker_and_those_of_the_run_in_the_parent() {
    let folder = Folder::new();
    let path = folder.path("told");
    let copy = |n: &u32| *n;
    let copy = node(copy).reads(number("a_out")).writes(number("copy")).named("b");
    let pipeline = Pipeline::new([does("a", || ()), copy]).unwrap();
    let catalog = Catalog::empty();
    serve_worker(&pipeline, &catalog).hooks(writes_to(path.clone())).if_asked();

    let test = hooks_of_nodes_are_told_in_the_worker_and_those_of_the_run_in_the_parent;
    let runner = again_in(test, folder.tell()).workers(1).build().unwrap();
    let options = RunOptions::new().hooks(writes_to(path.clone()));
    runner.run(&pipeline, &catalog, options).unwrap();
    let told = fs::read_to_string(&path).unwrap();
    let told: Vec<_> = told.lines().map(|line| line.split_once(' ').unwrap()).collect();
    let expected = [
        "after_catalog_created",
        "before_pipeline_run",
        "before_node_run a",
        "after_node_run a",
        "before_dataset_saved a_out",
        "after_dataset_saved a_out",
        "before_dataset_loaded a_out",
        "after_dataset_loaded a_out",
        "before_node_run b",
        "after_node_run b",
        "before_dataset_saved copy",
        "after_dataset_saved copy",
        "after_pipeline_run",
    ];
    assert_eq!(told.iter().map(|(_, call)| *call).collect::<Vec<_>>(), expected);
    let own = std::process::id().to_string();
    for (process, call) in told {
        let is_of_run = call.starts_with("after_catalog") || call.contains("pipeline");
        assert_eq!(process == own, is_of_run, "{call}");
    }
}

#[test]
fn key_that_a_hook_sets_is_seen_by_its_node_in_the_worker() {
    struct Budget;
    impl Hooks for Budget {
        fn before_node_run(&self, call: &mut BeforeNodeRun<'_>) -> HookResult {
            if call.node.name() == "a" {
                call.set(&BUDGET, 10);
            }
            Ok(())
        }
    }
    let ask = || BUDGET.get().unwrap_or(0);
    let nodes = ["a", "b"].map(|name| node(ask).reads(()).writes(number(name)).named(name));
    let (pipeline, catalog) = (Pipeline::new(nodes).unwrap(), Catalog::empty());
    serve_worker(&pipeline, &catalog).hooks(Budget).if_asked();

    let test = key_that_a_hook_sets_is_seen_by_its_node_in_the_worker;
    let runner = again(test).workers(1).build().unwrap();
    let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
    let seen = ["a", "b"].map(|name| report.take_output(&number(name)));
    assert_eq!(seen, [Some(10), Some(0)]);
}

#[test]
fn hook_that_fails_in_the_worker_is_named_in_the_parent() {
    let fails = Each(|told: Told| match (told.method, told.node.as_deref()) {
        ("before_node_run", Some("fails")) => Err("no budget".into()),
        ("after_node_run", Some("panics")) => panic!("too late"),
        ("on_node_error", Some("told")) => Err("no bell".into()),
        _ => Ok(()),
    });
    let told = node(|| Err::<u32, _>("no luck")).reads(()).writes(number("t")).named("told");
    let pipeline = Pipeline::new([does("fails", || ()), does("panics", || ()), told]).unwrap();
    let catalog = Catalog::empty();
    serve_worker(&pipeline, &catalog).hooks(fails).if_asked();

    let test = hook_that_fails_in_the_worker_is_named_in_the_parent;
    let runner = again(test).workers(1).build().unwrap();
    let error = runner.run(&pipeline, &catalog, RunOptions::new().keep_going()).unwrap_err();
    let failures: Vec<_> = error.failures().collect();
    let [fails, panics, told] = failures[..] else { panic!("{error}") };
    let hook = fails.source().unwrap().downcast_ref::<HookError>().unwrap();
    assert_eq!((hook.hook(), hook.method(), hook.is_panic()), ("each", "before_node_run", false));
    assert!(fails.is_hook() && fails.to_string().contains("no budget"), "{fails}");
    let hook = panics.source().unwrap().downcast_ref::<HookError>().unwrap();
    assert_eq!((hook.method(), hook.is_panic()), ("after_node_run", true));
    assert!(hook.place().unwrap().file().ends_with("process_hooks.rs"));
    assert!(told.is_error() && told.to_string().contains("no luck"), "{told}");
    let [bell] = told.hook_errors() else { panic!("{told}") };
    assert!(bell.to_string().contains("no bell"), "{bell}");
}

#[test]
fn node_whose_process_died_is_told_to_the_hooks_of_the_parent() {
    let pipeline = Pipeline::new([does("dies", || std::process::abort())]).unwrap();
    let catalog = Catalog::empty();
    serve_worker(&pipeline, &catalog).if_asked();

    let log = Log::default();
    let runner = again(node_whose_process_died_is_told_to_the_hooks_of_the_parent);
    let runner = runner.workers(1).build().unwrap();
    let error = runner.run(&pipeline, &catalog, RunOptions::new().hooks(log.hook())).unwrap_err();
    assert!(error.failures().next().unwrap().is_died());
    let expected =
        ["after_catalog_created", "before_pipeline_run", "on_node_error dies", "on_pipeline_error"];
    assert_eq!(log.take(), expected);
}

#[test]
fn each_attempt_is_told_with_its_number_whatever_the_run_carries() {
    let folder = Folder::new();
    let (path, tries) = (folder.path("told"), folder.path("tries"));
    let third_time = move || {
        let so_far = fs::read_to_string(&tries).unwrap_or_default();
        fs::write(&tries, format!("{so_far}x")).unwrap();
        if so_far.len() % 3 == 2 { Ok(7) } else { Err("not yet") }
    };
    let third_time = node(third_time).reads(()).writes(number("a")).named("a");
    let pipeline = Pipeline::new([third_time.retry(Retry::new(3))]).unwrap();
    let catalog = Catalog::empty();
    let hook_path = path.clone();
    let hook = Each(move |told: Told| {
        let mut file = OpenOptions::new().create(true).append(true).open(&hook_path)?;
        writeln!(file, "{:?} {}", told.attempt, told.method)?;
        Ok(())
    });
    serve_worker(&pipeline, &catalog).hooks(hook).if_asked();

    let test = each_attempt_is_told_with_its_number_whatever_the_run_carries;
    let runner = again_in(test, folder.tell()).workers(1).build().unwrap();
    for options in [RunOptions::new(), RunOptions::new().propagation(Propagation::off())] {
        runner.run(&pipeline, &catalog, options).unwrap();
        let told = fs::read_to_string(&path).unwrap();
        let expected = [
            "Some(1) before_node_run",
            "Some(1) on_node_error",
            "Some(2) before_node_run",
            "Some(2) on_node_error",
            "Some(3) before_node_run",
            "Some(3) after_node_run",
            "Some(3) before_dataset_saved",
            "Some(3) after_dataset_saved",
        ];
        assert_eq!(told.lines().collect::<Vec<_>>(), expected);
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn node_that_took_too_long_is_told_to_the_hooks_of_the_parent() {
    let stays = || std::thread::sleep(Duration::MAX);
    let nodes = [does("stays", stays).timeout(Duration::from_millis(100))];
    let (pipeline, catalog) = (Pipeline::new(nodes).unwrap(), Catalog::empty());
    serve_worker(&pipeline, &catalog).if_asked();

    let log = Log::default();
    let runner = again(node_that_took_too_long_is_told_to_the_hooks_of_the_parent);
    let runner = runner.workers(1).build().unwrap();
    let error = runner.run(&pipeline, &catalog, RunOptions::new().hooks(log.hook())).unwrap_err();
    assert!(error.failures().next().unwrap().is_timeout(), "{error}");
    let expected = [
        "after_catalog_created",
        "before_pipeline_run",
        "on_node_error stays",
        "on_pipeline_error",
    ];
    assert_eq!(log.take(), expected);
}

/// Changes what the run is bound to.
struct Setup<F>(F);

impl<F> Hooks for Setup<F>
where
    F: Fn(&mut BeforePipelineRun<'_>) -> HookResult + Send + Sync + 'static,
{
    fn before_pipeline_run(&self, call: &mut BeforePipelineRun<'_>) -> HookResult {
        (self.0)(call)
    }
}

#[test]
fn unregistered_dataset_comes_back_from_the_worker_and_a_registered_value_is_refused() {
    let folder = Folder::new();
    let path = folder.path("out.json");
    let out: Data<u32> = number("a_out");
    let pipeline = Pipeline::new([does("a", || ())]).unwrap();
    let catalog = Catalog::builder().file("a_out", FileDataset::json(&path)).build().unwrap();
    serve_worker(&pipeline, &catalog).if_asked();

    let test = unregistered_dataset_comes_back_from_the_worker_and_a_registered_value_is_refused;
    let runner = again_in(test, folder.tell()).workers(1).build().unwrap();
    let hook = Setup(|call: &mut BeforePipelineRun<'_>| Ok(call.setup.unregister("a_out")?));
    let mut report = runner.run(&pipeline, &catalog, RunOptions::new().hooks(hook)).unwrap();
    assert_eq!(report.take_output(&out), Some(7));
    assert!(!path.exists());
    let register = move |call: &mut BeforePipelineRun<'_>| {
        Ok(call.setup.register(&Data::<u32>::memory("other"), 1)?)
    };
    let options = RunOptions::new().hooks(Setup(register));
    let error = runner.run(&pipeline, &catalog, options).unwrap_err();
    assert!(error.is_refused() && error.problems()[0].contains("`other`"), "{error}");
}
