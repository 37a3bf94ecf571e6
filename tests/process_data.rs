//! What passes between nodes in processes of their own, and how.

#![cfg(all(feature = "pipeline", unix))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/processes.rs"]
mod processes;

use std::error::Error;
use std::fs;
use std::sync::Mutex;

use entourage::{
    Catalog, Data, Dataset, FileDataset, Node, Pipeline, ProcessRunner, RunOptions, node,
    serve_worker,
};
use processes::{Folder, again, again_in, number};
use serde::{Deserialize, Serialize};

type BoxError = Box<dyn Error + Send + Sync>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flight {
    carrier: String,
    delay: Option<f64>,
}

const TOP: Data<u32> = Data::parameter("top");
const FLIGHTS: Data<[Flight]> = Data::records("flights");
const TEXT: Data<str> = Data::text("text");
const BYTES: Data<[u8]> = Data::bytes("bytes");
const SUMMARY: Data<(usize, String)> = Data::value("summary");
const MEMORY: Data<u32> = Data::memory("memory");

fn flights(top: &u32) -> Vec<Flight> {
    let flight =
        |n| Flight { carrier: format!("C{n}"), delay: (n != 1).then_some(0.1 + f64::from(n)) };
    (0..*top).map(flight).collect()
}

fn write_text(flights: &[Flight]) -> String {
    flights.iter().map(|flight| &*flight.carrier).collect::<Vec<_>>().join(" ")
}

fn to_bytes(text: &str) -> Vec<u8> {
    text.bytes().rev().collect()
}

fn summarise(flights: &[Flight], bytes: &[u8]) -> (usize, String) {
    (flights.len(), String::from_utf8(bytes.to_vec()).unwrap())
}

fn every_family() -> Pipeline {
    Pipeline::new([
        node(flights).reads(TOP).writes(FLIGHTS),
        node(write_text).reads(FLIGHTS).writes(TEXT),
        node(to_bytes).reads(TEXT).writes(BYTES),
        node(summarise).reads((FLIGHTS, BYTES)).writes(SUMMARY),
    ])
    .unwrap()
}

