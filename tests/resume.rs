//! A run that failed says where to begin again, and a run from there does what is
//! left and nothing else.

#![cfg(feature = "pipeline")]

#[path = "support/graphs.rs"]
mod graphs;
#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use std::collections::BTreeSet;

use entourage::{
    CancelToken, Catalog, Data, Fate, FileDataset, Node, Pipeline, Resume, RunError, RunOptions,
    Selection, node,
};
use graphs::{Graph, Spec, specs};
use pipelines::{Folder, Runner, with_each_runner};
use proptest::prelude::*;

fn text(name: &str) -> Data<str> {
    Data::text("text").named(name)
}

/// A node that reads one text and writes another.
fn step(name: &str, from: &str, to: &str) -> Node {
    node(|text: &str| text.to_owned()).reads(text(from)).writes(text(to)).named(name)
}

fn failing(name: &str, from: &str, to: &str) -> Node {
    let fail = |_: &str| Err::<String, _>("no luck");
    node(fail).reads(text(from)).writes(text(to)).named(name)
}

fn begin() -> Node {
    node(|| "text".to_owned()).reads(()).writes(text("begun")).named("begin")
}

/// What each runner says is left of a run with these files.
#[track_caller]
fn resume_of(nodes: impl Fn() -> Vec<Node>, files: &[&str], options: &RunOptions) -> Resume {
    let mut first: Option<Resume> = None;
    with_each_runner(|runner| {
        let folder = Folder::new();
        let bind = |catalog: entourage::CatalogBuilder, name: &&str| {
            catalog.file(*name, FileDataset::text(folder.path(&format!("{name}.txt"))))
        };
        let catalog = files.iter().fold(Catalog::builder(), bind).build().unwrap();
        let pipeline = Pipeline::new(nodes()).unwrap();
        let error = runner.run(&pipeline, &catalog, options.clone()).unwrap_err();
        let resume = error.resume().unwrap();
        assert_eq!(first.get_or_insert_with(|| resume.clone()), &resume);
    });
    first.unwrap()
}

#[test]
fn what_is_stored_is_not_made_again() {
    let nodes =
        || vec![begin(), step("middle", "begun", "between"), failing("end", "between", "x")];
    let resume = resume_of(nodes, &["between"], &RunOptions::new());
    assert_eq!(resume.nodes(), ["end"]);
    assert_eq!(resume.from_nodes(), ["end"]);
    assert!(resume.is_exact() && !resume.is_whole());
    assert_eq!(resume.to_string(), "run again from node `end`");
}

#[test]
fn what_was_in_memory_is_made_again_back_to_what_is_stored() {
    let nodes = || {
        let middle = step("middle", "begun", "between");
        vec![begin(), middle, step("later", "between", "late"), failing("end", "late", "x")]
    };
    let resume = resume_of(nodes, &["begun"], &RunOptions::new());
    assert_eq!(resume.nodes(), ["middle", "later", "end"]);
    assert_eq!(resume.from_nodes(), ["middle"]);
    assert!(resume.is_exact());
    let resume = resume_of(nodes, &[], &RunOptions::new());
    assert!(resume.is_whole());
    assert_eq!(resume.to_string(), "repeat the run");
}

#[test]
fn from_nodes_runs_more_where_what_is_made_again_has_other_readers_and_says_so() {
    let nodes = || {
        let (done, fails) = (step("done", "begun", "kept"), failing("fails", "begun", "x"));
        vec![begin(), done, fails]
    };
    let resume = resume_of(nodes, &["kept"], &RunOptions::new().keep_going());
    assert_eq!(resume.nodes(), ["begin", "fails"]);
    assert_eq!(resume.from_nodes(), ["begin"]);
    assert!(!resume.is_exact() && !resume.is_whole());
}

