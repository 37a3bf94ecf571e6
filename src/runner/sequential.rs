//! One node after the other, on the calling thread.

use std::fmt;
use std::sync::Arc;

use super::context::RunContext;
use super::error::RunError;
use super::execute::Scratch;
use super::options::RunOptions;
use super::prepare::{begin, checked, run_id};
use super::report::RunReport;
use crate::catalog::Catalog;
use crate::context::{Accessor, CarryPolicy, ErasedAccessor, Snapshot};
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
#[derive(Clone, Default)]
pub struct SequentialRunner {
    accessors: Vec<&'static dyn ErasedAccessor>,
}

impl SequentialRunner {
    /// A runner on the calling thread.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has a thread-local of another library carried as an executor would: every
    /// node has what the caller has, or nothing of it where the propagation leaves
    /// it out, and what a node leaves there is gone after it.
    pub fn accessor<A: Accessor>(mut self, accessor: &'static A) -> Self {
        self.accessors.push(accessor);
        self
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
        let run_id = run_id(&options);
        // The calling thread holds whatever its caller put there.
        let is_clean = false;
        let policy = CarryPolicy::here(propagation.clone(), &self.accessors);
        let capture = || Snapshot::capture_for(&policy);
        let logger = options.run_logger.clone();
        let context = policy.validate().map(|()| {
            RunContext::new(&propagation, is_clean, capture, run_id.clone(), logger)
                .clearing(&policy)
        });
        let bind = |changes: Option<&_>, refused: Option<&_>| {
            checked(pipeline, catalog, &options, changes, refused)
        };
        let run = Arc::new(begin(pipeline, catalog, &options, run_id, context, bind)?);
        // Nodes are in an order in which each finds its producers done. What a
        // node makes ready is therefore still to come, and none waits for a load.
        let mut scratch = Scratch::default();
        let mut now = run.state.elapsed();
        for at in run.bound.pipeline.node_indices() {
            if run.state.nodes[at as usize].is_ready() {
                now = run.execute(at, now, &mut scratch, &|_| ());
                scratch.ready.clear();
            }
        }
        run.conclude()
    }
}

impl fmt::Debug for SequentialRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.accessors.iter().map(|accessor| accessor.name());
        f.debug_struct("SequentialRunner").field("accessors", &names.collect::<Vec<_>>()).finish()
    }
}
