//! `summary.json`: a run in short, for programs.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::pieces::{Pieces, number};
use crate::events::{FailureCause, ResumeFrom, RunEnded, RunStarted};
use crate::pipeline::push_text;
use crate::telemetry::event_json::{nanoseconds, rfc3339};
use crate::telemetry::node_logs::LogTotals;
use crate::telemetry::record::{NodeSummary, RunRecord};

/// Changes when the meaning of a key does; keys may be added without.
const SCHEMA: u32 = 1;

/// How the recording went.
pub(super) struct Recording {
    /// How many events are not on file.
    lost: u64,
    logs: LogTotals,
    /// By node and attempt.
    said: Vec<(u32, u32, LogTotals)>,
}

impl Recording {
    pub(super) fn new(lost: u64, logs: LogTotals, mut said: Vec<(u32, u32, LogTotals)>) -> Self {
        said.sort_unstable_by_key(|(node, attempt, _)| (*node, *attempt));
        Self { lost, logs, said }
    }

    fn said_by(&self, node: u32) -> &[(u32, u32, LogTotals)] {
        let first = self.said.partition_point(|(at, ..)| *at < node);
        let behind = first + self.said[first..].partition_point(|(at, ..)| *at == node);
        &self.said[first..behind]
    }
}

/// Writes the summary of a run that is over. The nodes come one after the other: of a
/// hundred thousand there is never the whole text in memory.
pub(super) fn write(
    record: &RunRecord,
    recording: &Recording,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut piece = serde_json::to_vec(&Summary::of(record, recording))?;
    // Into the object that has just been closed.
    piece.pop();
    piece.extend_from_slice(b",\"critical_path\":[");
    let mut pieces = Pieces::new(piece, out);
    for step in record.critical_path() {
        pieces.item(|piece| {
            piece.extend_from_slice(b"{\"node\":");
            push_text(piece, record.graph.name(step.node));
            number(piece, b",\"before_ns\":", nanoseconds(step.before));
            number(piece, b",\"queued_ns\":", nanoseconds(step.queued));
            number(piece, b",\"ran_ns\":", nanoseconds(step.ran));
            piece.push(b'}');
            Ok(())
        })?;
    }
    pieces.next_list(b"],\"nodes\":[");
    for (at, node) in (0..).zip(record.nodes()) {
        let said = recording.said_by(at);
        pieces.item(|piece| {
            if is_plain(&node) && said.is_empty() {
                plain(piece, &node);
                return Ok(());
            }
            serde_json::to_writer(piece, &Node::of(&node, said))
        })?;
    }
    pieces.end(b"]}\n")
}

/// Whether there is nothing to be said of a node but what is said of each.
fn is_plain(node: &NodeSummary<'_>) -> bool {
    let NodeSummary { rows, bytes_loaded, bytes_saved, skipped_by, failure, .. } = node;
    [rows, bytes_loaded, bytes_saved].iter().all(|number| number.is_none())
        && skipped_by.is_none()
        && failure.is_none()
}

/// As [`Node`], by hand: most of a hundred thousand are such.
fn plain(piece: &mut Vec<u8>, node: &NodeSummary<'_>) {
    piece.extend_from_slice(b"{\"name\":");
    push_text(piece, node.name);
    piece.extend_from_slice(b",\"state\":");
    push_text(piece, node.state.as_str());
    number(piece, b",\"queued_ns\":", nanoseconds(node.queued));
    number(piece, b",\"ran_ns\":", nanoseconds(node.ran));
    number(piece, b",\"attempts\":", node.attempts.into());
    piece.push(b'}');
}

#[derive(Serialize)]
struct Summary<'r> {
    schema: u32,
    entourage: &'static str,
    run_id: Option<&'r str>,
    end: Option<&'static str>,
    started: Option<String>,
    took_ns: u64,
    runner: Option<&'r str>,
    workers: Option<u32>,
    states: BTreeMap<&'static str, usize>,
    efficiency: Option<f64>,
    error: Option<&'r str>,
    refused: Vec<&'r str>,
    resume: Option<Resume<'r>>,
    save_version: Option<&'r str>,
    load_versions: Option<Versions<'r>>,
    parameters: Option<Parameters<'r>>,
    events: EventCounts,
    logs: Logs,
    problems: &'r [String],
}

#[derive(Serialize)]
struct Resume<'r> {
    nodes: &'r [String],
    from_nodes: &'r [String],
    is_exact: bool,
    is_whole: bool,
}

#[derive(Serialize)]
struct EventCounts {
    written: u64,
    lost: u64,
}

