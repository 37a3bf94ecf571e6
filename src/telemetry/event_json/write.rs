//! From an event to its line. Written by hand, since it is paid for by each node.

use std::time::{Duration, SystemTime};

use serde_json::value::RawValue;

use super::SCHEMA;
use crate::events::{
    Event, EventKind, FailureCause, NodeEnd, NodeRef, ResumeFrom, RunEnded, RunStarted, Transfer,
};
use crate::pipeline::push_text;

/// The last second that RFC 3339 can write: its years have four digits.
const LAST_SECOND: Duration = Duration::from_secs(253_402_300_799);

/// Puts the line of `event` behind `line`, with its line feed.
pub(crate) fn write_line(event: &Event<'_>, line: &mut Vec<u8>) {
    let mut object = Object(line);
    object.raw("{\"seq\":");
    object.integer(event.seq);
    object.nanoseconds(",\"at_ns\":", event.at);
    object.raw(",\"event\":\"");
    object.raw(name(&event.kind));
    object.text("\",\"worker\":", &event.worker);
    match &event.kind {
        EventKind::RunStarted(started) => object.run_started(started),
        EventKind::NodeUpToDate { node } => object.node(node),
        EventKind::NodeStarted { node, attempt, queued } => {
            object.node(node);
            object.number(",\"attempt\":", u64::from(*attempt));
            object.nanoseconds(",\"queued_ns\":", *queued);
        }
        EventKind::NodeGivenBack { node, attempt, dataset } => {
            object.node(node);
            object.number(",\"attempt\":", u64::from(*attempt));
            object.text(",\"dataset\":", dataset);
        }
        EventKind::DatasetLoaded(transfer) | EventKind::DatasetSaved(transfer) => {
            object.transfer(transfer);
        }
        EventKind::DatasetReleased { dataset } => object.text(",\"dataset\":", dataset),
        EventKind::NodeDone(end) | EventKind::NodeCancelled(end) => object.node_end(end),
        EventKind::NodeFailed { end, failure } => {
            object.node_end(end);
            object.failure(failure);
        }
        EventKind::NodeRetried { end, failure, pause } => {
            object.node_end(end);
            object.nanoseconds(",\"pause_ns\":", *pause);
            object.failure(failure);
        }
        EventKind::NodeSkipped { node, by } => {
            object.node(node);
            object.text(",\"by\":", &by.name);
        }
        EventKind::RunCancelled => {}
        EventKind::RunEnded(ended) => object.run_ended(ended),
    }
    object.raw("}\n");
}

/// What an event of that kind is called in its line.
fn name(kind: &EventKind<'_>) -> &'static str {
    match kind {
        EventKind::RunStarted(_) => "run_started",
        EventKind::NodeUpToDate { .. } => "node_up_to_date",
        EventKind::NodeStarted { .. } => "node_started",
        EventKind::NodeGivenBack { .. } => "node_given_back",
        EventKind::DatasetLoaded(_) => "dataset_loaded",
        EventKind::DatasetSaved(_) => "dataset_saved",
        EventKind::DatasetReleased { .. } => "dataset_released",
        EventKind::NodeDone(_) => "node_done",
        EventKind::NodeFailed { .. } => "node_failed",
        EventKind::NodeRetried { .. } => "node_retried",
        EventKind::NodeCancelled(_) => "node_cancelled",
        EventKind::NodeSkipped { .. } => "node_skipped",
        EventKind::RunCancelled => "run_cancelled",
        EventKind::RunEnded(_) => "run_ended",
    }
}

/// The text of a duration in nanoseconds; more than 584 years are as many.
pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A time of the wall clock, or the nearest that can be written: a clock may be
/// set to anything.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let (first, last) = (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + LAST_SECOND);
    humantime::format_rfc3339_nanos(time.clamp(first, last)).to_string()
}

/// An object under way. Each method takes what stands before the value: a comma
/// and the key.
struct Object<'a>(&'a mut Vec<u8>);

