//! Which of the nodes that are ready starts next, where that is not all the same.
//!
//! Ready nodes of the same limits form a class, with a heap of its own: when its
//! best may not start, none may. Open classes are sorted by their best, so that
//! the next node to start is found without a look at those that may not; a class
//! that found no room is closed, until somebody who gave room back says so.
//!
//! Nodes are started by tickets, jobs of the pool that each start one node after
//! the other until none is left that may start. A ticket ends in the look that
//! found none, and under the same lock nodes become ready: so whoever makes one
//! ready knows whether there is a ticket that will see it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::sync::Weak;

use super::limit::{Calls, Limit, Room};
use crate::pipeline::NodeIndex;

/// What comes first is greatest: the higher priority, then the earlier place.
type Rank = (i32, Reverse<NodeIndex>);
type ClassIndex = u32;
/// Calls its second argument with each tag of its first.
pub(in crate::runner) type EachTag<'a> = dyn Fn(NodeIndex, &mut dyn FnMut(&str)) + 'a;

pub(in crate::runner) struct Ordered {
    classes: Vec<Class>,
    /// The class of each node. Empty where all are in the first.
    class_of: Vec<ClassIndex>,
    /// The priority of each node. Empty where it is 0 for all.
    priority_of: Vec<i32>,
    /// The classes that may have a node to start, by their best.
    open: BTreeSet<(Rank, ClassIndex)>,
    /// Those that found no room.
    closed: Vec<ClassIndex>,
    /// How many nodes the open classes have.
    startable: usize,
    tickets: usize,
    most_tickets: usize,
}

struct Class {
    /// In the order in which they are taken.
    limits: Vec<Limit>,
    ready: BinaryHeap<Rank>,
    is_closed: bool,
}

/// What a run says of its nodes before it begins.
pub(in crate::runner) struct Order<'a> {
    pub(in crate::runner) nodes: usize,
    /// The priority of each node, where any has one.
    pub(in crate::runner) priorities: Option<&'a dyn Fn(NodeIndex) -> i32>,
    /// The limits of the run, by their tag.
    pub(in crate::runner) limits: &'a BTreeMap<String, Limit>,
    pub(in crate::runner) tags: &'a EachTag<'a>,
    /// How many nodes can run at once.
    pub(in crate::runner) threads: usize,
}

impl Ordered {
    pub(in crate::runner) fn new(order: &Order<'_>) -> Self {
        let all = 0..order.nodes as NodeIndex;
        let priority_of = order.priorities.map(|of| all.clone().map(of).collect());
        let mut classes = vec![Class::new(Vec::new())];
        let mut class_of = Vec::new();
        if !order.limits.is_empty() {
            let mut known = HashMap::from([(Vec::new(), 0)]);
            class_of = all.map(|node| class(order, node, &mut known, &mut classes)).collect();
        }
        Self {
            classes,
            class_of,
            priority_of: priority_of.unwrap_or_default(),
            open: BTreeSet::new(),
            closed: Vec::new(),
            startable: 0,
            tickets: 0,
            most_tickets: order.threads.max(1),
        }
    }

    /// A node is ready.
    pub(in crate::runner) fn push(&mut self, node: NodeIndex) {
        let rank = (self.priority_of.get(node as usize).copied().unwrap_or(0), Reverse(node));
        let at = self.class_of(node);
        let class = &mut self.classes[at as usize];
        let best = class.ready.peek().copied();
        class.ready.push(rank);
        if class.is_closed {
            return;
        }
        self.startable += 1;
        if best.is_none_or(|best| best < rank) {
            best.map(|best| self.open.remove(&(best, at)));
            self.open.insert((rank, at));
        }
    }

    /// The node that is to start now; it has taken its limits, and has to
    /// [give them back](Self::end). Where there is none the limits will call
    /// `who` when there may be.
    pub(in crate::runner) fn pop(
        &mut self,
        who: &Weak<dyn Room>,
        calls: &mut Calls,
    ) -> Option<NodeIndex> {
        while let Some((rank, at)) = self.open.pop_last() {
            let class = &mut self.classes[at as usize];
            if !class.take(who, calls) {
                class.is_closed = true;
                self.startable -= class.ready.len();
                self.closed.push(at);
                continue;
            }
            class.ready.pop();
            self.startable -= 1;
            if let Some(next) = class.ready.peek() {
                self.open.insert((*next, at));
            }
            return Some(rank.1.0);
        }
        None
    }

    /// A node that was started runs no longer.
    pub(in crate::runner) fn end(&mut self, node: NodeIndex, calls: &mut Calls) {
        let class = self.class_of(node);
        self.classes[class as usize].give_back(calls);
    }

    /// There may be room where there was none.
    pub(in crate::runner) fn room(&mut self) {
        for at in std::mem::take(&mut self.closed) {
            let class = &mut self.classes[at as usize];
            class.is_closed = false;
            self.startable += class.ready.len();
            if let Some(best) = class.ready.peek() {
                self.open.insert((*best, at));
            }
        }
    }

    /// Whether there are nodes that find no room.
    pub(in crate::runner) fn is_waiting(&self) -> bool {
        !self.closed.is_empty()
    }

    /// How many tickets are to be issued for what may start now, besides the
    /// `looking` that will look for a node next; they count from here on. One too
    /// many finds nothing, and ends.
    pub(in crate::runner) fn more_tickets(&mut self, looking: usize) -> usize {
        let wanted = self.startable.saturating_sub(looking);
        let more = wanted.min(self.most_tickets.saturating_sub(self.tickets));
        self.tickets += more;
        more
    }

    /// A ticket ends: under the same hold of the lock as the [`pop`](Self::pop)
    /// that found nothing.
    pub(in crate::runner) fn end_ticket(&mut self) {
        self.tickets -= 1;
    }

    fn class_of(&self, node: NodeIndex) -> ClassIndex {
        self.class_of.get(node as usize).copied().unwrap_or(0)
    }
}

/// The class of `node`, made if it is new.
fn class(
    order: &Order<'_>,
    node: NodeIndex,
    known: &mut HashMap<Vec<u64>, ClassIndex>,
    classes: &mut Vec<Class>,
) -> ClassIndex {
    let mut limits = Vec::new();
    (order.tags)(node, &mut |tag| limits.extend(order.limits.get(tag).cloned()));
    limits.sort_by_key(Limit::number);
    // Two tags may have been given one limit, which then counts once.
    limits.dedup_by_key(|limit| limit.number());
    let numbers = limits.iter().map(Limit::number).collect();
    *known.entry(numbers).or_insert_with(|| {
        classes.push(Class::new(limits));
        classes.len() as ClassIndex - 1
    })
}

impl Class {
    fn new(limits: Vec<Limit>) -> Self {
        Self { limits, ready: BinaryHeap::new(), is_closed: false }
    }

    /// Takes all of its limits, or none.
    fn take(&self, who: &Weak<dyn Room>, calls: &mut Calls) -> bool {
        let full = self.limits.iter().position(|limit| !limit.take(who));
        if let Some(full) = full {
            self.limits[..full].iter().for_each(|limit| limit.give_back(calls));
        }
        full.is_none()
    }

    fn give_back(&self, calls: &mut Calls) {
        self.limits.iter().for_each(|limit| limit.give_back(calls));
    }
}

#[cfg(test)]
mod tests;
