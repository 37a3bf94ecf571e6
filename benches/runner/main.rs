//! What the runner costs, a node that does nothing at a time.

#[path = "../harness/mod.rs"]
mod harness;
mod shapes;

use std::error::Error;
use std::time::Instant;

use entourage::{Catalog, Executor, Pipeline, Propagation, RunOptions, ThreadRunner, context_key};

use harness::{Figures, Rounds};

context_key! { static CALLER: u64 = propagate; }

const NODES: usize = 100_000;
const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let mut figures = Figures::default();
    let pool = Executor::builder().build()?;
    let runner = ThreadRunner::new(&pool);
    let catalog = Catalog::empty();
    type Shape = fn(usize) -> Vec<entourage::Node>;
    let shapes: [(&str, Shape); 3] =
        [("fan_out", shapes::fan_out), ("chain", shapes::chain), ("grid", shapes::grid)];
    for (name, shape) in shapes {
        let before = resident_bytes();
        let pipeline = Pipeline::new(shape(NODES))?;
        let run = |options: RunOptions| {
            CALLER.scope(1, || match runner.run(&pipeline, &catalog, options) {
                Ok(report) => drop(report),
                Err(error) => panic!("{error}"),
            });
        };
        let off = || RunOptions::new().propagation(Propagation::off());
        let per_node = |seconds: f64| seconds * 1e9 / NODES as f64;
        let rounds = Rounds::run(ROUNDS, [&|| run(RunOptions::new()), &|| run(off())]);
        let on_ns = per_node(rounds.median(|[on, _]| on));
        figures.add(&format!("{name}_on"), on_ns, "ns/node", 500.0);
        figures.add(
            &format!("{name}_off"),
            per_node(rounds.median(|[_, off]| off)),
            "ns/node",
            500.0,
        );
        if let (Some(before), Some(after)) = (before, resident_bytes()) {
            let bytes = after.saturating_sub(before) as f64 / NODES as f64;
            figures.add(&format!("{name}_memory"), bytes, "bytes/node", 300.0);
        }
        let large = Pipeline::new(shape(10 * NODES))?;
        let start = Instant::now();
        drop(runner.run(&large, &catalog, RunOptions::new())?);
        let large = start.elapsed().as_secs_f64() * 1e9 / (10 * NODES) as f64;
        let ratio = large / on_ns;
        figures.add(&format!("{name}_million_of_hundred_thousand"), ratio, "x", 1.0);
    }
    figures.print();
    Ok(())
}

/// What the process holds in memory, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
