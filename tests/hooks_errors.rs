//! What becomes of a hook's own error, or panic.

#![cfg(feature = "pipeline")]

#[path = "support/hooks.rs"]
mod hooks;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::fmt;

use entourage::hooks::{BeforeNodeRun, HookError, HookResult};
use entourage::{Catalog, Data, Dataset, Fate, Hooks, Pipeline, RunError, RunOptions, node};
use hooks::{Each, Log, Told};
use pipelines::{Runner, with_each_runner};

const IN: Data<u32> = Data::memory("in");
const OUT: Data<u32> = Data::memory("out");
const LAST: Data<u32> = Data::memory("last");

/// An error that can be told from others.
#[derive(Debug, PartialEq)]
struct Mine(u32);

impl fmt::Display for Mine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mine is {}", self.0)
    }
}

impl Error for Mine {}

#[derive(Clone, Copy, Debug)]
enum How {
    Error,
    Panic,
}

/// Fails in one method.
fn fails(at: &'static str, how: How) -> impl Hooks {
    Each(move |told: Told| match how {
        _ if told.method != at => Ok(()),
        How::Error => Err(Mine(3).into()),
        How::Panic => panic!("mine is {}", 3),
    })
}

/// A store whose loads, or saves, or neither fail.
struct Store {
    fails_to_load: bool,
    fails_to_save: bool,
}

impl Dataset<u32> for Store {
    fn load(&self) -> Result<u32, Box<dyn Error + Send + Sync>> {
        if self.fails_to_load { Err("worn out".into()) } else { Ok(7) }
    }

    fn save(&self, _: &u32) -> Result<(), Box<dyn Error + Send + Sync>> {
        if self.fails_to_save { Err("full".into()) } else { Ok(()) }
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(true)
    }
}

fn catalog(fails_to_load: bool, fails_to_save: bool) -> Catalog {
    let store = || Store { fails_to_load, fails_to_save };
    Catalog::builder().dataset(&IN, store()).dataset(&OUT, store()).build().unwrap()
}

fn pipeline(is_failing: bool) -> Pipeline {
    let copy = move |n: &u32| if is_failing { Err("no") } else { Ok(*n) };
    let first = node(copy).reads(IN).writes(OUT).named("first");
    let second = node(|n: &u32| *n).reads(OUT).writes(LAST).named("second");
    Pipeline::new([first, second]).unwrap()
}

fn check_hook_error(error: &HookError, method: &str, how: How) {
    assert_eq!((error.hook(), error.method()), ("each", method));
    assert!(error.to_string().contains("`each`") && error.to_string().contains(method), "{error}");
    assert!(error.to_string().contains("mine is 3"), "{error}");
    match how {
        How::Error => {
            assert!(!error.is_panic() && error.place().is_none());
            assert_eq!(error.source().unwrap().downcast_ref(), Some(&Mine(3)));
        }
        How::Panic => {
            assert!(error.is_panic() && error.source().is_none());
            assert!(error.place().unwrap().file().ends_with("hooks_errors.rs"));
            assert!(error.to_string().contains("on thread `"), "{error}");
        }
    }
}

/// Runs with a hook that fails at `method`, by an error and by a panic.
fn with_failing_hook(
    method: &'static str,
    mut run: impl FnMut(&dyn Runner, RunOptions) -> RunError,
    mut check: impl FnMut(&RunError, How),
) {
    with_each_runner(|runner| {
        for how in [How::Error, How::Panic] {
            let error = run(runner, RunOptions::new().hooks(fails(method, how)));
            check(&error, how);
            // The pool is as usable as before.
            runner.run(&pipeline(false), &catalog(false, false), RunOptions::new()).unwrap();
        }
    });
}

