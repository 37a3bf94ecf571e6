//! The messages.

use serde::{Deserialize, Serialize};

use super::failure::{Failure, Hook};
use crate::context::{LogRecord, LogSpan, LogValue};
use crate::events::EventKind;

/// What the parent says to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) enum Request {
    /// The answer to a greeting. The worker says when it has done so.
    Settle {
        memory_limit: Option<u64>,
    },
    /// Whether the worker has these nodes, each with the digest of its wiring.
    Compare {
        pipeline: u32,
        nodes: Vec<(String, u64)>,
    },
    Execute(Box<Execute>),
    /// A run is over: what the worker's datasets keep only to be quicker may go.
    Release,
    /// Tells the node of this task that it is not wanted any more.
    Cancel {
        task: u64,
    },
}

/// What a worker says to its parent.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) enum Reply {
    /// The first word: which pipelines it serves.
    Greeting { served: Vec<Served> },
    /// It is ready for tasks, or why it cannot be.
    Settled { problem: Option<String> },
    /// The names of nodes that it does not have, and that it has otherwise.
    Compared { missing: Vec<String>, different: Vec<String> },
    /// The task has reached it.
    Begun { task: u64 },
    /// Something for the run's log.
    Log { task: u64, log: Log },
    /// A load or a save is over.
    Moved { task: u64, moved: Moved },
    /// The task is over.
    Ended { task: u64, outcome: Outcome },
}

/// A pipeline that a worker serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Served {
    pub(in super::super) digest: u64,
    pub(in super::super) nodes: u64,
}

/// One node, to be run once.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) struct Execute {
    pub(in super::super) task: u64,
    /// Of which run of the parent's it is, whatever that is called.
    pub(in super::super) run: u64,
    /// Which of the served pipelines.
    pub(in super::super) pipeline: u32,
    pub(in super::super) node: String,
    pub(in super::super) run_id: String,
    /// What is on the wire of the caller's context; `None` where the run
    /// carries nothing at all.
    pub(in super::super) context: Option<Vec<(String, String)>>,
    /// Which attempt at the node it is, where there may be several.
    pub(in super::super) attempt: Option<u32>,
    /// How much of a text is of use to the run's log, where it has one for the worker
    /// to say things to.
    pub(in super::super) longest_text: Option<u64>,
    /// Whether somebody is told of the loads and saves.
    pub(in super::super) has_listener: bool,
    /// The folder of the run, as bytes, to be removed by whoever is left.
    pub(in super::super) folder: Vec<u8>,
    pub(in super::super) save_version: String,
    /// By dataset, where it is not to be the latest.
    pub(in super::super) load_versions: Vec<(String, String)>,
    /// The values of its parameters, as JSON: the run's, whatever the worker's own
    /// catalog has.
    pub(in super::super) parameters: Vec<(String, String)>,
    /// Where those of the node's datasets are that the catalog does not bind.
    pub(in super::super) kept: Vec<KeptFile>,
}

/// A dataset that is kept in the folder of the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in super::super) struct KeptFile {
    pub(in super::super) dataset: String,
    /// The file's name in the folder.
    pub(in super::super) file: String,
}

/// A load or a save of a dataset that the node reads or writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Moved {
    pub(in super::super) is_load: bool,
    pub(in super::super) dataset: String,
    pub(in super::super) took_ns: u64,
    pub(in super::super) rows: Option<u64>,
    pub(in super::super) bytes: Option<u64>,
    pub(in super::super) error: Option<String>,
}

/// What became of a task.
#[derive(Debug, Serialize, Deserialize)]
pub(in super::super) enum Outcome {
    Done {
        rows: Option<u64>,
    },
    Failed(Failure),
    /// It failed, and so did hooks that were told of that.
    FailedBesides {
        failure: Failure,
        besides: Vec<Hook>,
    },
}

/// A message on its way to the log of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct Log {
    level: u8,
    target: String,
    message: String,
    whole_message: Option<u64>,
    fields: Fields,
    fields_left_out: u64,
    run_id: Option<String>,
    node: Option<String>,
    attempt: Option<u32>,
    spans: Vec<(String, Fields)>,
    spans_left_out: u64,
}

type Fields = Vec<(String, Field)>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Field {
    Bool(bool),
    Signed(i128),
    Unsigned(u128),
    Float(f64),
    Text(String),
    Cut { text: String, bytes: u64 },
}

const LEVELS: [tracing::Level; 5] = [
    tracing::Level::ERROR,
    tracing::Level::WARN,
    tracing::Level::INFO,
    tracing::Level::DEBUG,
    tracing::Level::TRACE,
];

