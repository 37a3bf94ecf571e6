//! A pipeline is used again under other names.
#![cfg(feature = "pipeline")]

use entourage::{Data, Namespace, Node, Pipeline, Selection, node};

fn adds(name: &str, reads: &'static str, writes: &'static str) -> Node {
    node(|n: &u32| n + 1).reads_named(reads).writes_named(writes).named(name)
}

/// ```text
/// raw → clean → rows → fit → model
///          params:rate → ┘ └ parameters
/// ```
fn pipeline() -> Pipeline {
    let fit = node(|rows: &u32, rate: &u32, all: &u32| rows * rate * all);
    Pipeline::new([
        adds("clean", "raw", "rows"),
        fit.reads_named(("rows", "params:rate", "parameters")).writes_named("model").named("fit"),
    ])
    .unwrap()
}

fn datasets(pipeline: &Pipeline) -> Vec<&str> {
    pipeline.dataset_names().collect()
}

#[track_caller]
fn told(namespace: Namespace) -> Vec<String> {
    pipeline().namespace(namespace).expect_err("the names fit").problems()
}

#[test]
fn everything_gets_the_prefix_but_all_parameters_together() {
    let small = pipeline().namespace("small").unwrap();
    assert_eq!(small.node_names().collect::<Vec<_>>(), ["small.clean", "small.fit"]);
    assert!(small.nodes().all(|node| node.namespace() == Some("small")));
    assert_eq!(
        datasets(&small),
        ["small.raw", "small.rows", "params:small.rate", "parameters", "small.model"]
    );
}

#[test]
fn namespaces_nest() {
    let both = pipeline().namespace("inner").unwrap().namespace("outer").unwrap();
    assert_eq!(both.node_names().collect::<Vec<_>>(), ["outer.inner.clean", "outer.inner.fit"]);
    assert!(both.nodes().all(|node| node.namespace() == Some("outer.inner")));
    assert!(datasets(&both).contains(&"params:outer.inner.rate"));
    let at_once = pipeline().namespace("outer.inner").unwrap();
    assert_eq!(datasets(&both), datasets(&at_once));
    assert_eq!((&both & &at_once).unwrap().len(), 2);
}

#[test]
fn name_with_a_dot_is_not_a_namespace() {
    let dotted = Pipeline::new([adds("a.b", "x", "y")]).unwrap();
    assert!(dotted.nodes().all(|node| node.namespace().is_none()));
    let inside = dotted.namespace("ns").unwrap();
    assert!(inside.nodes().all(|node| node.namespace() == Some("ns") && node.name() == "ns.a.b"));
    assert!(inside.select(&Selection::new().namespaces(["ns.a"])).is_err());
}

#[test]
fn mapped_names_are_as_said_and_kept_ones_stay() {
    let namespace = Namespace::new("ns")
        .keep_inputs(["raw"])
        .output("rows", "all_rows")
        .keep_outputs(["model"])
        .parameter("rate", "params:shared.rate");
    assert_eq!(
        datasets(&pipeline().namespace(namespace).unwrap()),
        ["raw", "all_rows", "params:shared.rate", "parameters", "model"]
    );
    let kept = Namespace::new("ns").input("raw", "source").keep_parameters(["params:rate"]);
    assert_eq!(
        datasets(&pipeline().namespace(kept).unwrap()),
        ["source", "ns.rows", "params:rate", "parameters", "ns.model"]
    );
}

#[test]
fn prefix_of_datasets_can_be_switched_off() {
    let namespace = Namespace::new("ns").prefix_datasets(false).input("raw", "source");
    let named = pipeline().namespace(namespace).unwrap();
    assert_eq!(named.node_names().collect::<Vec<_>>(), ["ns.clean", "ns.fit"]);
    assert_eq!(datasets(&named), ["source", "rows", "params:rate", "parameters", "model"]);
}

#[test]
fn names_are_mapped_without_a_namespace_too() {
    let named = pipeline().namespace(Namespace::none().output("model", "best")).unwrap();
    assert_eq!(named.node_names().collect::<Vec<_>>(), ["clean", "fit"]);
    assert_eq!(datasets(&named), ["raw", "rows", "params:rate", "parameters", "best"]);
}

