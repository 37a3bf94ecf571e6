//! The pipeline: nodes checked against each other, with the datasets between
//! them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::error::{PipelineError, Problem};
use super::names::is_word;
use super::node::{Node, Slot};
use super::order;
use crate::catalog::{Codec, Data, DataType, PARAMETER_PREFIX};

/// A node's place in [`Pipeline::nodes`].
pub(crate) type NodeIndex = u32;
/// A dataset's place in [`Pipeline::datasets`].
pub(crate) type DatasetIndex = u32;

/// Nodes wired by what they read and write: checked, in a fixed order, and
/// shared by its clones.
///
/// ```
/// use entourage::{Data, Pipeline, node};
///
/// const RAW: Data<[f64]> = Data::memory("raw");
/// const MEAN: Data<f64> = Data::memory("mean");
/// const SPREAD: Data<f64> = Data::memory("spread");
///
/// fn mean(raw: &[f64]) -> f64 { raw.iter().sum::<f64>() / raw.len() as f64 }
/// fn spread(raw: &[f64], mean: &f64) -> f64 { raw.iter().map(|x| (x - mean).abs()).sum() }
///
/// let pipeline = Pipeline::new([
///     node(spread).reads((RAW, MEAN)).writes(SPREAD),
///     node(mean).reads(RAW).writes(MEAN),
/// ])?;
/// assert_eq!(pipeline.node_names().collect::<Vec<_>>(), ["mean", "spread"]);
/// assert_eq!(pipeline.inputs().collect::<Vec<_>>(), ["raw"]);
/// assert_eq!(pipeline.outputs().collect::<Vec<_>>(), ["spread"]);
/// # Ok::<(), entourage::PipelineError>(())
/// ```
#[derive(Clone)]
pub struct Pipeline {
    graph: Arc<Graph>,
}

struct Graph {
    /// In running order: producers before consumers, and by name among equals.
    nodes: Vec<PlannedNode>,
    datasets: Vec<DatasetInfo>,
}

/// A node with its datasets resolved.
pub(crate) struct PlannedNode {
    pub(crate) node: Node,
    pub(crate) name: Arc<str>,
    pub(crate) inputs: Box<[DatasetIndex]>,
    pub(crate) outputs: Box<[DatasetIndex]>,
}

/// A dataset, and the nodes around it.
pub(crate) struct DatasetInfo {
    /// The most telling of the slots that name it.
    pub(crate) slot: Slot,
    pub(crate) producer: Option<NodeIndex>,
    /// Each once, though it may read the dataset twice.
    pub(crate) consumers: Vec<NodeIndex>,
}

impl DatasetInfo {
    pub(crate) fn is_parameter(&self) -> bool {
        self.slot.name.starts_with(PARAMETER_PREFIX)
    }

    /// The name, without what marks a parameter.
    pub(crate) fn bare_name(&self) -> &str {
        self.slot.name.strip_prefix(PARAMETER_PREFIX).unwrap_or(&self.slot.name)
    }
}

impl Pipeline {
    /// Checks the nodes and wires them.
    ///
    /// # Errors
    ///
    /// Everything that is wrong at once: nodes without a name or with the same,
    /// a dataset with two producers or of two types, a node that reads what it
    /// writes, a circle, a name with a character that may not be in it.
    pub fn new(nodes: impl IntoIterator<Item = Node>) -> Result<Self, PipelineError> {
        let mut problems = Vec::new();
        let mut named = name_all(nodes, &mut problems);
        named.sort_by(|a, b| a.1.cmp(&b.1));
        let mut wiring = Wiring::default();
        for (at, (node, name)) in named.into_iter().enumerate() {
            wiring.add(at as NodeIndex, node, name, &mut problems);
        }
        if !problems.is_empty() {
            return Err(PipelineError { problems });
        }
        let Wiring { mut nodes, mut datasets, .. } = wiring;
        match order::topological(&nodes, &datasets) {
            Ok(order) => order::apply(&order, &mut nodes, &mut datasets),
            Err(members) => {
                let nodes = members.iter().map(|at| nodes[*at as usize].name.to_string()).collect();
                return Err(PipelineError { problems: vec![Problem::Cycle { nodes }] });
            }
        }
        Ok(Self { graph: Arc::new(Graph { nodes, datasets }) })
    }

