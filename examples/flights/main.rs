//! A report on the flights that left New York: real data, eight nodes, a log in
//! which every line knows its run and its node.
//!
//! ```text
//! cargo run --release --example flights
//! ```

mod args;
mod model;
mod pipeline;
mod plot;
mod records;
mod reports;

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use comfy_table::{CellAlignment, LineStyle, Table, presets};
use entourage::{
    BuildError, Catalog, Executor, JsonLines, NodeReport, Propagation, RunError, RunLogLayer,
    RunLogger, RunOptions, RunReport, SequentialRunner, ThreadRunner,
};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use args::{Args, Runner};
use pipeline::pipeline;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let pipeline = pipeline()?;
    let catalog = Catalog::builder()
        .variable("data", text(&args.data)?)
        .variable("out", text(&args.out)?)
        .yaml_file(&args.catalog)
        .parameters_file(&args.parameters)
        .build()?;
    let executor = match args.runner {
        Runner::Sequential => None,
        Runner::Thread => Some(executor(args.threads)?),
    };
    let log = if args.perf { None } else { Some(open_log(args)?) };
    let options = RunOptions::new().deny_unused();
    let options = match &log {
        Some((_, lines)) => options.run_logger(RunLogger::new(lines.clone())),
        None => options.propagation(Propagation::off()),
    };
    let outcome = match &executor {
        Some(executor) => ThreadRunner::new(executor).run(&pipeline, &catalog, options),
        None => SequentialRunner::new().run(&pipeline, &catalog, options),
    };
    let logged = log.as_ref().map_or(Ok(0), |(_, lines)| lines.finish());
    if let Some(report) = outcome.as_ref().map_or_else(RunError::report, Some) {
        tell(table(report));
        tell(format!("run {} took {}", report.run_id(), millis(report.took())));
    }
    if let (Err(failed), Err(unlogged)) = (&outcome, &logged) {
        return Err(format!("{failed}\n{unlogged}").into());
    }
    outcome?;
    tell(format!("outputs: {}", args.out.display()));
    logged?;
    tell(match &log {
        Some((path, _)) => format!("log: {}", path.display()),
        None => "log: none (propagation is off)".to_owned(),
    });
    Ok(())
}

/// Catalog files are text, and so is what goes into them.
fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("the folder {} is not UTF-8", path.display()))
}

fn executor(threads: Option<usize>) -> Result<Executor, BuildError> {
    let builder = Executor::builder();
    match threads {
        Some(threads) => builder.num_threads(threads).build(),
        None => builder.build(),
    }
}

/// Opens the log, and has every event of the process filed by its run.
fn open_log(args: &Args) -> Result<(PathBuf, Arc<JsonLines>), Box<dyn Error>> {
    let path = match &args.log {
        Some(path) => path.clone(),
        None => {
            let refused =
                |error| format!("the folder {} cannot be made: {error}", args.out.display());
            std::fs::create_dir_all(&args.out).map_err(refused)?;
            args.out.join("run.jsonl")
        }
    };
    let lines = JsonLines::create(&path)?;
    tracing_subscriber::registry().with(RunLogLayer::new()).try_init()?;
    Ok((path, Arc::new(lines)))
}

/// Prints a line. A reader that has gone (`| head -1`) does not undo the run.
fn tell(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn table(report: &RunReport) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.set_header(["node", "state", "queued", "ran", "rows"]);
    for node in report.nodes() {
        table.add_row(cells(node));
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn cells(node: &NodeReport) -> [String; 5] {
    let rows = node.rows.map_or_else(|| "-".to_owned(), |rows| rows.to_string());
    [node.name.clone(), node.fate.to_string(), millis(node.queued), millis(node.ran), rows]
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}
