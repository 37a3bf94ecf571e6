//! Everything that a run tells those who listen.

use std::sync::Arc;

use entourage::events::{Event, EventKind, FailureCause, Listener, NodeEnd, RunListener, Transfer};
use entourage::{Catalog, Pipeline, RunError, RunId, RunOptions, RunReport};
use parking_lot::Mutex;

/// Keeps what it is told, of one run.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<Event<'static>>>>);

impl Listener for Events {
    fn run(&self, _: &RunId) -> Arc<dyn RunListener> {
        Arc::new(self.clone())
    }
}

impl RunListener for Events {
    fn event(&self, event: &Event<'_>) {
        self.0.lock().push(event.clone().into_owned());
    }
}

impl Events {
    /// All that was told so far, by number.
    pub(crate) fn all(&self) -> Vec<Event<'static>> {
        let mut all = self.0.lock().clone();
        all.sort_by_key(|event| event.seq);
        all
    }
}

/// How a run ended, and all that was told of it.
pub(crate) struct Told {
    pub(crate) outcome: Result<RunReport, RunError>,
    pub(crate) events: Vec<Event<'static>>,
}

/// Runs a pipeline by `run`, with somebody who listens.
pub(crate) fn told(
    run: impl FnOnce(&Pipeline, &Catalog, RunOptions) -> Result<RunReport, RunError>,
    pipeline: &Pipeline,
    catalog: &Catalog,
    options: RunOptions,
) -> Told {
    let events = Events::default();
    let outcome = run(pipeline, catalog, options.listener(events.clone()));
    Told { outcome, events: events.all() }
}

/// A load or a save, and which of them it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moved {
    pub(crate) is_load: bool,
    pub(crate) transfer: Transfer<'static>,
}

/// The loads and saves among the events, in their order.
pub(crate) fn moved(events: &[Event<'static>]) -> Vec<Moved> {
    let moved = events.iter().filter_map(|event| match &event.kind {
        EventKind::DatasetLoaded(transfer) => Some((true, transfer)),
        EventKind::DatasetSaved(transfer) => Some((false, transfer)),
        _ => None,
    });
    moved.map(|(is_load, transfer)| Moved { is_load, transfer: transfer.clone() }).collect()
}

impl Moved {
    /// All of it but how long it took, as `copy 1: loaded note, 3 rows, 20 bytes`.
    pub(crate) fn in_words(&self) -> String {
        let Transfer { node, attempt, dataset, rows, bytes, error, .. } = &self.transfer;
        let verb = if self.is_load { "loaded" } else { "saved" };
        let rows = rows.map(|rows| format!(", {rows} rows")).unwrap_or_default();
        let bytes = bytes.map(|bytes| format!(", {bytes} bytes")).unwrap_or_default();
        let error = error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        format!("{} {attempt}: {verb} {dataset}{rows}{bytes}{error}", node.name)
    }
}

/// The loads and saves in words.
pub(crate) fn moved_in_words(events: &[Event<'static>]) -> Vec<String> {
    moved(events).iter().map(Moved::in_words).collect()
}

/// All of an event but when, where and under which number it was, how long something
/// took, and what is of this run alone.
pub(crate) fn in_words(kind: &EventKind<'static>) -> String {
    let end = |end: &NodeEnd<'_>| {
        let rows = end.rows.map(|rows| format!(", {rows} rows")).unwrap_or_default();
        format!("{} {}{rows}", end.node.name, end.attempt)
    };
    let why = |cause: &FailureCause| {
        let FailureCause { kind, message, causes, place, .. } = cause;
        format!("{kind}: {message} {causes:?} {place:?}")
    };
    let moved = |is_load, transfer: &Transfer<'static>| {
        Moved { is_load, transfer: transfer.clone() }.in_words()
    };
    match kind {
        EventKind::RunStarted(started) => {
            let (nodes, loads) = (started.nodes, &started.load_versions);
            format!("started {nodes} nodes, {loads:?}, {:?}", started.parameters)
        }
        EventKind::NodeUpToDate { node } => format!("{} is up to date", node.name),
        EventKind::NodeStarted { node, attempt, .. } => format!("{} {attempt}: started", node.name),
        EventKind::NodeGivenBack { node, attempt, dataset } => {
            format!("{} {attempt}: given back, lacks {dataset}", node.name)
        }
        EventKind::DatasetLoaded(transfer) => moved(true, transfer),
        EventKind::DatasetSaved(transfer) => moved(false, transfer),
        EventKind::DatasetReleased { dataset } => format!("released {dataset}"),
        EventKind::NodeDone(done) => format!("{}: done", end(done)),
        EventKind::NodeFailed { end: failed, failure } => {
            format!("{}: failed, {}", end(failed), why(failure))
        }
        EventKind::NodeRetried { end: failed, failure, .. } => {
            format!("{}: to be tried again, {}", end(failed), why(failure))
        }
        EventKind::NodeCancelled(gave_up) => format!("{}: cancelled", end(gave_up)),
        EventKind::NodeSkipped { node, by } => format!("{} skipped by {}", node.name, by.name),
        EventKind::RunCancelled => "cancelled".to_owned(),
        EventKind::RunEnded(ended) => {
            let (error, problems) = (&ended.error, &ended.problems);
            format!("ended {}, {error:?} {problems:?} {:?}", ended.end, ended.resume)
        }
        other => format!("{other:?}"),
    }
}
