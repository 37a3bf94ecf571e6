//! What a listener is told.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

/// One thing that happened in a run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event<'a> {
    /// Its number: the events of a run are counted from 0, and none is left out.
    pub seq: u64,
    /// When it happened, since the run began.
    pub at: Duration,
    /// The thread it happened on, by name, or as `ThreadId(7)` where it has none.
    pub worker: Cow<'a, str>,
    /// What happened.
    pub kind: EventKind<'a>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EventKind<'a> {
    /// The run begins.
    RunStarted(Box<RunStarted<'a>>),
    /// A node is not run, since what it writes is there: see
    /// [`RunOptions::only_missing`](crate::RunOptions::only_missing).
    NodeUpToDate {
        /// The node.
        node: NodeRef<'a>,
    },
    /// A worker begins a node, or goes on with one that had to wait for another's
    /// load.
    NodeStarted {
        /// The node.
        node: NodeRef<'a>,
        /// Which attempt at it, from 1.
        attempt: u32,
        /// How long it was ready before.
        queued: Duration,
    },
    /// A worker lets go of a node, whose function it has not called: it lacks a
    /// dataset that another node is loading, or has failed to load. As soon as that is
    /// there, the node is started again, as the same attempt.
    NodeGivenBack {
        /// The node.
        node: NodeRef<'a>,
        /// Which attempt at it.
        attempt: u32,
        /// The dataset.
        dataset: Cow<'a, str>,
    },
    /// A dataset was loaded from storage for a node, or could not be.
    DatasetLoaded(Transfer<'a>),
    /// What a node wrote was saved to storage, or could not be.
    DatasetSaved(Transfer<'a>),
    /// No node of the run will read the dataset any more: what the run kept of it
    /// is let go of.
    DatasetReleased {
        /// The dataset.
        dataset: Cow<'a, str>,
    },
    /// A node is done: its outputs are saved.
    NodeDone(NodeEnd<'a>),
    /// A node failed for good.
    NodeFailed {
        /// Which, and when.
        end: NodeEnd<'a>,
        /// Why.
        failure: Box<FailureCause>,
    },
    /// An attempt at a node failed, and another is to be made.
    NodeRetried {
        /// Which, and when.
        end: NodeEnd<'a>,
        /// Why it failed.
        failure: Box<FailureCause>,
        /// The pause before the next attempt.
        pause: Duration,
    },
    /// A node gave up because the run was called off.
    NodeCancelled(NodeEnd<'a>),
    /// A node cannot run, because of one that failed. Told at the end of the run.
    NodeSkipped {
        /// The node.
        node: NodeRef<'a>,
        /// The one that failed.
        by: NodeRef<'a>,
    },
    /// The run was called off: no further node is started.
    RunCancelled,
    /// The run is over. A run without this event was interrupted: its process
    /// ended before it did.
    RunEnded(Box<RunEnded<'a>>),
}

/// A node of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeRef<'a> {
    /// Its full name.
    pub name: Cow<'a, str>,
    /// Its place in the [`nodes`](crate::Pipeline::nodes) of the pipeline that the
    /// run was asked for.
    pub index: u32,
}

/// How a run begins.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunStarted<'a> {
    /// The run's id.
    pub run_id: Cow<'a, str>,
    /// When it began, by the wall clock.
    pub started: SystemTime,
    /// What runs it: `sequential`, `thread` or `process`.
    pub runner: Cow<'a, str>,
    /// How many nodes may run at once.
    pub workers: u32,
    /// How many nodes the pipeline has, those that are up to date included.
    pub nodes: u32,
    /// The version under which is saved what keeps versions.
    pub save_version: Cow<'a, str>,
    /// The versions that are loaded of datasets, where the options name them: the
    /// dataset's name and the version.
    pub load_versions: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The parameters that nodes read: the name and the value, as JSON.
    pub parameters: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// A load or a save.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Transfer<'a> {
    /// The node that it was for.
    pub node: NodeRef<'a>,
    /// Which attempt at it, from 1.
    pub attempt: u32,
    /// The dataset.
    pub dataset: Cow<'a, str>,
    /// How long it took, until the event. Of what a node yields in chunks, what all
    /// of them took together, so that part of it was before.
    pub took: Duration,
    /// How many records it was, where it was records; `None` where it did not succeed.
    pub rows: Option<u64>,
    /// How many bytes were read from storage or written to it, as they are there: of
    /// a compressed file, the compressed ones. 0 where a cache had the value. `None`
    /// where the storage does not say, and where it did not succeed.
    pub bytes: Option<u64>,
    /// Why it did not succeed; `None` where it did.
    pub error: Option<Cow<'a, str>>,
}

/// The end of an attempt at a node.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NodeEnd<'a> {
    /// The node.
    pub node: NodeRef<'a>,
    /// Which attempt at it, from 1; 0 for a node that ends before its first.
    pub attempt: u32,
    /// How long the attempt took, loads and saves included.
    pub ran: Duration,
    /// How many records the node wrote, where its outputs are records.
    pub rows: Option<u64>,
}

/// Why a node failed, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailureCause {
    /// What failed: `error`, `panic`, `load`, `save`, `confirm`, `hook`, `timeout`
    /// or `died`.
    pub kind: Cow<'static, str>,
    /// What the failure says of itself, the node's name included.
    pub message: String,
    /// What its causes say, from the nearest on.
    pub causes: Vec<String>,
    /// Where the node panicked: file, line and column.
    pub place: Option<String>,
}

/// How a run ends.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunEnded<'a> {
    /// How.
    pub end: RunEnd,
    /// How long the run took.
    pub took: Duration,
    /// What the run's error says; `None` where there is none.
    pub error: Option<Cow<'a, str>>,
    /// For what the run was refused.
    pub problems: Vec<Cow<'a, str>>,
    /// What is left to do, where something is.
    pub resume: Option<ResumeFrom>,
}

/// In which way a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunEnd {
    /// Every node is done.
    Done,
    /// A node failed, or a hook of the run.
    Failed,
    /// It was called off.
    Cancelled,
    /// It did not begin.
    Refused,
}

/// What is left to do after a run: see [`Resume`](crate::Resume).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResumeFrom {
    /// Exactly the nodes that are left.
    pub nodes: Vec<String>,
    /// The nodes to begin with, if all that come after them are to run too.
    pub from_nodes: Vec<String>,
    /// Whether a run from there is of exactly the nodes that are left.
    pub is_exact: bool,
    /// Whether that is the whole pipeline.
    pub is_whole: bool,
}

impl RunEnd {
    /// The word for it: `done`, `failed`, `cancelled` or `refused`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for RunEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