#[derive(Serialize)]
struct Logs {
    lines: u64,
    bytes: u64,
    truncated: u64,
    collapsed: u64,
    dropped: u64,
    lost: u64,
}

/// What is not known is left out: there may be very many.
#[derive(Serialize)]
struct Node<'r> {
    name: &'r str,
    state: &'static str,
    queued_ns: u64,
    ran_ns: u64,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_loaded: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_saved: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped_by: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logs: Vec<AttemptLog>,
}

/// What is nothing is left out.
#[derive(Serialize)]
struct AttemptLog {
    attempt: u32,
    lines: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "is_none")]
    truncated: u64,
    #[serde(skip_serializing_if = "is_none")]
    collapsed: u64,
    #[serde(skip_serializing_if = "is_none")]
    dropped: u64,
    #[serde(skip_serializing_if = "is_none")]
    lost: u64,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

#[derive(Serialize)]
struct Failure<'r> {
    kind: &'r str,
    message: &'r str,
    causes: &'r [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'r str>,
}

impl<'r> Summary<'r> {
    fn of(record: &'r RunRecord, recording: &Recording) -> Self {
        let (started, ended) = (record.started(), record.ended());
        let mut states = BTreeMap::new();
        for node in &record.nodes {
            *states.entry(node.state.as_str()).or_default() += 1;
        }
        let refused = ended.map(|RunEnded { problems, .. }| problems.iter().map(|text| &**text));
        Self {
            schema: SCHEMA,
            entourage: env!("CARGO_PKG_VERSION"),
            run_id: record.run_id(),
            end: record.end().map(|end| end.as_str()),
            started: started.map(|started| rfc3339(started.started)),
            took_ns: nanoseconds(record.took()),
            runner: started.map(|started| &*started.runner),
            workers: started.map(|started| started.workers),
            states,
            efficiency: record.efficiency(),
            error: ended.and_then(|ended| ended.error.as_deref()),
            refused: refused.into_iter().flatten().collect(),
            resume: ended.and_then(|ended| ended.resume.as_ref()).map(Resume::of),
            save_version: started.map(|started| &*started.save_version),
            load_versions: started.map(Versions),
            parameters: started.map(Parameters),
            events: EventCounts {
                written: record.events.saturating_sub(recording.lost),
                lost: recording.lost,
            },
            logs: Logs::of(recording.logs),
            problems: record.problems(),
        }
    }
}

impl<'r> Resume<'r> {
    fn of(resume: &'r ResumeFrom) -> Self {
        let ResumeFrom { nodes, from_nodes, is_exact, is_whole } = resume;
        Self { nodes, from_nodes, is_exact: *is_exact, is_whole: *is_whole }
    }
}

impl<'r> Node<'r> {
    fn of(node: &NodeSummary<'r>, said: &[(u32, u32, LogTotals)]) -> Self {
        let failure = |failure: &'r FailureCause| Failure {
            kind: &failure.kind,
            message: &failure.message,
            causes: &failure.causes,
            place: failure.place.as_deref(),
        };
        Self {
            name: node.name,
            state: node.state.as_str(),
            queued_ns: nanoseconds(node.queued),
            ran_ns: nanoseconds(node.ran),
            attempts: node.attempts,
            rows: node.rows,
            bytes_loaded: node.bytes_loaded,
            bytes_saved: node.bytes_saved,
            skipped_by: node.skipped_by,
            failure: node.failure.map(failure),
            logs: said
                .iter()
                .map(|(_, attempt, totals)| AttemptLog::of(*attempt, *totals))
                .collect(),
        }
    }
}

impl Logs {
    fn of(totals: LogTotals) -> Self {
        let LogTotals { lines, bytes, truncated, collapsed, dropped, lost } = totals;
        Self { lines, bytes, truncated, collapsed, dropped, lost }
    }
}

impl AttemptLog {
    fn of(attempt: u32, totals: LogTotals) -> Self {
        let LogTotals { lines, bytes, truncated, collapsed, dropped, lost } = totals;
        Self { attempt, lines, bytes, truncated, collapsed, dropped, lost }
    }
}

struct Versions<'r>(&'r RunStarted<'r>);

impl Serialize for Versions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.load_versions.iter().map(|(name, version)| (name, version)))
    }
}

struct Parameters<'r>(&'r RunStarted<'r>);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_map(Some(self.0.parameters.len()))?;
        for (name, value) in &self.0.parameters {
            match serde_json::from_str::<&RawValue>(value) {
                Ok(value) => all.serialize_entry(name, value)?,
                Err(_) => all.serialize_entry(name, value)?,
            }
        }
        all.end()
    }
}
