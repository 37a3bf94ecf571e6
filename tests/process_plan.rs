//! A run in processes of only what is missing, and of what another has left.

#![cfg(all(feature = "pipeline", unix))]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/processes.rs"]
mod processes;

use std::fs;

use entourage::{
    Catalog, Data, Fate, FileDataset, Node, Pipeline, RunOptions, RunReport, node, serve_worker,
};
use processes::{Folder, again_in};

fn text(name: &str) -> Data<str> {
    Data::text("text").named(name)
}

fn step(name: &str, from: &str, to: &str) -> Node {
    node(|text: &str| text.to_owned()).reads(text(from)).writes(text(to)).named(name)
}

fn fates(report: &RunReport) -> Vec<String> {
    report.nodes().map(|node| format!("{}: {}", node.name, node.fate)).collect()
}

#[test]
fn processes_run_what_is_left_and_what_is_missing_and_nothing_else() {
    let folder = Folder::new();
    let spoilt = folder.path("spoilt");
    let fails = spoilt.clone();
    let end = move |text: &str| match fails.exists() {
        true => Err("spoilt"),
        false => Ok(text.to_owned()),
    };
    let pipeline = Pipeline::new([
        node(|| "text".to_owned()).reads(()).writes(text("a")).named("begin"),
        step("middle", "a", "b"),
        node(end).reads(text("b")).writes(text("c")).named("end"),
    ])
    .unwrap();
    let file = |name: &str| FileDataset::text(folder.path(&format!("{name}.txt")));
    let catalog = Catalog::builder().file("a", file("a")).file("c", file("c")).build().unwrap();
    serve_worker(&pipeline, &catalog).if_asked();

    let test = processes_run_what_is_left_and_what_is_missing_and_nothing_else;
    let runner = again_in(test, folder.tell()).workers(2).build().unwrap();
    fs::write(&spoilt, "").unwrap();
    let error = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
    let resume = error.resume().unwrap();
    // What the folder of the run had kept is gone with it.
    assert_eq!(resume.nodes(), ["middle", "end"]);

    fs::remove_file(&spoilt).unwrap();
    let only_missing = || RunOptions::new().only_missing();
    let report = runner.run(&pipeline, &catalog, only_missing()).unwrap();
    assert_eq!(fates(&report), ["begin: up to date", "middle: done", "end: done"]);
    let report = runner.run(&pipeline, &catalog, only_missing()).unwrap();
    assert!(report.nodes().all(|node| matches!(node.fate, Fate::UpToDate)));
}
