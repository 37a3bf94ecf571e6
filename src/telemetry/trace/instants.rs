//! What happened at one moment: an attempt failed, the run was called off.

use std::io::{self, Write};

use serde::Serialize;

use super::event::{Events, Nothing, TraceEvent, nanos};
use super::tracks::Tracks;
use crate::telemetry::{NodeState, RunRecord};

#[derive(Serialize)]
struct EndArgs<'a> {
    node: &'a str,
    attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

pub(super) fn write<W: Write>(
    events: &mut Events<'_, W>,
    record: &RunRecord,
    tracks: &Tracks,
) -> io::Result<()> {
    for (at, attempt) in super::attempts(record) {
        let name = match attempt.outcome {
            NodeState::Retrying => "retry",
            NodeState::Failed => "failure",
            NodeState::Cancelled => "cancelled",
            _ => continue,
        };
        let Some(ended) = attempt.ended else { continue };
        let args = EndArgs {
            node: record.graph.name(attempt.node),
            attempt: attempt.number,
            error: attempt.failure.as_deref().map(|failure| &*failure.message),
        };
        let moment = nanos(ended.max(attempt.began));
        let tid = Some(tracks.tid_of(at));
        events.write(&TraceEvent::instant("node", name, tid, moment).args(args))?;
    }
    let of_run =
        |name, at| -> TraceEvent<'_, Nothing> { TraceEvent::instant("run", name, None, at) };
    if let Some(at) = record.cancelled_at {
        events.write(&of_run("run cancelled", nanos(at)))?;
    }
    if record.started.is_some() && record.ended.is_none() {
        events.write(&of_run("interrupted", nanos(record.last)))?;
    }
    Ok(())
}
