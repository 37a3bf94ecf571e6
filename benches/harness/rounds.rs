//! Things timed in turn.
//!
//! Machines are noisy, and noise comes in stretches. So the sides of a comparison
//! are timed in one process, in rounds of one after the other, each round in
//! another order; the figure is the median of the rounds.

use std::time::Instant;

/// The seconds of each of `N` sides, round by round.
pub(crate) struct Rounds<const N: usize> {
    seconds: Vec<[f64; N]>,
}

impl<const N: usize> Rounds<N> {
    /// Times the sides in turn, after a warm-up of each.
    pub(crate) fn run(rounds: usize, sides: [&dyn Fn(); N]) -> Self {
        Self::run_and(rounds, sides, &|| ())
    }

    /// The same, with `after` after each, which is not timed.
    pub(crate) fn run_and(rounds: usize, sides: [&dyn Fn(); N], after: &dyn Fn()) -> Self {
        let mut times = Self { seconds: Vec::with_capacity(rounds) };
        sides.iter().for_each(|side| {
            side();
            after();
        });
        for round in 0..rounds {
            let mut seconds = [0.0; N];
            for turn in 0..N {
                // Every other round goes backwards: each side comes as often
                // before another as after it.
                let turn = if round % 2 == 0 { turn } else { N - 1 - turn };
                let side = (turn + round / 2) % N;
                let start = Instant::now();
                sides[side]();
                seconds[side] = start.elapsed().as_secs_f64();
                after();
            }
            times.seconds.push(seconds);
        }
        times
    }

    /// The median over the rounds of a figure made of the sides' seconds.
    pub(crate) fn median(&self, figure: impl Fn([f64; N]) -> f64) -> f64 {
        let mut figures: Vec<f64> = self.seconds.iter().copied().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    }
}
