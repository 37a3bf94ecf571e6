//! Nodes that confirm what was read: once, when all that was made of it is saved.

#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::error::Error;
use std::sync::{Arc, Mutex};

use entourage::{
    Catalog, Chunks, Data, Dataset, Fate, Namespace, Node, Pipeline, RunOptions, Selection, node,
};
use pipelines::{told, with_each_runner};

type BoxError = Box<dyn Error + Send + Sync>;

const QUEUE: Data<u64> = Data::memory("queue");
const MIDDLE: Data<u64> = Data::memory("middle");
const RESULT: Data<u64> = Data::memory("result");
const SECOND: Data<u64> = Data::memory("second");

/// What was done to the datasets, in order.
type Deeds = Arc<Mutex<Vec<String>>>;

/// Storage that notes what is done to it.
struct Noted {
    name: &'static str,
    deeds: Deeds,
    fails: Option<&'static str>,
}

impl Noted {
    fn note(&self, deed: &str) -> Result<(), BoxError> {
        self.deeds.lock().unwrap().push(format!("{deed} {}", self.name));
        match self.fails {
            Some(fails) if fails == deed => Err(format!("no {deed}").into()),
            Some("panic") if deed == "confirm" => panic!("no {deed} at all"),
            _ => Ok(()),
        }
    }
}

impl Dataset<u64> for Noted {
    fn load(&self) -> Result<u64, BoxError> {
        self.note("load").map(|()| 1)
    }

    fn save(&self, _: &u64) -> Result<(), BoxError> {
        self.note("save")
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }

    fn confirm(&self) -> Result<(), BoxError> {
        self.note("confirm")
    }
}

fn catalog(deeds: &Deeds, fails: &[(&'static str, &'static str)]) -> Catalog {
    let noted = |name: &'static str| {
        let fails = fails.iter().find(|(of, _)| *of == name).map(|(_, fails)| *fails);
        Noted { name, deeds: deeds.clone(), fails }
    };
    Catalog::builder()
        .dataset(&QUEUE, noted("queue"))
        .dataset(&RESULT, noted("result"))
        .dataset(&SECOND, noted("second"))
        .dataset(&Data::<u64>::memory("elsewhere"), noted("elsewhere"))
        .build()
        .unwrap()
}

fn read() -> Node {
    node(|queue: &u64| *queue).reads(QUEUE).writes(MIDDLE).named("read")
}

fn write() -> Node {
    node(|middle: &u64| (*middle, *middle)).reads(MIDDLE).writes((RESULT, SECOND)).named("write")
}

#[test]
fn node_confirms_once_after_all_of_its_saves() {
    with_each_runner(|runner| {
        let deeds = Deeds::default();
        let write = write().confirms("queue").confirms("elsewhere").confirms("queue");
        let pipeline = Pipeline::new([write, read()]).unwrap();
        runner.run(&pipeline, &catalog(&deeds, &[]), RunOptions::new()).unwrap();
        let expected =
            ["load queue", "save result", "save second", "confirm queue", "confirm elsewhere"];
        assert_eq!(*deeds.lock().unwrap(), expected);
    });
}

#[test]
fn node_that_yields_chunks_confirms_after_the_last_of_them() {
    const ROWS: Data<[u64]> = Data::records("rows");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    struct Looks(std::path::PathBuf);
    impl Dataset<u64> for Looks {
        fn load(&self) -> Result<u64, BoxError> {
            Ok(3)
        }
        fn save(&self, _: &u64) -> Result<(), BoxError> {
            Ok(())
        }
        fn exists(&self) -> Result<bool, BoxError> {
            Ok(true)
        }
        fn confirm(&self) -> Result<(), BoxError> {
            assert_eq!(std::fs::read_to_string(&self.0)?, "0\n1\n2\n");
            Err("seen".into())
        }
    }
    let make = |queue: &u64, rows: &mut Chunks<[u64]>| {
        for number in 0..*queue {
            rows.push(vec![number])?;
        }
        Ok::<(), BoxError>(())
    };
    let make = node(make).reads(QUEUE).yields(ROWS).named("make").confirms("queue");
    let pipeline = Pipeline::new([make]).unwrap();
    let catalog = Catalog::builder()
        .dataset(&QUEUE, Looks(path.clone()))
        .file("rows", entourage::FileDataset::json_lines(path))
        .build()
        .unwrap();
    with_each_runner(|runner| {
        let error = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
        assert_eq!(told(error), "node `make` failed: confirming dataset `queue`: seen");
    });
}

