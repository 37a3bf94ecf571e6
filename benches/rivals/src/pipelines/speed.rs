//! How long a node takes.

use std::error::Error;
use std::time::Duration;

use crate::THREADS;
use crate::apart::{self, End};
use crate::graph::{Graph, SHAPES};
use crate::ways::{self, Once, RIVALS};

const SIZES: [usize; 4] = [100, 1_000, 10_000, 100_000];
const ROUNDS: usize = 5;
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn print() -> Result<(), Box<dyn Error>> {
    println!("ns a node, build + run, on {THREADS} threads; the median of {ROUNDS} or more runs:");
    let width = RIVALS.iter().map(|rival| rival.name.len()).max().unwrap_or_default();
    for (shape, _) in SHAPES {
        print!("{shape:width$}");
        SIZES.iter().for_each(|nodes| print!("  {nodes:>17}"));
        println!();
        for rival in &RIVALS {
            print!("{:width$}", rival.name);
            for nodes in SIZES {
                let case = [rival.name, "speed", shape, &nodes.to_string()];
                let told = match apart::run(&case, LIMIT)? {
                    End::Printed(line) => line,
                    End::Died(status) => status,
                    End::TookTooLong => format!("over {} s", LIMIT.as_secs()),
                };
                print!("  {told:>17}");
            }
            println!();
        }
    }
    Ok(())
}

/// One case, in this process: prints the time it takes to build, and to run.
pub(crate) fn run(rival: &str, shape: &str, nodes: usize) -> Result<(), Box<dyn Error>> {
    let way = (ways::find(rival)?.start)(THREADS);
    let (_, make) = SHAPES.iter().find(|(name, _)| *name == shape).ok_or("no such shape")?;
    let graph = make(nodes);
    let answer = graph.answer();
    let checked = |graph: &Graph, answer: u64| -> Result<Once, Box<dyn Error>> {
        let once = way.once(graph)?;
        if once.answer != answer {
            return Err(format!("{} instead of {answer}", once.answer).into());
        }
        Ok(once)
    };
    // Whoever makes threads when first asked for them makes them now.
    let small = make(100);
    checked(&small, small.answer())?;
    let rounds = (100_000 / nodes).clamp(ROUNDS, 100);
    let (mut builds, mut runs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let Once { build, run, .. } = checked(&graph, answer)?;
        builds.push(build);
        runs.push(run);
    }
    let per_node = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1e9 / graph.len() as f64
    };
    println!("{:.0} + {:.0}", per_node(builds), per_node(runs));
    Ok(())
}
