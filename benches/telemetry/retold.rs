//! A run read back from its folder, and what is drawn from it.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use entourage::{Catalog, Executor, Pipeline, RunOptions, RunRecord, RunRecorder, ThreadRunner};

use crate::harness::Figures;
use crate::memory;
use crate::shapes::SHAPES;
use crate::{Found, Outcome, run_apart};

/// A grid: each node reads two others.
const SHAPE: usize = 2;
const ROUNDS: usize = 5;

pub(crate) fn measure(figures: &mut Figures) -> Outcome {
    for nodes in [10_000, 100_000] {
        let found = run_apart("retold", nodes)?;
        let goal = |goal: f64| (nodes == 100_000).then_some(goal);
        let add = |figures: &mut Figures, what: &str, unit: &str, goal: Option<f64>| {
            figures.add(&format!("{what}_of_{nodes}_nodes"), found[what], unit, goal);
        };
        add(figures, "events", "bytes", None);
        add(figures, "read", "s", goal(1.0));
        add(figures, "trace", "bytes", None);
        add(figures, "trace_written", "s", goal(1.0));
        // The parts that are put in order, and not what is written of them.
        add(figures, "trace_memory", "bytes/node", Some(200.0));
        if nodes == 10_000 {
            add(figures, "report", "bytes", Some(5e6));
            add(figures, "report_written", "s", None);
        }
    }
    Ok(())
}

pub(crate) fn run(nodes: usize) -> Outcome<Found> {
    let folder = tempfile::tempdir()?;
    let runner = ThreadRunner::new(&Executor::builder().build()?);
    let pipeline = Pipeline::new((SHAPES[SHAPE].nodes)(nodes))?;
    let recorder = RunRecorder::new(folder.path());
    let options = RunOptions::new().run_id("retold").listener(recorder);
    runner.run(&pipeline, &Catalog::empty(), options)?;
    let run = folder.path().join("retold");
    let record = RunRecord::read(&run)?;
    let (trace, report) = (run.join("trace.json"), run.join("report.html"));
    let mut found = vec![
        ("read", seconds(|| RunRecord::read(&run).map(drop).map_err(Into::into))?),
        ("trace_written", seconds(|| record.write_trace(&trace).map_err(Into::into))?),
        ("events", bytes(&run.join("events.jsonl"))?),
        ("trace", bytes(&trace)?),
    ];
    if nodes <= 10_000 {
        found.push((
            "report_written",
            seconds(|| record.write_report(&report).map_err(Into::into))?,
        ));
        found.push(("report", bytes(&report)?));
    }
    memory::count();
    let before = memory::live();
    let (peak, written) = memory::peak_of(|| record.to_trace(io::sink()));
    written?;
    found.push(("trace_memory", (peak - before) / nodes as f64));
    Ok(found)
}

/// The median of some rounds.
fn seconds(f: impl Fn() -> Outcome) -> Outcome<f64> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        f()?;
        rounds.push(began.elapsed().as_secs_f64());
    }
    rounds.sort_by(f64::total_cmp);
    Ok(rounds[ROUNDS / 2])
}

fn bytes(file: &Path) -> Outcome<f64> {
    Ok(fs::metadata(file)?.len() as f64)
}
