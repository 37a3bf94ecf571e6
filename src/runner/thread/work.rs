//! The way of a run's nodes to the pool's workers.
//!
//! What is ready goes into the pool's queue as a ticket: one for a node, and where
//! many nodes become ready at once, as many as there are workers, which take node
//! after node from the one batch. So nothing that could run is hidden behind
//! something that runs, and a hundred thousand nodes are not as many jobs. A
//! worker goes on with a node that its last one made ready: the chain of a deep
//! pipeline never leaves its worker, and never deepens its stack.

use std::sync::{Arc, Weak};

use super::desk::Desk;
use crate::executor::{Executor, Scope};
use crate::pipeline::NodeIndex;
use crate::runner::control::{Controls, Overdue, ordered};
use crate::runner::execute::{Run, Scratch};
use crate::sync::atomic::{AtomicUsize, Ordering};

/// A run and the workers it runs on.
pub(super) struct Work {
    pub(super) run: Arc<Run>,
    pub(super) executor: Executor,
    /// Where it is not all the same which node goes first: the nodes wait there.
    pub(super) desk: Option<Desk>,
}

/// How tickets reach the workers: through the pool, or through a scope in which a
/// worker waits, so that it takes part.
#[derive(Clone, Copy)]
pub(super) enum Lane<'a, 'b, 'scope> {
    Pool,
    Scope(&'a Scope<'b, 'scope>),
}

enum Unit {
    Node(NodeIndex),
    Batch(Arc<Batch>),
}

/// Nodes that became ready at once.
struct Batch {
    nodes: Vec<NodeIndex>,
    next: AtomicUsize,
}

impl Batch {
    fn next(&self) -> Option<NodeIndex> {
        self.nodes.get(self.next.fetch_add(1, Ordering::Relaxed)).copied()
    }
}

impl Work {
    pub(super) fn new(run: Run, executor: Executor, controls: &Controls) -> Arc<Self> {
        let threads = executor.num_threads();
        let ordered = ordered(&run.bound.pipeline, controls, run.control.as_deref(), threads);
        let work = Arc::new_cyclic(|work| {
            let desk = ordered.map(|ordered| Desk::new(ordered, work.clone()));
            Self { run: Arc::new(run), executor, desk }
        });
        if let Some(control) = &work.run.control {
            let overdue: Weak<dyn Overdue> = Arc::<Self>::downgrade(&work);
            control.set_overdue(overdue);
            let work = Arc::downgrade(&work);
            control.on_cancel(move || {
                if let Some(work) = work.upgrade() {
                    work.run.cancel();
                }
            });
        }
        work
    }

    /// Starts the nodes that wait for nothing.
    pub(super) fn begin(self: &Arc<Self>, lane: Lane<'_, '_, '_>) {
        let _active = self.run.progress.start();
        if let Some(desk) = &self.desk {
            return self.queue(desk, self.run.roots(), 0);
        }
        self.start_all(self.run.roots(), lane);
    }

    fn start_all(self: &Arc<Self>, nodes: Vec<NodeIndex>, lane: Lane<'_, '_, '_>) {
        if nodes.len() <= 2 {
            nodes.into_iter().for_each(|at| self.start(Unit::Node(at), lane));
            return;
        }
        let tickets = nodes.len().min(self.executor.num_threads());
        let batch = Arc::new(Batch { nodes, next: AtomicUsize::new(0) });
        for _ in 0..tickets {
            self.start(Unit::Batch(batch.clone()), lane);
        }
    }

    fn start(self: &Arc<Self>, unit: Unit, lane: Lane<'_, '_, '_>) {
        self.run.progress.enqueue();
        // Weak: a ticket that is still queued when the run is over keeps nothing of
        // it alive.
        let work = Arc::downgrade(self);
        match lane {
            Lane::Pool => self.executor.spawn_part(move || work_off(work, unit, Lane::Pool)),
            Lane::Scope(scope) => {
                scope.spawn(move |scope| work_off(work, unit, Lane::Scope(scope)));
            }
        }
    }

    fn run(self: &Arc<Self>, unit: Unit, lane: Lane<'_, '_, '_>) {
        let mut scratch = Scratch::default();
        match unit {
            Unit::Node(at) => self.follow(at, &mut scratch, lane),
            Unit::Batch(batch) => {
                while !self.run.state.is_stopped()
                    && let Some(at) = batch.next()
                {
                    self.follow(at, &mut scratch, lane);
                }
            }
        }
    }

    /// Runs node `at`, and on along what becomes ready; all but one of that is
    /// handed to others.
    fn follow(self: &Arc<Self>, mut at: NodeIndex, scratch: &mut Scratch, lane: Lane<'_, '_, '_>) {
        let wake = |other| self.start(Unit::Node(other), lane);
        let mut now = self.run.state.elapsed();
        loop {
            now = self.run.execute(at, now, scratch, &wake);
            let mut ready = scratch.ready.drain(..);
            let Some(first) = ready.next() else { return };
            at = first;
            match ready.len() {
                0 => {}
                1 => ready.for_each(wake),
                _ => self.start_all(ready.collect(), lane),
            }
        }
    }
}

fn work_off(work: Weak<Work>, unit: Unit, lane: Lane<'_, '_, '_>) {
    let Some(work) = work.upgrade() else { return };
    let progress = work.run.progress.clone();
    let (active, is_wanted) = progress.begin();
    if is_wanted {
        work.run(unit, lane);
    }
    // Before the end is told: then nothing of the run is left but what its owner
    // has.
    drop(work);
    drop(active);
}
