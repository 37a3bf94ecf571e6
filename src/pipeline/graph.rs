//! The pipeline: nodes checked against each other, with the datasets between
//! them.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use super::body::NodeBody;
use super::build;
use super::draft::NodeTable;
use super::error::{Doing, PipelineError, Problem};
use super::forms::{Forms, all_forms};
use super::names;
use super::node::{Extras, Node, Slot};
use super::packed::{self, Lists, Texts};
use super::settings::NodeSettings;
use super::wires::Wires;
use crate::catalog::{Codec, Data, DataType, Family, PARAMETER_PREFIX, did_you_mean};

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
    pub(super) graph: Arc<Graph>,
}

/// Columns, and not a record a node or a dataset: a million trivial nodes are
/// some ninety bytes each, names included.
#[derive(Clone)]
pub(super) struct Graph {
    /// In running order: producers before consumers, and by name among equals.
    pub(super) nodes: NodeTable,
    pub(super) reads: Lists,
    pub(super) writes: Lists,
    /// In the order in which the nodes name them.
    pub(super) datasets: Texts,
    /// The place of each dataset's type among the types.
    pub(super) type_of: Vec<u32>,
    pub(super) types: Vec<&'static dyn Codec>,
    /// Where a dataset has several forms.
    pub(super) forms: Option<Forms>,
    pub(super) wires: Wires,
}

impl Graph {
    /// The nodes at `places`, in that order, which has to be a running order.
    fn part(&self, places: &[NodeIndex]) -> Self {
        let (mut reads, mut writes) = (self.reads.picked(places), self.writes.picked(places));
        let seen = packed::renumbered(&mut reads, &mut writes, self.datasets.len());
        let datasets = self.datasets.picked(&seen);
        let forms = self.forms.is_some().then(|| Forms::of(&datasets));
        Self {
            nodes: self.nodes.picked(places),
            wires: Wires::of(&reads, &writes, datasets.len(), forms.as_ref()),
            reads,
            writes,
            datasets,
            type_of: seen.iter().map(|at| self.type_of[*at as usize]).collect(),
            types: self.types.clone(),
            forms,
        }
    }
}

/// What is known of a dataset: its name, its type, and how it can be stored.
#[derive(Clone, Copy)]
pub(crate) struct DatasetView<'a> {
    pub(crate) name: &'a str,
    /// Of the owned type.
    pub(crate) type_id: TypeId,
    pub(crate) type_name: &'static str,
    /// `None` where all nodes name the dataset by a plain string.
    pub(crate) codec: Option<&'static dyn Codec>,
}

impl<'a> DatasetView<'a> {
    /// The family of formats, where a node says one.
    pub(super) fn family(&self) -> Option<Family> {
        self.codec.map(Codec::family)
    }

    pub(crate) fn is_parameter(&self) -> bool {
        names::is_parameter(self.name)
    }

    /// The name, without what marks a parameter.
    pub(crate) fn bare_name(&self) -> &'a str {
        self.name.strip_prefix(PARAMETER_PREFIX).unwrap_or(self.name)
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
    /// it, a dataset that is named both with a form (`data@csv`) and without.
    pub fn new(nodes: impl IntoIterator<Item = Node>) -> Result<Self, PipelineError> {
        Ok(Self { graph: Arc::new(build::graph_of(nodes)?) })
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
    pub fn declare<T: DataType + ?Sized>(mut self, data: &Data<T>) -> Result<Self, PipelineError> {
        let codec = data.codec();
        let name = data.name();
        let found = self.graph.datasets.iter().position(|dataset| *dataset == *name);
        let wrong = |user: String| {
            let (dataset, declared, family) = (name.to_string(), codec.type_name(), codec.family());
            let problem = Problem::Declared { dataset, declared, family, user };
            Err(PipelineError::new(Doing::Build, vec![problem]))
        };
        let Some(at) = found else {
            let hint = did_you_mean(&name, self.dataset_names());
            return wrong(format!("no node uses it{hint}"));
        };
        let known = self.slot(at as DatasetIndex);
        if known.type_id != codec.type_id() {
            return wrong(format!("its nodes use it as a `{}`", known.type_name));
        }
        if let Some(family) = known.family().filter(|family| *family != codec.family()) {
            return wrong(format!("a node names it as one of the {family} family"));
        }
        if known.codec.is_none() {
            let graph = Arc::make_mut(&mut self.graph);
            graph.type_of[at] = graph.types.len() as u32;
            graph.types.push(codec);
        }
        Ok(self)
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.graph.nodes.names.len()
    }

    /// Whether there is no node: legal, and quickly run.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The nodes' names, producers before consumers.
    pub fn node_names(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.graph.nodes.names.iter()
    }

    /// The names of all that the nodes read and write, parameters included, each
    /// once, in the order in which the nodes come to them.
    pub fn dataset_names(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.graph.datasets.iter()
    }

    /// What must come from outside: read by some node and written by none, in no
    /// form.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        let free = self.dataset_indices().filter(|at| self.producer(*at).is_none());
        free.map(|at| self.slot(at).name)
    }

