//! One node after the other, on the calling thread.

use super::check::check;
use super::context::RunContext;
use super::error::RunError;
use super::execute::Run;
use super::options::RunOptions;
use super::plan::Plan;
use super::report::RunReport;
use super::state::RunState;
use crate::catalog::Catalog;
use crate::context::{Propagation, PropagationError, RunId, Snapshot};
use crate::pipeline::Pipeline;

/// Runs a pipeline on the calling thread: one node after the other, in the
/// pipeline's order.
///
/// ```
/// use entourage::{Catalog, Data, Pipeline, RunOptions, SequentialRunner, node};
///
/// const NUMBERS: Data<[u64]> = Data::memory("numbers");
/// const SUM: Data<u64> = Data::memory("sum");
///
/// let pipeline = Pipeline::new([
///     node(|numbers: &[u64]| numbers.iter().sum::<u64>()).reads(NUMBERS).writes(SUM).named("add"),
/// ])?;
/// let catalog = Catalog::builder().value(&NUMBERS, vec![1, 2, 3]).build()?;
/// let mut report = SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new())?;
/// assert_eq!(report.take_output(&SUM), Some(6));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SequentialRunner {
    _private: (),
}

impl SequentialRunner {
    /// A runner on the calling thread.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs every node.
    ///
    /// # Errors
    ///
    /// Before the first node, if pipeline, catalog and options do not go
    /// together; after the last, if a node failed. A panic of a node is a
    /// failure of that node.
    pub fn run(
        &self,
        pipeline: &Pipeline,
        catalog: &Catalog,
        options: RunOptions,
    ) -> Result<RunReport, RunError> {
        let propagation = options.propagation.clone().unwrap_or_default();
        let capture = || Snapshot::capture_with(&propagation);
        // The calling thread holds whatever its caller put there.
        let is_clean = false;
        let refused = propagation.validate().err();
        let plan = checked(pipeline, catalog, &options, refused.as_ref())?;
        let run = prepare(plan, options, &propagation, is_clean, capture);
        // Nodes are in an order in which each finds its producers done. What a
        // node makes ready is therefore still to come, and none waits for a load.
        let mut ready = Vec::new();
        for at in 0..pipeline.len() as u32 {
            if run.state.nodes[at as usize].is_ready() {
                run.execute(at, &|_| (), &mut ready);
                ready.clear();
            }
        }
        run.conclude()
    }
}

/// Binds the pipeline to the catalog, if they go together and the propagation
/// was not refused: else says everything that is wrong.
pub(super) fn checked<'a>(
    pipeline: &'a Pipeline,
    catalog: &'a Catalog,
    options: &RunOptions,
    refused: Option<&PropagationError>,
) -> Result<Plan<'a>, RunError> {
    let mut plan = Plan::new(pipeline, catalog);
    let mut problems = check(&mut plan, catalog, options.deny_unused);
    problems.extend(refused.map(ToString::to_string));
    if problems.is_empty() { Ok(plan) } else { Err(RunError::refused(problems)) }
}

/// Makes a run that can begin.
pub(super) fn prepare<'a>(
    plan: Plan<'a>,
    options: RunOptions,
    propagation: &Propagation,
    is_clean: bool,
    capture: impl FnOnce() -> Snapshot,
) -> Run<'a> {
    let RunOptions { run_id, run_logger, keep_going, .. } = options;
    crate::executor::watch_panics();
    let run_id = run_id.unwrap_or_else(|| RunId::from(uuid::Uuid::now_v7().to_string()));
    let context = RunContext::new(propagation, is_clean, capture, run_id.clone(), run_logger);
    let state = RunState::new(plan.pipeline);
    Run { plan, state, context, run_id, keep_going }
}
