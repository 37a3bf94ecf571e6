//! One dataset in two formats: `data@csv` and `data@json` are two entries of the
//! catalog and one dataset to the wiring.
#![cfg(feature = "pipeline")]

#[expect(dead_code, reason = "each test file needs some of the helpers")]
#[path = "support/pipelines.rs"]
mod pipelines;

use entourage::{Catalog, Data, FileDataset, Node, Pipeline, RunOptions, Selection, node};
use pipelines::{Folder, with_each_runner};

fn adds(name: &str, reads: &'static str, writes: &'static str) -> Node {
    node(|n: &u32| n + 1).reads_named(reads).writes_named(writes).named(name)
}

#[track_caller]
fn problems(nodes: impl IntoIterator<Item = Node>) -> Vec<String> {
    Pipeline::new(nodes).expect_err("the pipeline is sound").problems()
}

fn names(pipeline: &Pipeline) -> Vec<&str> {
    pipeline.node_names().collect()
}

#[test]
fn reader_of_one_form_waits_for_the_writer_of_another() {
    let nodes = [adds("a_read", "x@two", "end"), adds("b_write", "raw@csv", "x@one")];
    let pipeline = Pipeline::new(nodes).unwrap();
    assert_eq!(names(&pipeline), ["b_write", "a_read"]);
    assert_eq!(pipeline.inputs().collect::<Vec<_>>(), ["raw@csv"]);
    assert_eq!(pipeline.outputs().collect::<Vec<_>>(), ["end"]);
}

#[test]
fn forms_may_be_of_different_types() {
    let write = node(|| "1".to_owned()).reads(()).writes(Data::text("n@text")).named("write");
    let bytes = node(|n: &[u8]| n.len()).reads(Data::bytes("n@bytes")).writes_named("len");
    assert!(Pipeline::new([write, bytes.named("read")]).is_ok());
}

#[test]
fn two_producers_are_found_across_forms() {
    let error = Pipeline::new([adds("a", "r", "x@one"), adds("b", "s", "x@two")]).unwrap_err();
    assert!(error.is_two_producers());
    assert_eq!(
        error.problems(),
        ["dataset `x` is written by two nodes, `a` (as `x@one`) and `b` (as `x@two`)"]
    );
    assert_eq!(
        problems([adds("a", "r", "x@one"), adds("b", "s", "x@one")]),
        ["dataset `x@one` is written by two nodes, `a` and `b`"]
    );
    let twice = node(|| (1_u32, 2_u32)).reads(()).writes_named(("x@one", "x@two")).named("a");
    assert_eq!(problems([twice]), ["node `a` writes `x@one` and `x@two`, which are one dataset"]);
}

#[test]
fn node_cannot_write_what_it_reads_in_another_form() {
    assert_eq!(
        problems([adds("a", "x@one", "x@two")]),
        ["node `a` reads `x@one` and writes `x@two`, which are one dataset"]
    );
}

#[test]
fn circle_is_found_across_forms() {
    let error = Pipeline::new([adds("a", "x@one", "y"), adds("b", "y", "x@two")]).unwrap_err();
    assert!(error.is_cycle());
    assert_eq!(error.problems(), ["the nodes a → b → a wait for each other in a circle"]);
}

#[test]
fn name_is_used_with_a_form_everywhere_or_nowhere() {
    assert_eq!(
        problems([adds("a", "x", "y"), adds("b", "x@two", "z"), adds("c", "x@one", "w")]),
        ["dataset `x` is named both without a form and as `x@one`, `x@two`: \
          name a form everywhere, or nowhere"]
    );
}

