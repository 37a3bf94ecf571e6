//! Structured logging: a library that knows nothing of runs, nodes or `tracing`
//! says something by the `log` crate, inside parallel iterators, in nodes that run
//! at the same time, in runs that do, too. Whose words are they?
//!
//! ```text
//! cargo run --release --example structured_logging
//! ```
//!
//! The library is `simplecss`, a parser of style sheets, which warns of each rule
//! that it does not support. The rules here are named after the run, the node and
//! the attempt that have them parsed, and it repeats the names: so each event says
//! by itself where it belongs. That is compared with the file that it is in,
//! `<run>/nodes/<node>.<attempt>.jsonl`, with the names on its line, and with the
//! field of the span that it was said in. What a node says by its own `logger()` is
//! counted with it. The program fails if one is filed wrongly or missing:
//!
//! ```text
//! 8 runs at once on 4 workers
//! ────────────────────────────────────────────────────────────────────────
//!  node                        attempt   events   filed   wrong   missing
//! ════════════════════════════════════════════════════════════════════════
//!  colours                           1     1928    1928       0         0
//!  fonts                             1     1928    1928       0         0
//!  fonts                             2     1928    1928       0         0
//!  layout                            1     1928    1928       0         0
//!  all                                     7712    7712       0         0
//!  all, without `in_context`               7712    3362    1530      4350
//! ────────────────────────────────────────────────────────────────────────
//! ```
//!
//! The last line is the same load with the one call left out that gives a parallel
//! iterator the context of its caller: rayon's workers then take up each other's
//! style sheets in whatever context they are, or in none. How many, is up to chance.

mod filed;
mod sheets;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use comfy_table::{CellAlignment, LineStyle, Table, presets};
use entourage::{Catalog, Executor, RunLogLayer, RunOptions, RunRecorder, ThreadRunner};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use filed::Filed;
use sheets::{Said, Source, Way};

/// How many sites are checked at once.
const RUNS: usize = 8;

fn main() -> ExitCode {
    match check() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<(), Box<dyn Error + Send + Sync>> {
    // What is said by way of the `log` crate comes to this as well.
    tracing_subscriber::registry().with(RunLogLayer::new()).try_init()?;
    let pool = Executor::builder().num_threads(4).build()?;
    let runner = ThreadRunner::new(&pool);
    let carried = Events::of_runs(&runner, Way::InContext)?;
    let plain = Events::of_runs(&runner, Way::Plain)?;

    tell(format_args!("{RUNS} runs at once on {} workers", pool.num_threads()));
    tell(table(&carried, &plain));
    match carried.total() {
        Row { wrong: 0, said, filed, .. } if said == filed => Ok(()),
        _ => Err("an event is not filed where it belongs".into()),
    }
}

/// What was said in some runs, and what their logs have of it.
struct Events {
    said: BTreeMap<Source, u64>,
    filed: BTreeMap<Source, Filed>,
}

impl Events {
    fn of_runs(runner: &ThreadRunner, way: Way) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let folder = tempfile::tempdir()?;
        let recorder = RunRecorder::new(folder.path());
        let said = Arc::new(Said::default());
        let runs: Vec<_> = (1..=RUNS).map(|number| format!("site-{number}")).collect();
        let run = |run: &String| -> Result<(), Box<dyn Error + Send + Sync>> {
            let pipeline = sheets::pipeline(run, way, &said)?;
            let options = RunOptions::new().run_id(&**run).listener(recorder.clone());
            runner.run(&pipeline, &Catalog::empty(), options)?;
            Ok(())
        };
        thread::scope(|scope| {
            let runs: Vec<_> = runs.iter().map(|id| scope.spawn(move || run(id))).collect();
            runs.into_iter()
                .try_for_each(|run| run.join().unwrap_or_else(|payload| resume_unwind(payload)))
        })?;
        let mut filed = BTreeMap::new();
        for run in &runs {
            filed::read(&folder.path().join(run), &mut filed)?;
        }
        let said = said.lock().unwrap().clone();
        Ok(Self { said, filed })
    }

    /// Of all runs, by node and attempt.
    fn rows(&self) -> BTreeMap<(&str, u32), Row> {
        let mut rows = BTreeMap::<_, Row>::new();
        for (source, said) in &self.said {
            let row = rows.entry((&*source.node, source.attempt)).or_default();
            let filed = self.filed.get(source).copied().unwrap_or_default();
            row.add(Row { said: *said, filed: filed.events, wrong: filed.wrong });
        }
        rows
    }

    fn total(&self) -> Row {
        let mut total = Row::default();
        self.rows().into_values().for_each(|row| total.add(row));
        total
    }
}

/// How many events were said, and how many of these are in a log, and how many of
/// those in one where they do not belong.
#[derive(Clone, Copy, Default)]
struct Row {
    said: u64,
    filed: u64,
    wrong: u64,
}

impl Row {
    fn add(&mut self, other: Self) {
        let Self { said, filed, wrong } = other;
        *self =
            Self { said: self.said + said, filed: self.filed + filed, wrong: self.wrong + wrong };
    }

    fn cells(self, node: &str, attempt: &str) -> [String; 6] {
        let Self { said, filed, wrong } = self;
        let numbers = [said, filed, wrong, said.saturating_sub(filed)].map(|n| n.to_string());
        let [said, filed, wrong, missing] = numbers;
        [node.to_owned(), attempt.to_owned(), said, filed, wrong, missing]
    }
}

fn table(carried: &Events, plain: &Events) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.set_header(["node", "attempt", "events", "filed", "wrong", "missing"]);
    for ((node, attempt), row) in carried.rows() {
        table.add_row(row.cells(node, &attempt.to_string()));
    }
    table.add_row(carried.total().cells("all", ""));
    table.add_row(plain.total().cells("all, without `in_context`", ""));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Prints a line. Who does not listen to the end, by a pipe, is no error.
fn tell(line: impl std::fmt::Display) {
    _ = writeln!(io::stdout(), "{line}");
}
