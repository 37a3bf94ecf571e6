//! What it costs to have propagation switched off: ratios to the bare pool.

use entourage::Executor;

use crate::harness::{Figures, Rounds};
use crate::shapes::SHAPES;
use crate::stage::Stage;

const GOAL: f64 = 1.02;

pub(crate) fn measure(figures: &mut Figures, off: &Executor, stage: Stage) {
    let threads = off.num_threads();
    for shape in SHAPES {
        let bare = off.rayon_pool();
        let (ours, theirs) = (|| (shape.ours)(off), || (shape.bare)(bare));
        let rounds = Rounds::run(shape.rounds(ours), [&ours, &theirs]);
        let name = format!("off_{}_{threads}t_{}", shape.name, stage.name());
        let ratio = rounds.median(|[ours, bare]| ours / bare);
        figures.add(&name, ratio, "x", GOAL);
        let bare_ns = rounds.median(|[_, bare]| bare) * 1e9 / shape.count as f64;
        eprintln!("    bare {bare_ns:.2} ns");
    }
}
