//! What hooks may change: a node's inputs, and what a run is bound to.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;

use entourage::hooks::{
    AfterCatalogCreated, AfterDatasetLoaded, AfterNodeRun, BeforeNodeRun, BeforePipelineRun,
    HookResult, Mismatch,
};
use entourage::{Catalog, Data, FileDataset, Hooks, Pipeline, RunOptions, node};
use pipelines::{Folder, with_each_runner};

const IN: Data<u32> = Data::memory("in");
const WORDS: Data<[String]> = Data::memory("words");
const OUT: Data<u32> = Data::value("out");
const OTHER: Data<u32> = Data::memory("other");

/// Calls a function before each node.
struct Before<F>(F);

impl<F> Hooks for Before<F>
where
    F: Fn(&mut BeforeNodeRun<'_>) -> HookResult + Send + Sync + 'static,
{
    fn before_node_run(&self, call: &mut BeforeNodeRun<'_>) -> HookResult {
        (self.0)(call)
    }
}

/// Calls a function before the run.
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
fn replaced_input_is_that_nodes_alone_wherever_it_reads_it() {
    let add = |a: &u32, b: &u32| a + b;
    let pipeline = Pipeline::new([
        node(add).reads((IN, IN)).writes(OUT).named("changed"),
        node(add).reads((IN, IN)).writes(OTHER).named("unchanged"),
    ])
    .unwrap();
    let catalog = Catalog::builder().value(&IN, 1).build().unwrap();
    with_each_runner(|runner| {
        let hook = Before(|call: &mut BeforeNodeRun<'_>| {
            if call.node.name() == "changed" {
                call.replace(&IN, 10)?;
                assert_eq!(call.inputs().get(&IN), Some(&10));
            }
            Ok(())
        });
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new().hooks(hook)).unwrap();
        assert_eq!((report.take_output(&OUT), report.take_output(&OTHER)), (Some(20), Some(2)));
    });
}

#[test]
fn later_hooks_see_what_earlier_ones_have_replaced() {
    let pipeline = Pipeline::new([node(|n: &u32| *n).reads(IN).writes(OUT).named("copy")]).unwrap();
    let catalog = Catalog::builder().value(&IN, 1).build().unwrap();
    let double = || {
        Before(|call: &mut BeforeNodeRun<'_>| {
            let n = *call.inputs().get(&IN).unwrap();
            Ok(call.replace(&IN, n * 2)?)
        })
    };
    with_each_runner(|runner| {
        let options = RunOptions::new().hooks(double()).hooks(double()).hooks(double());
        let mut report = runner.run(&pipeline, &catalog, options).unwrap();
        assert_eq!(report.take_output(&OUT), Some(8));
    });
}

#[test]
fn unfit_replacement_is_an_error_that_says_what_there_is() {
    let pipeline = Pipeline::new([node(|n: &u32| *n).reads(IN).writes(OUT).named("copy")]).unwrap();
    let catalog = Catalog::builder().value(&IN, 1).build().unwrap();
    with_each_runner(|runner| {
        let hook = Before(|call: &mut BeforeNodeRun<'_>| {
            let mut told = |data: &Data<u32>| call.replace(data, 1).unwrap_err().to_string();
            assert_eq!(told(&OTHER), "node `copy` does not read `other`, but `in`");
            let text = Data::<str>::memory("in");
            let error: Mismatch = call.replace(&text, String::new()).unwrap_err();
            assert_eq!(error.to_string(), "node `copy` reads `in` as a `u32`, not as a `str`");
            assert_eq!(call.inputs().get(&IN), Some(&1), "nothing is replaced");
            call.replace(&OTHER, 1).map_err(Into::into)
        });
        let error = runner.run(&pipeline, &catalog, RunOptions::new().hooks(hook)).unwrap_err();
        let hook = error.failures().next().unwrap().source().unwrap().source().unwrap();
        assert!(hook.is::<Mismatch>());
    });
}

#[test]
fn values_are_shown_by_name_and_type() {
    struct Look;
    impl Hooks for Look {
        fn after_dataset_loaded(&self, call: &AfterDatasetLoaded<'_>) -> HookResult {
            assert_eq!((call.dataset, call.value.name()), ("words", "words"));
            assert_eq!(call.value.get(&WORDS).unwrap(), ["a", "b"]);
            assert_eq!(call.value.downcast::<[String]>().unwrap().len(), 2);
            assert_eq!(call.value.downcast::<str>(), None);
            assert_eq!(call.value.get(&Data::<[String]>::memory("others")), None);
            assert_eq!(call.value.rows(), Some(2));
            assert!(call.value.type_name().contains("String"));
            assert!(!format!("{call:?}").contains("\"a\""), "values may be secret");
            Ok(())
        }

        fn after_node_run(&self, call: &AfterNodeRun<'_>) -> HookResult {
            assert_eq!(call.inputs.get(&WORDS).unwrap().len(), 2);
            assert_eq!(call.outputs.get(&OUT), Some(&2));
            let names: Vec<_> = call.outputs.iter().map(|value| value.name()).collect();
            assert_eq!(names, ["out"]);
            assert_eq!(call.node.tags().collect::<Vec<_>>(), ["a", "b"]);
            assert_eq!(call.node.inputs().collect::<Vec<_>>(), ["words"]);
            assert_eq!(call.node.outputs().collect::<Vec<_>>(), ["out"]);
            Ok(())
        }
    }
    let count = |words: &[String]| words.len() as u32;
    let count = node(count).reads(WORDS).writes(OUT).named("count").tag("b").tag("a");
    let pipeline = Pipeline::new([count]).unwrap();
    let words = vec!["a".to_owned(), "b".to_owned()];
    let catalog = Catalog::builder().value(&WORDS, words).build().unwrap();
    with_each_runner(|runner| {
        runner.run(&pipeline, &catalog, RunOptions::new().hooks(Look)).unwrap();
    });
}