#[test]
fn what_a_further_reader_needs_is_made_again_too_where_all_that_comes_after_runs() {
    // `both` runs again after `begin`; then it also needs what `other` had made.
    let nodes = || {
        let other = node(|| "other".to_owned()).reads(()).writes(text("other")).named("other");
        let both = node(|a: &str, b: &str| format!("{a}{b}"));
        let both = both.reads((text("begun"), text("other"))).writes(text("kept")).named("both");
        vec![begin(), other, both, failing("fails", "begun", "x")]
    };
    let resume = resume_of(nodes, &["kept"], &RunOptions::new().keep_going());
    assert_eq!(resume.nodes(), ["begin", "fails"]);
    assert_eq!(resume.from_nodes(), ["begin", "other"]);
    assert!(!resume.is_exact());
}

#[test]
fn run_in_which_nothing_was_done_is_to_be_repeated() {
    let nodes = || vec![failing("a", "in", "x"), failing("b", "in", "y")];
    let folder = Folder::new();
    let input = FileDataset::text(folder.write("in.txt", "text"));
    let catalog = Catalog::builder().file("in", input).build().unwrap();
    let pipeline = Pipeline::new(nodes()).unwrap();
    with_each_runner(|runner| {
        let error = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err();
        let resume = error.resume().unwrap();
        assert!(resume.is_whole() && resume.is_exact());
        assert_eq!(resume.nodes(), ["a", "b"]);
        assert!(error.to_string().ends_with("\n  to finish it, repeat the run"), "{error}");
    });
}

#[test]
fn refused_run_has_nothing_to_resume() {
    let pipeline = Pipeline::new([step("a", "in", "out")]).unwrap();
    with_each_runner(|runner| {
        let error = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap_err();
        assert!(error.is_refused() && error.resume().is_none());
    });
}

#[test]
fn nodes_that_were_up_to_date_are_not_run_again() {
    let nodes = || vec![begin(), failing("end", "begun", "x")];
    with_each_runner(|runner| {
        let folder = Folder::new();
        let begun = FileDataset::text(folder.write("begun.txt", "text"));
        let catalog = Catalog::builder().file("begun", begun);
        let catalog = catalog.file("x", FileDataset::text(folder.path("x.txt"))).build().unwrap();
        let pipeline = Pipeline::new(nodes()).unwrap();
        let error = runner.run(&pipeline, &catalog, RunOptions::new().only_missing()).unwrap_err();
        assert!(matches!(error.report().unwrap().node("begin").unwrap().fate, Fate::UpToDate));
        assert_eq!(error.resume().unwrap().nodes(), ["end"]);
        let told = "0 done, 1 failed, 0 skipped, 0 never started, 1 up to date\n  \
                    to finish it, run again from node `end`";
        assert!(error.to_string().ends_with(told), "{error}");
    });
}

/// `rows` is one file: written as `rows@csv`, read as `rows@json`.
fn in_two_forms(folder: &Folder) -> Catalog {
    let file = |name: &str| FileDataset::text(folder.path(name));
    let rows = |catalog: entourage::CatalogBuilder, form: &str| catalog.file(form, file("rows"));
    let catalog = Catalog::builder().file("in", file("in")).file("out", file("out"));
    rows(rows(catalog, "rows@csv"), "rows@json").build().unwrap()
}

#[test]
fn what_is_stored_in_one_form_is_there_in_the_other() {
    let last = |fails: bool| match fails {
        true => failing("read", "rows@json", "out"),
        false => step("read", "rows@json", "out"),
    };
    with_each_runner(|runner| {
        let folder = Folder::new();
        folder.write("in", "text");
        let catalog = in_two_forms(&folder);
        let pipeline = Pipeline::new([step("write", "in", "rows@csv"), last(true)]).unwrap();
        let resume = runner.run(&pipeline, &catalog, RunOptions::new()).unwrap_err().resume();
        let resume = resume.unwrap();
        assert_eq!(
            (resume.nodes(), resume.from_nodes()),
            (&["read".into()][..], &["read".into()][..])
        );
        assert!(resume.is_exact());
        let mended = Pipeline::new([step("write", "in", "rows@csv"), last(false)]).unwrap();
        let rest = mended.select(&Selection::new().nodes(resume.nodes())).unwrap();
        runner.run(&rest, &catalog, RunOptions::new()).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path("out")).unwrap(), "text");
    });
}

