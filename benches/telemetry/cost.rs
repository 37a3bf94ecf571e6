//! What each who listens adds to a node that does nothing.

use std::fs;
use std::io;
use std::sync::Arc;

use entourage::events::{Event, Listener, RunListener};
use entourage::{
    Catalog, Console, Executor, Pipeline, RunId, RunOptions, RunRecorder, ThreadRunner,
};

use crate::harness::{Figures, Rounds};
use crate::shapes::SHAPES;
use crate::{Found, Outcome, run_apart};

const NODES: usize = 100_000;
const ROUNDS: usize = 7;
/// At most so many nanoseconds a node for events and console together.
const GOAL: f64 = 2_000.0;

/// Those of the shapes that are measured: fan-out and chain.
const MEASURED: [usize; 2] = [0, 1];

pub(crate) fn measure(figures: &mut Figures) -> Outcome {
    for shape in MEASURED {
        for (what, ns) in run_apart("cost", shape)? {
            let goal = (what != "bare").then_some(GOAL);
            figures.add(&format!("{}_{what}", SHAPES[shape].name), ns, "ns/node", goal);
        }
    }
    Ok(())
}

/// Is told everything, and does nothing.
pub(crate) struct Deaf;

impl Listener for Deaf {
    fn run(&self, _: &RunId) -> Arc<dyn RunListener> {
        Arc::new(Self)
    }
}

impl RunListener for Deaf {
    fn event(&self, _: &Event<'_>) {}
}

pub(crate) fn run(shape: usize) -> Outcome<Found> {
    let runner = ThreadRunner::new(&Executor::builder().build()?);
    let pipeline = Pipeline::new((SHAPES[shape].nodes)(NODES))?;
    let folder = tempfile::tempdir()?;
    let recorder = RunRecorder::new(folder.path());
    let plain = Console::new(io::sink()).plain();
    let drawn = Console::new(io::sink()).terminal(120, 40);
    let once = |options: RunOptions| match runner.run(&pipeline, &Catalog::empty(), options) {
        Ok(report) => drop(report),
        Err(error) => panic!("{error}"),
    };
    let recorded = || RunOptions::new().listener(recorder.clone());
    let rounds = Rounds::run_and(
        ROUNDS,
        [
            &|| once(RunOptions::new()),
            &|| once(RunOptions::new().listener(Deaf)),
            &|| once(recorded()),
            &|| once(recorded().listener(plain.clone())),
            &|| once(recorded().listener(drawn.clone())),
        ],
        // The files, which would fill a disk.
        &|| {
            for run in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                _ = fs::remove_dir_all(run.path());
            }
        },
    );
    if let [problem, ..] = &recorder.problems()[..] {
        return Err(problem.clone().into());
    }
    let per_node = |seconds: f64| seconds * 1e9 / NODES as f64;
    let more = |side: usize| per_node(rounds.median(|seconds| seconds[side] - seconds[0]));
    Ok(vec![
        ("bare", per_node(rounds.median(|[bare, ..]| bare))),
        ("listener_of_nothing_over_bare", more(1)),
        ("recorder_over_bare", more(2)),
        ("recorder_and_plain_console_over_bare", more(3)),
        ("recorder_and_drawn_console_over_bare", more(4)),
    ])
}