impl Log {
    pub(in super::super) fn of(record: &LogRecord<'_>) -> Self {
        let level = LEVELS.iter().position(|level| *level == record.level).unwrap_or(0);
        let (message, cut) = beginning(record.message);
        let span = |span: &LogSpan<'_>| (span.name.to_owned(), fields_of(span.fields));
        Self {
            level: level as u8,
            target: record.target.to_owned(),
            message,
            whole_message: record.whole_message.or(cut),
            fields: fields_of(record.fields),
            fields_left_out: record.fields_left_out as u64,
            run_id: record.run_id.as_ref().map(ToString::to_string),
            node: record.node.as_ref().map(ToString::to_string),
            attempt: record.attempt,
            spans: record.spans.iter().map(span).collect(),
            spans_left_out: record.spans_left_out as u64,
        }
    }

    /// Hands `file` the message as it was said.
    pub(in super::super) fn tell(self, file: impl FnOnce(&LogRecord<'_>)) {
        let fields = values_of(&self.fields);
        let spans: Vec<_> =
            self.spans.iter().map(|(name, fields)| (name, values_of(fields))).collect();
        let spans: Vec<_> = spans.iter().map(|(name, fields)| LogSpan::new(name, fields)).collect();
        let level = LEVELS.get(usize::from(self.level)).copied().unwrap_or(LEVELS[0]);
        let count = |count| usize::try_from(count).unwrap_or(usize::MAX);
        file(&LogRecord {
            target: &self.target,
            whole_message: self.whole_message,
            fields: &fields,
            fields_left_out: count(self.fields_left_out),
            run_id: self.run_id.map(Into::into),
            node: self.node.map(Into::into),
            attempt: self.attempt,
            spans: &spans,
            spans_left_out: count(self.spans_left_out),
            ..LogRecord::new(level, &self.message)
        });
    }
}

impl Moved {
    /// The load or save of which an event tells, if it tells of one.
    pub(in super::super) fn of(kind: &EventKind<'_>) -> Option<Self> {
        let (is_load, transfer) = match kind {
            EventKind::DatasetLoaded(transfer) => (true, transfer),
            EventKind::DatasetSaved(transfer) => (false, transfer),
            _ => return None,
        };
        Some(Self {
            is_load,
            dataset: transfer.dataset.to_string(),
            took_ns: u64::try_from(transfer.took.as_nanos()).unwrap_or(u64::MAX),
            rows: transfer.rows,
            bytes: transfer.bytes,
            error: transfer.error.as_ref().map(|error| shortened(error.to_string())),
        })
    }
}

fn fields_of(fields: &[(&str, LogValue)]) -> Fields {
    let field = |value: &LogValue| match value {
        LogValue::Bool(value) => Field::Bool(*value),
        LogValue::Signed(value) => Field::Signed(*value),
        LogValue::Unsigned(value) => Field::Unsigned(*value),
        LogValue::Float(value) => Field::Float(*value),
        LogValue::Text(text) => match beginning(text) {
            (text, None) => Field::Text(text),
            (text, Some(bytes)) => Field::Cut { text, bytes },
        },
        LogValue::Cut { text, bytes } => Field::Cut { text: beginning(text).0, bytes: *bytes },
    };
    fields.iter().map(|(name, value)| ((*name).to_owned(), field(value))).collect()
}

fn values_of(fields: &Fields) -> Vec<(&str, LogValue)> {
    let value = |field: &Field| match field {
        Field::Bool(value) => LogValue::Bool(*value),
        Field::Signed(value) => LogValue::Signed(*value),
        Field::Unsigned(value) => LogValue::Unsigned(*value),
        Field::Float(value) => LogValue::Float(*value),
        Field::Text(value) => LogValue::Text(value.clone()),
        Field::Cut { text, bytes } => LogValue::Cut { text: text.clone(), bytes: *bytes },
    };
    fields.iter().map(|(name, field)| (name.as_str(), value(field))).collect()
}

/// How many bytes of one text leave room in its frame for others.
const MOST: usize = 1 << 18;

/// As much of `text` as leaves room for others, and how many bytes it has where that
/// is not all of it.
fn beginning(text: &str) -> (String, Option<u64>) {
    let kept = &text[..text.floor_char_boundary(MOST)];
    (kept.to_owned(), (kept.len() < text.len()).then_some(text.len() as u64))
}

/// A text that leaves room in its frame for others.
pub(in super::super) fn shortened(mut text: String) -> String {
    if text.len() > MOST {
        let end = text.floor_char_boundary(MOST);
        let more = text.len() - end;
        text.truncate(end);
        text.push_str(&format!("… ({more} bytes more)"));
    }
    text
}
