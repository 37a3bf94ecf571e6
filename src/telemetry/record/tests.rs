//! Records of runs that were put together by hand.

use std::borrow::Cow;
use std::time::Duration;

use super::{Graph, NodeState, RunRecord};
use crate::events::{Event, EventKind, NodeEnd, NodeRef, RunEnd, RunEnded};
use crate::pipeline::{Pipeline, node};
use crate::{Data, Node};

const A: Data<u8> = Data::memory("a");
const B: Data<u8> = Data::memory("b");
const C: Data<u8> = Data::memory("c");
const D: Data<u8> = Data::memory("d");

/// `a`, then `b` and `c`, then `d`.
fn diamond() -> Graph {
    let nodes: [Node; 4] = [
        node(|| 1_u8).reads(()).writes(A).named("a"),
        node(|a: &u8| *a).reads(A).writes(B).named("b"),
        node(|a: &u8| *a).reads(A).writes(C).named("c"),
        node(|b: &u8, c: &u8| b + c).reads((B, C)).writes(D).named("d"),
    ];
    Graph::Pipeline(Pipeline::new(nodes).unwrap())
}

struct Script {
    record: RunRecord,
    seq: u64,
}

impl Script {
    fn new() -> Self {
        Self { record: RunRecord::new(diamond()), seq: 0 }
    }

    fn tell(&mut self, at: u64, worker: &str, kind: EventKind<'_>) {
        let at = Duration::from_millis(at);
        self.record.apply(&Event { seq: self.seq, at, worker: Cow::Borrowed(worker), kind });
        self.seq += 1;
    }

    fn node(&self, name: &'static str) -> NodeRef<'static> {
        let graph = &self.record.graph;
        let index = (0..4).find(|at| graph.name(*at) == name).unwrap();
        NodeRef { name: Cow::Borrowed(name), index }
    }

    fn run(&mut self, name: &'static str, worker: &str, from: u64, to: u64) {
        let node = self.node(name);
        let queued = Duration::from_millis(1);
        self.tell(from, worker, EventKind::NodeStarted { node: node.clone(), attempt: 1, queued });
        let ran = Duration::from_millis(to - from);
        self.tell(to, worker, EventKind::NodeDone(NodeEnd { node, attempt: 1, ran, rows: None }));
    }
}

#[test]
fn the_critical_path_goes_by_the_producer_that_ended_last() {
    let mut script = Script::new();
    script.run("a", "w0", 0, 10);
    script.run("c", "w1", 10, 30);
    script.run("b", "w0", 11, 20);
    script.run("d", "w1", 31, 40);
    let record = script.record;
    let path = record.critical_path();
    let names: Vec<_> = path.iter().map(|step| record.graph.name(step.node)).collect();
    assert_eq!(names, ["a", "c", "d"]);
    assert_eq!(path[1].ran, Duration::from_millis(20));
    assert_eq!(record.lanes.names(), [Box::from("w0"), Box::from("w1")]);
}

#[test]
fn the_critical_path_has_the_attempts_that_failed_and_the_pauses_between() {
    let mut script = Script::new();
    script.run("a", "w0", 1, 10);
    let (node, queued) = (script.node("b"), Duration::from_millis(1));
    for (attempt, began) in [(1, 11), (2, 1_011)] {
        script.tell(began, "w0", EventKind::NodeStarted { node: node.clone(), attempt, queued });
        let ran = Duration::from_millis(700);
        let end = NodeEnd { node: node.clone(), attempt, ran, rows: None };
        let failure = Box::new(crate::events::FailureCause {
            kind: "error".into(),
            message: "no answer".into(),
            causes: Vec::new(),
            place: None,
        });
        let pause = Duration::from_millis(300);
        script.tell(began + 700, "w0", EventKind::NodeRetried { end, failure, pause });
    }
    script.tell(2_011, "w0", EventKind::NodeStarted { node: node.clone(), attempt: 3, queued });
    let end = NodeEnd { node, attempt: 3, ran: Duration::from_millis(20), rows: None };
    script.tell(2_031, "w0", EventKind::NodeDone(end));
    let path = script.record.critical_path();
    assert_eq!(path[1].before, Duration::from_millis(2_000));
    let total: Duration = path.iter().map(super::critical_path::Step::took).sum();
    assert_eq!(total, Duration::from_millis(2_031));
}

#[test]
fn a_node_that_waited_for_a_load_is_one_attempt_begun_again() {
    let mut script = Script::new();
    let (node, queued) = (script.node("a"), Duration::ZERO);
    let started = || EventKind::NodeStarted { node: node.clone(), attempt: 1, queued };
    script.tell(0, "w0", started());
    let (back, dataset) = (node.clone(), Cow::Borrowed("in"));
    script.tell(3, "w0", EventKind::NodeGivenBack { node: back, attempt: 1, dataset });
    let given_back = &script.record.nodes[node.index as usize];
    assert_eq!((given_back.state, given_back.attempts), (NodeState::NeverStarted, 0));
    assert!(script.record.last_attempt(node.index).is_none());
    assert_eq!(script.record.attempts[0].ended, Some(Duration::from_millis(3)));
    script.tell(5, "w1", started());
    let record = script.record;
    assert_eq!((record.attempts.len(), record.nodes[node.index as usize].attempts), (1, 1));
    let attempt = record.last_attempt(node.index).unwrap();
    assert_eq!((attempt.began, attempt.lane), (Duration::from_millis(5), 1));
    assert_eq!(record.nodes[node.index as usize].state, NodeState::Running);
}

#[test]
fn a_node_that_was_given_back_and_not_begun_again_was_never_started() {
    let mut script = Script::new();
    let (node, queued) = (script.node("a"), Duration::ZERO);
    script.tell(0, "w0", EventKind::NodeStarted { node: node.clone(), attempt: 1, queued });
    let (back, dataset) = (node.clone(), Cow::Borrowed("in"));
    script.tell(4, "w0", EventKind::NodeGivenBack { node: back, attempt: 1, dataset });
    let ended = RunEnded {
        end: RunEnd::Failed,
        took: Duration::from_millis(9),
        error: None,
        problems: Vec::new(),
        resume: None,
    };
    script.tell(9, "w0", EventKind::RunEnded(Box::new(ended)));
    let record = script.record;
    assert_eq!(record.nodes[node.index as usize].state, NodeState::NeverStarted);
    // Nothing of it was done, by nobody.
    assert_eq!(record.critical_path(), []);
    let summary = record.node("a").unwrap();
    assert_eq!((summary.ran, summary.queued), (Duration::ZERO, Duration::ZERO));
}