    /// Says how a dataset that nodes name by string only can be stored.
    ///
    /// ```
    /// use entourage::{Data, Pipeline, node};
    /// let pipeline = Pipeline::new([
    ///     node(|text: &str| text.len()).reads_named("text").writes_named("length").named("measure"),
    /// ])?
    /// .declare(&Data::text("text"))?;
    /// # Ok::<(), entourage::PipelineError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If no node uses the dataset, or one uses it as another type.
    pub fn declare<T: DataType + ?Sized>(self, data: &Data<T>) -> Result<Self, PipelineError> {
        let codec = data.codec();
        let name = data.name();
        let found = self.graph.datasets.iter().position(|dataset| *dataset.slot.name == *name);
        let wrong = |user: String| {
            let (dataset, declared) = (name.to_string(), codec.type_name());
            Err(PipelineError { problems: vec![Problem::Declared { dataset, declared, user }] })
        };
        let Some(at) = found else { return wrong("no node uses it".to_owned()) };
        let slot = &self.graph.datasets[at].slot;
        if slot.type_id != codec.type_id() {
            return wrong(format!("its nodes use it as a `{}`", slot.type_name));
        }
        Ok(self.with_codec(at, codec))
    }

    fn with_codec(mut self, at: usize, codec: &'static dyn Codec) -> Self {
        match Arc::get_mut(&mut self.graph) {
            Some(graph) => graph.datasets[at].slot.codec = Some(codec),
            None => {
                let Graph { nodes, datasets } = &*self.graph;
                let nodes = nodes.iter().map(PlannedNode::duplicate).collect();
                let datasets = datasets.iter().map(DatasetInfo::duplicate).collect();
                self.graph = Arc::new(Graph { nodes, datasets });
                return self.with_codec(at, codec);
            }
        }
        self
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.graph.nodes.len()
    }

    /// Whether there is no node: legal, and quickly run.
    pub fn is_empty(&self) -> bool {
        self.graph.nodes.is_empty()
    }

    /// The nodes' names, producers before consumers.
    pub fn node_names(&self) -> impl Iterator<Item = &str> {
        self.graph.nodes.iter().map(|node| &*node.name)
    }

    /// What must come from outside: read by some node and written by none.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        let free = self.graph.datasets.iter().filter(|dataset| dataset.producer.is_none());
        free.map(|dataset| &*dataset.slot.name)
    }

    /// What comes out at the end: written by some node and read by none.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        let last = self.graph.datasets.iter().filter(|dataset| dataset.consumers.is_empty());
        last.map(|dataset| &*dataset.slot.name)
    }

    pub(crate) fn nodes(&self) -> &[PlannedNode] {
        &self.graph.nodes
    }

    pub(crate) fn datasets(&self) -> &[DatasetInfo] {
        &self.graph.datasets
    }
}

impl PlannedNode {
    fn duplicate(&self) -> Self {
        let (node, name) = (self.node.clone(), self.name.clone());
        Self { node, name, inputs: self.inputs.clone(), outputs: self.outputs.clone() }
    }
}

impl DatasetInfo {
    fn duplicate(&self) -> Self {
        let (slot, producer) = (self.slot.clone(), self.producer);
        Self { slot, producer, consumers: self.consumers.clone() }
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.node_names()).finish()
    }
}