#[test]
fn node_that_reads_the_other_form_comes_after_the_one_that_failed_to_write_it() {
    with_each_runner(|runner| {
        let folder = Folder::new();
        folder.write("in", "text");
        let done = step("done", "in", "aside");
        let nodes = [failing("write", "in", "rows@csv"), step("read", "rows@json", "out"), done];
        let pipeline = Pipeline::new(nodes).unwrap();
        let options = RunOptions::new().keep_going();
        let error = runner.run(&pipeline, &in_two_forms(&folder), options).unwrap_err();
        let resume = error.resume().unwrap();
        assert_eq!(resume.nodes(), ["write", "read"]);
        assert_eq!(resume.from_nodes(), ["write"]);
        assert!(resume.is_exact());
    });
}

#[test]
fn run_that_was_called_off_is_finished_by_what_never_started() {
    with_each_runner(|runner| {
        let folder = Folder::new();
        let token = CancelToken::new();
        let catalog = Catalog::builder()
            .file("between", FileDataset::text(folder.path("between")))
            .file("end", FileDataset::text(folder.path("end")))
            .build()
            .unwrap();
        let theirs = token.clone();
        let middle = move |text: &str| {
            theirs.cancel();
            text.to_owned()
        };
        let middle = node(middle).reads(text("begun")).writes(text("between")).named("middle");
        let nodes = [begin(), middle, step("end", "between", "end")];
        let pipeline = Pipeline::new(nodes).unwrap();
        let options = RunOptions::new().cancel_token(token);
        let error = runner.run(&pipeline, &catalog, options).unwrap_err();
        assert!(error.is_cancelled());
        let resume = error.resume().unwrap();
        assert_eq!(resume.nodes(), ["end"]);
        assert_eq!(resume.to_string(), "run again from node `end`");
        let rest = pipeline.select(&Selection::new().from_nodes(resume.from_nodes())).unwrap();
        let report = runner.run(&rest, &catalog, RunOptions::new()).unwrap();
        assert_eq!(report.nodes().count(), 1);
        assert_eq!(std::fs::read_to_string(folder.path("end")).unwrap(), "text");
    });
}

#[test]
fn chain_of_very_many_nodes_is_walked_without_a_stack() {
    const NODES: usize = 100_000;
    let number = |n: usize| Data::<usize>::memory("n").named(format!("d{n}"));
    let first = node(|| 0usize).reads(()).writes(number(0)).named("n0");
    let next = (1..NODES).map(|n| {
        let count = move |before: &usize| if n + 1 < NODES { Ok(before + 1) } else { Err("last") };
        node(count).reads(number(n - 1)).writes(number(n)).named(format!("n{n}"))
    });
    let pipeline = Pipeline::new(std::iter::once(first).chain(next)).unwrap();
    let run = |runner: &dyn Runner| runner.run(&pipeline, &Catalog::empty(), RunOptions::new());
    let error = run(&entourage::SequentialRunner::new()).unwrap_err();
    let resume = error.resume().unwrap();
    assert!(resume.is_whole() && resume.nodes().len() == NODES);
    assert_eq!(resume.from_nodes(), ["n0"]);
}

/// The nodes and all that come after them.
fn with_all_after(graph: &Graph, of: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for wired in &graph.nodes {
        let comes_after = |read: &String| {
            graph.producer(read).is_some_and(|producer| all.contains(&producer.name))
        };
        if of(&wired.name) || wired.reads.iter().any(comes_after) {
            all.insert(wired.name.clone());
        }
    }
    all
}

/// Whether a run of these nodes finds everything it reads, where memory is empty.
fn can_run(graph: &Graph, nodes: &BTreeSet<String>) -> bool {
    let has = |read: &String| match graph.producer(read) {
        Some(producer) => nodes.contains(&producer.name) || graph.is_stored(read),
        None => true,
    };
    graph.nodes.iter().filter(|wired| nodes.contains(&wired.name)).all(|w| w.reads.iter().all(has))
}

