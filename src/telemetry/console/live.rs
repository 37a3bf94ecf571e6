//! A run that goes on, as its console knows it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::budget::Budget;
use super::settings::Settings;
use crate::RunId;
use crate::events::{Event, EventKind, NodeEnd, NodeRef};
use crate::telemetry::record::{Graph, NodeState, RunRecord};

pub(super) struct Live {
    pub(super) run_id: RunId,
    pub(super) settings: Arc<Settings>,
    pub(super) record: RunRecord,
    /// How many nodes are in each state.
    pub(super) counts: Counts,
    /// When it began, by the console's clock.
    began: Duration,
    /// When it was last spoken of, by the console's clock.
    pub(super) spoken_of: Duration,
    /// Whether it has been spoken of since that was last looked at.
    pub(super) is_spoken_of: bool,
    /// What is to be told, in its order.
    pub(super) changes: Vec<Change>,
    /// Into which states nodes came of which no line was told.
    pub(super) untold: Counts,
    /// How many log lines were not shown.
    pub(super) hidden: u64,
    /// How many of them have been told of.
    pub(super) hidden_before: u64,
    /// The nodes that run, those first that began first, and whether that was told.
    running: BTreeMap<(Duration, u32), bool>,
    /// The nodes that were told of as running, and wait for a load.
    waiting: BTreeSet<u32>,
    pub(super) is_over: bool,
}

/// How many nodes there are of each state.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts([u32; 16]);

/// Something that is to be told of a run.
pub(super) enum Change {
    RunStarted,
    RunCancelled {
        /// How many nodes ran then.
        running: usize,
    },
    Node(NodeChange),
}

pub(super) struct NodeChange {
    pub(super) node: u32,
    pub(super) state: NodeState,
    pub(super) attempt: u32,
    pub(super) ran: Duration,
    pub(super) rows: Option<u64>,
    /// Before the next attempt.
    pub(super) pause: Duration,
    /// How many nodes were finished then.
    pub(super) finished: u32,
    /// Why it failed, or the name of the node that kept it from running.
    pub(super) message: Box<str>,
}

impl Live {
    pub(super) fn new(run_id: RunId, graph: Graph, settings: Arc<Settings>, now: Duration) -> Self {
        let record = RunRecord::new(graph);
        let counts = Counts::of_all(record.nodes.iter().map(|node| node.state));
        Self {
            run_id,
            settings,
            record,
            counts,
            began: now,
            spoken_of: now,
            is_spoken_of: false,
            changes: Vec::new(),
            untold: Counts::default(),
            hidden: 0,
            hidden_before: 0,
            running: BTreeMap::new(),
            waiting: BTreeSet::new(),
            is_over: false,
        }
    }

    /// Takes note of an event. This is all that a worker does for the console.
    pub(super) fn note(&mut self, event: &Event<'_>, budget: &mut Budget, is_drawn: bool) {
        let node = node_of(&event.kind).filter(|node| (*node as usize) < self.record.nodes.len());
        let before = node.and_then(|node| self.leave(node));
        self.record.apply(event);
        // What is shown of them is in the nodes.
        self.record.transfers.clear();
        if let (Some(node), Some(before)) = (node, before) {
            self.enter(node, before);
        }
        match &event.kind {
            EventKind::RunStarted(_) => self.tell(Change::RunStarted, !is_drawn),
            EventKind::RunCancelled => {
                self.tell(Change::RunCancelled { running: self.running.len() }, true);
            }
            EventKind::RunEnded(_) => {
                self.is_over = true;
                self.running.clear();
                self.counts = Counts::of_all(self.record.nodes.iter().map(|node| node.state));
            }
            kind => {
                let Some((node, state, end)) = outcome(kind) else { return };
                let is_grave = matches!(state, NodeState::Failed | NodeState::Retrying);
                if self.record.nodes.len() <= node.index as usize || is_drawn && !is_grave {
                    return;
                }
                if budget.take(is_grave) {
                    let change = self.change(kind, node.index, state, end);
                    self.changes.push(Change::Node(change));
                } else {
                    self.untold.add(state);
                }
            }
        }
    }

    fn tell(&mut self, change: Change, may: bool) {
        if may {
            self.changes.push(change);
        }
    }

    /// The state of a node that is about to change.
    fn leave(&mut self, node: u32) -> Option<NodeState> {
        let state = self.record.nodes[node as usize].state;
        if let (NodeState::Running, Some(last)) = (state, self.record.last_attempt(node))
            && self.running.remove(&(last.began, node)) == Some(true)
        {
            self.waiting.insert(node);
        }
        Some(state)
    }

    fn enter(&mut self, node: u32, before: NodeState) {
        let state = self.record.nodes[node as usize].state;
        self.counts.remove(before);
        self.counts.add(state);
        if let (NodeState::Running, Some(last)) = (state, self.record.last_attempt(node)) {
            // One that goes on after it waited for a load was told of.
            let is_told = before == NodeState::NeverStarted && self.waiting.contains(&node);
            self.running.insert((last.began, node), is_told);
        }
        if state != NodeState::NeverStarted {
            self.waiting.remove(&node);
        }
    }

