//! What a run costs that nobody listens to, and what those add who do, in
//! instructions: a count that the noise of a machine does not move.
//!
//! The difference of two runs of unequal length, so that what a process begins and
//! ends with cancels out, divided by the nodes that the longer one has more.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use entourage::{Catalog, Console, Executor, Pipeline, RunOptions, RunRecorder, ThreadRunner};

use crate::cost::Deaf;
use crate::harness::Figures;
use crate::shapes::SHAPES;
use crate::{FLAG, Found, Outcome};

/// A chain, which one worker follows: nothing is left to chance.
const SHAPE: usize = 1;
const LENGTHS: [usize; 2] = [2_000, 12_000];

pub(crate) fn measure(figures: &mut Figures) -> Outcome {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        eprintln!("NOT MEASURED: instructions are counted by valgrind, which is not here");
        return Ok(());
    }
    let off = per_node("off")?;
    figures.add("instructions_without_listener", off, "a node", None);
    for (case, _) in &LISTENING[1..] {
        let name = format!("instructions_with_{case}");
        figures.add(&name, per_node(case)? - off, "a node more", None);
    }
    Ok(())
}

fn per_node(case: &str) -> Outcome<f64> {
    let [short, long] = LENGTHS;
    Ok((count(case, long)? - count(case, short)?) / (long - short) as f64)
}

/// Runs a case under callgrind, and returns the instructions of the process.
fn count(case: &str, nodes: usize) -> Outcome<f64> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("callgrind");
    fs::create_dir_all(&folder)?;
    let out = folder.join(format!("telemetry.{case}.{nodes}.out"));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--fair-sched=yes"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(env::current_exe()?).args([FLAG, case, &nodes.to_string()]);
    let output = command.output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    let count = told.lines().find_map(|line| line.split_once("Collected :"));
    match count {
        Some((_, count)) if output.status.success() => Ok(count.trim().parse()?),
        _ => Err(format!("valgrind failed, {}:\n{told}", output.status).into()),
    }
}

/// Who listens, by the name of the case.
type Listening = (&'static str, fn(RunOptions, &Path) -> RunOptions);

const LISTENING: [Listening; 4] = [
    ("off", |options, _| options),
    ("listener", |options, _| options.listener(Deaf)),
    ("recorder", |options, folder| options.listener(RunRecorder::new(folder))),
    ("recorder_and_console", |options, folder| {
        let console = Console::new(io::sink()).plain();
        options.listener(RunRecorder::new(folder)).listener(console)
    }),
];

/// Builds a chain, and runs it; `None` where there is no such case.
pub(crate) fn run(case: &str, nodes: usize) -> Outcome<Option<Found>> {
    let Some((_, listen)) = LISTENING.iter().find(|(name, _)| *name == case) else {
        return Ok(None);
    };
    let folder = tempfile::tempdir()?;
    let runner = ThreadRunner::new(&Executor::builder().num_threads(1).build()?);
    let pipeline = Pipeline::new((SHAPES[SHAPE].nodes)(nodes))?;
    runner.run(&pipeline, &Catalog::empty(), listen(RunOptions::new(), folder.path()))?;
    Ok(Some(Vec::new()))
}
