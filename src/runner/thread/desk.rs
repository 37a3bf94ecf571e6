//! The way of a run's nodes to the workers where it is not all the same which goes
//! first, or where a node may be given up or tried again.
//!
//! Nodes that are ready wait at the desk. A ticket is a job of the pool that asks
//! the desk for a node, runs it, hands in what that made ready, and asks again;
//! it ends when the desk has none for it. For the run's progress the tickets count,
//! and as queued all nodes that are at the desk, or pause between two attempts.
//!
//! A ticket whose node is given up is ended by whoever does that. Its worker finds
//! that out when the node lets go of it, and leaves everything alone.

use std::mem;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::work::Work;
use crate::pipeline::NodeIndex;
use crate::runner::control::{Calls, Lease, Ordered, Overdue, Room};
use crate::runner::execute::Scratch;
use crate::sync::Mutex;

pub(super) struct Desk {
    ordered: Mutex<Ordered>,
    /// Called when there may be room for nodes that a limit has kept here.
    who: Weak<dyn Room>,
}

/// How long a worker may take to come back, once its node was given up and told so,
/// before it counts as lost for good.
pub(super) const GRACE: Duration = Duration::from_millis(250);

impl Desk {
    pub(super) fn new(ordered: Ordered, work: Weak<Work>) -> Self {
        Self { ordered: Mutex::new(ordered), who: work }
    }
}

impl Work {
    /// Hands in nodes that are ready; `looking` tickets will look for one next.
    pub(super) fn queue(
        self: &Arc<Self>,
        desk: &Desk,
        nodes: impl IntoIterator<Item = NodeIndex>,
        looking: usize,
    ) {
        let mut ordered = desk.ordered.lock();
        for at in nodes {
            self.run.progress.enqueue();
            ordered.push(at);
        }
        let tickets = ordered.more_tickets(looking);
        drop(ordered);
        self.issue(tickets);
    }

    fn issue(self: &Arc<Self>, tickets: usize) {
        for _ in 0..tickets {
            self.run.progress.enqueue();
            let work = Arc::downgrade(self);
            self.executor.spawn_part(move || work_off(work));
        }
    }

    /// Runs the nodes that a ticket is given; whether its last one was given up.
    fn work_through(self: &Arc<Self>, desk: &Desk) -> bool {
        let mut scratch = Scratch::default();
        let wake = |at| self.queue(desk, [at], 0);
        while let Some(at) = self.next(desk) {
            let now = self.run.state.elapsed();
            self.run.execute(at, now, &mut scratch, &wake);
            if scratch.is_lost {
                self.executor.lost().find();
                return true;
            }
            self.hand_back(desk, at, &mut scratch, 1);
        }
        false
    }

    /// The node that a ticket is to run; `None` ends the ticket.
    fn next(self: &Arc<Self>, desk: &Desk) -> Option<NodeIndex> {
        let mut calls = Calls::default();
        let mut ordered = desk.ordered.lock();
        let is_over = self.run.state.is_stopped();
        let next = if is_over { None } else { ordered.pop(&desk.who, &mut calls) };
        match next {
            Some(_) => self.run.progress.dequeue(),
            None => ordered.end_ticket(),
        }
        drop(ordered);
        calls.make();
        next
    }

    /// Node `at` runs no more: gives back its limits, and hands in what it made
    /// ready, or itself for after a pause.
    fn hand_back(
        self: &Arc<Self>,
        desk: &Desk,
        at: NodeIndex,
        scratch: &mut Scratch,
        looking: usize,
    ) {
        let mut calls = Calls::default();
        desk.ordered.lock().end(at, &mut calls);
        match scratch.again.take() {
            Some(Duration::ZERO) => scratch.ready.push(at),
            Some(pause) => self.after_pause(at, pause),
            None => {}
        }
        self.queue(desk, scratch.ready.drain(..), looking);
        calls.make();
    }

    fn after_pause(self: &Arc<Self>, at: NodeIndex, pause: Duration) {
        let Some(control) = &self.run.control else { return };
        self.run.progress.enqueue();
        let work = Arc::downgrade(self);
        control.after_pause(at, pause, move || {
            let Some(work) = work.upgrade() else { return };
            let Some(desk) = &work.desk else { return };
            // It has been counted all along.
            let mut ordered = desk.ordered.lock();
            ordered.push(at);
            let tickets = ordered.more_tickets(0);
            drop(ordered);
            work.issue(tickets);
        });
    }
}

impl Work {
    fn has_lost_all(&self) -> bool {
        self.executor.lost().is_all(self.executor.num_threads())
    }

    /// Ends the run, after a while, if all workers are at nodes that were given up,
    /// of this run or of others: nobody is there for the rest, nor may ever be.
    fn look_for_workers(self: &Arc<Self>) {
        // Elsewhere a node is stopped, and its thread comes back.
        if self.run.elsewhere.is_some() || !self.has_lost_all() {
            return;
        }
        let Some(control) = &self.run.control else { return };
        let work = Arc::downgrade(self);
        control.later(GRACE, move || {
            if let Some(work) = work.upgrade().filter(|work| work.has_lost_all()) {
                work.run.stop();
            }
        });
    }
}

impl Room for Work {
    fn room(self: Arc<Self>) {
        if let Some(desk) = &self.desk {
            desk.ordered.lock().room();
            self.queue(desk, [], 0);
        }
    }
}

impl Overdue for Work {
    fn overdue(self: Arc<Self>, at: NodeIndex, lease: &Lease) {
        let Some(desk) = &self.desk else { return };
        let mut scratch = Scratch::default();
        let wake = |at| self.queue(desk, [at], 0);
        self.run.overdue(at, lease, &mut scratch, &wake);
        // Its ticket is worked off no further.
        desk.ordered.lock().end_ticket();
        self.executor.lost().lose();
        self.hand_back(desk, at, &mut scratch, 0);
        self.look_for_workers();
        let progress = self.run.progress.clone();
        drop(self);
        progress.end();
    }
}

fn work_off(work: Weak<Work>) {
    let Some(work) = work.upgrade() else { return };
    let progress = work.run.progress.clone();
    // Where it is not wanted, the desk gives it no node.
    let (active, _) = progress.begin();
    let is_lost = work.desk.as_ref().is_some_and(|desk| work.work_through(desk));
    // As for other tickets.
    drop(work);
    match is_lost {
        true => mem::forget(active),
        false => drop(active),
    }
}
