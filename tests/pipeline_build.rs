//! What is wrong with a pipeline is said when it is built, all of it at once.

#![cfg(feature = "pipeline")]

use entourage::{Data, Node, Pipeline, node};
use serde::{Deserialize, Serialize};

const RAW: Data<[f64]> = Data::memory("raw");
const MEAN: Data<f64> = Data::memory("mean");
const SPREAD: Data<f64> = Data::memory("spread");

fn mean(raw: &[f64]) -> f64 {
    raw.iter().sum::<f64>() / raw.len() as f64
}

fn spread(raw: &[f64], mean: &f64) -> f64 {
    raw.iter().map(|value| (value - mean).abs()).sum()
}

/// A node of numbers, by the names of what it reads and writes.
fn adds(name: &str, reads: &'static str, writes: &'static str) -> Node {
    node(|n: &u32| n + 1).reads_named(reads).writes_named(writes).named(name)
}

#[track_caller]
fn problems(nodes: impl IntoIterator<Item = Node>) -> Vec<String> {
    Pipeline::new(nodes).expect_err("the pipeline is sound").problems()
}

#[track_caller]
fn names(nodes: impl IntoIterator<Item = Node>) -> Vec<String> {
    Pipeline::new(nodes).unwrap().node_names().map(str::to_owned).collect()
}

#[test]
fn node_is_named_after_its_function() {
    let pipeline = Pipeline::new([
        node(spread).reads((RAW, MEAN)).writes(SPREAD),
        node(mean).reads(RAW).writes(MEAN),
    ]);
    let pipeline = pipeline.unwrap();
    assert_eq!(pipeline.node_names().collect::<Vec<_>>(), ["mean", "spread"]);
    assert_eq!(pipeline.inputs().collect::<Vec<_>>(), ["raw"]);
    assert_eq!(pipeline.outputs().collect::<Vec<_>>(), ["spread"]);
}

#[test]
fn node_of_an_associated_function_is_named_after_it() {
    struct Scale;
    impl Scale {
        fn twice(n: &u32) -> u32 {
            n * 2
        }
    }
    assert_eq!(names([node(Scale::twice).reads_named("a").writes_named("b")]), ["twice"]);
}

#[test]
fn function_without_a_plain_name_needs_one() {
    fn first<T: Copy + Send + Sync + 'static>(all: &[T]) -> T {
        all[0]
    }
    let pointer: fn(&u32) -> u32 = |n| n + 1;
    let found = problems([
        node(|n: &u32| n + 1).reads_named("a").writes_named("b"),
        node(first::<f64>).reads(RAW).writes(MEAN),
        node(pointer).reads_named("c").writes_named("d"),
    ]);
    assert_eq!(found.len(), 3, "{found:?}");
    for (problem, function) in found.iter().zip(["{{closure}}", "first<f64>", "fn(&"]) {
        assert!(problem.contains(function), "{problem}");
        assert!(problem.ends_with("has no name of its own; give it one with `named`"), "{problem}");
    }
}

#[test]
fn two_nodes_of_one_function_need_names_of_their_own() {
    let of_mean =
        |data: &'static str, to: &'static str| node(mean).reads_named(data).writes_named(to);
    let found = problems([of_mean("a", "b"), of_mean("c", "d"), of_mean("e", "f")]);
    let expected = "3 nodes are named `mean`, after their function: \
                    give each a name of its own with `named`";
    assert_eq!(found, [expected]);
    assert!(Pipeline::new([of_mean("a", "b"), of_mean("c", "d").named("other")]).is_ok());
}

#[test]
fn duplicate_names_are_refused() {
    let error = Pipeline::new([adds("x", "a", "b"), adds("x", "c", "d")]).unwrap_err();
    assert!(error.is_duplicate_node() && !error.is_cycle());
    assert_eq!(error.problems(), ["2 nodes are named `x`"]);
}

#[test]
fn names_are_letters_digits_underscores_dots_and_dashes() {
    let found = problems([
        adds("über_1.a-b", "a", "b").tag("fine.tag-1"),
        adds("no space", "b", "c").tag("bad/tag"),
        adds("", "sp ace", "params:ok.path"),
    ]);
    let rule = "only letters, digits, `_`, `.` and `-` may be in it";
    for expected in ["node `no space`", "node ``", "tag `bad/tag`", "dataset `sp ace`"] {
        assert!(found.contains(&format!("{expected}: {rule}")), "{expected} in {found:?}");
    }
    assert!(found.contains(&"node `` writes `params:ok.path`, which is a parameter".to_owned()));
    assert_eq!(found.len(), 5, "{found:?}");
}

