//! For a program.

use serde::Serialize;

use super::super::graph::{DatasetIndex, Pipeline};
use super::super::names::{base, is_form};

#[derive(Serialize)]
struct Whole<'a> {
    schema: u32,
    nodes: Vec<Node<'a>>,
    datasets: Vec<Dataset<'a>>,
}

#[derive(Serialize)]
struct Node<'a> {
    name: &'a str,
    namespace: Option<&'a str>,
    function: &'a str,
    tags: Vec<&'a str>,
    group: u32,
    inputs: Vec<&'a str>,
    outputs: Vec<&'a str>,
}

#[derive(Serialize)]
struct Dataset<'a> {
    name: &'a str,
    r#type: &'a str,
    family: Option<String>,
    form_of: Option<&'a str>,
    producer: Option<&'a str>,
    consumers: Vec<&'a str>,
}

pub(super) fn json(pipeline: &Pipeline) -> String {
    serde_json::to_string_pretty(&whole(pipeline)).expect("names, numbers and lists are JSON")
}

impl Pipeline {
    /// The same as [`to_json`](Self::to_json), on one line, to `out`.
    #[cfg(feature = "telemetry")]
    pub(crate) fn write_json(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        serde_json::to_writer(&mut *out, &whole(self))?;
        out.write_all(b"\n")
    }
}

fn whole(pipeline: &Pipeline) -> Whole<'_> {
    let nodes = pipeline.nodes().zip(pipeline.group_places()).map(|(node, group)| Node {
        name: node.name(),
        namespace: node.namespace(),
        function: node.function(),
        tags: node.tags().collect(),
        group: group + 1,
        inputs: node.inputs().collect(),
        outputs: node.outputs().collect(),
    });
    Whole {
        schema: 1,
        nodes: nodes.collect(),
        datasets: pipeline.dataset_indices().map(|at| dataset(pipeline, at)).collect(),
    }
}

fn dataset(pipeline: &Pipeline, at: DatasetIndex) -> Dataset<'_> {
    let known = pipeline.slot(at);
    let name_of = |node: u32| pipeline.name_of(node);
    Dataset {
        name: known.name,
        r#type: known.type_name,
        family: known.family().map(|family| family.to_string()),
        form_of: is_form(known.name).then(|| base(known.name)),
        producer: pipeline.producer(at).map(name_of),
        consumers: pipeline.consumers(at).iter().copied().map(name_of).collect(),
    }
}
