//! Where on the trace each attempt, load and save is drawn.
//!
//! On a thread of a trace two slices have to be apart, or one inside the other. What
//! a thread really does is always so. What is told of it need not be: an attempt that
//! took too long ends while its thread is still at it, and two threads may have one
//! name. What crosses another slice is put on a further track of the same thread.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::event::nanos;
use crate::telemetry::RunRecord;

/// The lane of the run itself, and of what happens to all of it.
pub(super) const RUN_TRACK: u32 = 1;
/// The lane of the waits for a worker.
pub(super) const QUEUE_TRACK: u32 = 2;
/// The lane of the first worker.
const FIRST: u32 = 3;

/// What is drawn in the lanes of workers.
pub(super) struct Tracks {
    pub(super) tracks: Vec<Track>,
    /// Of each attempt, its place among the tracks.
    of_attempt: Vec<u32>,
}

/// What is drawn in one lane.
pub(super) struct Track {
    /// The thread, by number.
    pub(super) lane: u32,
    /// Which track of that thread it is, from 0.
    pub(super) number: u32,
    /// In the order in which they begin, the outer before the inner.
    pub(super) slices: Vec<Slice>,
}

#[derive(Clone, Copy)]
pub(super) struct Slice {
    pub(super) begin: u64,
    pub(super) end: u64,
    pub(super) what: What,
}

/// An attempt or a transfer, by its place in the record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Attempt(u32),
    Transfer(u32),
}

impl Tracks {
    pub(super) fn new(record: &RunRecord) -> Self {
        let mut tracks =
            Self { tracks: Vec::new(), of_attempt: vec![u32::MAX; record.attempts.len()] };
        let attempts = Attempts::of(record);
        let mut lanes = slices_by_lane(record);
        for lane in in_order(record) {
            let slices = std::mem::take(&mut lanes[lane as usize]);
            tracks.place(record, &attempts, lane, slices);
        }
        tracks
    }

    /// The lane that an attempt is drawn in.
    pub(super) fn tid_of(&self, attempt: u32) -> u32 {
        tid(self.of_attempt[attempt as usize] as usize)
    }

    fn place(
        &mut self,
        record: &RunRecord,
        attempts: &Attempts,
        lane: u32,
        mut slices: Vec<Slice>,
    ) {
        if slices.is_empty() {
            return;
        }
        // What encloses another one comes before it.
        slices.sort_unstable_by_key(|slice| (slice.begin, Reverse(slice.end), slice.what));
        let first = self.tracks.len();
        let mut open = vec![Open::default()];
        self.tracks.push(Track { lane, number: 0, slices: Vec::new() });
        // The further tracks, the one first that is free first.
        let mut further = BinaryHeap::new();
        for slice in slices {
            let own = match slice.what {
                What::Transfer(at) => attempts.of_transfer(record, at).and_then(|attempt| {
                    (self.of_attempt[attempt as usize] as usize).checked_sub(first)
                }),
                What::Attempt(_) => None,
            };
            let fitting = own
                .into_iter()
                .chain([0])
                .find(|at| open.get_mut(*at).is_some_and(|open: &mut Open| open.takes(&slice)));
            let at = fitting.unwrap_or_else(|| {
                let free = further.peek().is_some_and(|Reverse((end, _))| *end <= slice.begin);
                let at = match free.then(|| further.pop()).flatten() {
                    Some(Reverse((_, at))) => at,
                    None => {
                        let number = open.len();
                        open.push(Open::default());
                        self.tracks.push(Track { lane, number: number as u32, slices: Vec::new() });
                        number
                    }
                };
                further.push(Reverse((slice.end, at)));
                open[at].ends.clear();
                at
            });
            open[at].ends.push(slice.end);
            self.tracks[first + at].slices.push(slice);
            if let What::Attempt(attempt) = slice.what {
                self.of_attempt[attempt as usize] = (first + at) as u32;
            }
        }
    }
}

/// The lane of the track at that place.
pub(super) fn tid(track: usize) -> u32 {
    FIRST + track as u32
}

/// When the slices end that a track is in the midst of, the innermost last.
#[derive(Default)]
struct Open {
    ends: Vec<u64>,
}

impl Open {
    /// Whether a slice is apart from what is on the track, or inside of it.
    fn takes(&mut self, slice: &Slice) -> bool {
        while self.ends.last().is_some_and(|end| *end <= slice.begin) {
            self.ends.pop();
        }
        self.ends.last().is_none_or(|end| slice.end <= *end)
    }
}

fn slices_by_lane(record: &RunRecord) -> Vec<Vec<Slice>> {
    let mut lanes = vec![Vec::new(); record.lanes.names().len()];
    for (at, attempt) in super::attempts(record) {
        let begin = nanos(attempt.began);
        let end = nanos(attempt.ended.unwrap_or(record.last)).max(begin);
        lanes[attempt.lane as usize].push(Slice { begin, end, what: What::Attempt(at) });
    }
    for (transfer, at) in record.transfers.iter().zip(0..) {
        let begin = nanos(transfer.began);
        let end = nanos(transfer.ended).max(begin);
        lanes[transfer.lane as usize].push(Slice { begin, end, what: What::Transfer(at) });
    }
    lanes
}

/// The threads by name, those that are told apart by a number in its order.
fn in_order(record: &RunRecord) -> Vec<u32> {
    let names = record.lanes.names();
    let mut lanes: Vec<u32> = (0..names.len() as u32).collect();
    lanes.sort_by_key(|lane| {
        let name = &*names[*lane as usize];
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = &name[stem.len()..];
        (stem, number.len(), number)
    });
    lanes
}

/// Finds the attempt that a load or save was for.
struct Attempts {
    /// Those that are not the last of their node, by node and number.
    earlier: HashMap<(u32, u32), u32>,
}

impl Attempts {
    fn of(record: &RunRecord) -> Self {
        let all = record.attempts.iter().zip(0..);
        let is_last = |node: u32, at| record.nodes[node as usize].last_attempt == Some(at);
        let earlier = all.filter(|(attempt, at)| !is_last(attempt.node, *at));
        Self { earlier: earlier.map(|(it, at)| ((it.node, it.number), at)).collect() }
    }

    fn of_transfer(&self, record: &RunRecord, transfer: u32) -> Option<u32> {
        let transfer = &record.transfers[transfer as usize];
        let last = record.nodes[transfer.node as usize].last_attempt?;
        if record.attempts[last as usize].number == transfer.attempt {
            return Some(last);
        }
        self.earlier.get(&(transfer.node, transfer.attempt)).copied()
    }
}
