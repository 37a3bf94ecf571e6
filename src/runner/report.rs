//! What became of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::NodeFailure;
use crate::catalog::{Data, DataType, Value};
use crate::context::RunId;

/// What became of one node.
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum Fate {
    /// It ran, and its outputs are saved.
    Done,
    /// It was not run, since what it writes is there and nobody needs it again:
    /// see [`RunOptions::only_missing`](crate::RunOptions::only_missing).
    UpToDate,
    /// It failed; the error says at what.
    Failed(NodeFailure),
    /// It could not run, because of the named node, which failed.
    Skipped {
        /// The node that failed.
        by: String,
    },
    /// The run ended before its turn.
    #[default]
    NeverStarted,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::UpToDate => f.write_str("up to date"),
            Self::Failed(_) => f.write_str("failed"),
            Self::Skipped { by } => write!(f, "skipped (by {by})"),
            Self::NeverStarted => f.write_str("never started"),
        }
    }
}

/// One node's part in a run.
#[derive(Debug)]
#[non_exhaustive]
pub struct NodeReport {
    /// The node's full name.
    pub name: String,
    /// What became of it.
    pub fate: Fate,
    /// How long it was ready before a worker began it with all its inputs at
    /// hand or its own to load.
    pub queued: Duration,
    /// How long its loads, its function and its saves took.
    pub ran: Duration,
    /// How many records it wrote, where its outputs are records.
    pub rows: Option<usize>,
}

impl NodeReport {
    /// The part of a node that was not run.
    pub(super) fn unrun(name: &str, fate: Fate) -> Self {
        let none = Duration::ZERO;
        Self { name: name.to_owned(), fate, queued: none, ran: none, rows: None }
    }
}

/// The story of a run: every node's fate, and what came out.
#[derive(Debug)]
pub struct RunReport {
    pub(super) run_id: RunId,
    pub(super) took: Duration,
    pub(super) nodes: Vec<NodeReport>,
    pub(super) outputs: Outputs,
}

#[derive(Default)]
pub(super) struct Outputs(pub(super) BTreeMap<String, Value>);

impl fmt::Debug for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl RunReport {
    /// The run's id.
    pub fn run_id(&self) -> &RunId {
        &self.run_id
    }

    /// How long the run took.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Every node of the pipeline, producers before consumers.
    pub fn nodes(&self) -> &[NodeReport] {
        &self.nodes
    }

    /// One node's part.
    pub fn node(&self, name: &str) -> Option<&NodeReport> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// The failures, in the order of the nodes.
    pub fn failures(&self) -> impl Iterator<Item = &NodeFailure> {
        self.nodes.iter().filter_map(|node| match &node.fate {
            Fate::Failed(failure) => Some(failure),
            _ => None,
        })
    }

    /// The names of the free outputs: written by a node, read by none, and bound
    /// to nothing in the catalog.
    pub fn output_names(&self) -> impl Iterator<Item = &str> {
        self.outputs.0.keys().map(String::as_str)
    }

    /// Takes a free output out of the report. `None` where there is none of that
    /// name and type, or it was taken, or it is shared with [`output`](Self::output)'s
    /// caller.
    pub fn take_output<T: DataType + ?Sized>(&mut self, data: &Data<T>) -> Option<T::Owned> {
        let name = data.name();
        let value = self.outputs.0.remove(&*name)?;
        match value.downcast::<T::Owned>().map(Arc::try_unwrap) {
            Ok(Ok(owned)) => Some(owned),
            Ok(Err(shared)) => {
                self.outputs.0.insert(name.into_owned(), shared);
                None
            }
            Err(other) => {
                self.outputs.0.insert(name.into_owned(), other);
                None
            }
        }
    }

    /// A free output, shared.
    pub fn output<T: DataType + ?Sized>(&self, data: &Data<T>) -> Option<Arc<T::Owned>> {
        self.outputs.0.get(&*data.name())?.clone().downcast().ok()
    }
}
