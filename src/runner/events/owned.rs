//! Events that outlive the moment.

use std::borrow::Cow;

use super::event::{Event, EventKind, NodeEnd, NodeRef, RunEnded, RunStarted, Transfer};

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

impl Event<'_> {
    /// The same, with texts of its own.
    pub fn into_owned(self) -> Event<'static> {
        let Self { seq, at, worker, kind } = self;
        Event { seq, at, worker: owned(worker), kind: kind.into_owned() }
    }
}

impl EventKind<'_> {
    /// The same, with texts of its own.
    pub fn into_owned(self) -> EventKind<'static> {
        use EventKind as Kind;
        match self {
            Self::RunStarted(started) => Kind::RunStarted(Box::new(started.into_owned())),
            Self::NodeUpToDate { node } => Kind::NodeUpToDate { node: node.into_owned() },
            Self::NodeStarted { node, attempt, queued } => {
                Kind::NodeStarted { node: node.into_owned(), attempt, queued }
            }
            Self::NodeGivenBack { node, attempt, dataset } => {
                let (node, dataset) = (node.into_owned(), owned(dataset));
                Kind::NodeGivenBack { node, attempt, dataset }
            }
            Self::DatasetLoaded(transfer) => Kind::DatasetLoaded(transfer.into_owned()),
            Self::DatasetSaved(transfer) => Kind::DatasetSaved(transfer.into_owned()),
            Self::DatasetReleased { dataset } => Kind::DatasetReleased { dataset: owned(dataset) },
            Self::NodeDone(end) => Kind::NodeDone(end.into_owned()),
            Self::NodeFailed { end, failure } => {
                Kind::NodeFailed { end: end.into_owned(), failure }
            }
            Self::NodeRetried { end, failure, pause } => {
                Kind::NodeRetried { end: end.into_owned(), failure, pause }
            }
            Self::NodeCancelled(end) => Kind::NodeCancelled(end.into_owned()),
            Self::NodeSkipped { node, by } => {
                Kind::NodeSkipped { node: node.into_owned(), by: by.into_owned() }
            }
            Self::RunCancelled => Kind::RunCancelled,
            Self::RunEnded(ended) => Kind::RunEnded(Box::new(ended.into_owned())),
        }
    }
}

impl NodeRef<'_> {
    /// The same, with a text of its own.
    pub fn into_owned(self) -> NodeRef<'static> {
        NodeRef { name: owned(self.name), index: self.index }
    }
}

impl NodeEnd<'_> {
    /// The same, with a text of its own.
    pub fn into_owned(self) -> NodeEnd<'static> {
        let Self { node, attempt, ran, rows } = self;
        NodeEnd { node: node.into_owned(), attempt, ran, rows }
    }
}

impl Transfer<'_> {
    /// The same, with texts of its own.
    pub fn into_owned(self) -> Transfer<'static> {
        let Self { node, attempt, dataset, took, rows, bytes, error } = self;
        let (node, dataset) = (node.into_owned(), owned(dataset));
        Transfer { node, attempt, dataset, took, rows, bytes, error: error.map(owned) }
    }
}

impl RunStarted<'_> {
    /// The same, with texts of its own.
    pub fn into_owned(self) -> RunStarted<'static> {
        let both = |(name, value)| (owned(name), owned(value));
        RunStarted {
            run_id: owned(self.run_id),
            started: self.started,
            runner: owned(self.runner),
            workers: self.workers,
            nodes: self.nodes,
            save_version: owned(self.save_version),
            load_versions: self.load_versions.into_iter().map(both).collect(),
            parameters: self.parameters.into_iter().map(both).collect(),
        }
    }
}

impl RunEnded<'_> {
    /// The same, with texts of its own.
    pub fn into_owned(self) -> RunEnded<'static> {
        let Self { end, took, error, problems, resume } = self;
        let problems = problems.into_iter().map(owned).collect();
        RunEnded { end, took, error: error.map(owned), problems, resume }
    }
}
