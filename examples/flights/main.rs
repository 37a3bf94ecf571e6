//! A report on the flights that left New York: real data, nine nodes, a log in
//! which every line knows its run and its node.
//!
//! ```text
//! cargo run --release --example flights
//! ```

mod args;
mod model;
mod plot;
mod records;
mod reports;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use comfy_table::{CellAlignment, Table, presets};
use entourage::{
    Catalog, Data, Executor, JsonLines, NodeReport, Pipeline, PipelineError, Propagation,
    RunLogLayer, RunLogger, RunOptions, RunReport, SequentialRunner, ThreadRunner, node,
};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use args::{Args, Runner};
use model::WeatherIndex;
use records::{
    AIRLINES, AIRPORTS, CARRIERS, DELAYS, FLIGHTS, HOLDOUT_EVERY, HOURLY, METRICS, MODEL,
    Observation, ROUTES, TOP, WEATHER,
};

const WEATHER_INDEX: Data<WeatherIndex> = Data::memory("weather_index");
const OBSERVATIONS: Data<[Observation]> = Data::memory("observations");

fn pipeline() -> Result<Pipeline, PipelineError> {
    Pipeline::new([
        node(reports::carriers).reads((FLIGHTS, AIRLINES)).writes(CARRIERS).tag("report"),
        node(reports::routes).reads((FLIGHTS, AIRPORTS, TOP)).writes(ROUTES).tag("report"),
        node(reports::hourly).reads(FLIGHTS).writes(HOURLY).tag("report"),
        node(plot::plot_delays).reads((HOURLY, CARRIERS)).writes(DELAYS).tag("report"),
        node(model::index_weather).reads(WEATHER).writes(WEATHER_INDEX).tag("model"),
        node(model::observe)
            .reads((FLIGHTS, WEATHER_INDEX, HOLDOUT_EVERY))
            .writes(OBSERVATIONS)
            .tag("model"),
        node(model::fit).reads(OBSERVATIONS).writes(MODEL).tag("model"),
        node(model::evaluate).reads((OBSERVATIONS, MODEL)).writes(METRICS).tag("model"),
    ])
}

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
        .variable("data", args.data.display().to_string())
        .variable("out", args.out.display().to_string())
        .yaml_file(&args.catalog)
        .parameters_file(&args.parameters)
        .build()?;
    let mut options = RunOptions::new().deny_unused();
    let mut log = None;
    if args.perf {
        options = options.propagation(Propagation::off());
    } else {
        let (path, lines) = open_log(args)?;
        tracing_subscriber::registry().with(RunLogLayer::new()).init();
        options = options.run_logger(RunLogger::new(lines.clone()));
        log = Some((path, lines));
    }
    let outcome = match args.runner {
        Runner::Sequential => SequentialRunner::new().run(&pipeline, &catalog, options),
        Runner::Thread => {
            let mut builder = Executor::builder();
            if let Some(threads) = args.threads {
                builder = builder.num_threads(threads);
            }
            ThreadRunner::new(&builder.build()?).run(&pipeline, &catalog, options)
        }
    };
    if let Some((_, lines)) = &log {
        lines.finish()?;
    }
    match &outcome {
        Ok(report) => print_report(report),
        Err(error) => {
            if let Some(report) = error.report() {
                print_report(report);
            }
        }
    }
    outcome?;
    println!("outputs: {}", args.out.display());
    match &log {
        Some((path, _)) => println!("log: {}", path.display()),
        None => println!("log: none (propagation is off)"),
    }
    Ok(())
}

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
    Ok((path, Arc::new(lines)))
}

fn print_report(report: &RunReport) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["node", "state", "queued", "ran", "rows"]);
    for node in report.nodes() {
        table.add_row(cells(node));
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    println!("run {} took {:.1} ms", report.run_id(), report.took().as_secs_f64() * 1e3);
}

fn cells(node: &NodeReport) -> [String; 5] {
    let millis = |duration: std::time::Duration| format!("{:.1} ms", duration.as_secs_f64() * 1e3);
    let rows = node.rows.map_or_else(|| "-".to_owned(), |rows| rows.to_string());
    [node.name.clone(), node.fate.to_string(), millis(node.queued), millis(node.ran), rows]
}
