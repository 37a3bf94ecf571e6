//! A report on the flights that left New York: real data, eight nodes, a log in
//! which every line knows its run and its node.
//!
//! ```text
//! cargo run --release --example flights
//! ```

mod args;
mod model;
mod names;
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

use clap::Parser;
use entourage::{
    BuildError, Catalog, Console, Executor, JsonLines, Pipeline, Propagation, RunLogLayer,
    RunLogger, RunOptions, SequentialRunner, ThreadRunner,
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
    let options = RunOptions::new().deny_unused();
    let (catalog, executor) = prepare(args, &pipeline, &options)?;
    let log = if args.perf { None } else { Some(open_log(args)?) };
    let options = match &log {
        Some((_, lines)) => options.run_logger(RunLogger::new(lines.clone())),
        None => options.propagation(Propagation::off()),
    };
    let options = options.listener(Console::stderr());
    let outcome = match &executor {
        Some(executor) => ThreadRunner::new(executor).run(&pipeline, &catalog, options),
        None => SequentialRunner::new().run(&pipeline, &catalog, options),
    };
    let logged = log.as_ref().map_or(Ok(0), |(_, lines)| lines.finish());
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

/// Reads and checks everything that a run needs before it opens or makes a file.
///
/// # Errors
///
/// All that is wrong, at once.
fn prepare(
    args: &Args,
    pipeline: &Pipeline,
    options: &RunOptions,
) -> Result<(Catalog, Option<Executor>), Box<dyn Error>> {
    let mut problems = Vec::new();
    let catalog = Catalog::builder()
        .variable("data", text(&args.data)?)
        .variable("out", text(&args.out)?)
        .yaml_file(&args.catalog)
        .parameters_file(&args.parameters)
        .build();
    let catalog = catalog.map_err(|error| problems.extend_from_slice(error.problems())).ok();
    if let Some(catalog) = &catalog {
        if let Err(error) = options.check(pipeline, catalog) {
            problems.extend_from_slice(error.problems());
        }
        if !args.perf {
            problems.extend(log_problem(args, catalog));
        }
    }
    let executor = match (args.runner, args.threads) {
        (Runner::Sequential, None) => None,
        (Runner::Sequential, Some(_)) => {
            problems.push("--threads goes with --runner thread".to_owned());
            None
        }
        (Runner::Thread, threads) => {
            executor(threads).map_err(|error| problems.push(error.to_string())).ok()
        }
    };
    match catalog {
        Some(catalog) if problems.is_empty() => Ok((catalog, executor)),
        _ => {
            let problems: Vec<_> =
                problems.iter().map(|problem| format!("\n  - {problem}")).collect();
            Err(format!("the run was not started:{}", problems.concat()).into())
        }
    }
}

/// A log in the place of a file that the run reads or writes would destroy it.
fn log_problem(args: &Args, catalog: &Catalog) -> Option<String> {
    let real = |path: &Path| {
        let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
        let there = path.canonicalize().ok();
        there.or_else(|| Some(folder?.join(path.file_name()?))).unwrap_or_else(|| path.to_owned())
    };
    let path = log_path(args);
    let files = catalog.names().filter_map(|name| catalog.path(name));
    let mut files = files.chain([&*args.catalog, &*args.parameters]);
    let clash = files.find(|file| real(file) == real(&path))?;
    Some(format!("the log {} is also {}", path.display(), clash.display()))
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

fn log_path(args: &Args) -> PathBuf {
    args.log.clone().unwrap_or_else(|| args.out.join("run.jsonl"))
}

/// Opens the log, and has every event of the process filed by its run.
fn open_log(args: &Args) -> Result<(PathBuf, Arc<JsonLines>), Box<dyn Error>> {
    let path = log_path(args);
    if path.parent() == Some(&args.out) {
        let refused = |error| format!("the folder {} cannot be made: {error}", args.out.display());
        std::fs::create_dir_all(&args.out).map_err(refused)?;
    }
    let lines = JsonLines::create(&path)?;
    tracing_subscriber::registry().with(RunLogLayer::new()).try_init()?;
    Ok((path, Arc::new(lines)))
}

/// Prints a line. A reader that has gone (`| head -1`) does not undo the run.
fn tell(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}
