//! A run of only what is missing runs each node that it must and no other.

#![cfg(feature = "pipeline")]

#[path = "support/graphs.rs"]
mod graphs;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;

use entourage::{
    Catalog, CatalogBuilder, Data, Dataset, Fate, FileDataset, Node, Pipeline, RunOptions,
    RunReport, SequentialRunner, node,
};
use graphs::{Graph, Home, Spec, specs};
use pipelines::{Folder, Runner, with_each_runner};
use proptest::prelude::*;

fn text(name: &str) -> Data<str> {
    Data::text("text").named(name)
}

fn step(name: &str, from: &str, to: &str) -> Node {
    node(|text: &str| text.to_owned()).reads(text(from)).writes(text(to)).named(name)
}

fn join(name: &str, left: &str, right: &str, to: &str) -> Node {
    let join = node(|left: &str, right: &str| format!("{left}{right}"));
    join.reads((text(left), text(right))).writes(text(to)).named(name)
}

fn only_missing() -> RunOptions {
    RunOptions::new().only_missing()
}

/// A catalog of files, one for each of the names, with those of `there` written.
fn files(folder: &Folder, names: &[&str], there: &[&str]) -> CatalogBuilder {
    there.iter().for_each(|name| drop(folder.write(&format!("{name}.txt"), "x")));
    let bind = |catalog: CatalogBuilder, name: &&str| {
        catalog.file(*name, FileDataset::text(folder.path(&format!("{name}.txt"))))
    };
    names.iter().fold(Catalog::builder(), bind)
}

