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
    state: Mutex<State>,
    /// Called when there may be room for nodes that a limit has kept here.
    who: Weak<dyn Room>,
}

struct State {
    ordered: Ordered,
    /// How many workers are still at a node that was given up. Less than none for
    /// a moment, where one is back before it was missed.
    lost: isize,
}

impl Desk {
    pub(super) fn new(ordered: Ordered, work: Weak<Work>) -> Self {
        Self { state: Mutex::new(State { ordered, lost: 0 }), who: work }
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
        let mut state = desk.state.lock();
        for at in nodes {
            self.run.progress.enqueue();
            state.ordered.push(at);
        }
        let tickets = state.ordered.more_tickets(looking);
        drop(state);
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
                desk.state.lock().lost -= 1;
                return true;
            }
            self.hand_back(desk, at, &mut scratch, 1);
        }
        false
    }

    /// The node that a ticket is to run; `None` ends the ticket.
    fn next(self: &Arc<Self>, desk: &Desk) -> Option<NodeIndex> {
        let mut calls = Calls::default();
        let mut state = desk.state.lock();
        let is_over = self.run.state.is_stopped();
        let next = if is_over { None } else { state.ordered.pop(&desk.who, &mut calls) };
        match next {
            Some(_) => self.run.progress.dequeue(),
            None => state.ordered.end_ticket(),
        }
        drop(state);
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
        desk.state.lock().ordered.end(at, &mut calls);
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
            let mut state = desk.state.lock();
            state.ordered.push(at);
            let tickets = state.ordered.more_tickets(0);
            drop(state);
            work.issue(tickets);
        });
    }
}

impl Room for Work {
    fn room(self: Arc<Self>) {
        if let Some(desk) = &self.desk {
            desk.state.lock().ordered.room();
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
        let mut state = desk.state.lock();
        // Its ticket is worked off no further.
        state.ordered.end_ticket();
        state.lost += 1;
        let is_any_left = state.lost.unsigned_abs() < self.executor.num_threads();
        drop(state);
        self.hand_back(desk, at, &mut scratch, 0);
        // Elsewhere the node is stopped, and its thread comes back.
        if !is_any_left && self.run.elsewhere.is_none() {
            // Nobody is there to run the rest, nor may ever be.
            self.run.stop();
        }
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
