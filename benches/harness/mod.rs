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
    pub(crate) fn run(rounds: usize, mut ours: impl FnMut(), mut theirs: impl FnMut()) -> Self {
        let time = |f: &mut dyn FnMut()| {
            let start = Instant::now();
            f();
            start.elapsed()
        };
        (time(&mut ours), time(&mut theirs));
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

    /// How many times as long as theirs ours takes.
    pub(crate) fn ratio(&self) -> f64 {
        median(self.pairs.iter().map(|(ours, theirs)| ours.as_secs_f64() / theirs.as_secs_f64()))
    }

    /// How many nanoseconds longer ours takes, for each of `items`.
    pub(crate) fn extra_ns(&self, items: usize) -> f64 {
        let extra = |(ours, theirs): &(Duration, Duration)| ours.as_secs_f64() - theirs.as_secs_f64();
        median(self.pairs.iter().map(extra)) * 1e9 / items as f64
    }

    /// The median time of our side.
    pub(crate) fn ours(&self) -> f64 {
        median(self.pairs.iter().map(|(ours, _)| ours.as_secs_f64()))
    }

    /// The median time of their side.
    pub(crate) fn theirs(&self) -> f64 {
        median(self.pairs.iter().map(|(_, theirs)| theirs.as_secs_f64()))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