fn names_of(report: &RunReport, is_wanted: fn(&Fate<'_>) -> bool) -> Vec<&str> {
    let nodes = report.nodes().filter(|node| is_wanted(&node.fate));
    nodes.map(|node| node.name).collect()
}

/// The nodes that every runner runs when `there` is there; all others are up to
/// date, and the report has all of them in the pipeline's order.
#[track_caller]
fn run_with(nodes: impl Fn() -> Vec<Node>, names: &[&str], there: &[&str]) -> Vec<String> {
    let mut first: Option<Vec<String>> = None;
    with_each_runner(|runner| {
        let folder = Folder::new();
        let catalog = files(&folder, names, there).build().unwrap();
        let pipeline = Pipeline::new(nodes()).unwrap();
        let report = runner.run(&pipeline, &catalog, only_missing()).unwrap();
        let all: Vec<_> = report.nodes().map(|node| node.name).collect();
        assert_eq!(all, pipeline.node_names().collect::<Vec<_>>());
        let done = names_of(&report, |fate| matches!(fate, Fate::Done));
        let up_to_date = names_of(&report, |fate| matches!(fate, Fate::UpToDate));
        assert_eq!(done.len() + up_to_date.len(), all.len());
        let done: Vec<_> = done.into_iter().map(str::to_owned).collect();
        assert_eq!(first.get_or_insert_with(|| done.clone()), &done);
    });
    first.unwrap()
}

/// `in` → top → left, right → bottom.
fn diamond() -> Vec<Node> {
    vec![
        step("top", "in", "a"),
        step("left", "a", "b"),
        step("right", "a", "c"),
        join("bottom", "b", "c", "d"),
    ]
}

#[test]
fn diamond_runs_what_is_missing_and_nothing_above_what_is_there() {
    let stored = ["in", "a", "b", "c", "d"];
    let run = |there: &[&str]| run_with(diamond, &stored, there);
    assert_eq!(run(&["in", "a", "b", "c", "d"]), Vec::<String>::new());
    assert_eq!(run(&["in"]), ["top", "left", "right", "bottom"]);
    assert_eq!(run(&["in", "a", "b", "d"]), ["right"]);
    assert_eq!(run(&["in", "a", "b", "c"]), ["bottom"]);
    // `b` is missing, and `a`, of which it is made, is too.
    assert_eq!(run(&["in", "c", "d"]), ["top", "left"]);
    // `a` is missing, and nobody needs it: it is stored all the same.
    assert_eq!(run(&["in", "b", "c", "d"]), ["top"]);
}

#[test]
fn what_lies_in_memory_between_is_made_again_only_where_somebody_needs_it() {
    let stored = ["in", "c", "d"];
    let run = |there: &[&str]| run_with(diamond, &stored, there);
    assert_eq!(run(&["in", "c", "d"]), Vec::<String>::new());
    // `d` needs `b`, which needs `a`; `c` is there.
    assert_eq!(run(&["in", "c"]), ["top", "left", "bottom"]);
    assert_eq!(run(&["in", "d"]), ["top", "right"]);
}

#[test]
fn input_from_outside_that_no_node_needs_now_may_be_gone() {
    assert!(run_with(diamond, &["in", "d"], &["d"]).is_empty());
    assert_eq!(run_with(diamond, &["in", "b", "c", "d"], &["b", "c"]), ["bottom"]);
}

#[test]
fn input_that_a_node_does_need_has_to_be_there() {
    let folder = Folder::new();
    let catalog = files(&folder, &["in", "d"], &[]).build().unwrap();
    let pipeline = Pipeline::new(diamond()).unwrap();
    with_each_runner(|runner| {
        let error = runner.run(&pipeline, &catalog, only_missing()).unwrap_err();
        assert!(error.is_refused() && error.problems().len() == 1, "{error}");
        assert!(error.problems()[0].contains("`in`"), "{error}");
    });
}

#[test]
fn side_node_with_a_missing_output_runs_without_the_rest() {
    let nodes = || [diamond(), vec![step("side", "a", "s")]].concat();
    let stored = ["in", "a", "b", "c", "d", "s"];
    assert_eq!(run_with(nodes, &stored, &["in", "a", "b", "c", "d"]), ["side"]);
    assert_eq!(run_with(nodes, &stored, &["in", "b", "c", "d"]), ["top", "side"]);
}

#[test]
fn node_of_which_one_output_of_two_is_missing_runs() {
    let nodes = || {
        let both = node(|text: &str| (text.to_owned(), text.to_owned()));
        let both = both.reads(text("in")).writes((text("a"), text("b"))).named("both");
        vec![both, step("after", "a", "c")]
    };
    let stored = ["in", "a", "b", "c"];
    assert_eq!(run_with(nodes, &stored, &["in", "a", "c"]), ["both"]);
    assert_eq!(run_with(nodes, &stored, &["in", "a", "b", "c"]), Vec::<String>::new());
}

#[test]
fn node_without_outputs_runs_each_time_with_what_it_needs() {
    let nodes = || {
        let tell = node(|_: &str| ()).reads(text("a")).writes(()).named("tell");
        vec![step("top", "in", "a"), step("other", "in", "b"), tell]
    };
    assert_eq!(run_with(nodes, &["in", "a", "b"], &["in", "a", "b"]), ["tell"]);
    assert_eq!(run_with(nodes, &["in", "b"], &["in", "b"]), ["top", "tell"]);
}

#[test]
fn free_output_in_memory_is_no_reason_to_run() {
    let nodes = || vec![step("top", "in", "a"), step("last", "a", "out")];
    assert!(run_with(nodes, &["in", "a"], &["in", "a"]).is_empty());
}

#[test]
fn second_run_has_nothing_to_do_until_something_is_gone() {
    with_each_runner(|runner| {
        let folder = Folder::new();
        let catalog = files(&folder, &["in", "b", "d"], &["in"]).build().unwrap();
        let pipeline = Pipeline::new(diamond()).unwrap();
        let run = || {
            let report = runner.run(&pipeline, &catalog, only_missing()).unwrap();
            names_of(&report, |fate| matches!(fate, Fate::Done)).len()
        };
        assert_eq!([run(), run()], [4, 0]);
        fs::remove_file(folder.path("b.txt")).unwrap();
        assert_eq!([run(), run()], [2, 0]);
        assert_eq!(fs::read_to_string(folder.path("d.txt")).unwrap(), "xx");
    });
}

#[test]
fn what_is_there_in_one_form_is_there_in_the_other() {
    let pipeline = Pipeline::new([
        step("read", "rows@json", "out"),
        step("write", "made", "rows@csv"),
        step("make", "in", "made"),
    ]);
    let pipeline = pipeline.unwrap();
    let cases: [(&[&str], &[&str]); 4] = [
        (&["in"], &["make", "write", "read"]),
        (&["in", "rows"], &["read"]),
        (&["in", "out"], &["make", "write"]),
        (&["in", "rows", "out"], &[]),
    ];
    for (there, expected) in cases {
        with_each_runner(|runner| {
            let folder = Folder::new();
            // Two entries of the catalog, and one file.
            let rows = || FileDataset::text(folder.path("rows.txt"));
            let catalog = files(&folder, &["in", "out"], there);
            let catalog = catalog.file("rows@csv", rows()).file("rows@json", rows());
            let report = runner.run(&pipeline, &catalog.build().unwrap(), only_missing()).unwrap();
            assert_eq!(names_of(&report, |fate| matches!(fate, Fate::Done)), expected);
        });
    }
}

#[test]
fn what_only_nodes_left_out_would_have_read_is_no_output() {
    let nodes = || {
        let both = node(|text: &str| (text.to_owned(), text.to_owned()));
        let both = both.reads(text("in")).writes((text("kept"), text("inner"))).named("both");
        vec![both, step("after", "inner", "made")]
    };
    with_each_runner(|runner| {
        let folder = Folder::new();
        let catalog = files(&folder, &["in", "kept", "made"], &["in", "made"]).build().unwrap();
        let pipeline = Pipeline::new(nodes()).unwrap();
        let report = runner.run(&pipeline, &catalog, only_missing()).unwrap();
        assert_eq!(names_of(&report, |fate| matches!(fate, Fate::Done)), ["both"]);
        assert_eq!(report.output_names().count(), 0);
    });
}

#[test]
fn what_is_used_by_a_node_that_is_up_to_date_counts_as_used() {
    let folder = Folder::new();
    let names = ["in", "a", "b", "c", "d"];
    let catalog = files(&folder, &names, &names).build().unwrap();
    let pipeline = Pipeline::new(diamond()).unwrap();
    with_each_runner(|runner| {
        runner.run(&pipeline, &catalog, only_missing().deny_unused()).unwrap();
    });
}

/// Storage that cannot say whether it is there.
struct Dumb {
    ask: fn() -> Result<bool, &'static str>,
}

impl Dataset<str> for Dumb {
    fn load(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
        Ok("text".to_owned())
    }

    fn save(&self, _: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }

    fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok((self.ask)()?)
    }
}

