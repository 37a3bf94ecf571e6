//! What a page is told of its run.

use std::borrow::Cow;

use serde::Serialize;

use super::super::record::{NodeState, RunRecord};
use super::clip::{NAME, TEXT, clip};
use super::columns::{AttemptColumns, NodeColumns, TransferColumns, nanos};
use super::logs::{Log, logs};
use super::names::Names;
use super::previous::{Previous, previous};
use crate::events::{FailureCause, ResumeFrom, RunEnded, RunStarted};

/// How many failures a page tells of, and how many causes of each.
const FAILURES: usize = 500;
const CAUSES: usize = 50;
/// How many parameters, versions, nodes of a resumed run or problems it lists.
const LISTED: usize = 10_000;

#[derive(Serialize)]
pub(super) struct Page<'a> {
    /// Of the crate that wrote the report, and of the one that recorded the run.
    entourage: &'static str,
    recorded_by: Option<Cow<'a, str>>,
    /// What is wrong with the record.
    problems: Vec<Cow<'a, str>>,
    written: String,
    run: Run<'a>,
    texts: Vec<Cow<'a, str>>,
    nodes: NodeColumns,
    attempts: AttemptColumns,
    transfers: TransferColumns,
    lanes: Vec<Cow<'a, str>>,
    failures: Vec<Failure<'a>>,
    failures_left_out: usize,
    /// Why attempts failed that were followed by another, by their places among the
    /// attempts.
    retried: Vec<(usize, Failure<'a>)>,
    critical_path: Vec<u32>,
    /// Of each of its nodes, what there was before its last attempt was ready.
    path_before: Vec<u64>,
    logs: Vec<Log>,
    logs_left_out: usize,
    previous: Option<Previous>,
}

#[derive(Serialize)]
struct Run<'a> {
    id: Option<Cow<'a, str>>,
    runner: Option<&'a str>,
    workers: Option<u32>,
    /// RFC 3339.
    started: Option<String>,
    took: u64,
    /// `done`, `failed`, `cancelled`, `refused`; `None` if it was interrupted.
    end: Option<&'static str>,
    cancelled_at: Option<u64>,
    efficiency: Option<f64>,
    events: u64,
    released: u64,
    error: Option<Cow<'a, str>>,
    problems: Vec<Cow<'a, str>>,
    resume: Option<ResumeData<'a>>,
    save_version: Option<Cow<'a, str>>,
    load_versions: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    parameters: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

#[derive(Serialize)]
struct ResumeData<'a> {
    nodes: Vec<Cow<'a, str>>,
    count: usize,
    from_nodes: Vec<Cow<'a, str>>,
    is_exact: bool,
    is_whole: bool,
}

/// Why a node failed, the last time it did, or an attempt of it.
#[derive(Serialize)]
struct Failure<'a> {
    node: u32,
    kind: &'a str,
    message: Cow<'a, str>,
    causes: Vec<Cow<'a, str>>,
    place: Option<Cow<'a, str>>,
}

impl<'a> Page<'a> {
    pub(super) fn of(record: &'a RunRecord, is_beside: bool) -> Self {
        let mut texts = Names::default();
        let nodes = NodeColumns::of(record, &mut texts);
        let transfers = TransferColumns::of(record, &mut texts);
        let (failures, failures_left_out) = failures(record);
        let (logs, logs_left_out) = logs(record);
        let path = record.critical_path();
        Self {
            entourage: env!("CARGO_PKG_VERSION"),
            recorded_by: record.written_by.as_deref().map(|version| clip(version, NAME)),
            problems: record.problems.iter().take(100).map(|text| clip(text, NAME)).collect(),
            written: humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string(),
            run: Run::of(record),
            texts: texts.into_texts(),
            nodes,
            attempts: AttemptColumns::of(record),
            transfers,
            lanes: record.lanes.names().iter().map(|name| clip(name, NAME)).collect(),
            failures,
            failures_left_out,
            retried: retried(record),
            critical_path: path.iter().map(|step| step.node).collect(),
            path_before: path.iter().map(|step| nanos(step.before)).collect(),
            logs,
            logs_left_out,
            previous: previous(record, is_beside),
        }
    }
}

