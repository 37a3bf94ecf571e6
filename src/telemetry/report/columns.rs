//! Nodes, attempts, loads and saves as columns: one list a property, which in JSON
//! is a third of a list of objects, and read several times faster.

use std::time::Duration;

use serde::Serialize;

use super::super::record::{NodeState, RunRecord, TransferRecord};
use super::clip::{NAME, TEXT, clip};
use super::names::Names;

/// How many loads and saves a page has at most.
const TRANSFERS: usize = 50_000;

/// One entry a node in each.
#[derive(Default, Serialize)]
pub(super) struct NodeColumns {
    name: Vec<String>,
    /// These are places in the page's texts.
    namespace: Vec<Option<u32>>,
    function: Vec<u32>,
    tags: Vec<Vec<u32>>,
    inputs: Vec<Vec<u32>>,
    outputs: Vec<Vec<u32>>,
    /// The nodes that write what it reads.
    needs: Vec<Vec<u32>>,
    state: Vec<u8>,
    attempts: Vec<u32>,
    rows: Vec<Option<u64>>,
    bytes_loaded: Vec<Option<u64>>,
    bytes_saved: Vec<Option<u64>>,
    skipped_by: Vec<Option<u32>>,
}

/// One entry an attempt in each; times in nanoseconds since the run began.
#[derive(Default, Serialize)]
pub(super) struct AttemptColumns {
    node: Vec<u32>,
    number: Vec<u32>,
    lane: Vec<u32>,
    queued: Vec<u64>,
    began: Vec<u64>,
    /// `None` of one that had not ended when the run was interrupted.
    ran: Vec<Option<u64>>,
    outcome: Vec<u8>,
}

/// One entry a load or save in each.
#[derive(Default, Serialize)]
pub(super) struct TransferColumns {
    is_load: Vec<u8>,
    node: Vec<u32>,
    attempt: Vec<u32>,
    lane: Vec<u32>,
    dataset: Vec<u32>,
    began: Vec<u64>,
    took: Vec<u64>,
    rows: Vec<Option<u64>>,
    bytes: Vec<Option<u64>>,
    error: Vec<Option<String>>,
    /// How many there were, and how many of them are not here.
    left_out: usize,
}

impl NodeColumns {
    pub(super) fn of<'a>(record: &'a RunRecord, texts: &mut Names<'a>) -> Self {
        let mut columns = Self::default();
        let graph = &record.graph;
        for (at, node) in (0..).zip(&record.nodes) {
            columns.name.push(clip(graph.name(at), NAME).into_owned());
            columns.namespace.push(graph.namespace(at).map(|namespace| texts.of(namespace)));
            columns.function.push(texts.of(graph.function(at)));
            columns.tags.push(texts.all_of(graph.tags(at)));
            columns.inputs.push(texts.all_of(graph.inputs(at)));
            columns.outputs.push(texts.all_of(graph.outputs(at)));
            let mut needs: Vec<_> = graph.needs(at).collect();
            needs.sort_unstable();
            needs.dedup();
            columns.needs.push(needs);
            columns.state.push(state(node.state));
            columns.attempts.push(node.attempts);
            columns.rows.push(node.rows);
            columns.bytes_loaded.push(node.bytes_loaded);
            columns.bytes_saved.push(node.bytes_saved);
            columns.skipped_by.push(node.skipped_by);
        }
        columns
    }
}

impl AttemptColumns {
    pub(super) fn of(record: &RunRecord) -> Self {
        let mut columns = Self::default();
        for attempt in &record.attempts {
            columns.node.push(attempt.node);
            columns.number.push(attempt.number);
            columns.lane.push(attempt.lane);
            columns.queued.push(nanos(attempt.queued));
            columns.began.push(nanos(attempt.began));
            columns.ran.push(attempt.ended.map(|ended| nanos(ended.saturating_sub(attempt.began))));
            columns.outcome.push(state(attempt.outcome));
        }
        columns
    }
}

impl TransferColumns {
    pub(super) fn of<'a>(record: &'a RunRecord, texts: &mut Names<'a>) -> Self {
        let mut transfers: Vec<&TransferRecord> = record.transfers.iter().collect();
        let left_out = transfers.len().saturating_sub(TRANSFERS);
        if left_out > 0 {
            // Those that failed, and then the longest.
            transfers.sort_by_key(|transfer| {
                let took = transfer.ended.saturating_sub(transfer.began);
                (transfer.error.is_none(), std::cmp::Reverse(took))
            });
            transfers.truncate(TRANSFERS);
            transfers.sort_by_key(|transfer| transfer.ended);
        }
        let mut columns = Self { left_out, ..Self::default() };
        for transfer in transfers {
            columns.is_load.push(transfer.is_load.into());
            columns.node.push(transfer.node);
            columns.attempt.push(transfer.attempt);
            columns.lane.push(transfer.lane);
            columns.dataset.push(texts.of(&transfer.dataset));
            columns.began.push(nanos(transfer.began));
            columns.took.push(nanos(transfer.ended.saturating_sub(transfer.began)));
            columns.rows.push(transfer.rows);
            columns.bytes.push(transfer.bytes);
            let error = transfer.error.as_deref();
            columns.error.push(error.map(|error| clip(error, TEXT).into_owned()));
        }
        columns
    }
}

/// The number by which the page's script knows the state.
pub(super) fn state(state: NodeState) -> u8 {
    match state {
        NodeState::NeverStarted => 0,
        NodeState::Running => 1,
        NodeState::Retrying => 2,
        NodeState::Done => 3,
        NodeState::UpToDate => 4,
        NodeState::Failed => 5,
        NodeState::Skipped => 6,
        NodeState::Cancelled => 7,
    }
}

/// As much as 64 bits hold: 584 years.
pub(super) fn nanos(duration: Duration) -> u64 {
    duration.as_nanos().try_into().unwrap_or(u64::MAX)
}