#[test]
fn all_that_cannot_say_whether_they_are_there_are_told_at_once_with_all_else_that_is_wrong() {
    let folder = Folder::new();
    let catalog = files(&folder, &["in"], &[])
        .dataset(&text("a"), Dumb { ask: || Err("no connection") })
        .dataset(&text("b"), Dumb { ask: || panic!("no connection at all") })
        .dataset(&text("c"), Dumb { ask: || Ok(true) })
        .build()
        .unwrap();
    let pipeline = Pipeline::new(diamond()).unwrap();
    with_each_runner(|runner| {
        let error = runner.run(&pipeline, &catalog, only_missing()).unwrap_err();
        assert!(error.is_refused() && error.report().is_none());
        let mut problems = error.problems().to_vec();
        problems.sort();
        assert!(problems[2].contains("`in`") && problems.len() == 3, "{error}");
        let unknown = "whether it is there cannot be found out";
        assert_eq!(problems[0], format!("dataset `a`: {unknown}: no connection"));
        let panicked = "the question panicked: no connection at all";
        assert_eq!(problems[1], format!("dataset `b`: {unknown}: {panicked}"));
        // Nobody asks where every node runs.
        let error = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
        assert_eq!(error.problems().len(), 1, "{error}");
    });
}

#[test]
fn failure_in_a_part_names_every_node_of_the_whole() {
    let nodes = || {
        let fail = node(|_: &str| Err::<String, _>("no luck"));
        let fail = fail.reads(text("a")).writes(text("b")).named("left");
        let [top, _, right, bottom] = <[Node; 4]>::try_from(diamond()).unwrap();
        vec![top, fail, right, bottom]
    };
    with_each_runner(|runner| {
        let folder = Folder::new();
        let names = ["in", "a", "b", "c", "d"];
        let catalog = files(&folder, &names, &["in", "a", "c"]).build().unwrap();
        let pipeline = Pipeline::new(nodes()).unwrap();
        let error = runner.run(&pipeline, &catalog, only_missing()).unwrap_err();
        let fates = error.report().unwrap().nodes().map(|node| node.fate.to_string());
        let expected = ["up to date", "failed", "up to date", "skipped (by left)"];
        assert_eq!(fates.collect::<Vec<_>>(), expected);
    });
}

