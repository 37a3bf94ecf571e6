//! A pipeline is told as text, as JSON and as drawings, always the same way.
#![cfg(feature = "pipeline")]

use std::collections::HashMap;

use entourage::{Data, Pipeline, node};

fn clean(raw: &u32) -> u32 {
    *raw
}

fn fit(rows: &u32, rate: &f64) -> f64 {
    f64::from(*rows) * rate
}

const ROWS: Data<u32> = Data::value("rows@json");
const RATE: Data<f64> = Data::parameter("rate");

fn pipeline() -> Pipeline {
    let inner =
        Pipeline::new([node(clean).reads_named("raw").writes(ROWS).tag("slow").tag("io")]).unwrap();
    let outer = Pipeline::new([node(fit)
        .reads_named(("ns.rows@memory", "params:rate"))
        .writes_named("model")])
    .unwrap()
    .declare(&RATE)
    .unwrap();
    (inner.namespace("ns").unwrap() | outer).unwrap()
}

#[test]
fn text_is_for_people() {
    let expected = "\
2 nodes
inputs: ns.raw, params:rate
  1  ns.clean  ns.raw → ns.rows@json  [io, slow]
  2  fit       ns.rows@memory, params:rate → model
outputs: model
";
    assert_eq!(pipeline().describe(), expected);
    let empty = Pipeline::new([]).unwrap().describe();
    assert_eq!(empty, "0 nodes\ninputs: none\noutputs: none\n");
}

#[test]
fn json_says_everything() {
    let found: serde_json::Value = serde_json::from_str(&pipeline().to_json()).unwrap();
    let expected = serde_json::json!({
        "schema": 1,
        "nodes": [
            {
                "name": "ns.clean", "namespace": "ns",
                "function": "pipeline_describe::clean", "tags": ["io", "slow"], "group": 1,
                "inputs": ["ns.raw"], "outputs": ["ns.rows@json"],
            },
            {
                "name": "fit", "namespace": null,
                "function": "pipeline_describe::fit", "tags": [], "group": 2,
                "inputs": ["ns.rows@memory", "params:rate"], "outputs": ["model"],
            },
        ],
        "datasets": [
            {
                "name": "ns.raw", "type": "u32", "family": null, "form_of": null,
                "producer": null, "consumers": ["ns.clean"],
            },
            {
                "name": "ns.rows@json", "type": "u32", "family": "value", "form_of": "ns.rows",
                "producer": "ns.clean", "consumers": [],
            },
            {
                "name": "ns.rows@memory", "type": "u32", "family": null, "form_of": "ns.rows",
                "producer": "ns.clean", "consumers": ["fit"],
            },
            {
                "name": "params:rate", "type": "f64", "family": "parameter", "form_of": null,
                "producer": null, "consumers": ["fit"],
            },
            {
                "name": "model", "type": "f64", "family": null, "form_of": null,
                "producer": "fit", "consumers": [],
            },
        ],
    });
    assert_eq!(found, expected);
}