#[test]
fn form_is_two_words_with_one_at_between() {
    let rule = "a form of a dataset is two words with one `@` between them, as in `data@csv`";
    let found = problems([adds("a", "x@y@z", "@"), adds("b", "p@", "sp ace@csv")]);
    for name in ["x@y@z", "@", "p@", "sp ace@csv"] {
        assert!(found.contains(&format!("dataset `{name}`: {rule}")), "{name} in {found:?}");
    }
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn name_without_a_form_selects_all_forms_and_the_walk_crosses_them() {
    let pipeline = Pipeline::new([
        adds("write", "raw", "x@one"),
        adds("one", "x@one", "a"),
        adds("two", "x@two", "b"),
        adds("after", "b", "c"),
    ])
    .unwrap();
    let selected = |selection| {
        let selected = pipeline.select(&selection).unwrap();
        selected.node_names().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(selected(Selection::new().with_inputs(["x"])), ["one", "two"]);
    assert_eq!(selected(Selection::new().with_inputs(["x@two"])), ["two"]);
    assert_eq!(selected(Selection::new().with_outputs(["x"])), ["write"]);
    assert_eq!(selected(Selection::new().from_inputs(["x@two"])), ["two", "after"]);
    assert_eq!(selected(Selection::new().from_nodes(["write"])).len(), 4);
    assert_eq!(selected(Selection::new().to_outputs(["c"])), ["write", "two", "after"]);
    let error = pipeline.select(&Selection::new().to_outputs(["x@two"])).unwrap_err();
    assert_eq!(error.problems(), ["no node is selected: `to_outputs` (`x@two`) passes 0"]);
}

const TEXT: Data<str> = Data::text("note@text");
const BYTES: Data<[u8]> = Data::bytes("note@bytes");
const LEN: Data<usize> = Data::memory("len");

fn note() -> Pipeline {
    Pipeline::new([
        node(|| "grün".to_owned()).reads(()).writes(TEXT).named("write"),
        node(|bytes: &[u8]| bytes.len()).reads(BYTES).writes(LEN).named("measure"),
    ])
    .unwrap()
}

#[test]
fn run_goes_from_one_form_to_the_other_through_storage() {
    with_each_runner(|runner| {
        let folder = Folder::new();
        let path = folder.path("note.txt");
        let catalog = Catalog::builder()
            .file("note@text", FileDataset::text(&path))
            .file("note@bytes", FileDataset::bytes(&path))
            .build()
            .unwrap();
        let mut report = runner.run(&note(), &catalog, RunOptions::new()).unwrap();
        assert_eq!(report.take_output(&LEN), Some("grün".len()));
        assert_eq!(report.output_names().count(), 0, "both forms are stored");
    });
}

#[test]
fn run_is_refused_where_a_form_is_not_stored() {
    with_each_runner(|runner| {
        let folder = Folder::new();
        let text = || FileDataset::text(folder.path("note.txt"));
        let bytes = || FileDataset::bytes(folder.path("note.txt"));
        let told = |catalog: Catalog| {
            runner.run(&note(), &catalog, RunOptions::new()).unwrap_err().problems().to_vec()
        };
        let unwritten = "dataset `note@text` is not in the catalog; \
                         it can be read as `note@bytes` where both are";
        let unread = "dataset `note@bytes` is not in the catalog; what is written as `note@text` \
                      can be read under this name where both are; it is wanted by `measure`";
        assert_eq!(told(Catalog::empty()), [unwritten, unread]);
        let catalog = Catalog::builder().file("note@text", text()).build().unwrap();
        assert_eq!(told(catalog), [unread]);
        let catalog = Catalog::builder().file("note@bytes", bytes()).build().unwrap();
        assert_eq!(told(catalog), [unwritten]);
        let catalog =
            Catalog::builder().file("note@text", text()).memory("note@bytes").build().unwrap();
        assert_eq!(
            told(catalog),
            ["dataset `note@bytes`: it is in memory, and what is written as `note@text` \
              never comes there"]
        );
        assert!(folder.names().is_empty(), "nothing has run");
    });
}

#[test]
fn name_that_another_node_writes_is_suggested_for_one_that_nothing_does() {
    let pipeline = Pipeline::new([
        node(|| 1_u32).reads(()).writes_named("weather").named("make"),
        adds("use", "wheather", "end"),
    ])
    .unwrap();
    with_each_runner(|runner| {
        let error = runner.run(&pipeline, &Catalog::empty(), RunOptions::new()).unwrap_err();
        assert_eq!(
            error.problems(),
            ["dataset `wheather` is not in the catalog, and no node writes it; \
              it is wanted by `use`; did you mean `weather`?"]
        );
    });
}