#[test]
fn hook_of_a_node_fails_that_node_and_is_named() {
    for method in [
        "before_dataset_loaded",
        "after_dataset_loaded",
        "before_node_run",
        "after_node_run",
        "before_dataset_saved",
        "after_dataset_saved",
    ] {
        let run = |runner: &dyn Runner, options: RunOptions| {
            runner.run(&pipeline(false), &catalog(false, false), options).unwrap_err()
        };
        with_failing_hook(method, run, |error, how| {
            assert!(!error.is_hook() && !error.is_refused());
            let [failure] = error.failures().collect::<Vec<_>>()[..] else { panic!("{error}") };
            assert_eq!(failure.node(), "first");
            assert!(failure.is_hook() && !failure.is_panic() && !failure.is_error());
            let hook = failure.source().unwrap().downcast_ref::<HookError>().unwrap();
            check_hook_error(hook, method, how);
            assert_eq!(failure.place(), hook.place());
            assert_eq!(failure.to_string(), format!("node `first` failed: {hook}"));
            let report = error.report().unwrap();
            let second = report.node("second").unwrap().fate;
            assert!(matches!(second, Fate::Skipped { by: "first" }), "{second}");
            assert_eq!(report.output_names().count(), 0);
        });
    }
}

#[test]
fn failing_hook_is_told_as_the_nodes_error_and_to_no_further_hook() {
    let log = Log::default();
    with_each_runner(|runner| {
        let options =
            RunOptions::new().hooks(log.hook()).hooks(fails("before_node_run", How::Error));
        runner.run(&pipeline(false), &catalog(false, false), options).unwrap_err();
        let expected = [
            "after_catalog_created",
            "before_pipeline_run",
            "before_dataset_loaded in",
            "after_dataset_loaded in",
            "on_node_error first",
            "on_pipeline_error",
        ];
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn error_of_a_hook_that_is_told_of_an_error_hides_nothing() {
    let cases = [
        ("on_node_error", pipeline(true), catalog(false, false), "no"),
        ("on_dataset_load_error", pipeline(false), catalog(true, false), "worn out"),
        ("on_dataset_save_error", pipeline(false), catalog(false, true), "full"),
    ];
    for (method, pipeline, catalog, first) in cases {
        let run = |runner: &dyn Runner, options: RunOptions| {
            runner.run(&pipeline, &catalog, options).unwrap_err()
        };
        with_failing_hook(method, run, |error, how| {
            let [failure] = error.failures().collect::<Vec<_>>()[..] else { panic!("{error}") };
            assert!(!failure.is_hook() && !failure.is_panic());
            let [hook] = failure.hook_errors() else { panic!("{failure}") };
            check_hook_error(hook, method, how);
            let told = failure.to_string();
            assert!(told.contains(&format!(": {first}; besides, {hook}")), "{told}");
            assert!(error.to_string().contains(&told), "{error}");
        });
    }
}

#[test]
fn hooks_that_are_told_of_an_error_are_all_called_whatever_one_of_them_does() {
    let log = Log::default();
    with_each_runner(|runner| {
        let options = RunOptions::new()
            .hooks(log.hook())
            .hooks(fails("on_node_error", How::Panic))
            .hooks(log.hook())
            .hooks(fails("on_node_error", How::Error))
            .hooks(fails("on_pipeline_error", How::Error))
            .hooks(log.hook());
        let error = runner.run(&pipeline(true), &catalog(false, false), options).unwrap_err();
        assert_eq!(error.failures().next().unwrap().hook_errors().len(), 2);
        assert_eq!(error.hook_errors().len(), 1);
        let told = log.take();
        let count = |what: &str| told.iter().filter(|line| *line == what).count();
        assert_eq!((count("on_node_error first"), count("on_pipeline_error")), (3, 3));
    });
}

#[test]
fn hook_before_the_run_ends_it_before_the_first_node() {
    for method in ["after_catalog_created", "before_pipeline_run"] {
        let log = Log::default();
        let run = |runner: &dyn Runner, options: RunOptions| {
            let options = options.hooks(log.hook());
            runner.run(&pipeline(false), &catalog(false, false), options).unwrap_err()
        };
        with_failing_hook(method, run, |error, how| {
            assert!(error.is_hook() && !error.is_refused() && error.report().is_none());
            let [hook] = error.hook_errors() else { panic!("{error}") };
            check_hook_error(hook, method, how);
            assert!(error.source().unwrap().is::<HookError>());
            assert_eq!(error.to_string(), format!("the run was not started:\n  - {hook}"));
            assert_eq!(log.take().last().unwrap(), "on_pipeline_error");
        });
    }
}

#[test]
fn hook_after_the_run_spoils_it_and_leaves_its_outputs() {
    let run = |runner: &dyn Runner, options: RunOptions| {
        runner.run(&pipeline(false), &catalog(false, false), options).unwrap_err()
    };
    with_failing_hook("after_pipeline_run", run, |error, how| {
        assert!(error.is_hook() && error.failures().count() == 0);
        check_hook_error(&error.hook_errors()[0], "after_pipeline_run", how);
        assert_eq!(error.report().unwrap().output(&LAST).as_deref(), Some(&7));
        assert!(error.to_string().contains("2 done, 0 failed"), "{error}");
    });
}

#[test]
fn hook_that_is_told_of_the_runs_error_hides_nothing() {
    let run = |runner: &dyn Runner, options: RunOptions| {
        runner.run(&pipeline(true), &catalog(false, false), options).unwrap_err()
    };
    with_failing_hook("on_pipeline_error", run, |error, how| {
        assert!(!error.is_hook());
        assert_eq!(error.failures().count(), 1);
        check_hook_error(&error.hook_errors()[0], "on_pipeline_error", how);
        assert!(error.to_string().contains("mine is 3"), "{error}");
    });
    let run = |runner: &dyn Runner, options: RunOptions| {
        runner.run(&pipeline(false), &Catalog::empty(), options).unwrap_err()
    };
    with_failing_hook("on_pipeline_error", run, |error, _| {
        assert!(error.is_refused() && error.problems().len() == 1);
        assert!(error.to_string().contains("mine is 3"), "{error}");
    });
}

#[test]
fn load_that_a_hook_of_one_node_forbids_is_made_for_the_others() {
    let forbid = Each(|told: Told| {
        let is_it = told.method == "before_dataset_loaded" && told.node.as_deref() == Some("a");
        if is_it { Err("not for you".into()) } else { Ok(()) }
    });
    let hooks = std::sync::Arc::new(forbid);
    let read = |name: &'static str| {
        let out = Data::<u32>::memory("out").named(format!("of_{name}"));
        node(|n: &u32| *n).reads(IN).writes(out).named(name)
    };
    let pipeline = Pipeline::new(["a", "b", "c"].map(read)).unwrap();
    with_each_runner(|runner| {
        for _ in 0..20 {
            let options = RunOptions::new().keep_going().hooks(hooks.clone());
            let error = runner.run(&pipeline, &catalog(false, false), options).unwrap_err();
            let report = error.report().unwrap();
            let fates: Vec<_> = report.nodes().map(|node| node.fate.to_string()).collect();
            assert_eq!(fates, ["failed", "done", "done"], "{error}");
        }
    });
}

#[test]
fn hook_is_called_by_its_type_unless_it_has_a_name() {
    struct Careful;
    impl Hooks for Careful {
        fn before_node_run(&self, _: &mut BeforeNodeRun<'_>) -> HookResult {
            Err("no".into())
        }
    }
    struct Nameless;
    impl Hooks for Nameless {
        fn name(&self) -> &str {
            panic!("who am I?")
        }

        fn before_node_run(&self, _: &mut BeforeNodeRun<'_>) -> HookResult {
            Err("no".into())
        }
    }
    with_each_runner(|runner| {
        let run = |options: RunOptions| {
            let error = runner.run(&pipeline(false), &catalog(false, false), options).unwrap_err();
            error.to_string()
        };
        let told = run(RunOptions::new().hooks(Careful));
        assert!(told.contains("::Careful` failed in `before_node_run`: no"), "{told}");
        let told = run(RunOptions::new().hooks(Nameless));
        assert!(told.contains("failed in `before_node_run`: no"), "{told}");
    });
}