#[test]
fn mermaid_draws_nodes_datasets_parameters_and_forms() {
    let expected = "\
flowchart TD
    n0[\"ns.clean\"]
    n1[\"fit\"]
    d0([\"ns.raw\"])
    d1([\"ns.rows#64;json\"])
    d2([\"ns.rows#64;memory\"])
    d3{{\"params#58;rate\"}}
    d4([\"model\"])
    d0 --> n0
    n0 --> d1
    d2 --> n1
    d3 --> n1
    n1 --> d4
    d1 -.-> d2
";
    assert_eq!(pipeline().to_mermaid(), expected);
}

#[test]
fn dot_draws_the_same() {
    let expected = "\
digraph pipeline {
    n0 [shape=box, label=\"ns.clean\"];
    n1 [shape=box, label=\"fit\"];
    d0 [shape=ellipse, label=\"ns.raw\"];
    d1 [shape=ellipse, label=\"ns.rows@json\"];
    d2 [shape=ellipse, label=\"ns.rows@memory\"];
    d3 [shape=hexagon, label=\"params:rate\"];
    d4 [shape=ellipse, label=\"model\"];
    d0 -> n0;
    n0 -> d1;
    d2 -> n1;
    d3 -> n1;
    n1 -> d4;
    d1 -> d2 [style=dashed];
}
";
    assert_eq!(pipeline().to_dot(), expected);
}

/// Names that mean something to Mermaid, Markdown or Graphviz.
const ODD: [&str; 12] = [
    "end", "graph", "-", "--", "1.", "__init__", "_a_b_", "a.b-c_d", "digraph", "über", "...",
    "é1²",
];

fn odd() -> Pipeline {
    let make = |name: &&str| {
        let data = Data::<u32>::memory("x").named(format!("{name}.out@csv"));
        node(|| 1_u32).reads(()).writes(data).named(name)
    };
    Pipeline::new(ODD.iter().map(make)).unwrap()
}

/// The labels of a drawing, by what they label.
fn labels(text: &str) -> HashMap<String, String> {
    let lines = text.lines().filter(|line| line.contains('"'));
    let label = |line: &str| {
        let id = line.trim_start().chars().take_while(char::is_ascii_alphanumeric).collect();
        let (start, end) = (line.find('"').unwrap() + 1, line.rfind('"').unwrap());
        (id, line[start..end].to_owned())
    };
    lines.map(label).collect()
}

/// Undoes `#46;`, as Mermaid does.
fn unescaped(label: &str) -> String {
    let mut parts = label.split('#');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once(';').unwrap();
        text.push(char::from_u32(number.parse().unwrap()).unwrap());
        text += rest;
    }
    text
}

#[test]
fn odd_names_are_read_back_from_drawings() {
    let pipeline = odd();
    let (mermaid, dot) = (labels(&pipeline.to_mermaid()), labels(&pipeline.to_dot()));
    assert_eq!((mermaid.len(), dot.len()), (2 * ODD.len(), 2 * ODD.len()));
    for (at, name) in pipeline.node_names().enumerate() {
        let label = &mermaid[&format!("n{at}")];
        assert_eq!(unescaped(label), name);
        // Nothing is left that Markdown could take for a mark of its own.
        let marks = |c: char| !c.is_alphanumeric() && !matches!(c, '#' | ';');
        for (place, _) in label.match_indices(marks) {
            let around = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            assert!(around(label[..place].chars().next_back()), "{label}");
            assert!(around(label[place + 1..].chars().next()), "{label}");
        }
        assert_eq!(dot[&format!("n{at}")], name);
    }
    for (at, name) in pipeline.dataset_names().enumerate() {
        assert_eq!(unescaped(&mermaid[&format!("d{at}")]), name);
        assert_eq!(dot[&format!("d{at}")], name);
    }
    let json: serde_json::Value = serde_json::from_str(&pipeline.to_json()).unwrap();
    let named = json["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap());
    assert!(named.eq(pipeline.node_names()));
}

#[test]
fn ten_thousand_nodes_are_told_with_lists_cut_short() {
    let make = |at: u32| {
        let data = |what: &str| Data::<u32>::memory("x").named(format!("{what}{at}"));
        node(|n: &u32| n + 1).reads(data("in")).writes(data("out")).named(format!("n{at}"))
    };
    let pipeline = Pipeline::new((0..10_000).map(make)).unwrap();
    let text = pipeline.describe();
    assert_eq!(text.lines().count(), 10_003);
    assert!(text.lines().all(|line| line.len() < 200), "a line is too long");
    assert!(text.lines().nth(1).unwrap().ends_with("and 9980 more"));
    assert_eq!(pipeline.to_dot().lines().count(), 50_002);
    assert_eq!(pipeline.to_mermaid().lines().count(), 50_001);
    let json: serde_json::Value = serde_json::from_str(&pipeline.to_json()).unwrap();
    assert_eq!(json["datasets"].as_array().unwrap().len(), 20_000);
}
