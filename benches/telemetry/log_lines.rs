//! Whether memory grows with what is said in a run.

use entourage::{
    Catalog, Data, Executor, Pipeline, RunLogLayer, RunOptions, RunRecorder, ThreadRunner, node,
};
use tracing_subscriber::layer::SubscriberExt;

use crate::harness::Figures;
use crate::memory;
use crate::{Found, Outcome, run_apart};

const FEW: usize = 10_000;
const MANY: usize = 1_000_000;
/// At most so many bytes more for a hundred times the lines: what buffers differ by
/// that are written out as they fill.
const GOAL: f64 = 1_048_576.0;

pub(crate) fn measure(figures: &mut Figures) -> Outcome {
    let [few, many] = [FEW, MANY].map(|lines| run_apart("log_lines", lines));
    let (few, many) = (few?, many?);
    figures.add("peak_of_10000_log_lines", few["peak"], "bytes", None);
    figures.add("peak_of_1000000_log_lines", many["peak"], "bytes", None);
    figures.add("peak_of_1000000_over_10000", many["peak"] - few["peak"], "bytes", GOAL);
    figures.add("log_line", many["ns"], "ns/line", None);
    Ok(())
}

/// The most that is held while one node says `lines` different things.
pub(crate) fn run(lines: usize) -> Outcome<Found> {
    let subscriber = tracing_subscriber::registry().with(RunLogLayer::new());
    tracing::subscriber::set_global_default(subscriber)?;
    let folder = tempfile::tempdir()?;
    let runner = ThreadRunner::new(&Executor::builder().num_threads(2).build()?);
    let says = move || (0..lines).for_each(|at| tracing::info!(at, "a line of the log"));
    let says = node(says).reads(()).writes(Data::<()>::memory("said")).named("says");
    let pipeline = Pipeline::new([says])?;
    let recorder = RunRecorder::new(folder.path());
    let options = RunOptions::new().listener(recorder.clone());
    memory::count();
    let began = std::time::Instant::now();
    let (peak, report) = memory::peak_of(|| runner.run(&pipeline, &Catalog::empty(), options));
    let ns = began.elapsed().as_secs_f64() * 1e9 / lines as f64;
    drop(report?);
    match &recorder.problems()[..] {
        [] => Ok(vec![("peak", peak), ("ns", ns)]),
        [problem, ..] => Err(problem.clone().into()),
    }
}