#[test]
fn node_has_to_read_or_write() {
    let idle = node(|| ()).reads(()).writes(()).named("idle");
    assert_eq!(problems([idle]), ["node `idle` reads nothing and writes nothing"]);
    let sink = node(|_: &u32| ()).reads_named("a").writes(()).named("sink");
    let source = node(|| 1_u32).reads(()).writes_named("a").named("source");
    assert_eq!(names([sink, source]), ["source", "sink"]);
}

#[test]
fn node_may_not_write_a_dataset_twice_nor_what_it_reads() {
    let twice = node(|| (1_u32, 2_u32)).reads(()).writes_named(("a", "a")).named("twice");
    assert_eq!(problems([twice]), ["node `twice` writes `a` twice"]);
    assert_eq!(problems([adds("loop", "b", "b")]), ["node `loop` both reads and writes `b`"]);
}

#[test]
fn node_may_read_a_dataset_twice() {
    let sum = node(|a: &u32, b: &u32| a + b).reads_named(("n", "n")).writes_named("sum");
    let pipeline = Pipeline::new([sum.named("sum"), adds("next", "m", "n")]).unwrap();
    assert_eq!(pipeline.node_names().collect::<Vec<_>>(), ["next", "sum"]);
}

#[test]
fn dataset_has_one_producer() {
    let error = Pipeline::new([adds("b", "x", "out"), adds("a", "y", "out")]).unwrap_err();
    assert!(error.is_two_producers());
    assert_eq!(error.problems(), ["dataset `out` is written by two nodes, `a` and `b`"]);
}

#[test]
fn circle_is_told_by_its_members_alone() {
    let error = Pipeline::new([
        adds("before", "raw", "z"),
        adds("a", "x", "y"),
        adds("b", "y", "w"),
        adds("c", "w", "x"),
        adds("after", "w", "end"),
    ])
    .unwrap_err();
    assert!(error.is_cycle());
    assert_eq!(error.problems(), ["the nodes a → b → c → a wait for each other in a circle"]);
}

#[test]
fn every_circle_is_told() {
    let found = problems([
        adds("a1", "a2", "a1"),
        adds("a2", "a1", "a2"),
        adds("between", "a1", "middle"),
        node(|a: &u32, b: &u32| a + b).reads_named(("middle", "b2")).writes_named("b1").named("b1"),
        adds("b2", "b1", "b2"),
    ]);
    let told = |circle: &str| format!("the nodes {circle} wait for each other in a circle");
    assert_eq!(found, [told("a1 → a2 → a1"), told("b1 → b2 → b1")]);
}

#[test]
fn mismatch_of_string_names_tells_both_nodes_and_both_types() {
    let error = Pipeline::new([
        node(|n: &u32| n.to_string()).reads_named("n").writes_named("text").named("show"),
        node(|text: &u64| *text).reads_named("text").writes_named("m").named("parse"),
    ])
    .unwrap_err();
    assert!(error.is_type_mismatch());
    let expected = "dataset `text` is a `u64` to node `parse` \
                    and a `alloc::string::String` to node `show`";
    assert_eq!(error.problems(), [expected]);
    let whole = format!("the pipeline cannot be built:\n  - {expected}");
    assert_eq!(error.to_string(), whole);
}

#[test]
fn string_names_and_typed_names_meet_the_same_checks() {
    let reads_owned = node(|raw: &Vec<f64>| raw.len()).reads_named("raw").writes_named("n");
    let writes = node(|| vec![1.0]).reads(()).writes(RAW);
    assert_eq!(names([reads_owned.named("count"), writes.named("make")]), ["make", "count"]);

    let reads_wrong = node(|raw: &[f32]| raw.len()).reads_named("raw").writes_named("n");
    let writes = node(|| vec![1.0]).reads(()).writes(RAW);
    let expected = "dataset `raw` is a `[f32]` to node `count` and a `[f64]` to node `make`";
    assert_eq!(problems([reads_wrong.named("count"), writes.named("make")]), [expected]);
}

