//! A part of a pipeline is selected by names, and a wrong name is told.
#![cfg(feature = "pipeline")]

use entourage::{Node, Pipeline, PipelineError, Selection, node};

fn adds(name: &str, reads: &'static str, writes: &'static str) -> Node {
    node(|n: &u32| n + 1).reads_named(reads).writes_named(writes).named(name)
}

fn joins(name: &str, reads: (&'static str, &'static str), writes: &'static str) -> Node {
    node(|a: &u32, b: &u32| a + b).reads_named(reads).writes_named(writes).named(name)
}

/// ```text
/// raw → clean → rows → split → train → fit → model ┐
///                        └───→ test ───────────────┴ judge → score
///               rows → plot → picture
/// other → aside → far
/// ```
fn pipeline() -> Pipeline {
    let split = node(|rows: &u32| (*rows, *rows)).reads_named("rows");
    Pipeline::new([
        adds("clean", "raw", "rows").tag("prepare"),
        split.writes_named(("train", "test")).named("split").tag("prepare").tag("random"),
        adds("fit", "train", "model").tag("slow"),
        joins("judge", ("model", "test"), "score").tag("report"),
        adds("plot", "rows", "picture").tag("report"),
        adds("aside", "other", "far"),
    ])
    .unwrap()
}

#[track_caller]
fn selected(selection: Selection) -> Vec<String> {
    names(&pipeline().select(&selection).unwrap())
}

fn names(pipeline: &Pipeline) -> Vec<String> {
    let mut names: Vec<_> = pipeline.node_names().map(str::to_owned).collect();
    names.sort();
    names
}

#[track_caller]
fn refused(pipeline: &Pipeline, selection: Selection) -> PipelineError {
    pipeline.select(&selection).expect_err("the selection fits")
}

#[test]
fn nodes_alone() {
    assert_eq!(selected(Selection::new().nodes(["fit", "plot"])), ["fit", "plot"]);
}

#[test]
fn names_may_come_at_run_time() {
    let typed: Vec<String> = "fit,plot".split(',').map(str::to_owned).collect();
    assert_eq!(selected(Selection::new().nodes(typed.clone())), ["fit", "plot"]);
    assert_eq!(selected(Selection::new().nodes(&typed)), ["fit", "plot"]);
    assert_eq!(selected(Selection::new().nodes("fit,plot".split(','))), ["fit", "plot"]);
}

#[test]
fn from_and_to_nodes_go_all_the_way() {
    assert_eq!(selected(Selection::new().from_nodes(["split"])), ["fit", "judge", "split"]);
    assert_eq!(selected(Selection::new().to_nodes(["fit"])), ["clean", "fit", "split"]);
    let between = Selection::new().from_nodes(["split"]).to_nodes(["fit"]);
    assert_eq!(selected(between), ["fit", "split"]);
}

#[test]
fn from_inputs_and_to_outputs_go_all_the_way() {
    assert_eq!(selected(Selection::new().from_inputs(["rows"])), ["fit", "judge", "plot", "split"]);
    assert_eq!(selected(Selection::new().from_inputs(["test"])), ["judge"]);
    assert_eq!(selected(Selection::new().to_outputs(["model"])), ["clean", "fit", "split"]);
    let several = Selection::new().to_outputs(["picture"]).to_outputs(["far"]);
    assert_eq!(selected(several), ["aside", "clean", "plot"]);
}

#[test]
fn with_inputs_and_with_outputs_look_at_the_node_itself() {
    assert_eq!(selected(Selection::new().with_inputs(["rows"])), ["plot", "split"]);
    assert_eq!(selected(Selection::new().with_outputs(["test", "far"])), ["aside", "split"]);
}

#[test]
fn tags_are_any_match() {
    let tagged = Selection::new().tags(["random", "slow", "report"]);
    assert_eq!(selected(tagged), ["fit", "judge", "plot", "split"]);
}

#[test]
fn each_filter_looks_at_the_whole_pipeline() {
    // `judge` is tagged, and after `split`; that nothing tagged lies between
    // does not matter.
    let both = Selection::new().from_nodes(["split"]).tags(["report"]);
    assert_eq!(selected(both), ["judge"]);
    let all = Selection::new()
        .from_inputs(["rows"])
        .to_outputs(["score"])
        .tags(["slow", "prepare"])
        .nodes(["split", "fit", "plot"])
        .with_inputs(["train", "rows"]);
    assert_eq!(selected(all), ["fit", "split"]);
}

