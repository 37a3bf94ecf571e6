//! The pipeline: nodes checked against each other, with the datasets between
//! them.

use std::fmt;
use std::sync::Arc;

use super::body::NodeBody;
use super::check;
use super::error::{PipelineError, Problem};
use super::node::{Node, Slot};
use crate::catalog::{Codec, Data, DataType};

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
pub(super) struct PlannedNode {
    pub(super) node: Node,
    pub(super) name: Arc<str>,
    pub(super) inputs: Box<[DatasetIndex]>,
    pub(super) outputs: Box<[DatasetIndex]>,
}

/// A dataset, and the nodes around it.
pub(super) struct DatasetInfo {
    /// The most telling of the slots that name it.
    pub(super) slot: Slot,
    pub(super) producer: Option<NodeIndex>,
    /// Each once, though it may read the dataset twice.
    pub(super) consumers: Vec<NodeIndex>,
}

impl Pipeline {
    /// Checks the nodes and wires them.
    ///
    /// # Errors
    ///
    /// Everything that is wrong at once: nodes without a name or with the same,
    /// a dataset with two producers, of two types or of two families, a node that
    /// reads what it writes, a circle, a name with a character that may not be in
    /// it.
    pub fn new(nodes: impl IntoIterator<Item = Node>) -> Result<Self, PipelineError> {
        let (nodes, datasets) = check::wired(nodes)?;
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
    /// If no node uses the dataset, or one uses it as another type or family.
    pub fn declare<T: DataType + ?Sized>(self, data: &Data<T>) -> Result<Self, PipelineError> {
        let codec = data.codec();
        let name = data.name();
        let found = self.graph.datasets.iter().position(|dataset| *dataset.slot.name == *name);
        let wrong = |user: String| {
            let (dataset, declared, family) = (name.to_string(), codec.type_name(), codec.family());
            let problem = Problem::Declared { dataset, declared, family, user };
            Err(PipelineError { problems: vec![problem] })
        };
        let Some(at) = found else { return wrong("no node uses it".to_owned()) };
        let slot = &self.graph.datasets[at].slot;
        if slot.type_id != codec.type_id() {
            return wrong(format!("its nodes use it as a `{}`", slot.type_name));
        }
        if let Some(family) = slot.family().filter(|family| *family != codec.family()) {
            return wrong(format!("a node names it as one of the {family} family"));
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

    /// The nodes that `is_in` names, in the same order, with their datasets: what
    /// only others write comes from outside.
    pub(crate) fn part(&self, is_in: impl Fn(NodeIndex) -> bool) -> Self {
        const ABSENT: u32 = u32::MAX;
        let mut place_of = vec![ABSENT; self.graph.datasets.len()];
        let mut datasets: Vec<DatasetInfo> = Vec::new();
        let mut nodes = Vec::new();
        for at in self.node_indices().filter(|at| is_in(*at)) {
            let new_at = nodes.len() as NodeIndex;
            let mut place = |dataset: &DatasetIndex| {
                let place = &mut place_of[*dataset as usize];
                if *place == ABSENT {
                    *place = datasets.len() as DatasetIndex;
                    let slot = self.slot(*dataset).clone();
                    datasets.push(DatasetInfo { slot, producer: None, consumers: Vec::new() });
                }
                *place
            };
            let inputs: Box<[_]> = self.reads(at).iter().map(&mut place).collect();
            let outputs: Box<[_]> = self.writes(at).iter().map(&mut place).collect();
            for &dataset in &inputs {
                let consumers = &mut datasets[dataset as usize].consumers;
                if consumers.last() != Some(&new_at) {
                    consumers.push(new_at);
                }
            }
            outputs.iter().for_each(|at| datasets[*at as usize].producer = Some(new_at));
            let PlannedNode { node, name, .. } = &self.graph.nodes[at as usize];
            let (node, name) = (node.clone(), name.clone());
            nodes.push(PlannedNode { node, name, inputs, outputs });
        }
        Self { graph: Arc::new(Graph { nodes, datasets }) }
    }

    /// The same for one node: at a cost that does not grow with the others.
    pub(crate) fn alone(&self, node: NodeIndex) -> Self {
        let all = &self.graph.nodes[node as usize];
        let mut datasets: Vec<DatasetInfo> = Vec::new();
        let mut old: Vec<DatasetIndex> = Vec::new();
        let mut place = |dataset: DatasetIndex, is_written: bool| {
            let at = old.iter().position(|other| *other == dataset).unwrap_or_else(|| {
                old.push(dataset);
                datasets.push(DatasetInfo {
                    slot: self.slot(dataset).clone(),
                    producer: is_written.then_some(0),
                    consumers: if is_written { Vec::new() } else { vec![0] },
                });
                old.len() - 1
            });
            at as DatasetIndex
        };
        let inputs = all.inputs.iter().map(|at| place(*at, false)).collect();
        let outputs = all.outputs.iter().map(|at| place(*at, true)).collect();
        let nodes = vec![PlannedNode { inputs, outputs, ..all.duplicate() }];
        Self { graph: Arc::new(Graph { nodes, datasets }) }
    }

    /// The places of all datasets.
    pub(crate) fn dataset_indices(&self) -> std::ops::Range<DatasetIndex> {
        0..self.graph.datasets.len() as DatasetIndex
    }

    /// The places of all nodes, producers before consumers.
    pub(crate) fn node_indices(&self) -> std::ops::Range<NodeIndex> {
        0..self.graph.nodes.len() as NodeIndex
    }

    pub(crate) fn name_of(&self, node: NodeIndex) -> &Arc<str> {
        &self.graph.nodes[node as usize].name
    }

    pub(crate) fn tags_of(&self, node: NodeIndex) -> impl Iterator<Item = &str> + use<'_> {
        self.graph.nodes[node as usize].node.tags.iter().map(String::as_str)
    }

    pub(crate) fn body(&self, node: NodeIndex) -> &dyn NodeBody {
        &*self.graph.nodes[node as usize].node.body
    }

    /// What it reads, as its function has it: one may be there twice.
    pub(crate) fn reads(&self, node: NodeIndex) -> &[DatasetIndex] {
        &self.graph.nodes[node as usize].inputs
    }

    /// What it reads, each once.
    pub(crate) fn reads_once(&self, node: NodeIndex) -> impl Iterator<Item = DatasetIndex> + '_ {
        self.graph.nodes[node as usize].distinct_inputs()
    }

    pub(crate) fn writes(&self, node: NodeIndex) -> &[DatasetIndex] {
        &self.graph.nodes[node as usize].outputs
    }

    /// How often [`dependents`](Self::dependents) of others name it.
    pub(crate) fn dependency_count(&self, node: NodeIndex) -> u32 {
        self.reads_once(node).filter(|dataset| self.producer(*dataset).is_some()).count() as u32
    }

    /// The nodes that cannot start before it is done; one may be there several
    /// times, and then counts as often.
    pub(crate) fn dependents(&self, node: NodeIndex) -> impl Iterator<Item = NodeIndex> + '_ {
        self.writes(node).iter().flat_map(|dataset| self.consumers(*dataset)).copied()
    }

    pub(crate) fn slot(&self, dataset: DatasetIndex) -> &Slot {
        &self.graph.datasets[dataset as usize].slot
    }

    /// The node that has to be done before the dataset can be read.
    pub(crate) fn producer(&self, dataset: DatasetIndex) -> Option<NodeIndex> {
        self.graph.datasets[dataset as usize].producer
    }

    /// The nodes that read it, each once.
    pub(crate) fn consumers(&self, dataset: DatasetIndex) -> &[NodeIndex] {
        &self.graph.datasets[dataset as usize].consumers
    }
}

impl PlannedNode {
    /// What it reads, each once.
    pub(super) fn distinct_inputs(&self) -> impl Iterator<Item = DatasetIndex> + '_ {
        let inputs = self.inputs.iter().enumerate();
        let distinct = inputs.filter(|(at, dataset)| !self.inputs[..*at].contains(dataset));
        distinct.map(|(_, dataset)| *dataset)
    }

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
