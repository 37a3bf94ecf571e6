//! What became of a run.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::control::Tried;
use super::error::NodeFailure;
use super::finals::Stored;
use super::outputs::Outputs;
use super::plan::Whole;
use super::state::{NodeState, Stage};
use crate::catalog::{Data, DataType};
use crate::context::RunId;
use crate::pipeline::{NodeIndex, Pipeline};

/// What became of one node.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Fate<'r> {
    /// It ran, and its outputs are saved.
    Done,
    /// It was not run, since what it writes is there and nobody needs it again:
    /// see [`RunOptions::only_missing`](crate::RunOptions::only_missing).
    UpToDate,
    /// It failed; the error says at what.
    Failed(&'r NodeFailure),
    /// It could not run, because of the named node, which failed.
    Skipped {
        /// The node that failed.
        by: &'r str,
    },
    /// It gave up, with the error [`Cancelled`](crate::Cancelled) or between two
    /// attempts, because the run was called off.
    Cancelled,
    /// The run ended before its turn.
    NeverStarted,
}

impl fmt::Display for Fate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::UpToDate => f.write_str("up to date"),
            Self::Failed(_) => f.write_str("failed"),
            Self::Skipped { by } => write!(f, "skipped (by {by})"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::NeverStarted => f.write_str("never started"),
        }
    }
}

/// One node's part in a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NodeReport<'r> {
    /// The node's full name.
    pub name: &'r str,
    /// What became of it.
    pub fate: Fate<'r>,
    /// How long it was ready before a worker began it with all its inputs at
    /// hand or its own to load.
    pub queued: Duration,
    /// How long its loads, its function and its saves took.
    pub ran: Duration,
    /// How many records it wrote, where its outputs are records.
    pub rows: Option<usize>,
    /// How many attempts at it were begun: more than one where it was tried again.
    pub attempts: u32,
    /// How the attempts failed after which it was tried again, or would have been.
    pub retried: &'r [NodeFailure],
}

/// The story of a run: every node's fate, and what came out.
pub struct RunReport {
    pub(super) run_id: RunId,
    pub(super) took: Duration,
    pub(super) pipeline: Pipeline,
    /// What the pipeline is a part of, where the rest was up to date.
    pub(super) whole: Option<Whole>,
    pub(super) nodes: Arc<[NodeState]>,
    pub(super) failures: BTreeMap<NodeIndex, NodeFailure>,
    /// Each with the failed node that kept it from running.
    pub(super) skipped: HashMap<NodeIndex, NodeIndex>,
    /// The nodes that were tried again, or would have been.
    pub(super) tries: HashMap<NodeIndex, Tried>,
    pub(super) outputs: Outputs,
    pub(super) stored: Vec<Stored>,
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
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeReport<'_>> {
        self.all().node_indices().map(|at| self.node_of_all(at))
    }

    /// One node's part.
    pub fn node(&self, name: &str) -> Option<NodeReport<'_>> {
        let is_named = |at: &NodeIndex| self.all().name_of(*at) == name;
        self.all().node_indices().find(is_named).map(|at| self.node_of_all(at))
    }

    /// The pipeline, with what of it was up to date.
    pub(super) fn all(&self) -> &Pipeline {
        self.whole.as_ref().map_or(&self.pipeline, |whole| &whole.pipeline)
    }

    pub(super) fn node_of_all(&self, at: NodeIndex) -> NodeReport<'_> {
        let place = self.whole.as_ref().map_or(Some(at), |whole| whole.places[at as usize]);
        match place {
            Some(place) => self.node_at(place),
            None => {
                let (name, none) = (self.all().name_of(at), Duration::ZERO);
                NodeReport {
                    name,
                    fate: Fate::UpToDate,
                    queued: none,
                    ran: none,
                    rows: None,
                    attempts: 0,
                    retried: &[],
                }
            }
        }
    }

    fn node_at(&self, at: NodeIndex) -> NodeReport<'_> {
        let state = &self.nodes[at as usize];
        let name = self.pipeline.name_of(at);
        let fate = self.fate(at, state.stage());
        let tried = self.tries.get(&at);
        let was_begun = u32::from(state.stage() != Stage::Unfinished);
        NodeReport {
            name,
            fate,
            queued: state.queued(),
            ran: state.ran(),
            rows: state.rows(),
            attempts: tried.map_or(was_begun, |tried| tried.attempts),
            retried: tried.map_or(&[], |tried| &tried.failures),
        }
    }

    fn fate(&self, at: NodeIndex, stage: Stage) -> Fate<'_> {
        let by = |by: &NodeIndex| Fate::Skipped { by: self.pipeline.name_of(*by) };
        match stage {
            Stage::Done => Fate::Done,
            Stage::Cancelled => Fate::Cancelled,
            _ => match self.failures.get(&at) {
                Some(failure) => Fate::Failed(failure),
                None => self.skipped.get(&at).map_or(Fate::NeverStarted, by),
            },
        }
    }

    /// The failures, in the order of the nodes.
    pub fn failures(&self) -> impl Iterator<Item = &NodeFailure> {
        self.failures.values()
    }

    /// The names of the free outputs, in order: written by a node, read by none,
    /// and bound to nothing in the catalog.
    pub fn output_names(&self) -> impl Iterator<Item = &str> {
        self.outputs.names(&self.pipeline)
    }

    /// Takes a free output out of the report. `None` where there is none of that
    /// name and type, or it was taken, or it is shared with [`output`](Self::output)'s
    /// caller.
    pub fn take_output<T: DataType + ?Sized>(&mut self, data: &Data<T>) -> Option<T::Owned> {
        let place = self.outputs.get_mut(&self.pipeline, &data.name())?;
        let kept = match place.take()?.downcast::<T::Owned>().map(Arc::try_unwrap) {
            Ok(Ok(owned)) => return Some(owned),
            Ok(Err(shared)) => shared,
            Err(other) => {
                *place = Some(other);
                return None;
            }
        };
        *place = Some(kept);
        None
    }

    /// A free output, shared.
    pub fn output<T: DataType + ?Sized>(&self, data: &Data<T>) -> Option<Arc<T::Owned>> {
        self.outputs.get(&self.pipeline, &data.name())?.clone().downcast().ok()
    }
}

impl fmt::Debug for RunReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunReport")
            .field("run_id", &self.run_id)
            .field("took", &self.took)
            .field("nodes", &self.nodes().collect::<Vec<_>>())
            .field("outputs", &self.output_names().collect::<Vec<_>>())
            .finish()
    }
}
