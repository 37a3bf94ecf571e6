//! The shapes that work comes in, and what is typed for each: with the executor,
//! on the bare pool, and on the bare pool with the span carried by hand.
//!
//! All sides run on the same workers. The work of one task is next to nothing,
//! so that what is left is the way there.

mod install;
mod items;
mod join;
mod scope;
mod spawn;

use std::hint::black_box;
use std::time::{Duration, Instant};

use entourage::Executor;
use rayon::ThreadPool;

/// One shape: how each side does it, once.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    /// How many tasks, joins or items that once is.
    pub(crate) count: usize,
    /// How often each side does it, unless that takes too long.
    pub(crate) rounds: usize,
    pub(crate) ours: fn(&Executor),
    pub(crate) bare: fn(&ThreadPool),
    /// `None` where only propagation off is measured.
    pub(crate) by_hand: Option<ByHand>,
}

/// The hand-written way. The caller's span is entered on the worker that
/// submits as well: without that, a hand would have nothing to pass on there.
#[derive(Clone, Copy)]
pub(crate) struct ByHand {
    /// With one handle on the span, cloned and entered for each task.
    pub(crate) cloned: fn(&ThreadPool),
    /// With `Span::current()` for each task, entered in it.
    pub(crate) current: fn(&ThreadPool),
}

pub(crate) const SHAPES: [&Shape; 9] = [
    &spawn::SPAWN,
    &spawn::SPAWN_IN_WORKER,
    &spawn::SPAWN_JOIN,
    &scope::SCOPE,
    &scope::NESTED_SCOPES,
    &join::JOIN,
    &items::PAR_ITER,
    &install::INSTALL,
    &install::INSTALL_IN_WORKER,
];

/// Tasks of one burst.
const TASKS: usize = 4096;
const ROUNDS: usize = 101;
const FEWEST_ROUNDS: usize = 5;
/// How long one side may take for all its rounds.
const LONGEST: Duration = Duration::from_millis(500);

impl Shape {
    /// Fewer rounds where once takes long, for the whole bench to end in time.
    pub(crate) fn rounds(&self, once: impl FnOnce()) -> usize {
        let start = Instant::now();
        once();
        let affordable = LONGEST.as_secs_f64() / start.elapsed().as_secs_f64();
        self.rounds.min(affordable as usize).max(FEWEST_ROUNDS)
    }
}

fn small_work(n: usize) {
    black_box(n.wrapping_mul(0x9E37_79B9));
}