#[test]
fn chain_of_very_many_nodes_in_memory_is_walked_without_a_stack() {
    const NODES: usize = 100_000;
    let number = |n: usize| Data::<usize>::value("n").named(format!("d{n}"));
    let first = node(|| 0usize).reads(()).writes(number(0)).named("n0");
    let next = (1..NODES).map(|n| {
        let count = |before: &usize| before + 1;
        node(count).reads(number(n - 1)).writes(number(n)).named(format!("n{n}"))
    });
    let pipeline = Pipeline::new(std::iter::once(first).chain(next)).unwrap();
    let folder = Folder::new();
    let last = FileDataset::json(folder.path("last.json"));
    let catalog = Catalog::builder().file(format!("d{}", NODES - 1), last).build().unwrap();
    let run = || {
        let report = SequentialRunner::new().run(&pipeline, &catalog, only_missing()).unwrap();
        names_of(&report, |fate| matches!(fate, Fate::Done)).len()
    };
    assert_eq!([run(), run()], [NODES, 0]);
}

/// The rule, as it is told: from what must run for its own sake on to what that
/// needs, until nothing is added.
fn must_run(graph: &Graph) -> BTreeSet<String> {
    let is_missing = |dataset: &String| graph.is_stored(dataset) && !graph.is_there(dataset);
    let own = graph.nodes.iter().filter(|n| n.writes.is_empty() || n.writes.iter().any(is_missing));
    let mut runs: BTreeSet<String> = own.map(|node| node.name.clone()).collect();
    loop {
        let running = graph.nodes.iter().filter(|node| runs.contains(&node.name));
        let needed = running
            .flat_map(|node| &node.reads)
            .filter(|dataset| !graph.is_stored(dataset) || !graph.is_there(dataset));
        let producers = needed.filter_map(|dataset| graph.producer(dataset));
        let more: BTreeSet<_> = producers.map(|node| node.name.clone()).collect();
        if more.is_subset(&runs) {
            return runs;
        }
        runs.extend(more);
    }
}

fn check(runner: &dyn Runner, specs: &[Spec], there: &[bool]) {
    let graph = Graph::new(specs);
    let expected = graph.expected();
    let stored = expected.iter().zip(there.iter().cycle());
    let left = stored.filter(|(entry, is_there)| **is_there || entry.0 == "input");
    *graph.stored.lock().unwrap() = left.map(|(entry, _)| (entry.0.clone(), *entry.1)).collect();
    let runs = must_run(&graph);
    let (pipeline, catalog) = (graph.whole(), graph.catalog());
    let plan = only_missing().plan(&pipeline, &catalog).unwrap();
    let planned = plan.nodes().iter().filter(|node| node.runs()).map(|node| node.name.clone());
    assert_eq!(planned.collect::<BTreeSet<_>>(), runs);
    runner.run(&pipeline, &catalog, only_missing()).unwrap();
    assert_eq!(graph.take_ran(), runs);
    assert_eq!(*graph.stored.lock().unwrap(), expected);
    // Nothing is left but what can never be told to be done.
    let runs = must_run(&graph);
    runner.run(&pipeline, &catalog, only_missing()).unwrap();
    assert_eq!(graph.take_ran(), runs);
    let is_stored = |name: &String| graph.homes[name] == Home::Stored;
    let all_stored = graph.nodes.iter().all(|node| node.writes.iter().all(is_stored));
    let none_silent = graph.nodes.iter().all(|node| !node.writes.is_empty());
    assert!(runs.is_empty() || !all_stored || !none_silent);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn random_pipelines_run_what_the_rule_says(
        specs in specs(10),
        there in prop::collection::vec(any::<bool>(), 1..=12),
    ) {
        with_each_runner(|runner| check(runner, &specs, &there));
    }
}
