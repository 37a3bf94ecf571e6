//! The time that nodes were ready and waited for a worker.
//!
//! Waits overlap, and belong to no thread. Each is put into a row in which no other
//! goes on, so that a viewer draws as many rows as there were waits at once; but when
//! ten thousand nodes become ready together nobody looks at ten thousand rows. So
//! there are at most [`ROWS`]. What finds none free is not drawn: it is counted, and
//! told among the arguments of the attempt as every other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

use serde::Serialize;

use super::event::{Events, Nothing, Phase, TraceEvent, nanos};
use super::tracks::QUEUE_TRACK;
use crate::telemetry::RunRecord;

/// How many waits are drawn at once.
const ROWS: u32 = 256;

pub(super) struct Waits {
    /// In the order in which they began.
    drawn: Vec<Wait>,
    /// How many found no row.
    pub(super) left_out: u64,
}

struct Wait {
    attempt: u32,
    begin: u64,
    end: u64,
    row: u32,
}

#[derive(Serialize)]
struct WaitArgs<'a> {
    node: &'a str,
    attempt: u32,
}

impl Waits {
    pub(super) fn new(record: &RunRecord) -> Self {
        let waits = super::attempts(record).map(|(at, attempt)| {
            let end = nanos(attempt.began);
            let begin = end.saturating_sub(nanos(attempt.queued));
            Wait { attempt: at, begin, end, row: 0 }
        });
        let mut drawn: Vec<_> = waits.filter(|wait| wait.begin < wait.end).collect();
        drawn.sort_by_key(|wait| (wait.begin, wait.attempt));
        // The rows by when they are free.
        let mut rows = BinaryHeap::new();
        let mut left_out = 0;
        drawn.retain_mut(|wait| {
            let is_free = rows.peek().is_some_and(|Reverse((end, _))| *end <= wait.begin);
            wait.row = match rows.len() as u32 {
                _ if is_free => rows.pop().map_or(0, |Reverse((_, row))| row),
                ROWS => {
                    left_out += 1;
                    return false;
                }
                row => row,
            };
            rows.push(Reverse((wait.end, wait.row)));
            true
        });
        Self { drawn, left_out }
    }

    pub(super) fn write<W: Write>(
        &self,
        events: &mut Events<'_, W>,
        record: &RunRecord,
    ) -> io::Result<()> {
        for wait in &self.drawn {
            let attempt = &record.attempts[wait.attempt as usize];
            let args = WaitArgs { node: record.graph.name(attempt.node), attempt: attempt.number };
            let place = (QUEUE_TRACK, wait.row);
            // All of one name, by which a viewer draws them together.
            let begin =
                TraceEvent::asynchronous(Phase::AsyncBegin, "queue", "queued", place, wait.begin);
            events.write(&begin.args(args))?;
            let end: TraceEvent<'_, Nothing> =
                TraceEvent::asynchronous(Phase::AsyncEnd, "queue", "queued", place, wait.end);
            events.write(&end)?;
        }
        Ok(())
    }
}
