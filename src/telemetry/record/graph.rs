//! The nodes of a run and what they wait for.

use std::collections::HashMap;

use crate::pipeline::Pipeline;

/// The pipeline of a run: itself, or what was written down of it.
pub(crate) enum Graph {
    Pipeline(Pipeline),
    Written(WrittenGraph),
}

/// Of no node.
impl Default for Graph {
    fn default() -> Self {
        Self::Written(WrittenGraph::default())
    }
}

/// What was written down of a pipeline.
#[derive(Default)]
pub(crate) struct WrittenGraph {
    nodes: Vec<WrittenNode>,
    places: HashMap<String, u32>,
}

/// One node of a pipeline that was written down.
#[derive(Clone, Debug, Default)]
pub(crate) struct WrittenNode {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) function: String,
    pub(crate) tags: Vec<String>,
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    /// The nodes that write what it reads.
    pub(crate) needs: Vec<u32>,
}

impl WrittenGraph {
    /// A graph of these nodes, in their order.
    pub(crate) fn new(nodes: Vec<WrittenNode>) -> Self {
        let names = nodes.iter().map(|node| node.name.clone());
        let places = names.zip(0..).collect();
        Self { nodes, places }
    }

    /// The place of the node of that name.
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.places.get(name).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Adds a node of which the name alone is known; its place.
    pub(crate) fn add(&mut self, name: &str) -> u32 {
        let place = self.nodes.len() as u32;
        self.nodes.push(WrittenNode { name: name.to_owned(), ..WrittenNode::default() });
        self.places.insert(name.to_owned(), place);
        place
    }
}

impl Graph {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Pipeline(pipeline) => pipeline.len(),
            Self::Written(written) => written.nodes.len(),
        }
    }

    pub(crate) fn name(&self, node: u32) -> &str {
        match self {
            Self::Pipeline(pipeline) => pipeline.name_of(node),
            Self::Written(written) => &written.nodes[node as usize].name,
        }
    }

    pub(crate) fn namespace(&self, node: u32) -> Option<&str> {
        match self {
            Self::Pipeline(pipeline) => {
                Some(pipeline.namespace_of(node)).filter(|namespace| !namespace.is_empty())
            }
            Self::Written(written) => written.nodes[node as usize].namespace.as_deref(),
        }
    }

    /// The function that the node calls, as the compiler tells it.
    pub(crate) fn function(&self, node: u32) -> &str {
        match self {
            Self::Pipeline(pipeline) => pipeline.function_of(node),
            Self::Written(written) => &written.nodes[node as usize].function,
        }
    }

    pub(crate) fn tags(&self, node: u32) -> Vec<&str> {
        match self {
            Self::Pipeline(pipeline) => pipeline.tags_of(node).collect(),
            Self::Written(written) => strings(&written.nodes[node as usize].tags),
        }
    }

    /// The datasets that the node reads.
    pub(crate) fn inputs(&self, node: u32) -> Vec<&str> {
        match self {
            Self::Pipeline(pipeline) => names(pipeline, pipeline.reads(node)),
            Self::Written(written) => strings(&written.nodes[node as usize].inputs),
        }
    }

    /// The datasets that the node writes.
    pub(crate) fn outputs(&self, node: u32) -> Vec<&str> {
        match self {
            Self::Pipeline(pipeline) => names(pipeline, pipeline.writes(node)),
            Self::Written(written) => strings(&written.nodes[node as usize].outputs),
        }
    }

    /// The nodes that write what the node reads; one may come several times.
    pub(crate) fn needs(&self, node: u32) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::Pipeline(pipeline) => {
                let reads = pipeline.reads(node).iter();
                Box::new(reads.filter_map(|dataset| pipeline.producer(*dataset)))
            }
            Self::Written(written) => Box::new(written.nodes[node as usize].needs.iter().copied()),
        }
    }
}

fn names<'a>(pipeline: &'a Pipeline, datasets: &[u32]) -> Vec<&'a str> {
    datasets.iter().map(|dataset| pipeline.slot(*dataset).name).collect()
}

fn strings(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