#[test]
fn what_asks_nothing_selects_everything() {
    assert!(Selection::new().tags(Vec::<String>::new()).is_everything());
    assert_eq!(selected(Selection::new()).len(), 6);
    assert_eq!(selected(Selection::new().nodes(["fit"]).tags(Vec::<String>::new())), ["fit"]);
    assert!(Pipeline::new([]).unwrap().select(&Selection::new()).unwrap().is_empty());
}

#[test]
fn selected_part_is_wired_as_before() {
    let part = pipeline().select(&Selection::new().from_nodes(["fit"])).unwrap();
    assert_eq!(part.inputs().collect::<Vec<_>>(), ["train", "test"]);
    assert_eq!(part.outputs().collect::<Vec<_>>(), ["score"]);
    let tags = |node: entourage::NodeView<'_>| node.tags().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(part.nodes().map(tags).collect::<Vec<_>>(), [["slow"], ["report"]]);
}

#[test]
fn namespaces_are_selected_with_those_below() {
    let inner = Pipeline::new([adds("x", "a", "b")]).unwrap();
    let deep = inner.namespace("inner").unwrap().namespace("outer").unwrap();
    let flat = inner.namespace("outer").unwrap();
    let alike = inner.namespace("outermost").unwrap();
    let all = Pipeline::sum([deep, flat, alike, inner]).unwrap();
    let of =
        |namespace: &str| names(&all.select(&Selection::new().namespaces([namespace])).unwrap());
    assert_eq!(of("outer"), ["outer.inner.x", "outer.x"]);
    assert_eq!(of("outer.inner"), ["outer.inner.x"]);
    assert_eq!(of("outermost"), ["outermost.x"]);
    let error = refused(&all, Selection::new().namespaces(["outer.iner", "inner"]));
    assert_eq!(
        error.problems(),
        [
            "no namespace is named `outer.iner`; did you mean `outer.inner`?",
            "no namespace is named `inner`; did you mean `outer.inner`?",
        ]
    );
}

#[test]
fn every_unknown_name_is_told_with_what_it_may_mean() {
    let error = refused(
        &pipeline(),
        Selection::new()
            .from_nodes(["splt", "fit"])
            .to_outputs(["modle", "xyz"])
            .tags(["repotr"])
            .namespaces(["ns"])
            .with_inputs(["row", "row"]),
    );
    assert!(error.is_unknown_name() && !error.is_empty_selection());
    assert_eq!(
        error.problems(),
        [
            "no node is named `splt`; did you mean `split`?",
            "no dataset is named `modle`; did you mean `model`?",
            "no dataset is named `xyz`",
            "no tag is named `repotr`; did you mean `report`?",
            "no namespace is named `ns`",
            "no dataset is named `row`; did you mean `rows`?",
        ]
    );
    assert!(error.to_string().starts_with("the selection does not fit the pipeline:\n  - no node"));
}

#[test]
fn name_without_its_namespace_is_told_with_it() {
    let namespaced = pipeline().namespace("ns").unwrap();
    let error = refused(&namespaced, Selection::new().nodes(["split"]).from_inputs(["rwos"]));
    assert_eq!(
        error.problems(),
        [
            "no dataset is named `rwos`; did you mean `ns.rows`?",
            "no node is named `split`; did you mean `ns.split`?",
        ]
    );
    let error = refused(&namespaced, Selection::new().from_inputs(["rows"]));
    assert_eq!(error.problems(), ["no dataset is named `rows`; did you mean `ns.rows`?"]);
}

#[test]
fn empty_selection_tells_what_each_filter_passes() {
    let error = refused(&pipeline(), Selection::new().from_nodes(["fit"]).tags(["prepare"]));
    assert!(error.is_empty_selection() && !error.is_unknown_name());
    assert_eq!(
        error.problems(),
        ["no node is selected: `from_nodes` (`fit`) passes 2, `tags` (`prepare`) passes 2"]
    );
    let error = refused(&pipeline(), Selection::new().to_outputs(["raw"]));
    assert_eq!(error.problems(), ["no node is selected: `to_outputs` (`raw`) passes 0"]);
}