#[test]
fn node_that_fails_confirms_nothing() {
    with_each_runner(|runner| {
        for fails in ["result", "second"] {
            let deeds = Deeds::default();
            let pipeline = Pipeline::new([read(), write().confirms("queue")]).unwrap();
            let catalog = catalog(&deeds, &[(fails, "save")]);
            runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
            assert!(!deeds.lock().unwrap().contains(&"confirm queue".to_owned()));
        }
        let deeds = Deeds::default();
        let fail = node(|_: &u64| Err::<u64, _>("no")).reads(QUEUE).writes(RESULT).named("fail");
        let pipeline = Pipeline::new([fail.confirms("queue")]).unwrap();
        runner.run(&pipeline, &catalog(&deeds, &[]), RunOptions::new()).unwrap_err();
        assert_eq!(*deeds.lock().unwrap(), ["load queue"]);
    });
}

#[test]
fn confirm_that_fails_or_panics_is_the_nodes_failure() {
    with_each_runner(|runner| {
        for (fails, expected) in [
            ("confirm", "node `read` failed: confirming dataset `queue`: no confirm"),
            ("panic", "no confirm at all"),
        ] {
            let deeds = Deeds::default();
            let after = node(|_: &u64| ()).reads(MIDDLE).writes(()).named("after");
            let pipeline = Pipeline::new([read().confirms("queue"), after]).unwrap();
            let catalog = catalog(&deeds, &[("queue", fails)]);
            let error =
                runner.run(&pipeline, &catalog, RunOptions::new().keep_going()).unwrap_err();
            let failure = error.failures().next().unwrap();
            assert_eq!(failure.is_confirm(), fails == "confirm");
            assert!(failure.to_string().ends_with(expected), "{failure}");
            let fate = &error.report().unwrap().node("after").unwrap().fate;
            assert!(matches!(fate, Fate::Skipped { .. }));
        }
    });
}

#[test]
fn two_nodes_that_confirm_one_dataset_are_a_build_error() {
    let error = Pipeline::new([read().confirms("queue"), write().confirms("queue")]).unwrap_err();
    assert_eq!(error.problems(), ["dataset `queue` is confirmed by two nodes, `read` and `write`"]);
    let error = Pipeline::new([read().confirms("a queue")]).unwrap_err();
    assert!(error.problems()[0].starts_with("dataset `a queue`: only letters"), "{error}");
}

#[test]
fn dataset_that_is_confirmed_and_not_in_the_catalog_is_told_of_before_the_run() {
    let nodes = [read().confirms("queues"), write().confirms("middle")];
    let pipeline = Pipeline::new(nodes).unwrap();
    with_each_runner(|runner| {
        let deeds = Deeds::default();
        let error = runner.run(&pipeline, &catalog(&deeds, &[]), RunOptions::new()).unwrap_err();
        // In the order of the nodes.
        let expected = [
            "dataset `queues`, which node `read` confirms, is not in the catalog; did you mean `queue`?",
            "dataset `middle`, which node `write` confirms, is not in the catalog",
        ];
        assert_eq!(error.problems(), expected);
        assert!(deeds.lock().unwrap().is_empty());
    });
}

#[test]
fn dataset_that_is_only_confirmed_is_used() {
    let deeds = Deeds::default();
    let pipeline = Pipeline::new([read(), write().confirms("elsewhere")]).unwrap();
    let options = RunOptions::new().deny_unused();
    options.check(&pipeline, &catalog(&deeds, &[])).unwrap();
    let without = Pipeline::new([read(), write()]).unwrap();
    assert!(options.check(&without, &catalog(&deeds, &[])).is_err());
}

#[test]
fn what_a_node_confirms_is_named_anew_in_a_namespace_and_kept_in_sums_and_parts() {
    let whole = Pipeline::new([read(), write().confirms("queue").confirms("elsewhere")]).unwrap();
    let confirmed = |pipeline: &Pipeline| {
        let of_all = pipeline.nodes().flat_map(|node| node.confirms().map(str::to_owned));
        of_all.collect::<Vec<_>>()
    };
    assert_eq!(confirmed(&whole.namespace("ns").unwrap()), ["ns.queue", "ns.elsewhere"]);
    let mapped = Namespace::new("ns").input("queue", "own");
    assert_eq!(confirmed(&whole.namespace(mapped).unwrap()), ["own", "ns.elsewhere"]);
    assert_eq!(confirmed(&(&whole + &whole).unwrap()), ["queue", "elsewhere"]);
    let part = whole.select(&Selection::new().nodes(["write"])).unwrap();
    assert_eq!(confirmed(&part), ["queue", "elsewhere"]);
}
