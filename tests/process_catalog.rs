//! Nodes in processes of their own find the datasets that their run means: the
//! same version, and what a pattern makes of a name.

#![cfg(all(feature = "pipeline", unix))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/processes.rs"]
mod processes;

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use entourage::{Catalog, Data, FileDataset, Pipeline, RunOptions, node, serve_worker};
use processes::{Folder, again_in};

const FROM: Data<str> = Data::text("from");
const TEXT: Data<str> = Data::text("text");
const LENGTH: Data<usize> = Data::value("length");

fn pipeline() -> Pipeline {
    Pipeline::new([
        node(|from: &str| from.repeat(2)).reads(FROM).writes(TEXT).named("double"),
        node(|text: &str| text.len()).reads(TEXT).writes(LENGTH).named("measure"),
    ])
    .unwrap()
}

#[test]
fn worker_loads_the_version_that_another_worker_of_its_run_saved() {
    let folder = Folder::new();
    let file = |name: &str| FileDataset::text(folder.path(name)).versioned();
    let catalog = Catalog::builder().file("from", file("from.txt")).file("text", file("text.txt"));
    let catalog = catalog.build().unwrap();
    serve_worker(&pipeline(), &catalog).if_asked();

    for (name, version, content) in
        [("from.txt", "v1", "ab"), ("from.txt", "v2", "abc"), ("text.txt", "zzz", "of another run")]
    {
        let folder = folder.path(name).join(version);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), content).unwrap();
    }
    let test = worker_loads_the_version_that_another_worker_of_its_run_saved;
    let runner = again_in(test, folder.tell()).workers(2).build().unwrap();
    let run = |options| {
        let mut report = runner.run(&pipeline(), &catalog, options).unwrap();
        report.take_output(&LENGTH)
    };
    assert_eq!(run(RunOptions::new()), Some(6));
    let options = RunOptions::new().save_version("mine").load_version("from", "v1");
    assert_eq!(run(options), Some(4));
    assert_eq!(fs::read_to_string(folder.path("text.txt/mine/text.txt")).unwrap(), "abab");
}

#[test]
fn worker_resolves_names_by_the_patterns_of_its_catalog() {
    let folder = Folder::new();
    let yaml = "'{name}': {type: text, path: '${data}/{name}.txt'}\nlength: {type: json, path: '${data}/n'}\n";
    let catalog = Catalog::builder()
        .yaml_text("catalog.yml", yaml)
        .variable("data", folder.path("").display().to_string())
        .build()
        .unwrap();
    serve_worker(&pipeline(), &catalog).if_asked();

    fs::write(folder.path("from.txt"), "ab").unwrap();
    let test = worker_resolves_names_by_the_patterns_of_its_catalog;
    let runner = again_in(test, folder.tell()).workers(2).build().unwrap();
    let report = runner.run(&pipeline(), &catalog, RunOptions::new()).unwrap();
    assert_eq!(*report.load(&LENGTH).unwrap(), 4);
    assert_eq!(fs::read_to_string(folder.path("text.txt")).unwrap(), "abab");
}

#[test]
fn worker_keeps_nothing_of_a_run_for_the_next() {
    const A: Data<String> = Data::value("a");
    let folder = Folder::new();
    let file = FileDataset::json(folder.path("a.json"));
    let catalog = Catalog::builder().file("a", file).cached("a").build().unwrap();
    // Each reader waits for the other, so that each is in a process of its own.
    let reader = |name: &'static str, other: &'static str| {
        let path = |what: String| folder.path(&what);
        let (own, other) = (path(format!("{name}-in-")), path(format!("{other}-in-")));
        let reads = move |a: &String| {
            let of = |path: &std::path::Path| format!("{}{a}", path.display());
            fs::write(of(&own), "").unwrap();
            // Bounded, so that a defect fails.
            let begin = Instant::now();
            while !fs::exists(of(&other)).unwrap() && begin.elapsed() < Duration::from_secs(5) {
                std::thread::yield_now();
            }
            a.clone()
        };
        node(reads).reads(A).writes(Data::<String>::value("x").named(name)).named(name)
    };
    let writes = || entourage::RUN_ID.get().map(|run| run.to_string()).ok_or("no run");
    let writes = node(writes).reads(()).writes(A).named("writes");
    let nodes = Pipeline::new([writes, reader("b", "c"), reader("c", "b")]).unwrap();
    serve_worker(&nodes, &catalog).if_asked();

    let test = worker_keeps_nothing_of_a_run_for_the_next;
    let runner = again_in(test, folder.tell()).workers(2).build().unwrap();
    for run in ["r1", "r2", "r3"] {
        let report = runner.run(&nodes, &catalog, RunOptions::new().run_id(run)).unwrap();
        let read = |name: &'static str| {
            report.output(&Data::<String>::value("x").named(name)).unwrap().to_string()
        };
        assert_eq!(BTreeSet::from([read("b"), read("c")]), BTreeSet::from([run.to_owned()]));
        // Nor does this process.
        assert_eq!(*catalog.load(&A).unwrap(), run);
    }
}

const FACTOR: Data<usize> = Data::parameter("factor");

fn repeats() -> Pipeline {
    let repeat = |from: &str, factor: &usize| from.len() * factor;
    Pipeline::new([node(repeat).reads((FROM, FACTOR)).writes(LENGTH).named("repeat")]).unwrap()
}

#[test]
fn parameters_are_those_of_the_run_and_not_of_the_workers_own_catalog() {
    let folder = Folder::new();
    let with = |factor: usize| {
        let from = FileDataset::text(folder.path("from.txt"));
        Catalog::builder().file("from", from).parameter(&FACTOR, factor).build().unwrap()
    };
    // In each worker.
    serve_worker(&repeats(), &with(10)).if_asked();

    fs::write(folder.path("from.txt"), "abc").unwrap();
    let test = parameters_are_those_of_the_run_and_not_of_the_workers_own_catalog;
    let runner = again_in(test, folder.tell()).workers(1).build().unwrap();
    for factor in [7, 8] {
        let run = runner.run(&repeats(), &with(factor), RunOptions::new());
        assert_eq!(run.unwrap().take_output(&LENGTH), Some(3 * factor));
    }
}
