//! A pipeline that is built and run twice, in a process that does nothing else.

use std::error::Error;
use std::time::Instant;

use entourage::{Catalog, Executor, Pipeline, RunOptions, RunReport, ThreadRunner, context_key};

use crate::case::{Case, Found};
use crate::harness::Figures;
use crate::memory;
use crate::shapes::SHAPES;

context_key! { pub(crate) static CALLER: u64 = propagate; }

const SIZES: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];
const ROUNDS: usize = 5;
/// How many processes there are for a figure of the smallest size, a round.
const MOST: usize = 10;

pub(crate) fn measure(figures: &mut Figures) -> Result<(), Box<dyn Error>> {
    for (at, shape) in SHAPES.iter().enumerate() {
        let mut second = Vec::new();
        let mut times = vec![Vec::new(); SIZES.len()];
        for _ in 0..ROUNDS {
            for (times, nodes) in times.iter_mut().zip(SIZES) {
                for _ in 0..(10_000 / nodes).clamp(1, MOST) {
                    times.push(Case::Time { shape: at, nodes }.run_apart()?);
                }
            }
        }
        for (times, nodes) in times.iter().zip(SIZES) {
            for what in ["build", "first", "second"] {
                let time = median(times.iter().map(|found| found[what]).collect());
                let name = format!("{}_{nodes}_{what}", shape.name);
                let goal = (nodes == 100_000 && what != "build").then_some(500.0);
                figures.add(&name, time, "ns/node", goal);
                if what == "second" {
                    second.push(time);
                }
            }
            let found = Case::Memory { shape: at, nodes }.run_apart()?;
            for (what, bytes) in found {
                let goal = (nodes >= 100_000 && what == "running").then_some(300.0);
                figures.add(
                    &format!("{}_{nodes}_bytes_{what}", shape.name),
                    bytes,
                    "bytes/node",
                    goal,
                );
            }
        }
        let ratio = second[4] / second[3];
        figures.add(&format!("{}_million_of_hundred_thousand", shape.name), ratio, "x", 1.0);
    }
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// One run, with a key of the caller's.
pub(crate) fn run(
    runner: &ThreadRunner,
    pipeline: &Pipeline,
    options: RunOptions,
) -> Result<RunReport, Box<dyn Error>> {
    Ok(CALLER.scope(1, || runner.run(pipeline, &Catalog::empty(), options))?)
}

pub(crate) fn time(shape: usize, nodes: usize) -> Result<Found, Box<dyn Error>> {
    let runner = ThreadRunner::new(&Executor::builder().build()?);
    let per_node = |start: Instant| start.elapsed().as_secs_f64() * 1e9 / nodes as f64;
    let start = Instant::now();
    let pipeline = Pipeline::new((SHAPES[shape].nodes)(nodes))?;
    let build = per_node(start);
    // With the end of the report, of which much is as large as the pipeline.
    let once = || {
        let start = Instant::now();
        drop(run(&runner, &pipeline, RunOptions::new())?);
        Ok::<_, Box<dyn Error>>(per_node(start))
    };
    Ok(vec![("build", build), ("first", once()?), ("second", once()?)])
}

pub(crate) fn memory(shape: usize, nodes: usize) -> Result<Found, Box<dyn Error>> {
    let runner = ThreadRunner::new(&Executor::builder().build()?);
    let resident = memory::of_process("VmRSS");
    memory::count();
    let (building, pipeline) = memory::peak_of(|| Pipeline::new((SHAPES[shape].nodes)(nodes)));
    let pipeline = pipeline?;
    let built = memory::live();
    let (running, report) = memory::peak_of(|| run(&runner, &pipeline, RunOptions::new()));
    drop(report?);
    let mut found = vec![
        // The most while the pipeline was built, and what it takes from then on.
        ("building", building),
        ("built", built),
        // The most during the run, with the pipeline and the report.
        ("running", running),
    ];
    if let (Some(before), Some(most)) = (resident, memory::of_process("VmHWM")) {
        // What the process took for all of it, the allocator's own included.
        found.push(("process", most - before));
    }
    Ok(found.into_iter().map(|(what, bytes)| (what, bytes / nodes as f64)).collect())
}
