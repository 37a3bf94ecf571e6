//! The load: many runs at once, each a tree of pieces of work that wait in every
//! way there is, so that a waiting worker takes up pieces of other runs.
//!
//! A piece knows its run by an argument, not by what is current, and says at its
//! beginning, and at its end, after all it waited for, which run that is.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator};
use rayon::{ThreadPool, Yield};
use tracing::info_span;

use crate::layer;

/// A way to carry context, with two pools to carry it on.
///
/// Everything but [`background`](Self::background) runs its closures in the
/// context of the caller, as far as this way of carrying reaches.
pub(crate) trait Way: Clone + Send + Sync + 'static {
    type Handle: Send;

    /// The run that the key names here.
    fn key() -> Option<u64>;
    /// Runs `f` with the key set.
    fn with_key<R>(run: u64, f: impl FnOnce() -> R) -> R;
    /// The same, with the two pools in each other's place.
    fn swapped(&self) -> Self;
    fn pools(&self) -> [&ThreadPool; 2];
    /// Starts a task that is waited for by its handle.
    fn spawn(&self, f: impl FnOnce() -> u64 + Send + 'static) -> Self::Handle;
    /// What the task came to; `None` if it panicked.
    fn wait(handle: Self::Handle) -> Option<u64>;
    /// Starts a task that carries nothing and belongs to nobody.
    fn background(&self, f: impl FnOnce() + Send + 'static);
    fn join(&self, a: impl FnOnce() + Send, b: impl FnOnce() + Send);
    fn scope<F: FnOnce() + Send>(&self, tasks: [F; 3]);
    fn for_each(&self, items: u32, f: impl Fn(u32) -> u64 + Send + Sync) -> u64;
    /// Runs `f` on the other pool and waits for it.
    fn elsewhere(&self, f: impl FnOnce() -> u64 + Send) -> u64;
}

/// A parallel iterator of which each item may go to another worker.
pub(crate) fn split_up(items: u32) -> impl IndexedParallelIterator<Item = u32> {
    (0..items).into_par_iter().with_max_len(1)
}

/// How a round of the load is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// How many runs are at work at once.
    pub(crate) runs: u64,
    /// How many pieces lie above one another.
    pub(crate) depth: u32,
    /// How many pieces of a hundred enter a span of their own in the run's.
    pub(crate) spans: u64,
}

/// Does one round, and returns how many events it emitted.
pub(crate) fn round<W: Way>(way: &W, shape: Shape, seed: u64) -> u64 {
    let mut dice = Dice(seed);
    let mut emitted = 0;
    let mut roots = Vec::new();
    for run in 1..=shape.runs {
        let piece = Piece { way: way.clone(), run, spans: shape.spans, dice: dice.split() };
        let start = || way.spawn(move || piece.work(shape.depth));
        roots.push(info_span!("run", run).in_scope(|| W::with_key(run, start)));
        // Nobody's, from a thread that is in no run.
        way.background(|| say::<W>(None));
        emitted += 1;
    }
    let waited = roots.into_iter().map(|root| W::wait(root).expect("a run does not panic"));
    emitted + waited.sum::<u64>()
}

/// Waits until every task of both pools is over, also those that nobody has a
/// handle on.
pub(crate) fn finish<W: Way>(way: &W) {
    for pool in way.pools() {
        pool.broadcast(|_| while rayon::yield_now() == Some(Yield::Executed) {});
    }
}

/// Says which run this is, and which the key says it is.
fn say<W: Way>(run: Option<u64>) {
    layer::say(run, W::key());
}

/// A payload that is no mishap: it is thrown without the panic hook's message.
struct Expected;

struct Piece<W> {
    way: W,
    run: u64,
    spans: u64,
    dice: Dice,
}

impl<W: Way> Piece<W> {
    /// Another piece of the same run, to be done beneath this one.
    fn child(&mut self) -> Self {
        Self { way: self.way.clone(), dice: self.dice.split(), ..*self }
    }

    /// Does the piece, and returns how many events it emitted.
    fn work(mut self, depth: u32) -> u64 {
        say::<W>(Some(self.run));
        let beneath = match depth.checked_sub(1) {
            Some(depth) if self.dice.roll(100) < self.spans => {
                info_span!("piece", depth).in_scope(|| self.wait_for_more(depth))
            }
            Some(depth) => self.wait_for_more(depth),
            None => 0,
        };
        say::<W>(Some(self.run));
        2 + beneath
    }

    fn wait_for_more(&mut self, depth: u32) -> u64 {
        match self.dice.roll(8) {
            0 | 1 => self.join(depth),
            2 | 3 => self.scope(depth),
            4 => self.for_each(depth),
            5 => self.handles(depth),
            6 => self.elsewhere(depth),
            _ => self.panics(depth),
        }
    }

    fn join(&mut self, depth: u32) -> u64 {
        let (left, right) = (self.child(), self.child());
        let (mut a, mut b) = (0, 0);
        self.way.join(|| a = left.work(depth), || b = right.work(depth));
        a + b
    }

    fn scope(&mut self, depth: u32) -> u64 {
        let mut emitted = [0; 3];
        let tasks = emitted.each_mut().map(|emitted| {
            let child = self.child();
            move || *emitted = child.work(depth)
        });
        self.way.scope(tasks);
        emitted.iter().sum()
    }

    fn for_each(&mut self, depth: u32) -> u64 {
        let (seed, depth) = (self.dice.next(), depth / 2);
        self.way.for_each(6, |item| {
            let dice = Dice(seed ^ u64::from(item));
            Self { way: self.way.clone(), dice, ..*self }.work(depth)
        })
    }

    fn handles(&mut self, depth: u32) -> u64 {
        let children = [self.child(), self.child()];
        let tasks = children.map(|child| self.way.spawn(move || child.work(depth)));
        // In the midst of a run, somebody's metrics are flushed.
        self.way.background(|| say::<W>(None));
        1 + tasks.into_iter().map(|task| W::wait(task).expect("does not panic")).sum::<u64>()
    }

    fn elsewhere(&mut self, depth: u32) -> u64 {
        let mut child = self.child();
        child.way = self.way.swapped();
        self.way.elsewhere(|| child.work(depth))
    }

    /// A task that panics with a span entered, and beside it a join of which one
    /// half does; both may lie on top of any other.
    fn panics(&mut self, depth: u32) -> u64 {
        let run = self.run;
        let panics = move || -> u64 {
            say::<W>(Some(run));
            let _open = info_span!("doomed").entered();
            say::<W>(Some(run));
            resume_unwind(Box::new(Expected))
        };
        let task = self.way.spawn(panics);
        let (child, mut emitted) = (self.child(), 0);
        let join = || self.way.join(|| emitted = child.work(depth), || _ = panics());
        let thrown = catch_unwind(AssertUnwindSafe(join)).expect_err("one half panics");
        assert!(thrown.is::<Expected>(), "another panic than the expected one");
        assert_eq!(W::wait(task), None);
        2 + 2 + emitted
    }
}

/// Pseudo-random numbers (SplitMix64): the same load for the same seed,
/// whichever worker does what.
#[derive(Clone, Copy)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn split(&mut self) -> Self {
        Self(self.next())
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }
}
