//! The events of the format.

use std::io::{self, Write};
use std::time::Duration;

use serde::{Serialize, Serializer};

/// The process that a run is in the trace.
const RUN: u32 = 1;

/// What kind of event it is.
#[derive(Clone, Copy, Serialize)]
pub(super) enum Phase {
    #[serde(rename = "M")]
    Metadata,
    /// All of a slice.
    #[serde(rename = "X")]
    Complete,
    #[serde(rename = "B")]
    Begin,
    #[serde(rename = "E")]
    End,
    #[serde(rename = "b")]
    AsyncBegin,
    #[serde(rename = "e")]
    AsyncEnd,
    #[serde(rename = "s")]
    ArrowStart,
    #[serde(rename = "f")]
    ArrowEnd,
    #[serde(rename = "i")]
    Instant,
    #[serde(rename = "C")]
    Counter,
}

/// One event, with the fields that its phase asks for.
#[derive(Serialize)]
pub(super) struct TraceEvent<'a, A> {
    name: &'a str,
    #[serde(rename = "cat", skip_serializing_if = "Option::is_none")]
    category: Option<&'static str>,
    ph: Phase,
    /// Metadata is of no moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<Micros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<Micros>,
    pid: u32,
    tid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Id>,
    #[serde(rename = "bp", skip_serializing_if = "Option::is_none")]
    binding_point: Option<&'static str>,
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    /// One of the colours that `chrome://tracing` has a name for.
    #[serde(rename = "cname", skip_serializing_if = "Option::is_none")]
    colour: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<A>,
}

/// Perfetto reads the id of an arrow as a number, and takes the id of an
/// asynchronous event only as a text.
#[derive(Serialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Text(String),
}

/// For an event that has no arguments.
pub(super) type Nothing = ();

impl<'a, A: Serialize> TraceEvent<'a, A> {
    fn new(ph: Phase, name: &'a str, tid: u32) -> Self {
        Self {
            name,
            category: None,
            ph,
            ts: None,
            dur: None,
            pid: RUN,
            tid,
            id: None,
            binding_point: None,
            scope: None,
            colour: None,
            args: None,
        }
    }

    pub(super) fn metadata(name: &'a str, tid: u32, args: A) -> Self {
        Self { args: Some(args), ..Self::new(Phase::Metadata, name, tid) }
    }

    /// All of a slice, or its beginning.
    pub(super) fn slice(
        category: &'static str,
        name: &'a str,
        tid: u32,
        begin: u64,
        end: Option<u64>,
    ) -> Self {
        let phase = if end.is_some() { Phase::Complete } else { Phase::Begin };
        Self {
            category: Some(category),
            ts: Some(Micros(begin)),
            dur: end.map(|end| Micros(end.saturating_sub(begin))),
            ..Self::new(phase, name, tid)
        }
    }

    pub(super) fn end(category: &'static str, name: &'a str, tid: u32, at: u64) -> Self {
        let new = Self::new(Phase::End, name, tid);
        Self { category: Some(category), ts: Some(Micros(at)), ..new }
    }

    /// The beginning or the end of what is in row `row`.
    pub(super) fn asynchronous(
        phase: Phase,
        category: &'static str,
        name: &'a str,
        (tid, row): (u32, u32),
        at: u64,
    ) -> Self {
        Self {
            category: Some(category),
            ts: Some(Micros(at)),
            id: Some(Id::Text(format!("{row:#x}"))),
            ..Self::new(phase, name, tid)
        }
    }

    /// One end of arrow `number`.
    pub(super) fn arrow(
        phase: Phase,
        category: &'static str,
        name: &'a str,
        (tid, number): (u32, u64),
        at: u64,
    ) -> Self {
        Self {
            category: Some(category),
            ts: Some(Micros(at)),
            id: Some(Id::Number(number)),
            // To what encloses it, not to what begins next.
            binding_point: matches!(phase, Phase::ArrowEnd).then_some("e"),
            ..Self::new(phase, name, tid)
        }
    }

    /// Something that happened on a thread, or to the whole run.
    pub(super) fn instant(
        category: &'static str,
        name: &'a str,
        tid: Option<u32>,
        at: u64,
    ) -> Self {
        let scope = if tid.is_some() { "t" } else { "p" };
        Self {
            category: Some(category),
            ts: Some(Micros(at)),
            scope: Some(scope),
            ..Self::new(Phase::Instant, name, tid.unwrap_or(super::tracks::RUN_TRACK))
        }
    }

    pub(super) fn counter(name: &'a str, at: u64, args: A) -> Self {
        let new = Self::new(Phase::Counter, name, super::tracks::RUN_TRACK);
        Self { ts: Some(Micros(at)), args: Some(args), ..new }
    }

    pub(super) fn args(self, args: A) -> Self {
        Self { args: Some(args), ..self }
    }

    pub(super) fn colour(self, colour: Option<&'static str>) -> Self {
        Self { colour, ..self }
    }
}

/// Nanoseconds, told as microseconds.
#[derive(Clone, Copy)]
struct Micros(u64);

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The shortest decimal that reads as the same number: as long as a run takes
        // less than a hundred days no nanosecond is lost.
        serializer.serialize_f64(self.0 as f64 / 1e3)
    }
}

/// A moment or a span of time, as a whole number.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Where events go, one a line.
pub(super) struct Events<'a, W> {
    out: &'a mut W,
    is_first: bool,
}

impl<'a, W: Write> Events<'a, W> {
    pub(super) fn new(out: &'a mut W) -> Self {
        Self { out, is_first: true }
    }

    pub(super) fn write<A: Serialize>(&mut self, event: &TraceEvent<'_, A>) -> io::Result<()> {
        let separator: &[u8] = if self.is_first { b"\n" } else { b",\n" };
        self.is_first = false;
        self.out.write_all(separator)?;
        serde_json::to_writer(&mut *self.out, event).map_err(io::Error::from)
    }
}
