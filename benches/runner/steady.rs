//! Runs of one pipeline over and over, with the context on and off, with a
//! subscriber and without.

use std::error::Error;

use entourage::{Executor, Pipeline, Propagation, RunOptions, ThreadRunner};

use crate::alone;
use crate::case::{Case, Found};
use crate::harness::{Figures, Rounds};
use crate::shapes::SHAPES;

const NODES: usize = 100_000;
const ROUNDS: usize = 9;

pub(crate) fn measure(figures: &mut Figures) -> Result<(), Box<dyn Error>> {
    for (at, shape) in SHAPES.iter().enumerate() {
        for is_subscribed in [false, true] {
            // A subscriber is there for good once it was: hence in a process apart.
            let found = Case::Steady { shape: at, is_subscribed }.run_apart()?;
            let subscribed = if is_subscribed { "_subscribed" } else { "" };
            for (what, ns) in found {
                let goal = (what == "on" && !is_subscribed).then_some(500.0);
                figures.add(&format!("{}_{what}{subscribed}", shape.name), ns, "ns/node", goal);
            }
        }
    }
    Ok(())
}

pub(crate) fn run(shape: usize, is_subscribed: bool) -> Result<Found, Box<dyn Error>> {
    if is_subscribed {
        tracing::subscriber::set_global_default(tracing_subscriber::registry())?;
    }
    let runner = ThreadRunner::new(&Executor::builder().build()?);
    let pipeline = Pipeline::new((SHAPES[shape].nodes)(NODES))?;
    let once = |options: RunOptions| match alone::run(&runner, &pipeline, options) {
        Ok(report) => drop(report),
        Err(error) => panic!("{error}"),
    };
    let off = || RunOptions::new().propagation(Propagation::off());
    let rounds = Rounds::run(ROUNDS, [&|| once(RunOptions::new()), &|| once(off())]);
    let per_node = |seconds: f64| seconds * 1e9 / NODES as f64;
    let on = per_node(rounds.median(|[on, _]| on));
    let off = per_node(rounds.median(|[_, off]| off));
    Ok(vec![("on", on), ("off", off)])
}
