//! Pipelines are added, subtracted and intersected, and what comes out is
//! checked as any pipeline is.
#![cfg(feature = "pipeline")]

use entourage::{Data, Node, Pipeline, PipelineError, node};

fn add_one(n: &u32) -> u32 {
    n + 1
}

fn adds(name: &str, reads: &'static str, writes: &'static str) -> Node {
    node(add_one).reads_named(reads).writes_named(writes).named(name)
}

fn of(nodes: impl IntoIterator<Item = Node>) -> Pipeline {
    Pipeline::new(nodes).unwrap()
}

fn names(pipeline: Result<Pipeline, PipelineError>) -> Vec<String> {
    pipeline.unwrap().node_names().map(str::to_owned).collect()
}

#[test]
fn union_has_equal_nodes_once() {
    let left = of([adds("a", "x", "y"), adds("b", "y", "z")]);
    let right = of([adds("b", "y", "z"), adds("c", "z", "end")]);
    assert_eq!(names(&left | &right), ["a", "b", "c"]);
    assert_eq!(names(right.clone() + &left), ["a", "b", "c"]);
    assert_eq!(names(left.union(&right)), ["a", "b", "c"]);
}

#[test]
fn union_is_wired_across_the_two() {
    let both = (of([adds("late", "mid", "end")]) | of([adds("soon", "raw", "mid")])).unwrap();
    assert_eq!(both.node_names().collect::<Vec<_>>(), ["soon", "late"]);
    assert_eq!(both.inputs().collect::<Vec<_>>(), ["raw"]);
    assert_eq!(both.outputs().collect::<Vec<_>>(), ["end"]);
}

#[test]
fn union_puts_the_tags_of_equal_nodes_together() {
    let left = of([adds("a", "x", "y").tag("one")]);
    let right = of([adds("a", "x", "y").tag("two")]);
    for both in [&left | &right, &right | &left, left.clone() | of([adds("a", "x", "y")])] {
        let both = both.unwrap();
        let tags: Vec<_> = both.nodes().flat_map(|node| node.tags()).collect();
        assert!(tags == ["one", "two"] || tags == ["one"], "{tags:?}");
    }
    let both = (&right | &left).unwrap();
    assert_eq!(both.nodes().flat_map(|node| node.tags()).collect::<Vec<_>>(), ["one", "two"]);
}

#[test]
fn nodes_of_one_name_that_differ_are_refused() {
    let left = of([adds("a", "x", "y")]);
    let told = |right: Node| (&left | of([right])).unwrap_err().problems();
    assert_eq!(
        told(adds("a", "x", "z")),
        [
            "two nodes named `a` differ: one reads `x` and writes `y`, the other reads `x` and writes `z`"
        ]
    );
    assert_eq!(
        told(node(|_: &u32| ()).reads_named("x").writes(()).named("a")),
        [
            "two nodes named `a` differ: one reads `x` and writes `y`, the other reads `x` and writes nothing"
        ]
    );
    let other = told(node(|n: &u32| n + 2).reads_named("x").writes_named("y").named("a"));
    assert_eq!(other.len(), 1);
    assert!(
        other[0].starts_with("two nodes named `a` differ: the function of one is `"),
        "{other:?}"
    );
    assert!(other[0].contains("::add_one`, of the other `"), "{other:?}");
}

#[test]
fn every_difference_is_told_at_once() {
    let left = of([adds("a", "x", "y"), adds("b", "y", "z")]);
    let right = of([adds("a", "x", "y2"), adds("b", "y", "z2")]);
    assert_eq!((&left + &right).unwrap_err().problems().len(), 2);
}

#[test]
fn conflicts_are_found_anew() {
    let error = (of([adds("a", "x", "y")]) | of([adds("b", "z", "y")])).unwrap_err();
    assert!(error.is_two_producers());
    let error = (of([adds("a", "x", "y")]) | of([adds("b", "y", "x")])).unwrap_err();
    assert!(error.is_cycle());
    let text = node(|text: &str| text.len()).reads_named("y").writes_named("n").named("b");
    assert!((of([adds("a", "x", "y")]) | of([text])).unwrap_err().is_type_mismatch());
}

