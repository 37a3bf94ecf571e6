//! How many nodes ran, and how many waited for a worker, at each moment.

use std::io::{self, Write};

use serde::Serialize;

use super::event::{Events, TraceEvent, nanos};
use crate::telemetry::RunRecord;

#[derive(Default, Serialize)]
struct Counts {
    running: i64,
    /// Of those that were started later.
    queued: i64,
}

/// By how much the counts change.
struct Change {
    at: u64,
    running: i8,
    queued: i8,
}

pub(super) fn write<W: Write>(events: &mut Events<'_, W>, record: &RunRecord) -> io::Result<()> {
    let mut changes = Vec::with_capacity(3 * record.attempts.len());
    for (_, attempt) in super::attempts(record) {
        let began = nanos(attempt.began);
        let ended = nanos(attempt.ended.unwrap_or(record.last)).max(began);
        let ready = began.saturating_sub(nanos(attempt.queued));
        changes.push(Change { at: ready, running: 0, queued: 1 });
        changes.push(Change { at: began, running: 1, queued: -1 });
        changes.push(Change { at: ended, running: -1, queued: 0 });
    }
    changes.sort_unstable_by_key(|change| change.at);
    let mut counts = Counts::default();
    // What changes at one moment is told at once: none of it came before the other.
    for now in changes.chunk_by(|a, b| a.at == b.at) {
        for change in now {
            counts.running += i64::from(change.running);
            counts.queued += i64::from(change.queued);
        }
        events.write(&TraceEvent::counter("nodes", now[0].at, &counts))?;
    }
    Ok(())
}
