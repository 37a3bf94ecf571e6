//! Perf mode: what it costs that a node knows where it is, and that its run is
//! told of. One pipeline, with propagation and telemetry on and off, without a
//! `tracing` subscriber and with one: time and allocations side by side.
//!
//! ```text
//! cargo run --release --example perf_mode
//! ```
//!
//! The switch is one run's, not the program's:
//! `RunOptions::new().propagation(Propagation::off())`.
//!
//! What is lost with it, in that run: its nodes see nothing of their caller (keys,
//! span, thread-locals of other libraries) and nothing of their run (id, node,
//! attempt, token to see that it was called off). What they say is filed nowhere.
//! The results are the same, and so is the report with every node's fate.

mod allocations;
mod grid;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use comfy_table::{CellAlignment, LineStyle, Table, presets};
use entourage::{
    Catalog, Executor, Pipeline, Propagation, RunLogLayer, RunOptions, RunReport, ThreadRunner,
};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use grid::{Known, TENANT};

/// Runs one pipeline in each mode in turn, and compares.
#[derive(Parser)]
struct Args {
    /// How many nodes the pipeline has, about
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    nodes: usize,
    /// How many runs each figure is the median of
    #[arg(long, value_name = "N", default_value_t = 21, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// How a run is run.
#[derive(Clone, Copy, Debug)]
struct Mode {
    is_subscribed: bool,
    propagates: bool,
}

/// What a mode came to.
struct Figures {
    mode: Mode,
    nanoseconds: f64,
    allocations: f64,
    answer: u64,
    known: Known,
}

fn main() -> ExitCode {
    match compare(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(args: &Args) -> Result<(), Box<dyn Error>> {
    let pool = Executor::builder().build()?;
    let runs = Runs { runner: ThreadRunner::new(&pool), pipeline: grid::pipeline(args.nodes)? };
    let mode = |is_subscribed, propagates| Mode { is_subscribed, propagates };
    let mut figures = runs.measure(args.rounds, [mode(false, false), mode(false, true)])?;
    // A subscriber is there for good once it was, so its turn is the second.
    tracing_subscriber::registry().with(RunLogLayer::new()).try_init()?;
    figures.extend(runs.measure(args.rounds, [mode(true, false), mode(true, true)])?);
    tell(format_args!(
        "{} nodes on {} workers, the median of {} runs of each mode in turn",
        runs.pipeline.len(),
        pool.num_threads(),
        args.rounds,
    ));
    tell(table(&figures));
    check(&figures)?;
    tell(format_args!("the answer of every run: {:016x}", figures[0].answer));
    Ok(())
}

/// One pipeline, again and again.
struct Runs {
    runner: ThreadRunner,
    pipeline: Pipeline,
}

impl Runs {
    /// The modes in turn, after a warm-up of each, every round in another order:
    /// noise comes in stretches, and meets them all.
    fn measure<const N: usize>(
        &self,
        rounds: u32,
        modes: [Mode; N],
    ) -> Result<Vec<Figures>, Box<dyn Error>> {
        let mut seconds = [const { Vec::new() }; N];
        for mode in modes {
            self.run(mode)?;
        }
        for round in 0..rounds as usize {
            for turn in 0..N {
                let at = (round + turn) % N;
                let start = Instant::now();
                // The report is as large as the run: its end is a part of it.
                drop(self.run(modes[at])?);
                seconds[at].push(start.elapsed().as_secs_f64());
            }
        }
        modes.into_iter().zip(seconds).map(|(mode, seconds)| self.figures(mode, seconds)).collect()
    }

    fn figures(&self, mode: Mode, mut seconds: Vec<f64>) -> Result<Figures, Box<dyn Error>> {
        let nodes = self.pipeline.len() as f64;
        seconds.sort_by(f64::total_cmp);
        let (allocations, report) = allocations::during(|| self.run(mode));
        let (answer, known) = grid::result(&report?).ok_or("a run has no answer")?;
        Ok(Figures {
            mode,
            nanoseconds: seconds[seconds.len() / 2] * 1e9 / nodes,
            allocations: allocations as f64 / nodes,
            answer,
            known,
        })
    }

    fn run(&self, mode: Mode) -> Result<RunReport, Box<dyn Error>> {
        let mut options = RunOptions::new();
        if !mode.propagates {
            options = options.propagation(Propagation::off());
        }
        let run = || self.runner.run(&self.pipeline, &Catalog::empty(), options);
        Ok(TENANT.scope("acme", run)?)
    }
}

/// What this program says, as conditions. Time is no part of them: a machine may
/// be as busy as it likes.
fn check(all: &[Figures]) -> Result<(), String> {
    let quiet = all.iter().find(|figures| !figures.mode.propagates).ok_or("no mode is off")?;
    for figures in all {
        let Figures { mode, answer, known, allocations, .. } = figures;
        let expected = match mode {
            Mode { propagates: false, .. } => Known::NOTHING,
            Mode { is_subscribed, .. } => Known { span: *is_subscribed, ..Known::ALL },
        };
        if *known != expected {
            return Err(format!("{mode:?}: a node knows {known}; it must be {expected}"));
        }
        if *answer != quiet.answer {
            return Err(format!("{mode:?}: the answer is another one"));
        }
        if *allocations < quiet.allocations - 0.1 {
            return Err(format!("{mode:?}: fewer allocations than with all off"));
        }
    }
    Ok(())
}

fn table(all: &[Figures]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.set_header([
        "subscriber",
        "propagation",
        "ns a node",
        "allocations a node",
        "a node knows",
    ]);
    for figures in all {
        let on_off = |is_on| if is_on { "on" } else { "off" }.to_owned();
        table.add_row([
            if figures.mode.is_subscribed { "yes" } else { "none" }.to_owned(),
            on_off(figures.mode.propagates),
            format!("{:.0}", figures.nanoseconds),
            format!("{:.2}", figures.allocations),
            figures.known.to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(2).take(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Prints a line. Who does not listen to the end, by a pipe, is no error.
fn tell(line: impl std::fmt::Display) {
    _ = writeln!(io::stdout(), "{line}");
}
