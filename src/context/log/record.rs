//! One message, with all that is known of where it belongs.

use super::super::builtin::{NodeName, RunId};
use super::value::LogValue;

/// One message on its way to a run's log.
///
/// ```
/// use entourage::{LogRecord, LogValue};
/// use tracing::Level;
///
/// let fields = [("rows", LogValue::from(3))];
/// let record = LogRecord::new(Level::INFO, "mended").with_fields(&fields).with_node("clean", 1);
/// assert_eq!((record.message, record.attempt), ("mended", Some(1)));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogRecord<'a> {
    /// How grave it is.
    pub level: tracing::Level,
    /// Who says it: as a rule a module path.
    pub target: &'a str,
    /// What is said.
    pub message: &'a str,
    /// How many bytes the message had, where `message` is no more than its
    /// beginning: see [`LogValue::Cut`].
    pub whole_message: Option<u64>,
    /// Further named values, in the order in which they were given.
    pub fields: &'a [(&'a str, LogValue)],
    /// How many further fields there were, which had no room.
    pub fields_left_out: usize,
    /// The run it is filed under.
    pub run_id: Option<RunId>,
    /// The node it is filed under.
    pub node: Option<NodeName>,
    /// Which attempt at the node said it, from 1; `None` outside of any node, and
    /// where the policy has held that number back.
    pub attempt: Option<u32>,
    /// The spans it was said in, the outermost first, without what the other fields
    /// say of run and node.
    pub spans: &'a [LogSpan<'a>],
    /// How many further spans lie around these.
    pub spans_left_out: usize,
}

/// A span that a message was said in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogSpan<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its fields, those included that were recorded after it was made.
    pub fields: &'a [(&'a str, LogValue)],
}

impl<'a> LogRecord<'a> {
    /// A message without anything else.
    pub fn new(level: tracing::Level, message: &'a str) -> Self {
        Self {
            level,
            target: "",
            message,
            whole_message: None,
            fields: &[],
            fields_left_out: 0,
            run_id: None,
            node: None,
            attempt: None,
            spans: &[],
            spans_left_out: 0,
        }
    }

    /// The same, said by `target`.
    pub fn with_target(self, target: &'a str) -> Self {
        Self { target, ..self }
    }

    /// The same, with these fields.
    pub fn with_fields(self, fields: &'a [(&'a str, LogValue)]) -> Self {
        Self { fields, ..self }
    }

    /// The same, of this run.
    pub fn with_run_id(self, run_id: impl Into<RunId>) -> Self {
        Self { run_id: Some(run_id.into()), ..self }
    }

    /// The same, of this attempt at this node.
    pub fn with_node(self, node: impl Into<NodeName>, attempt: u32) -> Self {
        Self { node: Some(node.into()), attempt: Some(attempt), ..self }
    }

    /// The same, in these spans.
    pub fn with_spans(self, spans: &'a [LogSpan<'a>]) -> Self {
        Self { spans, ..self }
    }
}

impl<'a> LogSpan<'a> {
    /// A span of this name, with these fields.
    pub fn new(name: &'a str, fields: &'a [(&'a str, LogValue)]) -> Self {
        Self { name, fields }
    }
}
