//! What one more event makes of what is known of a run.

use std::time::Duration;

use super::{AttemptRecord, NodeState, RunRecord, TransferRecord};
use crate::events::{Event, EventKind, NodeEnd, Transfer};

impl RunRecord {
    /// Takes note of an event. One that names a node which the run does not have
    /// is counted, and changes nothing else.
    pub(crate) fn apply(&mut self, event: &Event<'_>) {
        self.events += 1;
        self.next_seq = self.next_seq.max(event.seq.saturating_add(1));
        self.last = self.last.max(event.at);
        match &event.kind {
            EventKind::RunStarted(started) => self.started = Some(started.clone().into_owned()),
            EventKind::NodeUpToDate { node } => self.set_state(node.index, NodeState::UpToDate),
            EventKind::NodeStarted { node, attempt, queued } => {
                self.begin(event, node.index, *attempt, *queued);
            }
            EventKind::NodeGivenBack { node, attempt, .. } => {
                self.give_back(event.at, node.index, *attempt);
            }
            EventKind::DatasetLoaded(transfer) => self.transfer(event, transfer, true),
            EventKind::DatasetSaved(transfer) => self.transfer(event, transfer, false),
            EventKind::DatasetReleased { .. } => self.released += 1,
            EventKind::NodeDone(end) => self.end_attempt(event.at, end, NodeState::Done),
            EventKind::NodeFailed { end, failure } => {
                self.end_attempt(event.at, end, NodeState::Failed);
                self.set_failure(end, failure);
            }
            EventKind::NodeRetried { end, failure, .. } => {
                self.end_attempt(event.at, end, NodeState::Retrying);
                self.set_failure(end, failure);
            }
            EventKind::NodeCancelled(end) => self.end_attempt(event.at, end, NodeState::Cancelled),
            EventKind::NodeSkipped { node, by } => {
                self.set_state(node.index, NodeState::Skipped);
                if let Some(node) = self.nodes.get_mut(node.index as usize) {
                    node.skipped_by = Some(by.index);
                }
            }
            EventKind::RunCancelled => self.cancelled_at = Some(event.at),
            EventKind::RunEnded(ended) => self.ended = Some(ended.clone().into_owned()),
        }
    }

    fn set_state(&mut self, node: u32, state: NodeState) {
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.state = state;
        }
    }

    fn set_failure(&mut self, end: &NodeEnd<'_>, failure: &crate::events::FailureCause) {
        let Some(node) = self.nodes.get_mut(end.node.index as usize) else { return };
        node.failure = Some(Box::new(failure.clone()));
        if let Some(last) = node.last_attempt
            && let Some(last) = self.attempts.get_mut(last as usize)
            && last.number == end.attempt
        {
            last.failure.clone_from(&node.failure);
        }
    }

    fn begin(&mut self, event: &Event<'_>, at: u32, number: u32, queued: Duration) {
        let lane = self.lanes.of(&event.worker);
        let next = self.attempts.len() as u32;
        let Some(node) = self.nodes.get_mut(at as usize) else { return };
        node.state = NodeState::Running;
        node.attempts = node.attempts.max(number);
        let attempt = AttemptRecord {
            node: at,
            number,
            lane,
            queued,
            began: event.at,
            ended: None,
            outcome: NodeState::Running,
            failure: None,
        };
        // It was given back to wait for a load, and goes on.
        if let Some(last) = node.last_attempt
            && let Some(last) = self.attempts.get_mut(last as usize)
            && last.number == number
            && (last.ended.is_none() || last.outcome == NodeState::NeverStarted)
        {
            *last = attempt;
            return;
        }
        node.last_attempt = Some(next);
        self.attempts.push(attempt);
    }

    /// What was begun of the attempt was none of it.
    fn give_back(&mut self, at: Duration, node: u32, number: u32) {
        let Some(node) = self.nodes.get_mut(node as usize) else { return };
        node.state = NodeState::NeverStarted;
        node.attempts = number.saturating_sub(1);
        if let Some(last) = node.last_attempt
            && let Some(last) = self.attempts.get_mut(last as usize)
            && last.ended.is_none()
        {
            last.ended = Some(at);
            last.outcome = NodeState::NeverStarted;
        }
    }

    fn end_attempt(&mut self, at: Duration, end: &NodeEnd<'_>, outcome: NodeState) {
        let Some(node) = self.nodes.get_mut(end.node.index as usize) else { return };
        node.state = outcome;
        node.rows = end.rows.or(node.rows);
        if let Some(last) = node.last_attempt
            && let Some(last) = self.attempts.get_mut(last as usize)
            && last.ended.is_none()
        {
            last.ended = Some(at);
            last.outcome = outcome;
        }
    }

    fn transfer(&mut self, event: &Event<'_>, transfer: &Transfer<'_>, is_load: bool) {
        let lane = self.lanes.of(&event.worker);
        let index = transfer.node.index;
        let Some(node) = self.nodes.get_mut(index as usize) else { return };
        let total = if is_load { &mut node.bytes_loaded } else { &mut node.bytes_saved };
        *total = total.iter().copied().chain(transfer.bytes).reduce(u64::saturating_add);
        self.transfers.push(TransferRecord {
            is_load,
            node: index,
            attempt: transfer.attempt,
            lane,
            dataset: (*transfer.dataset).into(),
            began: event.at.saturating_sub(transfer.took),
            ended: event.at,
            rows: transfer.rows,
            bytes: transfer.bytes,
            error: transfer.error.as_deref().map(Into::into),
        });
    }
}