#[test]
fn unregistered_dataset_comes_back_as_a_free_output_in_that_run_alone() {
    let folder = Folder::new();
    let path = folder.path("out.json");
    let pipeline = Pipeline::new([node(|| 3).reads(()).writes(OUT).named("write")]).unwrap();
    let catalog = Catalog::builder().file("out", FileDataset::json(&path)).build().unwrap();
    with_each_runner(|runner| {
        let hook = Setup(|call: &mut BeforePipelineRun<'_>| Ok(call.setup.unregister("out")?));
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new().hooks(hook)).unwrap();
        assert_eq!(report.take_output(&OUT), Some(3));
        assert!(!path.exists(), "nothing is written");
        assert!(catalog.contains("out"), "the catalog is as it was");
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&OUT), None);
        std::fs::remove_file(&path).unwrap();
    });
}

#[test]
fn unregistered_dataset_between_two_nodes_lives_in_memory() {
    let folder = Folder::new();
    let path = folder.path("out.json");
    let pipeline = Pipeline::new([
        node(|| 3).reads(()).writes(OUT).named("write"),
        node(|n: &u32| n + 1).reads(OUT).writes(OTHER).named("read"),
    ])
    .unwrap();
    let catalog = Catalog::builder().file("out", FileDataset::json(&path)).build().unwrap();
    with_each_runner(|runner| {
        let hook = Setup(|call: &mut BeforePipelineRun<'_>| Ok(call.setup.unregister("out")?));
        let mut report = runner.run(&pipeline, &catalog, RunOptions::new().hooks(hook)).unwrap();
        assert_eq!(report.take_output(&OTHER), Some(4));
        assert_eq!(report.output_names().count(), 0, "it is read by all who would");
        assert!(!path.exists());
    });
}

#[test]
fn unregistered_input_refuses_the_run_as_if_it_had_never_been_bound() {
    let pipeline = Pipeline::new([node(|n: &u32| *n).reads(IN).writes(OUT).named("copy")]).unwrap();
    let catalog = Catalog::builder().value(&IN, 1).build().unwrap();
    with_each_runner(|runner| {
        let hook = Setup(|call: &mut BeforePipelineRun<'_>| Ok(call.setup.unregister("in")?));
        let error = runner.run(&pipeline, &catalog, RunOptions::new().hooks(hook)).unwrap_err();
        assert!(error.is_refused() && error.problems()[0].contains("`in`"), "{error}");
    });
}

#[test]
fn unknown_dataset_cannot_be_unregistered() {
    let pipeline = Pipeline::new([]).unwrap();
    let catalog = Catalog::builder().value(&IN, 1).value(&WORDS, vec![]).build().unwrap();
    with_each_runner(|runner| {
        let hook = Setup(|call: &mut BeforePipelineRun<'_>| {
            let error = call.setup.unregister("wordz").unwrap_err().to_string();
            assert_eq!(error, "dataset `wordz` is not in the catalog; did you mean `words`?");
            call.setup.unregister("in")?;
            assert!(call.setup.unregister("in").is_err(), "it is no longer bound");
            Ok(())
        });
        runner.run(&pipeline, &catalog, RunOptions::new().hooks(hook)).unwrap();
    });
}

#[test]
fn registered_value_is_read_in_that_run_alone_and_checked_like_any_other() {
    struct Register;
    impl Hooks for Register {
        fn after_catalog_created(&self, call: &mut AfterCatalogCreated<'_>) -> HookResult {
            Ok(call.setup.register(&IN, 41)?)
        }
    }
    let pipeline =
        Pipeline::new([node(|n: &u32| n + 1).reads(IN).writes(OUT).named("add")]).unwrap();
    let bound = Catalog::builder().value(&IN, 1).build().unwrap();
    with_each_runner(|runner| {
        for (catalog, without) in [(&Catalog::empty(), None), (&bound, Some(2))] {
            let mut report =
                runner.run(&pipeline, catalog, RunOptions::new().hooks(Register)).unwrap();
            assert_eq!(report.take_output(&OUT), Some(42));
            let report = runner.run(&pipeline, catalog, RunOptions::new());
            assert_eq!(report.ok().and_then(|mut report| report.take_output(&OUT)), without);
        }
        let hook = Setup(|call: &mut BeforePipelineRun<'_>| {
            Ok(call.setup.register(&Data::<str>::memory("in"), "x".into())?)
        });
        let error = runner.run(&pipeline, &bound, RunOptions::new().hooks(hook)).unwrap_err();
        assert!(error.is_refused() && error.problems()[0].contains("`u32`"), "{error}");
    });
}
