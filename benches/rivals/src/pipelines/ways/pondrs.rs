//! pondrs, with its parallel runner, and with datasets in memory.

use std::time::{Duration, Instant};

use pondrs::datasets::{Dataset, MemoryDataset};
use pondrs::error::PondError;
use pondrs::{DynSteps, Node, ParallelRunner, Runner, Step};

use super::{Once, Way};
use crate::act::act;
use crate::graph::{Graph, next, sum};

pub(crate) struct Pondrs(ParallelRunner);

fn done(at: usize) -> Result<(), PondError> {
    act(at).map_err(PondError::HookAbort)
}

fn steps<'a>(graph: &Graph, numbers: &'a [MemoryDataset<u64>]) -> DynSteps<'a> {
    let step = |at: usize| {
        let (name, output) = (format!("n{at}"), (&numbers[at],));
        match graph.parents[at][..] {
            [] => Node {
                name,
                input: (),
                output,
                func: move || -> Result<(u64,), PondError> { done(at).map(|()| (1,)) },
            }
            .boxed(),
            [a] => Node {
                name,
                input: (&numbers[a],),
                output,
                func: move |a: u64| -> Result<(u64,), PondError> { done(at).map(|()| (next(a),)) },
            }
            .boxed(),
            [a, b] => Node {
                name,
                input: (&numbers[a], &numbers[b]),
                output,
                func: move |a: u64, b: u64| -> Result<(u64,), PondError> {
                    done(at).map(|()| (sum(a, b),))
                },
            }
            .boxed(),
            _ => unreachable!("a node reads two others at most"),
        }
    };
    (0..graph.len()).map(step).collect()
}

impl Way for Pondrs {
    fn start(threads: usize) -> Self {
        // It runs on rayon's global pool, which it makes when it first runs.
        Self(ParallelRunner::new(threads))
    }

    fn once(&self, graph: &Graph) -> Result<Once, String> {
        let start = Instant::now();
        let numbers: Vec<_> = graph.parents.iter().map(|_| MemoryDataset::<u64>::new()).collect();
        let steps = steps(graph, &numbers);
        let build = start.elapsed();
        let start = Instant::now();
        let ended: Result<(), PondError> = self.0.run(&steps, &(), &(), &());
        let run = start.elapsed();
        ended.map_err(|error| error.to_string())?;
        let last = numbers.last().ok_or("there is no node")?;
        let answer = last.load().map_err(|error| error.to_string())?;
        Ok(Once { build, run, answer })
    }

    fn cancelled(&self, _: &Graph, _: Duration) -> Option<String> {
        None
    }
}
