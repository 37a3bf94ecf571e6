//! What a run would do, without doing it.

use serde::Serialize;

/// What a run would do: made by [`RunOptions::plan`](crate::RunOptions::plan).
///
/// As text by `Display`, as JSON by [`to_json`](Self::to_json) or, since it is
/// `Serialize`, with whatever serde writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Plan {
    pub(super) nodes: Vec<NodePlan>,
    pub(super) datasets: Vec<DatasetPlan>,
}

/// What a run would do with one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NodePlan {
    /// The node's full name.
    pub name: String,
    /// Counted from 1: the node waits for one of the group before, and for none
    /// of its own. `None` if it would not run.
    pub group: Option<usize>,
    /// Why it would run; empty if it would not.
    pub reasons: Vec<Reason>,
    /// What it reads, each dataset once.
    pub reads: Vec<String>,
    /// What it writes.
    pub writes: Vec<String>,
}

impl NodePlan {
    /// Whether it would run.
    pub fn runs(&self) -> bool {
        !self.reasons.is_empty()
    }
}

/// Why a node would run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
#[non_exhaustive]
pub enum Reason {
    /// The run is of every node.
    EveryNode,
    /// It writes nothing that could tell that it was done.
    NoOutputs,
    /// One of its outputs is stored, and is not there.
    Missing {
        /// The output.
        dataset: String,
    },
    /// A node that runs reads what it would make again.
    Needed {
        /// What is read.
        dataset: String,
        /// The node that reads it.
        by: String,
    },
}

/// What a run would do with one dataset.
///
/// The nodes are named as a run in the pipeline's order has them, the
/// [`SequentialRunner`](crate::SequentialRunner)'s. Among several readers another
/// may come first, or last, where nodes run at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DatasetPlan {
    /// The dataset's name.
    pub name: String,
    /// The type that the catalog binds it to, as a catalog file has it: `csv`,
    /// say. `None` for what is bound to nothing, and in memory for as long as the
    /// run needs it.
    pub kind: Option<String>,
    /// The path, where there is one.
    pub place: Option<String>,
    /// The file and line that bind it, where a file does.
    pub origin: Option<String>,
    /// The pattern that its name is of the form of, where the catalog does not bind
    /// the name itself.
    pub pattern: Option<String>,
    /// Whether every version of it is kept.
    pub is_versioned: bool,
    /// Whether it is there already: asked in a run of
    /// [only what is missing](crate::RunOptions::only_missing), of what is stored
    /// and written by a node.
    pub is_there: Option<bool>,
    /// The node that would load it from there.
    pub loaded_by: Option<String>,
    /// The node that would save it there.
    pub saved_by: Option<String>,
    /// The node after whose loads the run would let go of it. `None` for what the
    /// run does not hold, or holds to its end.
    pub released_after: Option<String>,
    /// Whether the run's report would hand it out.
    pub is_output: bool,
}

impl Plan {
    /// Every node of the pipeline, producers before consumers.
    pub fn nodes(&self) -> &[NodePlan] {
        &self.nodes
    }

    /// What the run would do with one node.
    pub fn node(&self, name: &str) -> Option<&NodePlan> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// Every dataset that a node of the pipeline names.
    pub fn datasets(&self) -> &[DatasetPlan] {
        &self.datasets
    }

    /// What the run would do with one dataset.
    pub fn dataset(&self, name: &str) -> Option<&DatasetPlan> {
        self.datasets.iter().find(|dataset| dataset.name == name)
    }

    /// The nodes that would run, by name: each group could run at once, when the
    /// one before it is done.
    pub fn groups(&self) -> Vec<Vec<&str>> {
        let groups = self.by_group().into_iter();
        groups.map(|group| group.into_iter().map(|node| node.name.as_str()).collect()).collect()
    }

    pub(super) fn by_group(&self) -> Vec<Vec<&NodePlan>> {
        let count = self.nodes.iter().filter_map(|node| node.group).max().unwrap_or(0);
        let mut groups = vec![Vec::new(); count];
        for node in &self.nodes {
            if let Some(group) = node.group {
                groups[group - 1].push(node);
            }
        }
        groups
    }

    /// All of it as JSON: `nodes` and `datasets`, with fields named as here.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("names, numbers and lists of them are JSON")
    }
}
