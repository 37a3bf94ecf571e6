//! What a person or a test asks of a record.

use std::time::Duration;

use super::{NodeState, RunRecord};
use crate::events::{FailureCause, RunEnd, RunEnded, RunStarted};

/// What became of one node of a recorded run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NodeSummary<'r> {
    /// The node's full name.
    pub name: &'r str,
    /// How far it has come.
    pub state: NodeState,
    /// How long it was ready before its last attempt began.
    pub queued: Duration,
    /// How long its last attempt took, loads and saves included; or had taken at the
    /// last event that is known, if it had not ended by then.
    pub ran: Duration,
    /// How many attempts at it were begun.
    pub attempts: u32,
    /// How many records it wrote, where its outputs are records.
    pub rows: Option<u64>,
    /// How many bytes were loaded for it, in all attempts, where that is known.
    pub bytes_loaded: Option<u64>,
    /// How many bytes were saved for it, in all attempts, where that is known.
    pub bytes_saved: Option<u64>,
    /// How the last attempt that failed did so. A node that has one may be done.
    pub failure: Option<&'r FailureCause>,
    /// The failed node that kept it from running.
    pub skipped_by: Option<&'r str>,
}

impl RunRecord {
    /// The run's id. `None` of a run of which no more is known than nodes.
    pub fn run_id(&self) -> Option<&str> {
        let told = self.started.as_ref().map(|started| &*started.run_id);
        told.or(self.run_id.as_deref())
    }

    /// How the run began: when, on what, with which parameters and versions. `None`
    /// of a run that was refused, and of one whose first event is lost.
    pub fn started(&self) -> Option<&RunStarted<'_>> {
        self.started.as_ref()
    }

    /// How the run ended: with which error, and what is left to do. `None` of a run
    /// that [was interrupted](Self::is_interrupted).
    pub fn ended(&self) -> Option<&RunEnded<'_>> {
        self.ended.as_ref()
    }

    /// In which way the run ended. `None` of a run that [was
    /// interrupted](Self::is_interrupted).
    pub fn end(&self) -> Option<RunEnd> {
        self.ended.as_ref().map(|ended| ended.end)
    }

    /// Whether the record has no end: the process of the run ended before it did, or
    /// the run is still going on.
    pub fn is_interrupted(&self) -> bool {
        self.ended.is_none()
    }

    /// Every node of the pipeline that the run was asked for, producers before
    /// consumers. Where the pipeline was not recorded: those that events tell of, in
    /// the order in which they do.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeSummary<'_>> {
        (0..self.nodes.len()).map(|at| self.summary_of(at as u32))
    }

    /// One node.
    pub fn node(&self, name: &str) -> Option<NodeSummary<'_>> {
        let at = (0..self.nodes.len() as u32).find(|at| self.graph.name(*at) == name)?;
        Some(self.summary_of(at))
    }

    /// How many nodes are in that state.
    pub fn count(&self, state: NodeState) -> usize {
        self.nodes.iter().filter(|node| node.state == state).count()
    }

    /// What is wrong with the record, in words: events that are missing, lines that
    /// cannot be read, what could not be written. None of it changes what became of
    /// the run.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    fn summary_of(&self, at: u32) -> NodeSummary<'_> {
        let node = &self.nodes[at as usize];
        let attempt = self.last_attempt(at);
        NodeSummary {
            name: self.graph.name(at),
            state: node.state,
            queued: attempt.map_or(Duration::ZERO, |attempt| attempt.queued),
            ran: attempt.map_or(Duration::ZERO, |attempt| attempt.ran(self.last)),
            attempts: node.attempts,
            rows: node.rows,
            bytes_loaded: node.bytes_loaded,
            bytes_saved: node.bytes_saved,
            failure: node.failure.as_deref(),
            skipped_by: node.skipped_by.map(|by| self.graph.name(by)),
        }
    }
}

impl std::fmt::Debug for RunRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunRecord")
            .field("run_id", &self.run_id())
            .field("end", &self.end())
            .field("took", &self.took())
            .field("nodes", &self.nodes().collect::<Vec<_>>())
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}