#[test]
fn difference_and_intersection_go_by_equal_nodes() {
    let left = of([adds("a", "x", "y"), adds("b", "y", "z"), adds("c", "z", "w")]);
    let right = of([adds("b", "y", "z"), adds("c", "other", "w"), adds("d", "w", "v")]);
    // The two named `c` are not equal.
    assert_eq!(names(&left - &right), ["a", "c"]);
    assert_eq!(names(&left & &right), ["b"]);
    assert_eq!(names(left.difference(&left)), [""; 0]);
    assert_eq!(names(left.intersection(&of([]))), [""; 0]);
}

#[test]
fn order_of_inputs_tells_nodes_apart() {
    let joins = |reads: (&'static str, &'static str)| {
        of([node(|a: &u32, b: &u32| a - b).reads_named(reads).writes_named("y").named("minus")])
    };
    assert!((joins(("a", "b")) | joins(("b", "a"))).is_err());
    assert!((joins(("a", "b")) & joins(("b", "a"))).unwrap().is_empty());
}

#[test]
fn declaration_stays_with_the_dataset() {
    let measure = node(|text: &str| text.len()).reads_named("text").writes_named("length");
    let declared = of([measure.named("measure")]).declare(&Data::text("text")).unwrap();
    let both = (of([adds("a", "x", "y")]) | &declared).unwrap();
    // It would be refused to declare it as anything else.
    assert!(both.clone().declare(&Data::text("text")).is_ok());
    let told = both.declare(&Data::<str>::value("text")).unwrap_err().problems();
    assert!(told[0].ends_with("a node names it as one of the text family"), "{told:?}");
}

#[test]
fn ten_thousand_pipelines_are_added_in_one_go() {
    const PIPELINES: u32 = 10_000;
    let part = |at: u32| {
        let data = |at: u32| Data::<u32>::memory("part").named(format!("d{at}"));
        let next = node(add_one).reads(data(at)).writes(data(at + 1));
        // Each shares a node with the one before.
        let again = node(add_one).reads(data(at + 1)).writes(data(at + 2));
        of([next.named(format!("n{at}")), again.named(format!("n{}", at + 1))])
    };
    let sum = Pipeline::sum((0..PIPELINES).map(part)).unwrap();
    assert_eq!(sum.len(), PIPELINES as usize + 1);
    assert_eq!(sum.inputs().collect::<Vec<_>>(), ["d0"]);
    assert_eq!(sum.outputs().collect::<Vec<_>>(), [format!("d{}", PIPELINES + 1)]);
    assert!(Pipeline::sum([] as [Pipeline; 0]).unwrap().is_empty());
}

#[test]
fn pipeline_is_tagged_as_a_whole() {
    let tagged = of([adds("a", "x", "y").tag("own"), adds("b", "y", "z")]).tag("all").unwrap();
    let tags: Vec<Vec<_>> = tagged.nodes().map(|node| node.tags().collect()).collect();
    assert_eq!(tags, [vec!["all", "own"], vec!["all"]]);
    let error = tagged.tag("no good").unwrap_err().problems();
    assert_eq!(error[0], "tag `no good`: only letters, digits, `_`, `.` and `-` may be in it");
}

#[test]
fn two_closures_of_one_function_are_not_one_node() {
    let out = || Data::<u64>::memory("out");
    let one = of([node(|| 1u64).reads(()).writes(out()).named("make")]);
    let two = of([node(|| 2u64).reads(()).writes(out()).named("make")]);
    let error = (&one | &two).unwrap_err().to_string();
    assert!(error.contains("`make`") && error.contains("two closures"), "{error}");
    assert_eq!(names(&one | &one), ["make"]);
}