fn names_in(folder: &std::path::Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn what_is_bound_to_nothing_passes_by_a_folder_that_is_gone_after_the_run() {
    let catalog = Catalog::builder().parameter(&TOP, 3).build().unwrap();
    serve_worker(&every_family(), &catalog).if_asked();

    let test = what_is_bound_to_nothing_passes_by_a_folder_that_is_gone_after_the_run;
    let folder = tempfile::tempdir().unwrap();
    let runner = again(test).workers(2).folder(folder.path()).build().unwrap();
    let mut report = runner.run(&every_family(), &catalog, RunOptions::new()).unwrap();
    assert_eq!(report.take_output(&SUMMARY), Some((3, "2C 1C 0C".to_owned())));
    assert_eq!(report.output_names().count(), 0, "what another node reads is no output");
    assert_eq!(report.node("flights").unwrap().rows, Some(3));
    assert_eq!(names_in(folder.path()), [] as [String; 0]);
}

/// A value that its process has alone.
#[derive(Default)]
struct Alone(Mutex<String>);

impl Dataset<str> for Alone {
    fn load(&self) -> Result<String, BoxError> {
        Ok(self.0.lock().unwrap().clone())
    }

    fn save(&self, text: &str) -> Result<(), BoxError> {
        text.clone_into(&mut self.0.lock().unwrap());
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(true)
    }

    fn is_persistent(&self) -> bool {
        false
    }
}

#[test]
fn what_does_not_outlive_its_process_is_refused_before_the_run() {
    let yaml = "bytes: {type: cached, dataset: {type: memory}}\n";
    let catalog =
        Catalog::builder().yaml_text("catalog.yml", yaml).dataset(&TEXT, Alone::default());
    let catalog = catalog.parameter(&TOP, 3).build().unwrap();
    serve_worker(&every_family(), &catalog).if_asked();

    let test = what_does_not_outlive_its_process_is_refused_before_the_run;
    let runner = again(test).workers(1).build().unwrap();
    let error = runner.run(&every_family(), &catalog, RunOptions::new()).unwrap_err();
    assert!(error.is_refused(), "{error}");
    for name in ["text", "bytes"] {
        let stays = format!("dataset `{name}`, which node `");
        assert!(error.problems().iter().any(|problem| problem.starts_with(&stays)), "{error}");
    }
    assert_eq!(error.problems().len(), 2, "{error}");
}

#[cfg(feature = "object-store")]
#[test]
fn file_in_memory_is_refused_before_the_run() {
    let catalog = Catalog::builder().file("text", FileDataset::text("memory://text"));
    let catalog = catalog.parameter(&TOP, 3).build().unwrap();
    let runner = again(file_in_memory_is_refused_before_the_run).workers(1).build().unwrap();
    let error = runner.run(&every_family(), &catalog, RunOptions::new()).unwrap_err();
    assert!(error.to_string().contains("does not outlive its process"), "{error}");
    assert_eq!(error.problems().len(), 1, "{error}");
}

#[test]
fn file_is_gone_once_the_last_node_that_reads_it_is_done() {
    /// What is in the folder of the run, the only one there.
    fn look(_: &u32, around: &str) -> Vec<String> {
        let [run] = &names_in(around.as_ref())[..] else { panic!("one run") };
        names_in(&std::path::Path::new(around).join(run))
    }
    const SEEN: Data<Vec<String>> = Data::value("seen");
    let folder = Folder::new();
    let around = folder.path("runs").to_str().unwrap().to_owned();
    let pipeline = Pipeline::new([
        node(|| 1).reads(()).writes(number("one")).named("one"),
        node(|one: &u32| one + 1).reads(number("one")).writes(number("two")).named("two"),
        node(look).reads((number("two"), TEXT)).writes(SEEN).named("look"),
    ])
    .unwrap();
    let catalog = Catalog::builder().value(&TEXT, around).build().unwrap();
    serve_worker(&pipeline, &catalog).if_asked();

    fs::create_dir(folder.path("runs")).unwrap();
    let test = file_is_gone_once_the_last_node_that_reads_it_is_done;
    let builder = again_in(test, folder.tell()).workers(1).folder(folder.path("runs"));
    let runner = builder.build().unwrap();
    let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
    let seen = report.take_output(&SEEN).unwrap();
    assert_eq!(seen.len(), 1, "the second number alone: {seen:?}");
}

#[test]
fn what_the_catalog_binds_is_saved_there_and_loaded_from_there() {
    let folder = Folder::new();
    let catalog = Catalog::builder()
        .parameter(&TOP, 2)
        .file("flights", FileDataset::csv(folder.path("flights.csv")))
        .file("summary", FileDataset::json(folder.path("summary.json")))
        .build()
        .unwrap();
    serve_worker(&every_family(), &catalog).if_asked();

    let test = what_the_catalog_binds_is_saved_there_and_loaded_from_there;
    let runner = again_in(test, folder.tell()).workers(2).build().unwrap();
    let mut report = runner.run(&every_family(), &catalog, RunOptions::new()).unwrap();
    assert_eq!(report.output_names().count(), 0);
    assert_eq!(report.take_output(&SUMMARY), None, "it is registered");
    let saved = fs::read_to_string(folder.path("flights.csv")).unwrap();
    assert_eq!(saved, "carrier,delay\nC0,0.1\nC1,\n");
    let saved: (usize, String) =
        serde_json::from_slice(&fs::read(folder.path("summary.json")).unwrap()).unwrap();
    assert_eq!(saved, (2, "1C 0C".to_owned()));
}

#[test]
fn what_is_registered_as_memory_and_only_read_is_there_in_each_worker() {
    let add = |name: &str, out: &str| -> Node {
        node(|n: &u32| n + 1).reads(MEMORY).writes(number(out)).named(name)
    };
    let pipeline = Pipeline::new([add("a", "one"), add("b", "two")]).unwrap();
    let catalog = Catalog::builder().value(&MEMORY, 41).build().unwrap();
    serve_worker(&pipeline, &catalog).if_asked();

    let test = what_is_registered_as_memory_and_only_read_is_there_in_each_worker;
    let runner = again(test).workers(2).build().unwrap();
    let mut report = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap();
    let outputs = ["one", "two"].map(|name| report.take_output(&number(name)));
    assert_eq!(outputs, [Some(42), Some(42)]);
}

#[test]
fn datasets_that_cannot_leave_their_process_are_all_named_before_the_run() {
    let pipeline = Pipeline::new([
        node(|| 1).reads(()).writes(MEMORY).named("a"),
        node(|| 1).reads(()).writes(number("held")).named("b"),
        node(|| 1_u32).reads(()).writes_named("plain").named("c"),
        node(|| 1).reads(()).writes(number("fine")).named("d"),
    ])
    .unwrap();
    let catalog = Catalog::builder().memory("held").build().unwrap();
    let runner = ProcessRunner::builder().command(|| unreachable!("no worker is started"));
    let error = runner.build().unwrap().run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
    assert!(error.is_refused());
    let mut problems = error.problems().to_vec();
    problems.sort();
    assert_eq!(
        problems,
        [
            "dataset `held`, which node `b` writes, stays in its process: it is bound to memory, \
             which each process has for itself; bind it to a file",
            "dataset `memory`, which node `a` writes, stays in its process: it is of the memory \
             family, which cannot be stored; make it one of records, value, text or bytes",
            "dataset `plain`, which node `c` writes, stays in its process: its nodes name it by \
             string only, so that it cannot be stored; declare it with `Pipeline::declare`, or use \
             a typed name",
        ]
    );
}

#[test]
fn save_that_fails_names_the_dataset_with_the_cause() {
    let folder = Folder::new();
    let pipeline =
        Pipeline::new([node(|| 1).reads(()).writes(number("out")).named("write")]).unwrap();
    let file = FileDataset::json(folder.path("sub/out.json"));
    let catalog = Catalog::builder().file("out", file).build().unwrap();
    serve_worker(&pipeline, &catalog).if_asked();

    let test = save_that_fails_names_the_dataset_with_the_cause;
    let file = folder.path("sub");
    let tell = folder.tell();
    // A file where the folder was to be, made between the check and the save.
    let change = move |command: &mut std::process::Command| {
        tell(command);
        fs::write(&file, "").unwrap();
    };
    let runner = again_in(test, change).workers(1).build().unwrap();
    let error = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
    let failure = error.failures().next().unwrap_or_else(|| panic!("{error}"));
    assert!(failure.is_save(), "{failure}");
    assert!(failure.to_string().contains("saving dataset `out`"), "{failure}");
}

#[test]
fn large_outputs_and_long_messages_go_through() {
    const LONG: usize = 1 << 20;
    let large = || vec![7_u8; 32 * LONG];
    let count = |bytes: &[u8]| bytes.len() as u32;
    let fail = |_: &u32| -> Result<u32, String> { Err("x".repeat(LONG)) };
    let pipeline = Pipeline::new([
        node(large).reads(()).writes(BYTES).named("large"),
        node(count).reads(BYTES).writes(number("count")).named("count"),
        node(fail).reads(number("count")).writes(number("never")).named("fail"),
    ])
    .unwrap();
    serve_worker(&pipeline, &Catalog::empty()).if_asked();

    let runner = again(large_outputs_and_long_messages_go_through).workers(1).build().unwrap();
    let error = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap_err();
    let report = error.report().unwrap();
    assert_eq!(report.nodes().filter(|node| node.name != "fail").count(), 2);
    let failure = error.failures().next().unwrap();
    assert_eq!(failure.node(), "fail");
    let told = failure.to_string();
    assert!(told.len() > 1 << 18 && told.ends_with("xxx… (786432 bytes more)"), "{}", told.len());
}
