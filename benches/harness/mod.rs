//! What the benches share: things timed in turn, and the lines they end with.
//!
//! Machines are noisy, and noise comes in stretches. So the sides of a comparison
//! are timed in one process, in rounds of one after the other, each round
//! beginning with another side; the figure is the median of the rounds.

use std::time::Instant;

/// The figures so far, printed together at the end.
#[derive(Default)]
pub(crate) struct Figures {
    lines: Vec<String>,
}

impl Figures {
    /// Notes one figure and, where there is one, its goal.
    pub(crate) fn add(&mut self, name: &str, value: f64, unit: &str, goal: impl Into<Option<f64>>) {
        let goal = goal.into().map_or_else(String::new, |goal| format!(" goal <= {goal}"));
        eprintln!("  {name}: {value:.3} {unit}{goal}");
        self.lines.push(format!("figure {name} {value:.3} {unit}{goal}"));
    }

    /// Prints every figure, one a line, last of all.
    pub(crate) fn print(self) {
        for line in self.lines {
            println!("{line}");
        }
    }
}

/// The seconds of each of `N` sides, round by round.
pub(crate) struct Rounds<const N: usize> {
    seconds: Vec<[f64; N]>,
}

impl<const N: usize> Rounds<N> {
    /// Times the sides in turn, after a warm-up of each.
    pub(crate) fn run(rounds: usize, sides: [&dyn Fn(); N]) -> Self {
        let mut times = Self { seconds: Vec::with_capacity(rounds) };
        sides.iter().for_each(|side| side());
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
