//! The nodes of a run, from what was written down of its pipeline.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::super::graph::{WrittenGraph, WrittenNode};
use super::RecordError;

/// The schema of `Pipeline::to_json` that is known here.
const SCHEMA: u32 = 1;

#[derive(Deserialize)]
struct Whole<'a> {
    schema: u32,
    #[serde(borrow)]
    nodes: Vec<Node<'a>>,
    #[serde(borrow)]
    datasets: Vec<Dataset<'a>>,
}

#[derive(Deserialize)]
struct Node<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    namespace: Option<String>,
    function: String,
    tags: Vec<String>,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

#[derive(Deserialize)]
struct Dataset<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    producer: Option<String>,
}

/// The graph; `None` of a file that is empty, as one may be whose disk lost its
/// power.
pub(super) fn read(path: &Path, mut file: File) -> Result<Option<WrittenGraph>, RecordError> {
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(|error| RecordError::io(path, error))?;
    if text.is_empty() {
        return Ok(None);
    }
    graph(&text).map(Some).map_err(|what| RecordError::malformed(path, what))
}

fn graph(text: &[u8]) -> Result<WrittenGraph, String> {
    let Whole { schema, nodes, datasets } = serde_json::from_slice(text)
        .map_err(|error| format!("{error}; it is not what Pipeline::to_json writes"))?;
    if schema > SCHEMA {
        return Err(format!(
            "it is of schema {schema}, and this version of entourage reads schema {SCHEMA}"
        ));
    }
    let places: HashMap<&str, u32> = nodes.iter().map(|node| &*node.name).zip(0..).collect();
    if places.len() < nodes.len() {
        return Err("two of its nodes have one name".to_owned());
    }
    let mut producers = HashMap::new();
    for dataset in &datasets {
        let Some(producer) = &dataset.producer else { continue };
        let place = places.get(&**producer).ok_or_else(|| {
            format!("dataset `{}` is written by `{producer}`, which is no node", dataset.name)
        })?;
        producers.insert(&*dataset.name, *place);
    }
    let needs: Vec<Vec<u32>> = nodes
        .iter()
        .map(|node| node.inputs.iter().filter_map(|name| producers.get(&**name).copied()).collect())
        .collect();
    let written = |(node, needs): (Node<'_>, Vec<u32>)| WrittenNode {
        name: node.name.into_owned(),
        namespace: node.namespace,
        function: node.function,
        tags: node.tags,
        inputs: node.inputs,
        outputs: node.outputs,
        needs,
    };
    Ok(WrittenGraph::new(nodes.into_iter().zip(needs).map(written).collect()))
}