    fn change(
        &self,
        kind: &EventKind<'_>,
        node: u32,
        state: NodeState,
        end: Option<&NodeEnd<'_>>,
    ) -> NodeChange {
        let (message, pause) = match kind {
            EventKind::NodeSkipped { by, .. } => (&*by.name, Duration::ZERO),
            EventKind::NodeFailed { failure, .. } => (&*failure.message, Duration::ZERO),
            EventKind::NodeRetried { failure, pause, .. } => (&*failure.message, *pause),
            _ => ("", Duration::ZERO),
        };
        NodeChange {
            node,
            state,
            attempt: end.map_or(0, |end| end.attempt),
            ran: end.map_or(Duration::ZERO, |end| end.ran),
            rows: end.and_then(|end| end.rows),
            pause,
            finished: self.finished(),
            message: message.into(),
        }
    }

    pub(super) fn total(&self) -> u32 {
        self.record.nodes.len() as u32
    }

    /// How many nodes will not be run any more.
    pub(super) fn finished(&self) -> u32 {
        FINISHED.iter().map(|state| self.counts.of(*state)).sum()
    }

    /// How long it has been going on.
    pub(super) fn elapsed(&self, now: Duration) -> Duration {
        now.saturating_sub(self.began)
    }

    /// The nodes that run, and for how long: those first that take longest.
    pub(super) fn running(&self, now: Duration) -> impl Iterator<Item = (u32, Duration)> {
        let elapsed = self.elapsed(now);
        self.running.keys().map(move |(began, node)| (*node, elapsed.saturating_sub(*began)))
    }

    pub(super) fn running_count(&self) -> usize {
        self.running.len()
    }

    /// The nodes that have begun to run since this was last asked, as far as there
    /// are lines left to tell of them.
    pub(super) fn newly_running(&mut self, budget: &mut Budget) -> Vec<u32> {
        let mut new = Vec::new();
        for ((_, node), is_told) in &mut self.running {
            if !*is_told && budget.take(false) {
                *is_told = true;
                new.push(*node);
            }
        }
        new
    }
}

/// The states in which a node stays.
const FINISHED: [NodeState; 5] = [
    NodeState::Done,
    NodeState::UpToDate,
    NodeState::Failed,
    NodeState::Skipped,
    NodeState::Cancelled,
];

impl Counts {
    fn of_all(states: impl Iterator<Item = NodeState>) -> Self {
        let mut counts = Self::default();
        states.for_each(|state| counts.add(state));
        counts
    }

    pub(super) fn of(&self, state: NodeState) -> u32 {
        self.0[state as usize]
    }

    fn add(&mut self, state: NodeState) {
        self.0[state as usize] += 1;
    }

    fn remove(&mut self, state: NodeState) {
        self.0[state as usize] = self.of(state).saturating_sub(1);
    }

    /// `48000 done, 3 failed`: the states that there are any of, as words.
    pub(super) fn in_words(&self, state: impl Fn(NodeState, &str) -> String) -> String {
        const ORDER: [NodeState; 8] = [
            NodeState::Done,
            NodeState::UpToDate,
            NodeState::Failed,
            NodeState::Skipped,
            NodeState::Cancelled,
            NodeState::Retrying,
            NodeState::Running,
            NodeState::NeverStarted,
        ];
        let some = ORDER.iter().filter(|state| self.of(**state) > 0);
        let words = some.map(|one| state(*one, &format!("{} {}", self.of(*one), one.as_str())));
        words.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }
}

/// What became of which node, if an event tells that.
fn outcome<'a, 'b>(
    kind: &'a EventKind<'b>,
) -> Option<(&'a NodeRef<'b>, NodeState, Option<&'a NodeEnd<'b>>)> {
    let ended = |end: &'a NodeEnd<'b>, state| Some((&end.node, state, Some(end)));
    match kind {
        EventKind::NodeUpToDate { node } => Some((node, NodeState::UpToDate, None)),
        EventKind::NodeSkipped { node, .. } => Some((node, NodeState::Skipped, None)),
        EventKind::NodeDone(end) => ended(end, NodeState::Done),
        EventKind::NodeCancelled(end) => ended(end, NodeState::Cancelled),
        EventKind::NodeFailed { end, .. } => ended(end, NodeState::Failed),
        EventKind::NodeRetried { end, .. } => ended(end, NodeState::Retrying),
        _ => None,
    }
}

/// The node whose state an event changes.
fn node_of(kind: &EventKind<'_>) -> Option<u32> {
    match kind {
        EventKind::NodeStarted { node, .. } | EventKind::NodeGivenBack { node, .. } => {
            Some(node.index)
        }
        _ => outcome(kind).map(|(node, ..)| node.index),
    }
}