impl Object<'_> {
    fn raw(&mut self, json: &str) {
        self.0.extend_from_slice(json.as_bytes());
    }

    fn integer(&mut self, value: u64) {
        // A vector takes all that is written to it.
        let _ = serde_json::to_writer(&mut *self.0, &value);
    }

    fn number(&mut self, key: &str, value: u64) {
        self.raw(key);
        self.integer(value);
    }

    fn number_if_known(&mut self, key: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.number(key, value);
        }
    }

    fn nanoseconds(&mut self, key: &str, duration: Duration) {
        self.number(key, nanoseconds(duration));
    }

    fn text(&mut self, key: &str, value: &str) {
        self.raw(key);
        push_text(self.0, value);
    }

    fn text_if_known(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    fn texts<'t>(&mut self, key: &str, values: impl Iterator<Item = &'t str>) {
        self.raw(key);
        self.raw("[");
        for (at, value) in values.enumerate() {
            self.text(if at > 0 { "," } else { "" }, value);
        }
        self.raw("]");
    }

    fn bool(&mut self, key: &str, value: bool) {
        self.raw(key);
        self.raw(if value { "true" } else { "false" });
    }

    fn node(&mut self, node: &NodeRef<'_>) {
        self.text(",\"node\":", &node.name);
    }

    fn node_end(&mut self, end: &NodeEnd<'_>) {
        self.node(&end.node);
        self.number(",\"attempt\":", u64::from(end.attempt));
        self.nanoseconds(",\"ran_ns\":", end.ran);
        self.number_if_known(",\"rows\":", end.rows);
    }

    fn transfer(&mut self, transfer: &Transfer<'_>) {
        self.node(&transfer.node);
        self.number(",\"attempt\":", u64::from(transfer.attempt));
        self.text(",\"dataset\":", &transfer.dataset);
        self.nanoseconds(",\"took_ns\":", transfer.took);
        self.number_if_known(",\"rows\":", transfer.rows);
        self.number_if_known(",\"bytes\":", transfer.bytes);
        self.text_if_known(",\"error\":", transfer.error.as_deref());
    }

    fn failure(&mut self, failure: &FailureCause) {
        self.text(",\"failure\":{\"kind\":", &failure.kind);
        self.text(",\"message\":", &failure.message);
        self.texts(",\"causes\":", failure.causes.iter().map(String::as_str));
        self.text_if_known(",\"place\":", failure.place.as_deref());
        self.raw("}");
    }

    fn run_started(&mut self, started: &RunStarted<'_>) {
        self.number(",\"schema\":", SCHEMA.into());
        self.text(",\"entourage\":", env!("CARGO_PKG_VERSION"));
        self.text(",\"run_id\":", &started.run_id);
        self.text(",\"started\":", &rfc3339(started.started));
        self.text(",\"runner\":", &started.runner);
        self.number(",\"workers\":", started.workers.into());
        self.number(",\"nodes\":", started.nodes.into());
        self.text(",\"save_version\":", &started.save_version);
        self.raw(",\"load_versions\":{");
        for (at, (name, version)) in started.load_versions.iter().enumerate() {
            self.text(if at > 0 { "," } else { "" }, name);
            self.text(":", version);
        }
        self.raw("},\"parameters\":{");
        for (at, (name, value)) in started.parameters.iter().enumerate() {
            self.text(if at > 0 { "," } else { "" }, name);
            self.raw(":");
            self.json(value);
        }
        self.raw("}");
    }

    /// A value that is JSON, on one line; what is not is a string.
    fn json(&mut self, value: &str) {
        match serde_json::from_str::<&RawValue>(value) {
            // Where it is between tokens alone that a line may end.
            Ok(value) => self.raw(&value.get().replace(['\n', '\r'], " ")),
            Err(_) => push_text(self.0, value),
        }
    }

    fn run_ended(&mut self, ended: &RunEnded<'_>) {
        self.text(",\"end\":", ended.end.as_str());
        self.nanoseconds(",\"took_ns\":", ended.took);
        self.text_if_known(",\"error\":", ended.error.as_deref());
        self.texts(",\"problems\":", ended.problems.iter().map(|problem| &**problem));
        if let Some(ResumeFrom { nodes, from_nodes, is_exact, is_whole }) = &ended.resume {
            self.texts(",\"resume\":{\"nodes\":", nodes.iter().map(String::as_str));
            self.texts(",\"from_nodes\":", from_nodes.iter().map(String::as_str));
            self.bool(",\"is_exact\":", *is_exact);
            self.bool(",\"is_whole\":", *is_whole);
            self.raw("}");
        }
    }
}
