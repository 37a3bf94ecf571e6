//! The pipeline: nodes checked against each other, with the datasets between
//! them.

use std::fmt;
use std::sync::Arc;

use super::check;
use super::error::{PipelineError, Problem};
use super::node::{Node, Slot};
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

    pub(crate) fn nodes(&self) -> &[PlannedNode] {
        &self.graph.nodes
    }

    pub(crate) fn datasets(&self) -> &[DatasetInfo] {
        &self.graph.datasets
    }
}

impl PlannedNode {
    /// What it reads, each once.
    pub(crate) fn distinct_inputs(&self) -> impl Iterator<Item = DatasetIndex> + '_ {
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
