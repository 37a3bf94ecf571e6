//! A run, put together from its events: what consoles, reports and traces are
//! drawn from.

mod apply;
mod critical_path;
mod graph;
mod lanes;
mod questions;
mod read;

use std::path::PathBuf;
use std::time::Duration;

#[cfg(feature = "console")]
pub(crate) use self::critical_path::Step;
pub(crate) use self::graph::Graph;
#[cfg(any(test, feature = "console"))]
pub(crate) use self::graph::WrittenGraph;
#[cfg(test)]
pub(crate) use self::graph::WrittenNode;
pub(crate) use self::lanes::Lanes;
pub use self::questions::NodeSummary;
pub use self::read::RecordError;
pub(crate) use self::read::{EVENTS, PIPELINE, SUMMARY};
use crate::events::{FailureCause, RunEnded, RunStarted};

/// What is known of a run: all that its events have told so far.
pub struct RunRecord {
    pub(crate) graph: Graph,
    /// `None` of a run that was refused, and of one whose first event is lost.
    pub(crate) started: Option<RunStarted<'static>>,
    /// `None` while the run goes on, and of one that was interrupted.
    pub(crate) ended: Option<RunEnded<'static>>,
    /// One a node of the graph.
    pub(crate) nodes: Vec<NodeRecord>,
    /// In the order in which they began.
    pub(crate) attempts: Vec<AttemptRecord>,
    /// In the order in which they ended.
    pub(crate) transfers: Vec<TransferRecord>,
    /// The threads that are named by the others.
    pub(crate) lanes: Lanes,
    pub(crate) cancelled_at: Option<Duration>,
    /// How many datasets were released.
    pub(crate) released: u64,
    /// When the last event was.
    pub(crate) last: Duration,
    /// How many events there were.
    pub(crate) events: u64,
    /// The highest number of an event, and one.
    pub(crate) next_seq: u64,
    /// Where no event has told it.
    pub(crate) run_id: Option<Box<str>>,
    /// The folder of the run, where there is one.
    pub(crate) folder: Option<PathBuf>,
    /// The version of this crate that has recorded the run, where that is told.
    pub(crate) written_by: Option<Box<str>>,
    /// What is wrong with the record itself.
    pub(crate) problems: Vec<String>,
}

/// How far a node has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeState {
    /// It has not been started.
    NeverStarted,
    /// It runs.
    Running,
    /// An attempt at it failed, and another is to be made.
    Retrying,
    /// It is done.
    Done,
    /// It was not run, since what it writes is there.
    UpToDate,
    /// It failed.
    Failed,
    /// It could not run, because of another one that failed.
    Skipped,
    /// It gave up because the run was called off.
    Cancelled,
}

/// One node of a run.
#[derive(Clone, Debug)]
pub(crate) struct NodeRecord {
    pub(crate) state: NodeState,
    /// How many attempts at it were begun.
    pub(crate) attempts: u32,
    /// The last of them, among the run's attempts.
    pub(crate) last_attempt: Option<u32>,
    pub(crate) rows: Option<u64>,
    /// How many bytes were loaded and saved for it, all attempts together.
    pub(crate) bytes_loaded: Option<u64>,
    pub(crate) bytes_saved: Option<u64>,
    /// Of the last attempt that failed.
    pub(crate) failure: Option<Box<FailureCause>>,
    /// The failed node that kept it from running.
    pub(crate) skipped_by: Option<u32>,
}

/// One attempt at a node.
#[derive(Clone, Debug)]
pub(crate) struct AttemptRecord {
    pub(crate) node: u32,
    /// From 1.
    pub(crate) number: u32,
    pub(crate) lane: u32,
    /// How long the node was ready before.
    pub(crate) queued: Duration,
    pub(crate) began: Duration,
    /// `None` while it goes on, and if it was interrupted.
    pub(crate) ended: Option<Duration>,
    /// What became of it; [`NodeState::Retrying`] where another one was to follow.
    pub(crate) outcome: NodeState,
    /// Why it failed, if it did.
    pub(crate) failure: Option<Box<FailureCause>>,
}

/// One load or save.
#[derive(Clone, Debug)]
pub(crate) struct TransferRecord {
    pub(crate) is_load: bool,
    pub(crate) node: u32,
    pub(crate) attempt: u32,
    pub(crate) lane: u32,
    pub(crate) dataset: Box<str>,
    pub(crate) began: Duration,
    pub(crate) ended: Duration,
    pub(crate) rows: Option<u64>,
    pub(crate) bytes: Option<u64>,
    pub(crate) error: Option<Box<str>>,
}

impl NodeState {
    /// The word for it: `never started`, `running`, `retrying`, `done`, `up to
    /// date`, `failed`, `skipped` or `cancelled`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeverStarted => "never started",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Done => "done",
            Self::UpToDate => "up to date",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}

impl RunRecord {
    /// A run of which nothing has been told.
    pub(crate) fn new(graph: Graph) -> Self {
        let nodes = vec![NodeRecord::new(); graph.len()];
        Self {
            graph,
            started: None,
            ended: None,
            nodes,
            attempts: Vec::new(),
            transfers: Vec::new(),
            lanes: Lanes::default(),
            cancelled_at: None,
            released: 0,
            last: Duration::ZERO,
            events: 0,
            next_seq: 0,
            run_id: None,
            folder: None,
            written_by: None,
            problems: Vec::new(),
        }
    }

    /// How long the run took, or has taken until its last event.
    pub fn took(&self) -> Duration {
        self.ended.as_ref().map_or(self.last, |ended| ended.took)
    }

    /// The last attempt at a node.
    pub(crate) fn last_attempt(&self, node: u32) -> Option<&AttemptRecord> {
        let at = self.nodes[node as usize].last_attempt?;
        // Of one that was given back nothing came.
        Some(&self.attempts[at as usize]).filter(|last| last.outcome != NodeState::NeverStarted)
    }

    /// How much of the time that the workers had for the run they spent on its
    /// nodes: 1 where each was always at one. `None` where the run took no time, or
    /// it is not known how many there were.
    pub fn efficiency(&self) -> Option<f64> {
        let workers = f64::from(self.started.as_ref()?.workers);
        let (took, last) = (self.took().as_secs_f64(), self.last);
        let made = self.attempts.iter().filter(|made| made.outcome != NodeState::NeverStarted);
        let ran = made.map(|attempt| attempt.ran(last).as_secs_f64());
        let had = workers * took;
        (had > 0.0).then(|| ran.sum::<f64>() / had)
    }
}

impl NodeRecord {
    fn new() -> Self {
        Self {
            state: NodeState::NeverStarted,
            attempts: 0,
            last_attempt: None,
            rows: None,
            bytes_loaded: None,
            bytes_saved: None,
            failure: None,
            skipped_by: None,
        }
    }
}

impl AttemptRecord {
    /// How long it took, or has taken until `now`.
    pub(crate) fn ran(&self, now: Duration) -> Duration {
        self.ended.unwrap_or(now).saturating_sub(self.began)
    }
}

#[cfg(test)]
mod tests;