#[test]
fn forms_follow_the_dataset_that_they_are_of() {
    let forms = Pipeline::new([adds("a", "raw@csv", "x@one"), adds("b", "x@two", "end")]).unwrap();
    let prefixed = forms.namespace("ns").unwrap();
    assert_eq!(datasets(&prefixed), ["ns.raw@csv", "ns.x@one", "ns.x@two", "ns.end"]);
    let mapped = forms.namespace(Namespace::new("ns").input("raw", "source").output("x", "y"));
    assert_eq!(datasets(&mapped.unwrap()), ["source@csv", "y@one", "y@two", "ns.end"]);
    let one = forms.namespace(Namespace::none().input("raw@csv", "source@text")).unwrap();
    assert_eq!(datasets(&one), ["source@text", "x@one", "x@two", "end"]);
    let error = forms.namespace(Namespace::none().input("raw@csv", "source")).unwrap_err();
    assert_eq!(
        error.problems(),
        ["the input `raw@csv` is a form of `raw`, and so cannot become `source`: \
          map `raw`, or to `source@csv`"]
    );
}

#[test]
fn pipeline_stands_beside_itself() {
    let (one, two) = (pipeline().namespace("one").unwrap(), pipeline().namespace("two").unwrap());
    let both = (one + two).unwrap();
    assert_eq!(both.len(), 4);
    let twice = pipeline().namespace(Namespace::new("one").keep_inputs(["raw"])).unwrap()
        + pipeline().namespace(Namespace::new("two").keep_inputs(["raw"])).unwrap();
    let inputs: Vec<String> = twice.unwrap().inputs().map(str::to_owned).collect();
    assert_eq!(inputs, ["raw", "params:one.rate", "parameters", "params:two.rate"]);
}

#[test]
fn tags_and_declarations_stay() {
    let text = node(|text: &str| text.len()).reads_named("text").writes_named("n").named("count");
    let plain = Pipeline::new([text.tag("slow")]).unwrap().declare(&Data::text("text")).unwrap();
    let named = plain.namespace("ns").unwrap();
    assert!(named.nodes().all(|node| node.tags().eq(["slow"])));
    assert!(named.declare(&Data::<str>::value("ns.text")).is_err());
}

#[test]
fn every_wrong_mapping_is_told() {
    let found = told(
        Namespace::new("ns")
            .input("params:rate", "params:x")
            .input("rows", "x")
            .output("raw", "y")
            .input("rwa", "z")
            .output("modell", "m")
            .parameter("rat", "r")
            .input("raw", "params:raw"),
    );
    assert_eq!(
        found,
        [
            "`params:rate` is a parameter and no input: map it with `parameter`",
            "`rows` is no input, since node `clean` writes it: map it with `output`",
            "`raw` is an input, since no node writes it: map it with `input`",
            "no node uses the input `rwa`",
            "no node uses the output `modell`; did you mean `model`?",
            "no node uses the parameter `params:rat`; did you mean `params:rate`?",
            "the input `raw` cannot become the parameter `params:raw`",
            "`raw` is mapped twice, to `y` and to `params:raw`",
        ]
    );
}

#[test]
fn namespace_and_new_names_have_to_be_words() {
    let rule = "only letters, digits, `_`, `.` and `-` may be in it";
    assert_eq!(told(Namespace::new("n s")), [format!("namespace `n s`: {rule}")]);
    let error = pipeline().namespace(Namespace::none().input("raw", "r w")).unwrap_err();
    assert_eq!(error.problems(), [format!("dataset `r w`: {rule}")]);
    assert!(error.to_string().starts_with("the names of the pipeline cannot be changed so:\n"));
}

#[test]
fn two_datasets_do_not_become_one_unasked() {
    let odd = Pipeline::new([adds("a", "x", "y"), adds("b", "ns.x", "z")]).unwrap();
    let error = odd.namespace(Namespace::new("ns").keep_inputs(["ns.x"])).unwrap_err();
    assert_eq!(error.problems(), ["`x` and `ns.x` would both be named `ns.x`"]);
    // Asked for, two inputs are fed from one dataset.
    let fed = Namespace::none().input("x", "source").input("ns.x", "source");
    assert_eq!(odd.namespace(fed).unwrap().inputs().collect::<Vec<_>>(), ["source"]);
    // What that makes unsound is found.
    let cycle = Namespace::none().output("y", "ns.x").keep_inputs(["ns.x"]).output("z", "x");
    let error = odd.namespace(cycle.keep_inputs(["x"])).unwrap_err();
    assert!(error.is_cycle(), "{error}");
}
