use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::sync::Mutex;

/// A run that notes whether it was called.
#[derive(Default)]
struct Caller(Mutex<bool>);

impl Room for Caller {
    fn room(self: Arc<Self>) {
        *self.0.lock() = true;
    }
}

struct Stage {
    ordered: Ordered,
    caller: Arc<Caller>,
    who: Weak<dyn Room>,
}

impl Stage {
    fn new(priorities: &[i32], tags: &[&[&str]], limits: &[(&str, &Limit)]) -> Self {
        let limits = limits.iter().map(|(tag, limit)| ((*tag).to_owned(), (*limit).clone()));
        let ordered = Ordered::new(&Order {
            nodes: priorities.len(),
            priorities: Some(&|node| priorities[node as usize]),
            limits: &limits.collect(),
            tags: &|node, each| tags[node as usize].iter().for_each(|tag| each(tag)),
            threads: 2,
        });
        let caller = Arc::new(Caller::default());
        let who: Weak<dyn Room> = Arc::<Caller>::downgrade(&caller);
        Self { ordered, caller, who }
    }

    fn push_all(&mut self, count: usize) {
        (0..count as NodeIndex).for_each(|node| self.ordered.push(node));
    }

    fn pop(&mut self) -> Option<NodeIndex> {
        let mut calls = Calls::default();
        let node = self.ordered.pop(&self.who, &mut calls);
        self.after(calls);
        node
    }

    fn end(&mut self, node: NodeIndex) {
        let mut calls = Calls::default();
        self.ordered.end(node, &mut calls);
        self.after(calls);
    }

    fn after(&mut self, calls: Calls) {
        calls.make();
        if std::mem::take(&mut *self.caller.0.lock()) {
            self.ordered.room();
        }
    }
}

#[test]
fn highest_priority_goes_first_and_then_the_first_in_the_pipeline() {
    let mut stage = Stage::new(&[0, 5, -1, 5, i32::MAX, i32::MIN], &[&[] as &[&str]; 6], &[]);
    stage.push_all(6);
    let order: Vec<_> = std::iter::from_fn(|| stage.pop()).collect();
    assert_eq!(order, [4, 1, 3, 0, 2, 5]);
}

#[test]
fn no_more_of_a_tag_run_than_its_limit_and_others_are_not_held_up() {
    let gpu = Limit::new(2);
    let tags: [&[&str]; 5] = [&["gpu"], &["gpu"], &["gpu"], &[], &["other"]];
    let mut stage = Stage::new(&[9, 9, 9, 0, 0], &tags, &[("gpu", &gpu)]);
    stage.push_all(5);
    let started: Vec<_> = std::iter::from_fn(|| stage.pop()).collect();
    assert_eq!(started, [0, 1, 3, 4]);
    stage.end(3);
    assert_eq!(stage.pop(), None);
    stage.end(1);
    assert_eq!(stage.pop(), Some(2));
}

#[test]
fn node_of_several_tags_holds_none_while_it_waits_for_one() {
    let (a, b) = (Limit::new(1), Limit::new(1));
    let tags: [&[&str]; 3] = [&["b"], &["a", "b"], &["a"]];
    let mut stage = Stage::new(&[0, 9, 0], &tags, &[("a", &a), ("b", &b)]);
    stage.ordered.push(0);
    assert_eq!(stage.pop(), Some(0));
    stage.push_all(0);
    stage.ordered.push(1);
    stage.ordered.push(2);
    assert_eq!(stage.pop(), Some(2), "the better one waits for `b`, and leaves `a` alone");
    stage.end(0);
    assert_eq!(stage.pop(), None);
    stage.end(2);
    assert_eq!(stage.pop(), Some(1));
}

#[test]
fn limit_of_two_tags_counts_a_node_of_both_once() {
    let shared = Limit::new(1);
    let mut stage = Stage::new(&[0], &[&["a", "b"]], &[("a", &shared), ("b", &shared)]);
    stage.push_all(1);
    assert_eq!(stage.pop(), Some(0));
    stage.end(0);
}

#[test]
fn run_is_called_when_another_gives_back_what_both_share() {
    let gpu = Limit::new(1);
    let one = || Stage::new(&[0], &[&["gpu"]], &[("gpu", &gpu)]);
    let (mut first, mut second) = (one(), one());
    first.push_all(1);
    second.push_all(1);
    assert_eq!((first.pop(), second.pop()), (Some(0), None));
    assert_eq!(second.ordered.more_tickets(0), 0, "nothing may start");
    first.end(0);
    assert!(*second.caller.0.lock());
    second.ordered.room();
    assert_eq!(second.ordered.more_tickets(0), 1);
    assert_eq!(second.pop(), Some(0));
}

