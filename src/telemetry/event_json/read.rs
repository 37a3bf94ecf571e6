//! From a line to its event.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::SCHEMA;
use super::pairs::{Pairs, Text};
use crate::events::{
    Event, EventKind, FailureCause, NodeEnd, NodeRef, ResumeFrom, RunEnd, RunEnded, RunStarted,
    Transfer,
};

/// What a line says.
#[derive(Debug, PartialEq)]
pub(crate) enum Line<'a> {
    Event {
        event: Event<'a>,
        /// The version of this crate that wrote it, where the line says so.
        written_by: Option<Cow<'a, str>>,
    },
    /// An event that this version does not know, and its number.
    Unknown { seq: u64, event: Cow<'a, str> },
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LineError {
    #[error("column {column}: {what}; a line is an object with `seq`, `at_ns`, `event`, `worker`")]
    NotALine { column: usize, what: String },
    #[error("`{event}` has no `{key}`")]
    Missing { event: &'static str, key: &'static str },
    #[error("`{event}` has `{key}` {found}, which is not {allowed}")]
    Wrong { event: &'static str, key: &'static str, found: String, allowed: &'static str },
    #[error("`{0}` is no node of the run's pipeline.json")]
    NoSuchNode(String),
    #[error("it is of schema {0}, and this version of entourage reads schema {SCHEMA}")]
    Newer(u32),
}

/// Everything that any event has: to look for the keys of each apart, the line
/// would have to be read twice.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Keys<'a> {
    seq: u64,
    at_ns: u64,
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    worker: Cow<'a, str>,
    #[serde(borrow)]
    node: Option<Text<'a>>,
    attempt: Option<u32>,
    queued_ns: Option<u64>,
    #[serde(borrow)]
    dataset: Option<Text<'a>>,
    took_ns: Option<u64>,
    ran_ns: Option<u64>,
    rows: Option<u64>,
    bytes: Option<u64>,
    #[serde(borrow)]
    error: Option<Text<'a>>,
    failure: Option<Failure>,
    pause_ns: Option<u64>,
    #[serde(borrow)]
    by: Option<Text<'a>>,
    schema: Option<u32>,
    #[serde(borrow)]
    entourage: Option<Text<'a>>,
    #[serde(borrow)]
    run_id: Option<Text<'a>>,
    #[serde(borrow)]
    started: Option<Text<'a>>,
    #[serde(borrow)]
    runner: Option<Text<'a>>,
    workers: Option<u32>,
    nodes: Option<u32>,
    #[serde(borrow)]
    save_version: Option<Text<'a>>,
    #[serde(borrow)]
    load_versions: Option<Pairs<'a, Text<'a>>>,
    #[serde(borrow)]
    parameters: Option<Pairs<'a, &'a RawValue>>,
    #[serde(borrow)]
    end: Option<Text<'a>>,
    #[serde(borrow)]
    problems: Option<Vec<Text<'a>>>,
    resume: Option<Resume>,
}

#[derive(Deserialize)]
struct Failure {
    kind: String,
    message: String,
    causes: Vec<String>,
    place: Option<String>,
}

#[derive(Deserialize)]
struct Resume {
    nodes: Vec<String>,
    from_nodes: Vec<String>,
    is_exact: bool,
    is_whole: bool,
}

/// Reads a line, with or without its line feed. `find` says the place of a node.
pub(crate) fn read_line<'a>(
    line: &'a [u8],
    find: &mut dyn FnMut(&str) -> Option<u32>,
) -> Result<Line<'a>, LineError> {
    let mut keys: Keys<'a> = serde_json::from_slice(line).map_err(|error| {
        let (column, what) = (error.column(), error.to_string());
        let what = what.rsplit_once(" at line ").map_or(&*what, |(what, _)| what).to_owned();
        LineError::NotALine { column, what }
    })?;
    if let Some(schema) = keys.schema.filter(|schema| *schema > SCHEMA) {
        return Err(LineError::Newer(schema));
    }
    let name = match KINDS.iter().find(|(name, _)| *name == keys.event) {
        Some(kind) => kind,
        None => return Ok(Line::Unknown { seq: keys.seq, event: keys.event }),
    };
    let written_by = keys.entourage.take().map(|Text(version)| version);
    let (seq, at) = (keys.seq, Duration::from_nanos(keys.at_ns));
    let worker = std::mem::take(&mut keys.worker);
    let (event, make) = name;
    let kind = make(&mut Found { event, keys, find })?;
    Ok(Line::Event { event: Event { seq, at, worker, kind }, written_by })
}

