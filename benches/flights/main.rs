//! What the pipeline costs: a year of flights through the example's pipeline, and
//! through the best loop that could be written by hand, side by side.

#[path = "../../examples/flights/model.rs"]
mod model;
#[path = "../../examples/flights/names.rs"]
mod names;
#[path = "../../examples/flights/pipeline.rs"]
mod pipeline;
#[path = "../../examples/flights/plot.rs"]
mod plot;
#[path = "../../examples/flights/records.rs"]
mod records;
#[path = "../../examples/flights/reports.rs"]
mod reports;

mod hand_loop;
#[path = "../harness/mod.rs"]
mod harness;
mod year;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::{env, fs};

use entourage::{
    Catalog, Executor, JsonLines, Propagation, RunLogLayer, RunLogger, RunOptions,
    SequentialRunner, ThreadRunner,
};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use harness::{Figures, Rounds};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const ROUNDS: usize = 15;
const THREADS: usize = 2;
/// Has the bench run the pipeline once, and say how much memory that took.
const MEMORY: &str = "--memory";

fn main() -> Outcome {
    tracing_subscriber::registry().with(RunLogLayer::new()).init();
    let args: Vec<String> = env::args().collect();
    if let [_, flag, data, out] = &args[..]
        && flag == MEMORY
    {
        return print_memory(&Folders { data: data.into(), out: out.into() });
    }
    let folder = tempfile::tempdir()?;
    let [data, out, by_hand] = ["data", "out", "by_hand"].map(|name| folder.path().join(name));
    fs::create_dir(&data)?;
    year::make(&example("data"), &data)?;
    let folders = Folders { data, out };
    let executor = Executor::builder().num_threads(THREADS).build()?;

    let thread = || folders.run(Some(&executor), true).expect("the pipeline runs");
    let perf = || folders.run(Some(&executor), false).expect("the pipeline runs");
    let sequential = || folders.run(None, true).expect("the pipeline runs");
    let loops = || hand_loop::run(&folders.data, &by_hand).expect("the loop runs");
    thread();
    loops();
    same_outputs(&folders.out, &by_hand)?;

    let mut figures = Figures::default();
    let mut compare = |name, goal, rounds: Rounds<2>| {
        let (ours, theirs) = (rounds.median(|[ours, _]| ours), rounds.median(|[_, theirs]| theirs));
        eprintln!("  {name}: {:.1} ms, by hand {:.1} ms", ours * 1e3, theirs * 1e3);
        figures.add(name, rounds.median(|[ours, theirs]| ours / theirs), "ratio", goal);
    };
    compare("flights_year_thread", 1.5, Rounds::run(ROUNDS, [&thread, &loops]));
    compare("flights_year_perf", 1.5, Rounds::run(ROUNDS, [&perf, &loops]));
    // One thread against one thread; this goal is our own.
    compare("flights_year_sequential", 3.0, Rounds::run(ROUNDS, [&sequential, &loops]));
    match folders.memory_of_a_run()? {
        Some(megabytes) => figures.add("flights_year_memory", megabytes, "MB", 600.0),
        None => eprintln!("  flights_year_memory: left out, for there is no /proc here"),
    }
    figures.print();
    Ok(())
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/flights").join(name)
}

/// Where a run of the pipeline reads and writes.
struct Folders {
    data: PathBuf,
    out: PathBuf,
}

impl Folders {
    /// What the example does, from its files to its files.
    fn run(&self, executor: Option<&Executor>, with_log: bool) -> Outcome {
        let pipeline = pipeline::pipeline()?;
        let catalog = Catalog::builder()
            .variable("data", self.data.to_str().ok_or("no UTF-8")?)
            .variable("out", self.out.to_str().ok_or("no UTF-8")?)
            .yaml_file(example("catalog.yml"))
            .parameters_file(example("parameters.yml"))
            .build()?;
        fs::create_dir_all(&self.out)?;
        let log = with_log.then(|| JsonLines::create(self.out.join("run.jsonl"))).transpose()?;
        let log = log.map(Arc::new);
        let options = RunOptions::new().deny_unused();
        let options = match &log {
            Some(lines) => options.run_logger(RunLogger::new(lines.clone())),
            None => options.propagation(Propagation::off()),
        };
        match executor {
            Some(executor) => ThreadRunner::new(executor).run(&pipeline, &catalog, options)?,
            None => SequentialRunner::new().run(&pipeline, &catalog, options)?,
        };
        if let Some(lines) = log {
            lines.finish()?;
        }
        Ok(())
    }

    /// The most megabytes that a process of its own needs for one run.
    fn memory_of_a_run(&self) -> Outcome<Option<f64>> {
        let mut command = Command::new(env::current_exe()?);
        let output = command.arg(MEMORY).args([&self.data, &self.out]).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let kilobytes = String::from_utf8(output.stdout)?.trim().parse::<f64>();
        Ok(kilobytes.ok().map(|kilobytes| kilobytes * 1024.0 / 1e6))
    }
}

/// Runs once, and prints the most kilobytes that were resident, where the system
/// says so.
fn print_memory(folders: &Folders) -> Outcome {
    let executor = Executor::builder().num_threads(THREADS).build()?;
    folders.run(Some(&executor), true)?;
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        println!("{}", peak.unwrap_or_default().trim().trim_end_matches("kB"));
    }
    Ok(())
}

/// Both sides must come to the same: texts alike, numbers but for their last
/// digits.
fn same_outputs(ours: &Path, theirs: &Path) -> Outcome {
    for name in ["carriers.csv", "routes.csv", "hourly.csv", "model.json", "metrics.json"] {
        let [ours, theirs] = [ours, theirs].map(|folder| fs::read_to_string(folder.join(name)));
        let (ours, theirs) = (ours?, theirs?);
        let [a, b] = [&ours, &theirs].map(|text| {
            let items = text.split([',', ':', '{', '}', '"', ' ', '\n']);
            items.filter(|item| !item.is_empty()).collect::<Vec<_>>()
        });
        let differs = |(a, b): &(&str, &str)| match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(a), Ok(b)) => (a - b).abs() > 1e-5 * a.abs().max(1.0),
            _ => a != b,
        };
        if a.len() != b.len() {
            return Err(format!("{name}: {} items, and {} by hand", a.len(), b.len()).into());
        }
        if let Some((ours, by_hand)) = a.into_iter().zip(b).find(differs) {
            return Err(format!("{name}: {ours}, and {by_hand} by hand").into());
        }
    }
    Ok(())
}