#[test]
fn tickets_are_as_many_as_can_be_used() {
    let mut stage = Stage::new(&[0; 5], &[&[] as &[&str]; 5], &[]);
    assert_eq!(stage.ordered.more_tickets(0), 0);
    stage.push_all(1);
    assert_eq!(stage.ordered.more_tickets(1), 0, "whoever asks takes it");
    assert_eq!(stage.ordered.more_tickets(0), 1);
    stage.push_all(5);
    assert_eq!(stage.ordered.more_tickets(0), 1, "there are two workers");
    stage.ordered.end_ticket();
    assert_eq!(stage.ordered.more_tickets(1), 1);
}

#[test]
fn hundred_thousand_nodes_of_many_classes_go_through() {
    const NODES: usize = 100_000;
    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
    let limits: Vec<_> = NAMES.iter().map(|name| (*name, Limit::new(3))).collect();
    let by_name = limits.iter().map(|(name, limit)| ((*name).to_owned(), limit.clone()));
    let tags = |node: NodeIndex, each: &mut dyn FnMut(&str)| {
        let tags = NAMES.iter().enumerate().filter(|(at, _)| node >> at & 1 == 1);
        tags.for_each(|(_, tag)| each(tag));
    };
    let ordered = Ordered::new(&Order {
        nodes: NODES,
        priorities: None,
        limits: &by_name.collect(),
        tags: &tags,
        threads: 4,
    });
    let mut stage = Stage { ordered, ..Stage::new(&[], &[], &[]) };
    stage.push_all(NODES);
    let (mut running, mut ended) = (VecDeque::new(), 0);
    loop {
        while running.len() < 4 {
            let Some(node) = stage.pop() else { break };
            running.push_back(node);
        }
        let Some(node) = running.pop_front() else { break };
        stage.end(node);
        ended += 1;
    }
    assert_eq!(ended, NODES);
}

/// What a node of the property test is: its priority, and which of three limits
/// it takes.
type Given = (i32, [bool; 3]);

/// What is to be started next, found the long way.
fn expected(
    ready: &[NodeIndex],
    nodes: &[Given],
    taken: &[usize; 3],
    at_most: &[usize; 3],
) -> Option<NodeIndex> {
    let is_free = |node: &&NodeIndex| {
        let tags = nodes[**node as usize].1;
        (0..3).all(|tag| !tags[tag] || taken[tag] < at_most[tag])
    };
    let rank = |node: &&NodeIndex| (nodes[**node as usize].0, Reverse(**node));
    ready.iter().filter(is_free).max_by_key(rank).copied()
}

proptest! {
    #[test]
    fn starts_what_a_look_at_all_nodes_would(
        nodes in prop::collection::vec((-2..3_i32, any::<[bool; 3]>()), 1..40),
        at_most in any::<[prop::sample::Index; 3]>(),
        steps in prop::collection::vec((0..3_u8, any::<prop::sample::Index>()), 0..200),
    ) {
        const NAMES: [&str; 3] = ["a", "b", "c"];
        let at_most = at_most.map(|index| 1 + index.index(3));
        let limits = at_most.map(Limit::new);
        let priorities: Vec<_> = nodes.iter().map(|(priority, _)| *priority).collect();
        let tags: Vec<Vec<&str>> = nodes
            .iter()
            .map(|(_, tags)| (0..3).filter(|tag| tags[*tag]).map(|tag| NAMES[tag]).collect())
            .collect();
        let tags: Vec<&[&str]> = tags.iter().map(Vec::as_slice).collect();
        let named: Vec<_> = NAMES.iter().copied().zip(&limits).collect();
        let mut stage = Stage::new(&priorities, &tags, &named);
        let (mut unready, mut ready, mut running) =
            ((0..nodes.len() as NodeIndex).collect::<Vec<_>>(), Vec::new(), Vec::new());
        let mut taken = [0; 3];
        let count = |node: NodeIndex, by: isize, taken: &mut [usize; 3]| {
            for tag in (0..3).filter(|tag| nodes[node as usize].1[*tag]) {
                taken[tag] = taken[tag].strict_add_signed(by);
            }
        };
        for (what, which) in steps {
            match what {
                0 if !unready.is_empty() => {
                    let node = unready.swap_remove(which.index(unready.len()));
                    ready.push(node);
                    stage.ordered.push(node);
                }
                1 if !running.is_empty() => {
                    let node = running.swap_remove(which.index(running.len()));
                    count(node, -1, &mut taken);
                    stage.end(node);
                }
                _ => {
                    let expected = expected(&ready, &nodes, &taken, &at_most);
                    prop_assert_eq!(stage.pop(), expected);
                    if let Some(node) = expected {
                        ready.retain(|ready| *ready != node);
                        running.push(node);
                        count(node, 1, &mut taken);
                    }
                }
            }
        }
    }
}