type Make = for<'a> fn(&mut Found<'a, '_>) -> Result<EventKind<'a>, LineError>;

const KINDS: &[(&str, Make)] = &[
    ("node_started", |found| {
        let (node, attempt) = (found.node()?, found.attempt()?);
        Ok(EventKind::NodeStarted { node, attempt, queued: found.duration("queued_ns")? })
    }),
    ("node_done", |found| found.node_end().map(EventKind::NodeDone)),
    ("dataset_loaded", |found| found.transfer().map(EventKind::DatasetLoaded)),
    ("dataset_saved", |found| found.transfer().map(EventKind::DatasetSaved)),
    ("dataset_released", |found| Ok(EventKind::DatasetReleased { dataset: found.dataset()? })),
    ("node_up_to_date", |found| Ok(EventKind::NodeUpToDate { node: found.node()? })),
    ("node_failed", |found| {
        let (end, failure) = (found.node_end()?, found.failure()?);
        Ok(EventKind::NodeFailed { end, failure })
    }),
    ("node_retried", |found| {
        let (end, failure) = (found.node_end()?, found.failure()?);
        Ok(EventKind::NodeRetried { end, failure, pause: found.duration("pause_ns")? })
    }),
    ("node_cancelled", |found| found.node_end().map(EventKind::NodeCancelled)),
    ("node_skipped", |found| {
        let by = found.keys.by.take();
        let (node, by) = (found.node()?, found.node_of("by", by)?);
        Ok(EventKind::NodeSkipped { node, by })
    }),
    ("node_given_back", |found| {
        let (node, attempt) = (found.node()?, found.attempt()?);
        Ok(EventKind::NodeGivenBack { node, attempt, dataset: found.dataset()? })
    }),
    ("run_cancelled", |_| Ok(EventKind::RunCancelled)),
    ("run_started", |found| found.run_started().map(Box::new).map(EventKind::RunStarted)),
    ("run_ended", |found| found.run_ended().map(Box::new).map(EventKind::RunEnded)),
];

/// The keys of a line on their way to its event.
struct Found<'a, 'f> {
    event: &'static str,
    keys: Keys<'a>,
    find: &'f mut dyn FnMut(&str) -> Option<u32>,
}

