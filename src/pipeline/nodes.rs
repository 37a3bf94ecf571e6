//! Looking at a pipeline's nodes.

use std::fmt;

use super::graph::{DatasetIndex, NodeIndex, Pipeline};
use super::node::Node;

/// A node of a [`Pipeline`], to be looked at.
///
/// ```
/// use entourage::{Data, Pipeline, node};
///
/// const RAW: Data<[f64]> = Data::memory("raw");
/// const MEAN: Data<f64> = Data::memory("mean");
///
/// fn mean(raw: &[f64]) -> f64 { raw.iter().sum::<f64>() / raw.len() as f64 }
///
/// let pipeline = Pipeline::new([node(mean).reads(RAW).writes(MEAN).tag("report")])?;
/// for node in pipeline.nodes() {
///     assert_eq!((node.name(), node.namespace()), ("mean", None));
///     assert_eq!(node.inputs().collect::<Vec<_>>(), ["raw"]);
///     assert_eq!(node.outputs().collect::<Vec<_>>(), ["mean"]);
///     assert!(node.tags().any(|tag| tag == "report"));
///     assert!(node.function().ends_with("::mean"));
/// }
/// # Ok::<(), entourage::PipelineError>(())
/// ```
#[derive(Clone, Copy)]
pub struct NodeView<'a> {
    pipeline: &'a Pipeline,
    at: NodeIndex,
}

impl<'a> NodeView<'a> {
    pub(super) fn new(pipeline: &'a Pipeline, at: NodeIndex) -> Self {
        Self { pipeline, at }
    }

    /// The full name: with the namespace in front, where there is one.
    pub fn name(self) -> &'a str {
        self.pipeline.name_of(self.at)
    }

    /// The namespace, where the node is in one.
    pub fn namespace(self) -> Option<&'a str> {
        Some(self.pipeline.namespace_of(self.at)).filter(|namespace| !namespace.is_empty())
    }

    /// The path of the function's type.
    pub fn function(self) -> &'static str {
        self.pipeline.function_of(self.at)
    }

    /// The tags, in order.
    pub fn tags(self) -> impl Iterator<Item = &'a str> {
        self.pipeline.tags_of(self.at)
    }

    /// The datasets that it confirms.
    pub fn confirms(self) -> impl Iterator<Item = &'a str> {
        self.pipeline.confirms(self.at)
    }

    /// What it reads, as its function has it: a dataset may be there twice.
    pub fn inputs(self) -> impl ExactSizeIterator<Item = &'a str> {
        self.named(self.pipeline.reads(self.at))
    }

    /// What it writes, as its function has it.
    pub fn outputs(self) -> impl ExactSizeIterator<Item = &'a str> {
        self.named(self.pipeline.writes(self.at))
    }

    fn named(self, datasets: &'a [DatasetIndex]) -> impl ExactSizeIterator<Item = &'a str> {
        datasets.iter().map(move |at| self.pipeline.slot(*at).name)
    }
}

impl fmt::Debug for NodeView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeView")
            .field("name", &self.name())
            .field("tags", &self.tags().collect::<Vec<_>>())
            .field("inputs", &self.inputs().collect::<Vec<_>>())
            .field("outputs", &self.outputs().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    /// The nodes, producers before consumers.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeView<'_>> {
        self.node_indices().map(|at| NodeView::new(self, at))
    }

    /// The nodes in groups: each depends on nodes of earlier groups alone, as
    /// early as can be, and is in the order of its names. To run one group after
    /// the other is right, and slower than a runner, which starts every node as
    /// soon as its own inputs are there.
    ///
    /// ```
    /// # use entourage::{Pipeline, node};
    /// let add = |name: &str, from: &'static str, to: &'static str| {
    ///     node(|n: &u32| n + 1).reads_named(from).writes_named(to).named(name)
    /// };
    /// let pipeline = Pipeline::new([add("c", "y", "z"), add("b", "x", "w"), add("a", "x", "y")])?;
    /// let names = |group: Vec<entourage::NodeView<'_>>| {
    ///     group.into_iter().map(|node| node.name().to_owned()).collect::<Vec<_>>()
    /// };
    /// let groups: Vec<_> = pipeline.groups().map(names).collect();
    /// assert_eq!(groups, [vec!["a", "b"], vec!["c"]]);
    /// # Ok::<(), entourage::PipelineError>(())
    /// ```
    pub fn groups(&self) -> impl Iterator<Item = Vec<NodeView<'_>>> {
        let places = self.group_places();
        let mut start = 0;
        std::iter::from_fn(move || {
            let first = places.get(start)?;
            let len = places[start..].iter().take_while(|place| *place == first).count();
            let nodes = start as NodeIndex..(start + len) as NodeIndex;
            start += len;
            Some(nodes.map(|at| NodeView::new(self, at)).collect())
        })
    }

    /// The place of each node's group. Groups follow each other in running order.
    pub(crate) fn group_places(&self) -> Vec<u32> {
        let mut places = vec![0; self.len()];
        for at in self.node_indices() {
            let after = places[at as usize] + 1;
            for &dependent in self.dependents(at) {
                let place: &mut u32 = &mut places[dependent as usize];
                *place = (*place).max(after);
            }
        }
        places
    }

    /// Tags every node.
    ///
    /// # Errors
    ///
    /// If the tag has a character that may not be in it.
    pub fn tag(&self, tag: impl AsRef<str>) -> Result<Self, super::PipelineError> {
        let tagged = |at| self.node(at).tag(&tag);
        Self::new(self.node_indices().map(tagged))
    }

    /// The nodes as they were written down, in running order: to be changed, and
    /// made a pipeline again.
    pub(super) fn to_nodes(&self) -> impl Iterator<Item = Node> + '_ {
        self.node_indices().map(|at| self.node(at))
    }
}
