//! What the benches share: two things timed in turn, and the lines they end with.
//!
//! Machines are noisy, and noise comes in stretches. So the two sides of a
//! comparison are timed in one process, in rounds of one and the other, first
//! one first and then the other; the figure is the median of the rounds.

use std::time::{Duration, Instant};

/// The figures so far, printed together at the end.
#[derive(Default)]
pub(crate) struct Figures {
    lines: Vec<String>,
}

impl Figures {
    /// Notes one figure and its goal.
    pub(crate) fn add(&mut self, name: &str, value: f64, unit: &str, goal: f64) {
        eprintln!("  {name}: {value:.3} {unit}");
        self.lines.push(format!("figure {name} {value:.3} {unit} goal <= {goal}"));
    }

    /// Prints every figure, one a line, last of all.
    pub(crate) fn print(self) {
        for line in self.lines {
            println!("{line}");
        }
    }
}

/// The times of both sides, round by round.
pub(crate) struct Rounds {
    pairs: Vec<(Duration, Duration)>,
}

impl Rounds {
    /// Times `ours` and `theirs` in turn, after a warm-up of each.
    pub(crate) fn run<A, B>(
        rounds: usize,
        mut ours: impl FnMut() -> A,
        mut theirs: impl FnMut() -> B,
    ) -> Self {
        let mut ours = || drop(std::hint::black_box(ours()));
        let mut theirs = || drop(std::hint::black_box(theirs()));
        let time = |f: &mut dyn FnMut()| {
            let start = Instant::now();
            f();
            start.elapsed()
        };
        time(&mut ours);
        time(&mut theirs);
        let pairs = (0..rounds).map(|round| {
            if round % 2 == 0 {
                let ours = time(&mut ours);
                (ours, time(&mut theirs))
            } else {
                let theirs = time(&mut theirs);
                (time(&mut ours), theirs)
            }
        });
        Self { pairs: pairs.collect() }
    }

    /// The median over the rounds of a figure made of our seconds and theirs.
    pub(crate) fn median(&self, figure: impl Fn(f64, f64) -> f64) -> f64 {
        let figure = |(ours, theirs): &(Duration, Duration)| {
            figure(ours.as_secs_f64(), theirs.as_secs_f64())
        };
        let mut figures: Vec<f64> = self.pairs.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    }
}
