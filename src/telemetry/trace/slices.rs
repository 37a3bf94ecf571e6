//! The run, the attempts at its nodes, and their loads and saves.

use std::io::{self, Write};

use serde::Serialize;

use super::event::{Events, Nothing, TraceEvent, nanos};
use super::header;
use super::tracks::{RUN_TRACK, Track, Tracks, What, tid};
use crate::telemetry::record::{AttemptRecord, TransferRecord};
use crate::telemetry::{NodeState, RunRecord};

pub(super) fn write<W: Write>(
    events: &mut Events<'_, W>,
    record: &RunRecord,
    tracks: &Tracks,
) -> io::Result<()> {
    write_run(events, record)?;
    for (at, track) in tracks.tracks.iter().enumerate() {
        write_track(events, record, track, tid(at))?;
    }
    Ok(())
}

#[derive(Serialize)]
struct RunArgs<'a> {
    run_id: &'a str,
    end: &'static str,
    nodes: usize,
    done: usize,
    up_to_date: usize,
    failed: usize,
    skipped: usize,
    cancelled: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

fn write_run<W: Write>(events: &mut Events<'_, W>, record: &RunRecord) -> io::Result<()> {
    let Some(started) = &record.started else { return Ok(()) };
    let count = |state| record.nodes.iter().filter(|node| node.state == state).count();
    let args = RunArgs {
        run_id: &started.run_id,
        end: header::end(record),
        nodes: record.nodes.len(),
        done: count(NodeState::Done),
        up_to_date: count(NodeState::UpToDate),
        failed: count(NodeState::Failed),
        skipped: count(NodeState::Skipped),
        cancelled: count(NodeState::Cancelled),
        error: record.ended.as_ref().and_then(|ended| ended.error.as_deref()),
    };
    let end = nanos(record.took());
    events.write(&TraceEvent::slice("run", "run", RUN_TRACK, 0, Some(end)).args(args))
}

/// A load or a save that is still open.
struct Open {
    transfer: u32,
    end: u64,
}

/// In the order of time: a viewer takes the beginnings and ends of a thread as they
/// come.
fn write_track<W: Write>(
    events: &mut Events<'_, W>,
    record: &RunRecord,
    track: &Track,
    tid: u32,
) -> io::Result<()> {
    let mut open: Vec<Open> = Vec::new();
    let close = |events: &mut Events<'_, W>, open: &mut Vec<Open>, until: u64| {
        while let Some(Open { transfer, end }) = open.pop_if(|open| open.end <= until) {
            let transfer = &record.transfers[transfer as usize];
            let event: TraceEvent<'_, Nothing> =
                TraceEvent::end(category(transfer), &transfer.dataset, tid, end);
            events.write(&event)?;
        }
        io::Result::Ok(())
    };
    for slice in &track.slices {
        close(events, &mut open, slice.begin)?;
        match slice.what {
            What::Attempt(at) => {
                let attempt = &record.attempts[at as usize];
                let name = record.graph.name(attempt.node);
                let event = TraceEvent::slice("node", name, tid, slice.begin, Some(slice.end));
                let colour = colour(attempt.outcome);
                events.write(&event.colour(colour).args(AttemptArgs::of(record, attempt)))?;
            }
            What::Transfer(at) => {
                let transfer = &record.transfers[at as usize];
                let (category, name) = (category(transfer), &*transfer.dataset);
                let event = TraceEvent::slice(category, name, tid, slice.begin, None);
                let colour = transfer.error.is_some().then_some("terrible");
                events.write(&event.colour(colour).args(TransferArgs::of(record, transfer)))?;
                open.push(Open { transfer: at, end: slice.end });
            }
        }
    }
    close(events, &mut open, u64::MAX)
}

fn category(transfer: &TransferRecord) -> &'static str {
    if transfer.is_load { "load" } else { "save" }
}

/// What is not as it should be stands out.
fn colour(outcome: NodeState) -> Option<&'static str> {
    match outcome {
        NodeState::Failed => Some("terrible"),
        NodeState::Retrying => Some("bad"),
        NodeState::Cancelled => Some("grey"),
        NodeState::Running => Some("yellow"),
        _ => None,
    }
}

#[derive(Serialize)]
struct AttemptArgs<'a> {
    attempt: u32,
    state: &'static str,
    #[serde(skip_serializing_if = "is_false")]
    unfinished: bool,
    queued_us: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl<'a> AttemptArgs<'a> {
    fn of(record: &'a RunRecord, attempt: &'a AttemptRecord) -> Self {
        let is_done = attempt.outcome == NodeState::Done;
        Self {
            attempt: attempt.number,
            state: attempt.outcome.as_str(),
            unfinished: attempt.ended.is_none(),
            queued_us: nanos(attempt.queued) as f64 / 1e3,
            rows: record.nodes[attempt.node as usize].rows.filter(|_| is_done),
            error: attempt.failure.as_deref().map(|failure| &*failure.message),
        }
    }
}

#[derive(Serialize)]
struct TransferArgs<'a> {
    node: &'a str,
    attempt: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl<'a> TransferArgs<'a> {
    fn of(record: &'a RunRecord, transfer: &'a TransferRecord) -> Self {
        Self {
            node: record.graph.name(transfer.node),
            attempt: transfer.attempt,
            rows: transfer.rows,
            bytes: transfer.bytes,
            error: transfer.error.as_deref(),
        }
    }
}

fn is_false(flag: &bool) -> bool {
    !*flag
}