impl<'a> Found<'a, '_> {
    fn need<T>(&self, key: &'static str, value: Option<T>) -> Result<T, LineError> {
        value.ok_or(LineError::Missing { event: self.event, key })
    }

    fn text(&self, key: &'static str, text: Option<Text<'a>>) -> Result<Cow<'a, str>, LineError> {
        self.need(key, text).map(|Text(text)| text)
    }

    fn node_of(
        &mut self,
        key: &'static str,
        name: Option<Text<'a>>,
    ) -> Result<NodeRef<'a>, LineError> {
        let name = self.text(key, name)?;
        match (self.find)(&name) {
            Some(index) => Ok(NodeRef { name, index }),
            None => Err(LineError::NoSuchNode(name.into_owned())),
        }
    }

    fn node(&mut self) -> Result<NodeRef<'a>, LineError> {
        let name = self.keys.node.take();
        self.node_of("node", name)
    }

    fn attempt(&self) -> Result<u32, LineError> {
        self.need("attempt", self.keys.attempt)
    }

    fn dataset(&mut self) -> Result<Cow<'a, str>, LineError> {
        let dataset = self.keys.dataset.take();
        self.text("dataset", dataset)
    }

    fn duration(&self, key: &'static str) -> Result<Duration, LineError> {
        let value = match key {
            "queued_ns" => self.keys.queued_ns,
            "took_ns" => self.keys.took_ns,
            "pause_ns" => self.keys.pause_ns,
            _ => self.keys.ran_ns,
        };
        self.need(key, value).map(Duration::from_nanos)
    }

    fn node_end(&mut self) -> Result<NodeEnd<'a>, LineError> {
        let (node, attempt, rows) = (self.node()?, self.attempt()?, self.keys.rows);
        Ok(NodeEnd { node, attempt, ran: self.duration("ran_ns")?, rows })
    }

    fn transfer(&mut self) -> Result<Transfer<'a>, LineError> {
        Ok(Transfer {
            node: self.node()?,
            attempt: self.attempt()?,
            dataset: self.dataset()?,
            took: self.duration("took_ns")?,
            rows: self.keys.rows,
            bytes: self.keys.bytes,
            error: self.keys.error.take().map(|Text(error)| error),
        })
    }

    fn failure(&mut self) -> Result<Box<FailureCause>, LineError> {
        let failure = self.keys.failure.take();
        let Failure { kind, message, causes, place } = self.need("failure", failure)?;
        Ok(Box::new(FailureCause { kind: kind.into(), message, causes, place }))
    }

    fn run_started(&mut self) -> Result<RunStarted<'a>, LineError> {
        let run_id = self.keys.run_id.take();
        let (started, runner) = (self.keys.started.take(), self.keys.runner.take());
        let (save_version, load_versions) =
            (self.keys.save_version.take(), self.keys.load_versions.take());
        let parameters = self.keys.parameters.take();
        let started = self.text("started", started)?;
        let time = humantime::parse_rfc3339(&started);
        Ok(RunStarted {
            run_id: self.text("run_id", run_id)?,
            started: time.map_err(|_| self.wrong("started", &started, "a time of RFC 3339"))?,
            runner: self.text("runner", runner)?,
            workers: self.need("workers", self.keys.workers)?,
            nodes: self.need("nodes", self.keys.nodes)?,
            save_version: self.text("save_version", save_version)?,
            load_versions: self.need("load_versions", load_versions)?.texts(),
            parameters: self.need("parameters", parameters)?.values(),
        })
    }

    fn run_ended(&mut self) -> Result<RunEnded<'a>, LineError> {
        let (end, problems) = (self.keys.end.take(), self.keys.problems.take());
        let end = self.text("end", end)?;
        let all = [RunEnd::Done, RunEnd::Failed, RunEnd::Cancelled, RunEnd::Refused];
        let known = all.into_iter().find(|known| known.as_str() == end);
        const ALLOWED: &str = "`done`, `failed`, `cancelled` or `refused`";
        Ok(RunEnded {
            end: known.ok_or_else(|| self.wrong("end", &end, ALLOWED))?,
            took: self.duration("took_ns")?,
            error: self.keys.error.take().map(|Text(error)| error),
            problems: problems.into_iter().flatten().map(|Text(problem)| problem).collect(),
            resume: self.keys.resume.take().map(|resume| {
                let Resume { nodes, from_nodes, is_exact, is_whole } = resume;
                ResumeFrom { nodes, from_nodes, is_exact, is_whole }
            }),
        })
    }

    fn wrong(&self, key: &'static str, found: &str, allowed: &'static str) -> LineError {
        // No more of it than is needed to find it.
        let found: String = found.chars().take(60).collect();
        LineError::Wrong { event: self.event, key, found: format!("{found:?}"), allowed }
    }
}

impl<'a> Pairs<'a, Text<'a>> {
    fn texts(self) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        self.0.into_iter().map(|(name, Text(value))| (name, value)).collect()
    }
}

impl<'a> Pairs<'a, &'a RawValue> {
    fn values(self) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        self.0.into_iter().map(|(name, value)| (name, Cow::Borrowed(value.get()))).collect()
    }
}