/// The least nodes that some choice of nodes to begin with comes to, if it can
/// run and has all of `unfinished`.
fn least_from_nodes(graph: &Graph, unfinished: &BTreeSet<String>) -> usize {
    let choices = 0..1u32 << graph.nodes.len();
    let sets = choices.map(|choice| {
        let is_chosen = |name: &str| {
            let at = graph.nodes.iter().position(|wired| wired.name == name).unwrap();
            choice >> at & 1 == 1
        };
        with_all_after(graph, is_chosen)
    });
    let serve = sets.filter(|set| set.is_superset(unfinished) && can_run(graph, set));
    serve.map(|set| set.len()).min().unwrap()
}

fn unfinished(error: &RunError) -> BTreeSet<String> {
    let nodes = error.report().unwrap().nodes();
    let left = nodes.filter(|node| !matches!(node.fate, Fate::Done | Fate::UpToDate));
    left.map(|node| node.name.to_owned()).collect()
}

/// Fails a run, and begins again as it says.
fn check(runner: &dyn Runner, specs: &[Spec], fails: &[prop::sample::Index], options: &RunOptions) {
    let graph = Graph::new(specs);
    for index in fails {
        graph.failing.lock().unwrap().insert(index.get(&graph.nodes).name.clone());
    }
    let Err(error) = runner.run(&graph.whole(), &graph.catalog(), options.clone()) else {
        panic!("a node failed")
    };
    graph.take_ran();
    let unfinished = unfinished(&error);
    let resume = error.resume().unwrap();
    let exact: BTreeSet<String> = resume.nodes().iter().cloned().collect();
    graph.failing.lock().unwrap().clear();
    let left = graph.stored.lock().unwrap().clone();

    // Nothing less: without any one of the nodes something is missing.
    assert!(exact.is_superset(&unfinished));
    for node in exact.difference(&unfinished) {
        let part = graph.pipeline(|name| name != node && exact.contains(name));
        let error = runner.run(&part, &graph.catalog(), RunOptions::new()).unwrap_err();
        assert!(error.is_refused(), "{error}");
        assert!(graph.take_ran().is_empty());
    }
    // Exactly what is left, from a catalog in whose memory nothing is.
    let part = graph.pipeline(|name| exact.contains(name));
    runner.run(&part, &graph.catalog(), RunOptions::new()).unwrap();
    assert_eq!(graph.take_ran(), exact);
    assert_eq!(*graph.stored.lock().unwrap(), graph.expected());

    // The same by a selection.
    *graph.stored.lock().unwrap() = left.clone();
    let selected = graph.whole().select(&Selection::new().nodes(resume.nodes())).unwrap();
    runner.run(&selected, &graph.catalog(), RunOptions::new()).unwrap();
    assert_eq!(graph.take_ran(), exact);

    *graph.stored.lock().unwrap() = left;
    let begin = |name: &str| resume.from_nodes().iter().any(|from| from == name);
    let all = with_all_after(&graph, begin);
    let from_nodes = Selection::new().from_nodes(resume.from_nodes());
    let selected = graph.whole().select(&from_nodes).unwrap();
    runner.run(&selected, &graph.catalog(), RunOptions::new()).unwrap();
    assert_eq!(graph.take_ran(), all);
    assert_eq!(*graph.stored.lock().unwrap(), graph.expected());
    assert!(all.is_superset(&exact));
    assert_eq!(resume.is_exact(), all == exact);
    assert_eq!(resume.is_whole(), exact.len() == graph.nodes.len());
    assert_eq!(all.len(), least_from_nodes(&graph, &unfinished));
    // None that comes after another is named.
    for node in resume.from_nodes() {
        let less = with_all_after(&graph, |name| name != node && begin(name));
        assert!(!less.contains(node), "{node} is named needlessly");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn run_from_where_it_says_does_what_is_left_and_nothing_else(
        specs in specs(8),
        fails in prop::collection::vec(any::<prop::sample::Index>(), 1..=2),
        keeps_going in any::<bool>(),
    ) {
        let options = match keeps_going {
            true => RunOptions::new().keep_going(),
            false => RunOptions::new(),
        };
        with_each_runner(|runner| check(runner, &specs, &fails, &options));
    }
}