    /// What comes out at the end: written by some node and read by none, in no
    /// form.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        let last = self.dataset_indices().filter(|at| self.is_final(*at));
        last.map(|at| self.slot(at).name)
    }

    /// The nodes that `is_in` names, in the same order, with their datasets: what
    /// only others write comes from outside.
    pub(crate) fn part(&self, is_in: impl Fn(NodeIndex) -> bool) -> Self {
        let places: Vec<_> = self.node_indices().filter(|at| is_in(*at)).collect();
        Self { graph: Arc::new(self.graph.part(&places)) }
    }

    /// The same for one node: at a cost that does not grow with the others.
    pub(crate) fn alone(&self, node: NodeIndex) -> Self {
        // Whoever has it run alone was told when, how long and how often.
        let mut node = self.node(node);
        if node.extras.as_ref().is_some_and(|extras| extras.settings.is_some()) {
            node.extras_mut().settings = NodeSettings::default();
        }
        Self::new([node]).expect("a node of a sound pipeline is one by itself")
    }

    /// The places of all datasets.
    pub(crate) fn dataset_indices(&self) -> std::ops::Range<DatasetIndex> {
        0..self.graph.datasets.len() as DatasetIndex
    }

    /// The places of all nodes, producers before consumers.
    pub(crate) fn node_indices(&self) -> std::ops::Range<NodeIndex> {
        0..self.len() as NodeIndex
    }

    pub(crate) fn name_of(&self, node: NodeIndex) -> &str {
        self.graph.nodes.names.get(node)
    }

    pub(crate) fn namespace_of(&self, node: NodeIndex) -> &str {
        self.graph.nodes.namespace(node)
    }

    pub(crate) fn function_of(&self, node: NodeIndex) -> &'static str {
        self.graph.nodes.functions[self.graph.nodes.function_of[node as usize] as usize]
    }

    /// Its tags and its settings; `None` where it has neither.
    pub(crate) fn extras(&self, node: NodeIndex) -> Option<&Arc<Extras>> {
        self.graph.nodes.extras.get_ref(node)?.as_ref()
    }

    pub(crate) fn tags_of(&self, node: NodeIndex) -> impl Iterator<Item = &str> + use<'_> {
        self.extras(node).into_iter().flat_map(|extras| extras.tags.iter().map(|tag| &**tag))
    }

    /// What it is told about how to run, if anything.
    pub(crate) fn settings(&self, node: NodeIndex) -> Option<&NodeSettings> {
        self.extras(node).map(|extras| &extras.settings)
    }

    /// Whether any node is told about how it is to run. Known since the pipeline was
    /// built: each run asks.
    pub(crate) fn has_settings(&self) -> bool {
        self.graph.nodes.has_settings
    }

    /// The datasets that it confirms, whether or not the pipeline has them.
    pub(crate) fn confirms(&self, node: NodeIndex) -> impl Iterator<Item = &str> {
        self.extras(node).into_iter().flat_map(|extras| extras.confirms.iter().map(|name| &**name))
    }

    pub(crate) fn body(&self, node: NodeIndex) -> &dyn NodeBody {
        &*self.graph.nodes.bodies[node as usize]
    }

    /// What it reads, as its function has it: one may be there twice.
    pub(crate) fn reads(&self, node: NodeIndex) -> &[DatasetIndex] {
        self.graph.reads.get(node)
    }

    /// What it reads, each once.
    pub(crate) fn reads_once(&self, node: NodeIndex) -> impl Iterator<Item = DatasetIndex> + '_ {
        let reads = self.reads(node);
        let distinct =
            reads.iter().enumerate().filter(|(at, dataset)| !reads[..*at].contains(dataset));
        distinct.map(|(_, dataset)| *dataset)
    }

    pub(crate) fn writes(&self, node: NodeIndex) -> &[DatasetIndex] {
        self.graph.writes.get(node)
    }

    /// How many nodes it waits for: how many have it among their
    /// [`dependents`](Self::dependents).
    pub(crate) fn dependency_count(&self, node: NodeIndex) -> u32 {
        self.graph.wires.waits_for()[node as usize]
    }

    /// The nodes that cannot start before it is done, each once, in their order.
    pub(crate) fn dependents(&self, node: NodeIndex) -> &[NodeIndex] {
        self.graph.wires.dependents(node)
    }

    pub(crate) fn slot(&self, dataset: DatasetIndex) -> DatasetView<'_> {
        let codec = self.graph.types[self.graph.type_of[dataset as usize] as usize];
        DatasetView {
            name: self.graph.datasets.get(dataset),
            type_id: codec.type_id(),
            type_name: codec.type_name(),
            codec: codec.is_declared().then_some(codec),
        }
    }

    /// The node that has to be done before the dataset can be read. It may write
    /// the dataset in another form: see [`is_written`](Self::is_written).
    pub(crate) fn producer(&self, dataset: DatasetIndex) -> Option<NodeIndex> {
        self.graph.wires.producer(dataset)
    }

    /// Whether a node writes the dataset under this very name. One that has a
    /// producer and is not written is read from where its other form was saved.
    pub(crate) fn is_written(&self, dataset: DatasetIndex) -> bool {
        let producer = self.producer(dataset);
        // A node writes one form of a dataset at most.
        producer
            .is_some_and(|node| self.graph.forms.is_none() || self.writes(node).contains(&dataset))
    }

    /// Whether a node writes the dataset, and none reads it, in no form.
    pub(crate) fn is_final(&self, dataset: DatasetIndex) -> bool {
        let is_read = |form: &DatasetIndex| !self.consumers(*form).is_empty();
        !self.forms(&dataset).iter().any(is_read)
    }

    /// The dataset in all its forms, itself included.
    pub(crate) fn forms<'a>(&'a self, dataset: &'a DatasetIndex) -> &'a [DatasetIndex] {
        all_forms(self.graph.forms.as_ref(), dataset)
    }

    /// The nodes that read it under this very name, each once.
    pub(crate) fn consumers(&self, dataset: DatasetIndex) -> &[NodeIndex] {
        self.graph.wires.consumers(dataset)
    }

    /// The node again, as it would be written down.
    pub(super) fn node(&self, at: NodeIndex) -> Node {
        let (reads, writes) = (self.reads(at), self.writes(at));
        let slot = |dataset: &DatasetIndex| Slot {
            name: self.graph.datasets.get(*dataset).into(),
            codec: self.graph.types[self.graph.type_of[*dataset as usize] as usize],
        };
        Node {
            name: Some(self.name_of(at).into()),
            function: self.function_of(at),
            slots: reads.iter().chain(writes).map(slot).collect(),
            body: self.graph.nodes.bodies[at as usize].clone(),
            extras: self.extras(at).cloned(),
            reads: reads.len() as u32,
            namespace_len: self.namespace_of(at).len() as u32,
            has_own_name: !self.graph.nodes.is_after_function.get(at),
        }
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.node_names()).finish()
    }
}
