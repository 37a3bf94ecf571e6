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
//! What is lost with propagation off, in that run: its nodes see nothing of their
//! caller (keys, span, thread-locals of other libraries) and nothing of their run
//! (id, node, attempt, whether it was called off). What they say is filed nowhere.
//! What is not lost: the result, the report, and the record, where there is one.
//!
//! On two workers; what it is on your machine, it prints. The allocations are the same everywhere, or nearly:
//!
//! ```text
//! 10017 nodes on 2 workers, the median of 5 runs of each mode in turn
//! ────────────────────────────────────────────────────────────────────────────────────────────────────────
//!  subscriber   propagation   record        ns a node   allocations a node   a node knows
//! ════════════════════════════════════════════════════════════════════════════════════════════════════════
//!  none         off           none                226                 1.17   nothing
//!  none         on            none                278                 2.32   run, node, tenant
//!  none         off           10017 nodes        1370                 3.32   nothing
//!  none         on            10017 nodes        1444                 4.31   run, node, tenant, log
//!  yes          off           none                365                 1.27   nothing
//!  yes          on            none                957                 4.43   run, node, tenant, span
//!  yes          off           10017 nodes        2253                 3.33   nothing
//!  yes          on            10017 nodes        2896                 6.43   run, node, tenant, span, log
//! ────────────────────────────────────────────────────────────────────────────────────────────────────────
//! the answer of every run: 1e42bdadfbe4aaf2
//! ```
//!
//! The subscriber files events of level `INFO` and above, as one does that is at work;
//! the nodes say none. The program fails if a result differs, if a node knows more or
//! less than is said here, if a record does not have every node, or if a mode makes
//! fewer allocations than all off.

mod allocations;
mod grid;

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use comfy_table::{CellAlignment, LineStyle, Table, presets};
use entourage::{
    Catalog, Executor, NodeState, Pipeline, Propagation, RunLogLayer, RunOptions, RunRecord,
    RunRecorder, RunReport, ThreadRunner,
};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
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
    /// Whether the program has a `tracing` subscriber by then.
    is_subscribed: bool,
    propagates: bool,
    is_recorded: bool,
}

impl Mode {
    const OFF: Self = Self { is_subscribed: false, propagates: false, is_recorded: false };
    const ON: Self = Self { propagates: true, ..Self::OFF };

    fn subscribed(self) -> Self {
        Self { is_subscribed: true, ..self }
    }

    fn recorded(self) -> Self {
        Self { is_recorded: true, ..self }
    }
}

/// What a mode came to.
struct Figures {
    mode: Mode,
    nanoseconds: f64,
    allocations: f64,
    answer: u64,
    known: Known,
    /// How many nodes are done by the run's record, where there is one.
    recorded: Option<usize>,
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
    let folder = tempfile::tempdir()?;
    let runs = Runs {
        runner: ThreadRunner::new(&pool),
        pipeline: grid::pipeline(args.nodes)?,
        recorder: RunRecorder::new(folder.path()),
    };
    let [off, on] = [Mode::OFF, Mode::ON];
    let mut figures = runs.measure(args.rounds, [off, on, off.recorded(), on.recorded()])?;
    // A subscriber is there for good once it was, so its turn is the second.
    let log = RunLogLayer::new().with_filter(LevelFilter::INFO);
    tracing_subscriber::registry().with(log).try_init()?;
    let [off, on] = [off.subscribed(), on.subscribed()];
    figures.extend(runs.measure(args.rounds, [off, on, off.recorded(), on.recorded()])?);
    tell(format_args!(
        "{} nodes on {} workers, the median of {} runs of each mode in turn",
        runs.pipeline.len(),
        pool.num_threads(),
        args.rounds,
    ));
    tell(table(&figures));
    check(&figures, runs.pipeline.len())?;
    tell(format_args!("the answer of every run: {:016x}", figures[0].answer));
    Ok(())
}

/// One pipeline, again and again.
struct Runs {
    runner: ThreadRunner,
    pipeline: Pipeline,
    recorder: RunRecorder,
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
            self.forget(&self.run(mode)?)?;
        }
        for round in 0..rounds as usize {
            for turn in 0..N {
                let at = (round + turn) % N;
                let start = Instant::now();
                let report = self.run(modes[at])?;
                seconds[at].push(start.elapsed().as_secs_f64());
                self.forget(&report)?;
            }
        }
        modes.into_iter().zip(seconds).map(|(mode, seconds)| self.figures(mode, seconds)).collect()
    }

    fn figures(&self, mode: Mode, mut seconds: Vec<f64>) -> Result<Figures, Box<dyn Error>> {
        let nodes = self.pipeline.len() as f64;
        seconds.sort_by(f64::total_cmp);
        let (allocations, report) = allocations::during(|| self.run(mode));
        let report = report?;
        let (answer, known) = grid::result(&report).ok_or("a run has no answer")?;
        let record = self.recorder.folder_of(report.run_id()).map(RunRecord::read).transpose()?;
        self.forget(&report)?;
        Ok(Figures {
            mode,
            nanoseconds: seconds[seconds.len() / 2] * 1e9 / nodes,
            allocations: allocations as f64 / nodes,
            answer,
            known,
            recorded: record.map(|record| record.count(NodeState::Done)),
        })
    }

    fn run(&self, mode: Mode) -> Result<RunReport, Box<dyn Error>> {
        let mut options = RunOptions::new();
        if !mode.propagates {
            options = options.propagation(Propagation::off());
        }
        if mode.is_recorded {
            options = options.listener(self.recorder.clone());
        }
        let run = || self.runner.run(&self.pipeline, &Catalog::empty(), options);
        Ok(TENANT.scope("acme", run)?)
    }

    /// Takes the record of the run off the disk, if there is one.
    fn forget(&self, report: &RunReport) -> io::Result<()> {
        self.recorder.folder_of(report.run_id()).map_or(Ok(()), fs::remove_dir_all)
    }
}

/// What this program says, as conditions. Time is no part of them: a machine may
/// be as busy as it likes.
fn check(all: &[Figures], nodes: usize) -> Result<(), String> {
    let quiet = all.iter().find(|figures| !figures.mode.propagates).ok_or("no mode is off")?;
    for Figures { mode, known, answer, allocations, recorded, .. } in all {
        let Mode { is_subscribed, propagates, is_recorded } = *mode;
        let expected = Known {
            run: propagates,
            node: propagates,
            tenant: propagates,
            span: propagates && is_subscribed,
            log: propagates && is_recorded,
        };
        if *known != expected {
            return Err(format!("{mode:?}: a node knows {known}; it must know {expected}"));
        }
        if *answer != quiet.answer {
            return Err(format!("{mode:?}: the answer is another one"));
        }
        if *recorded != is_recorded.then_some(nodes) {
            return Err(format!("{mode:?}: the record is of {recorded:?} nodes"));
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
        "record",
        "ns a node",
        "allocations a node",
        "a node knows",
    ]);
    for figures in all {
        let on_off = |is_on| if is_on { "on" } else { "off" }.to_owned();
        table.add_row([
            if figures.mode.is_subscribed { "yes" } else { "none" }.to_owned(),
            on_off(figures.mode.propagates),
            figures.recorded.map_or("none".to_owned(), |nodes| format!("{nodes} nodes")),
            format!("{:.0}", figures.nanoseconds),
            format!("{:.2}", figures.allocations),
            figures.known.to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(3).take(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Prints a line. Who does not listen to the end, by a pipe, is no error.
fn tell(line: impl std::fmt::Display) {
    _ = writeln!(io::stdout(), "{line}");
}
