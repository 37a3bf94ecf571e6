//! From each node to those that read what it wrote.

use std::io::{self, Write};

use super::event::{Events, Nothing, Phase, TraceEvent, nanos};
use super::tracks::Tracks;
use crate::telemetry::record::AttemptRecord;
use crate::telemetry::{NodeState, RunRecord};

pub(super) fn write<W: Write>(
    events: &mut Events<'_, W>,
    record: &RunRecord,
    tracks: &Tracks,
) -> io::Result<()> {
    let first = first_attempts(record);
    let mut number = 0;
    let mut producers = Vec::new();
    for (node, to) in (0..).zip(&first) {
        let Some(to) = *to else { continue };
        let begins = nanos(record.attempts[to as usize].began);
        producers.clear();
        producers.extend(record.graph.needs(node));
        producers.sort_unstable();
        producers.dedup();
        for producer in &producers {
            let Some(from) = done(record, *producer) else { continue };
            let Some(ends) = last_moment(&record.attempts[from as usize]) else { continue };
            // What a file tells need not be so.
            if ends > begins {
                continue;
            }
            let (from, to) = ((tracks.tid_of(from), number), (tracks.tid_of(to), number));
            let arrow = |phase, end, at| -> TraceEvent<'_, Nothing> {
                TraceEvent::arrow(phase, "edge", "edge", end, at)
            };
            events.write(&arrow(Phase::ArrowStart, from, ends))?;
            events.write(&arrow(Phase::ArrowEnd, to, begins))?;
            number += 1;
        }
    }
    Ok(())
}

/// The attempt that ended with the node done.
fn done(record: &RunRecord, node: u32) -> Option<u32> {
    let last = record.nodes.get(node as usize)?.last_attempt?;
    (record.attempts[last as usize].outcome == NodeState::Done).then_some(last)
}

/// The last nanosecond of an attempt: its end is also where the next one on that
/// thread may begin, and an arrow belongs to one of them.
fn last_moment(attempt: &AttemptRecord) -> Option<u64> {
    let (began, ended) = (nanos(attempt.began), nanos(attempt.ended?));
    Some(ended.saturating_sub(1).max(began))
}

/// The first attempt at each node.
fn first_attempts(record: &RunRecord) -> Vec<Option<u32>> {
    let mut first = vec![None; record.nodes.len()];
    for (at, attempt) in super::attempts(record) {
        first[attempt.node as usize].get_or_insert(at);
    }
    first
}