impl<'a> Run<'a> {
    fn of(record: &'a RunRecord) -> Self {
        let started = record.started.as_ref();
        let ended = record.ended.as_ref();
        Self {
            id: record.run_id().map(|id| clip(id, NAME)),
            runner: started.map(|started| &*started.runner),
            workers: started.map(|started| started.workers),
            started: started.map(rfc3339),
            took: nanos(record.took()),
            end: ended.map(|ended| ended.end.as_str()),
            cancelled_at: record.cancelled_at.map(nanos),
            efficiency: record.efficiency(),
            events: record.events,
            released: record.released,
            error: ended.and_then(|ended| ended.error.as_deref()).map(|error| clip(error, TEXT)),
            problems: ended.map(problems).unwrap_or_default(),
            resume: ended.and_then(|ended| ended.resume.as_ref()).map(ResumeData::of),
            save_version: started.map(|started| clip(&started.save_version, NAME)),
            load_versions: started.map(|run| pairs(&run.load_versions)).unwrap_or_default(),
            parameters: started.map(|run| pairs(&run.parameters)).unwrap_or_default(),
        }
    }
}

impl<'a> ResumeData<'a> {
    fn of(resume: &'a ResumeFrom) -> Self {
        Self {
            nodes: texts(&resume.nodes),
            count: resume.nodes.len(),
            from_nodes: texts(&resume.from_nodes),
            is_exact: resume.is_exact,
            is_whole: resume.is_whole,
        }
    }
}

/// Of the nodes that failed for good first, then of those that did so once.
fn failures(record: &RunRecord) -> (Vec<Failure<'_>>, usize) {
    let all = (0..).zip(&record.nodes);
    let all = all.filter_map(|(at, node)| Some((at, node.state, node.failure.as_deref()?)));
    let (failed, passed): (Vec<_>, Vec<_>) =
        all.partition(|(_, state, _)| *state == NodeState::Failed);
    let left_out = failed.len().saturating_sub(FAILURES);
    let told = failed.into_iter().chain(passed).take(FAILURES);
    (told.map(|(node, _, failure)| Failure::of(node, failure)).collect(), left_out)
}

/// The first of those attempts that failed and were followed by another.
fn retried(record: &RunRecord) -> Vec<(usize, Failure<'_>)> {
    let retried = record.attempts.iter().enumerate();
    let retried = retried.filter(|(_, attempt)| attempt.outcome == NodeState::Retrying);
    let told = retried.filter_map(|(at, attempt)| {
        Some((at, Failure::of(attempt.node, attempt.failure.as_deref()?)))
    });
    told.take(FAILURES).collect()
}

impl<'a> Failure<'a> {
    fn of(node: u32, failure: &'a FailureCause) -> Self {
        Self {
            node,
            kind: &failure.kind,
            message: clip(&failure.message, TEXT),
            causes: failure.causes.iter().take(CAUSES).map(|cause| clip(cause, TEXT)).collect(),
            place: failure.place.as_deref().map(|place| clip(place, TEXT)),
        }
    }
}

fn rfc3339(started: &RunStarted<'_>) -> String {
    rfc3339_of(started.started)
}

/// A clock may be set to anything; what cannot be written is the nearest that can.
pub(super) fn rfc3339_of(time: std::time::SystemTime) -> String {
    use std::time::{Duration, SystemTime};
    let last = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    let time = time.clamp(SystemTime::UNIX_EPOCH, last);
    humantime::format_rfc3339_millis(time).to_string()
}

fn problems<'a>(ended: &'a RunEnded<'_>) -> Vec<Cow<'a, str>> {
    ended.problems.iter().take(LISTED).map(|problem| clip(problem, TEXT)).collect()
}

fn texts(texts: &[String]) -> Vec<Cow<'_, str>> {
    texts.iter().take(LISTED).map(|text| clip(text, NAME)).collect()
}

fn pairs<'a>(pairs: &'a [(Cow<'_, str>, Cow<'_, str>)]) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    let pairs = pairs.iter().take(LISTED);
    pairs.map(|(name, value)| (clip(name, NAME), clip(value, TEXT))).collect()
}
