//! What propagation costs: nanoseconds over the bare pool, and how much that is
//! of what the hand-written way costs over it.

use entourage::Executor;

use crate::harness::{Figures, Rounds};
use crate::keys::context_of;
use crate::shapes::{ByHand, SHAPES, Shape};
use crate::stage::{Caller, Stage};

/// How many keys are set. The goals are for eight.
const KEYS: [usize; 3] = [0, 8, 64];
const GOAL_KEYS: usize = 8;

pub(crate) fn measure(figures: &mut Figures, on: &Executor, stage: Stage) {
    for shape in SHAPES {
        let Some(by_hand) = shape.by_hand else { continue };
        for &(caller, caller_name) in stage.callers() {
            for keys in KEYS {
                let threads = on.num_threads();
                let name = format!("on_{}_{threads}t_{caller_name}_{keys}keys", shape.name);
                let goals = if keys == GOAL_KEYS { goals(shape, caller) } else { Goals::default() };
                // A hand carries the span and no keys, so that once is enough.
                let has_hand = caller == Caller::InSpan && keys == GOAL_KEYS;
                let by_hand = has_hand.then_some(by_hand);
                let case = Case { name, shape, by_hand, goals };
                context_of(keys).scope(|| caller.run(|| case.measure(figures, on)));
            }
        }
    }
}

#[derive(Default)]
struct Goals {
    /// Nanoseconds over the bare pool.
    extra: Option<f64>,
    /// The same, as a share of what the hand-written way takes over it.
    of_by_hand: Option<f64>,
}

fn goals(shape: &Shape, caller: Caller) -> Goals {
    match (shape.name, caller) {
        ("scope", Caller::InSpan) => Goals { extra: Some(20.0), of_by_hand: Some(0.25) },
        ("spawn", Caller::WithoutSpan) => Goals { extra: Some(30.0), ..Goals::default() },
        ("spawn", Caller::InSpan) => Goals { of_by_hand: Some(0.5), ..Goals::default() },
        ("join", _) => Goals { extra: Some(6.0), ..Goals::default() },
        ("par_iter", _) => Goals { extra: Some(0.2), ..Goals::default() },
        _ => Goals::default(),
    }
}

/// One shape, submitted by one caller.
struct Case<'a> {
    name: String,
    shape: &'a Shape,
    by_hand: Option<ByHand>,
    goals: Goals,
}

impl Case<'_> {
    fn measure(&self, figures: &mut Figures, on: &Executor) {
        let bare = on.rayon_pool();
        let (ours, theirs) = (|| (self.shape.ours)(on), || (self.shape.bare)(bare));
        let per_task = |seconds: f64| seconds * 1e9 / self.shape.count as f64;
        let Some(by_hand) = self.by_hand else {
            let rounds = Rounds::run(self.shape.rounds(ours), [&ours, &theirs]);
            let extra = rounds.median(|[ours, bare]| per_task(ours - bare));
            return figures.add(&self.name, extra, "ns", self.goals.extra);
        };
        let (cloned, current) = (|| (by_hand.cloned)(bare), || (by_hand.current)(bare));
        let sides: [&dyn Fn(); 4] = [&ours, &theirs, &cloned, &current];
        let rounds = Rounds::run(self.shape.rounds(ours), sides);
        let extra = rounds.median(|[ours, bare, ..]| per_task(ours - bare));
        figures.add(&self.name, extra, "ns", self.goals.extra);
        let cloned = rounds.median(|[_, bare, cloned, _]| per_task(cloned - bare));
        figures.add(&format!("{}_by_hand", self.name), cloned, "ns", None);
        let current = rounds.median(|[_, bare, _, current]| per_task(current - bare));
        figures.add(&format!("{}_by_hand_current", self.name), current, "ns", None);
        let share =
            rounds.median(|[ours, bare, cloned, _]| share(ours - bare, cloned - bare, bare));
        figures.add(&format!("{}_of_by_hand", self.name), share, "x", self.goals.of_by_hand);
    }
}

/// What `ours` is of `theirs`. Where the hand-written way took next to nothing
/// over the bare pool, or less than it, a quotient says nothing: such a round
/// counts against us, unless ours took as little.
fn share(ours: f64, theirs: f64, bare: f64) -> f64 {
    let least = 0.01 * bare;
    match (ours > least, theirs > least) {
        (_, true) => ours / theirs,
        (true, false) => f64::INFINITY,
        (false, false) => 0.0,
    }
}