#[test]
fn one_node_that_reads_a_dataset_as_two_types_is_told() {
    let odd = node(|a: &u32, _: &u64| *a).reads_named(("n", "n")).writes_named("out");
    let expected = "dataset `n` is a `u32` to node `odd` and a `u64` to node `odd`";
    assert_eq!(problems([odd.named("odd")]), [expected]);
}

#[test]
fn names_of_two_families_for_one_dataset_are_told_whichever_node_comes_first() {
    #[derive(Serialize, Deserialize)]
    struct Row {}
    let reads = |data: Data<[Row]>, name: &str| {
        node(|rows: &[Row]| rows.len())
            .reads(data)
            .writes_named(format!("{name}_n").leak() as &str)
            .named(name)
    };
    let (rows, memory) = (Data::records("rows"), Data::memory("rows"));
    let told = |a: &str, b: &str| {
        format!("dataset `rows` is of the {a} family to node `a` and of the {b} family to node `b`")
    };
    let found = problems([reads(rows.clone(), "a"), reads(memory.clone(), "b")]);
    assert_eq!(found, [told("records", "memory")]);
    let found = problems([reads(memory, "a"), reads(rows, "b")]);
    assert_eq!(found, [told("memory", "records")]);
}

#[test]
fn everything_wrong_is_said_at_once() {
    let error = Pipeline::new([
        adds("x", "a", "a"),
        adds("x", "b", "c"),
        adds("y", "d", "c"),
        adds("p", "params:p", "params:q"),
        adds("one", "two", "one"),
        adds("two", "one", "two"),
        node(|text: &str| text.len()).reads_named("d").writes_named("len").named("z"),
        node(|| ()).reads(()).writes(()),
    ])
    .unwrap_err();
    let told = error.to_string();
    for part in [
        "has no name of its own",
        "2 nodes are named `x`",
        "node `x` both reads and writes `a`",
        "dataset `c` is written by two nodes, `x` and `y`",
        "node `p` writes `params:q`, which is a parameter",
        "dataset `d` is a `u32` to node `y` and a `str` to node `z`",
        "the nodes one → two → one wait for each other in a circle",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert_eq!(error.problems().len(), 7, "{told}");
    assert!(error.is_cycle() && error.is_type_mismatch());
    assert!(error.is_duplicate_node() && error.is_two_producers());
}

#[test]
fn order_does_not_hang_on_the_order_of_declaration() {
    let nodes = || {
        vec![
            adds("root_b", "raw", "b"),
            adds("root_a", "raw", "a"),
            adds("deep", "b", "c"),
            adds("deeper", "c", "d"),
            adds("a_leaf", "b", "e"),
            adds("z_leaf", "a", "f"),
        ]
    };
    let expected = ["root_a", "root_b", "a_leaf", "deep", "z_leaf", "deeper"];
    for turn in 0..5 {
        let mut nodes = nodes();
        nodes.rotate_left(turn);
        assert_eq!(names(nodes), expected);
    }
    let mut nodes = nodes();
    nodes.reverse();
    assert_eq!(names(nodes), expected);
}

#[test]
fn empty_pipeline_is_legal() {
    let pipeline = Pipeline::new([]).unwrap();
    assert!(pipeline.is_empty());
    assert_eq!((pipeline.len(), pipeline.inputs().count(), pipeline.outputs().count()), (0, 0, 0));
}

#[test]
fn declaration_has_to_fit_the_nodes() {
    let pipeline = Pipeline::new([
        node(|text: &str| text.len()).reads_named("text").writes_named("n").named("measure"),
        node(mean).reads(RAW).writes(MEAN),
    ])
    .unwrap();
    assert!(pipeline.clone().declare(&Data::text("text")).is_ok());

    let told =
        |outcome: Result<Pipeline, entourage::PipelineError>| outcome.unwrap_err().problems();
    assert_eq!(
        told(pipeline.clone().declare(&Data::text("test"))),
        [
            "dataset `test` is declared as a `str` of the text family, but no node uses it; did you mean `text`?"
        ]
    );
    assert_eq!(
        told(pipeline.clone().declare(&Data::<u32>::value("text"))),
        [
            "dataset `text` is declared as a `u32` of the value family, but its nodes use it as a `str`"
        ]
    );
    assert_eq!(
        told(pipeline.declare(&Data::<[f64]>::records("raw"))),
        ["dataset `raw` is declared as a `[f64]` of the records family, \
          but a node names it as one of the memory family"]
    );
}