/// Finds every node's name.
fn name_all(
    nodes: impl IntoIterator<Item = Node>,
    problems: &mut Vec<Problem>,
) -> Vec<(Node, Arc<str>)> {
    let mut named = Vec::new();
    let mut names: HashSet<Arc<str>> = HashSet::new();
    for node in nodes {
        let Some(name) = node.name.clone() else {
            problems.push(Problem::NoName { function: node.function });
            continue;
        };
        if !is_word(&name) {
            problems.push(Problem::BadName { what: "node", name: name.to_string() });
        }
        for tag in node.tags.iter().filter(|tag| !is_word(tag)) {
            problems.push(Problem::BadName { what: "tag", name: tag.clone() });
        }
        if !names.insert(name.clone()) {
            let is_default = !node.has_own_name;
            problems.push(Problem::DuplicateNode { name: name.to_string(), is_default });
        }
        named.push((node, name));
    }
    named
}

/// The graph while nodes are added to it.
#[derive(Default)]
struct Wiring {
    nodes: Vec<PlannedNode>,
    datasets: Vec<DatasetInfo>,
    by_name: HashMap<Arc<str>, DatasetIndex>,
    /// The first node to name each dataset.
    first_user: Vec<NodeIndex>,
}

impl Wiring {
    fn add(&mut self, at: NodeIndex, node: Node, name: Arc<str>, problems: &mut Vec<Problem>) {
        let label = || name.to_string();
        if node.inputs.is_empty() && node.outputs.is_empty() {
            problems.push(Problem::Idle { node: label() });
        }
        let mut written = BTreeSet::new();
        for slot in &node.outputs {
            let dataset = slot.name.to_string();
            if !written.insert(&slot.name) {
                problems.push(Problem::OutputTwice { node: label(), dataset });
            } else if node.inputs.iter().any(|input| input.name == slot.name) {
                problems.push(Problem::OwnInput { node: label(), dataset });
            } else if slot.name.starts_with(PARAMETER_PREFIX) {
                problems.push(Problem::WritesParameter { node: label(), dataset });
            }
        }
        let inputs = self.resolve(at, &name, &node.inputs, problems);
        let outputs = self.resolve(at, &name, &node.outputs, problems);
        for &dataset in &inputs {
            let consumers = &mut self.datasets[dataset as usize].consumers;
            if consumers.last() != Some(&at) {
                consumers.push(at);
            }
        }
        for &dataset in &outputs {
            let info = &mut self.datasets[dataset as usize];
            match info.producer {
                Some(first) if first != at => problems.push(Problem::TwoProducers {
                    dataset: info.slot.name.to_string(),
                    first: self.nodes[first as usize].name.to_string(),
                    second: label(),
                }),
                _ => info.producer = Some(at),
            }
        }
        self.nodes.push(PlannedNode { node, name, inputs, outputs });
    }

    /// Finds the datasets that `slots` name, making those that are new.
    fn resolve(
        &mut self,
        at: NodeIndex,
        node: &Arc<str>,
        slots: &[Slot],
        problems: &mut Vec<Problem>,
    ) -> Box<[DatasetIndex]> {
        let resolved = slots.iter().map(|slot| {
            let Some(&dataset) = self.by_name.get(&slot.name) else {
                let bare = slot.name.strip_prefix(PARAMETER_PREFIX).unwrap_or(&slot.name);
                if !is_word(bare) {
                    let name = slot.name.to_string();
                    problems.push(Problem::BadName { what: "dataset", name });
                }
                let dataset = self.datasets.len() as DatasetIndex;
                let slot = slot.clone();
                self.by_name.insert(slot.name.clone(), dataset);
                self.datasets.push(DatasetInfo { slot, producer: None, consumers: Vec::new() });
                self.first_user.push(at);
                return dataset;
            };
            let known = &mut self.datasets[dataset as usize].slot;
            if known.type_id != slot.type_id {
                let first = self.first_user[dataset as usize];
                let first = self.nodes.get(first as usize).map_or(node, |first| &first.name);
                problems.push(Problem::TypeMismatch {
                    dataset: slot.name.to_string(),
                    first: first.to_string(),
                    first_type: known.type_name,
                    second: node.to_string(),
                    second_type: slot.type_name,
                });
            } else if known.codec.is_none() {
                *known = slot.clone();
            }
            dataset
        });
        resolved.collect()
    }
}
