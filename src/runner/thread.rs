//! As many nodes at once as there are workers.

use super::error::RunError;
use super::execute::Run;
use super::options::RunOptions;
use super::prepare::{checked, prepare};
use super::report::RunReport;
use crate::catalog::Catalog;
use crate::context::{Propagation, PropagationError};
use crate::executor::{Executor, Scope};
use crate::pipeline::{NodeIndex, Pipeline};

/// Runs a pipeline on an [`Executor`]: a node starts when the last of its
/// producers is done, whatever else is running.
///
/// Many runs may share one executor at the same time. Called on a worker of it,
/// [`run`](Self::run) takes part in the work, so that a pool of one thread is
/// enough.
///
/// ```
/// use entourage::{Catalog, Data, Executor, Pipeline, RunOptions, ThreadRunner, node};
///
/// const NUMBERS: Data<[u64]> = Data::memory("numbers");
/// const SUM: Data<u64> = Data::memory("sum");
/// const MOST: Data<u64> = Data::memory("most");
///
/// fn sum(numbers: &[u64]) -> u64 { numbers.iter().sum() }
/// fn most(numbers: &[u64]) -> Result<u64, &'static str> {
///     numbers.iter().max().copied().ok_or("no numbers")
/// }
///
/// let pool = Executor::builder().num_threads(2).build()?;
/// let pipeline = Pipeline::new([
///     node(sum).reads(NUMBERS).writes(SUM),
///     node(most).reads(NUMBERS).writes(MOST),
/// ])?;
/// let catalog = Catalog::builder().value(&NUMBERS, vec![1, 2, 3]).build()?;
/// let mut report = ThreadRunner::new(&pool).run(&pipeline, &catalog, RunOptions::new())?;
/// assert_eq!((report.take_output(&SUM), report.take_output(&MOST)), (Some(6), Some(3)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ThreadRunner {
    executor: Executor,
}

impl ThreadRunner {
    /// A runner on the executor's workers.
    pub fn new(executor: &Executor) -> Self {
        Self { executor: executor.clone() }
    }

    /// Runs every node, and returns when all are done.
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
        let propagation = options.propagation.clone();
        let executor = match &propagation {
            Some(propagation) => self.executor.with_propagation(propagation.clone()),
            None => Ok(self.executor.clone()),
        };
        let bound = checked(pipeline, catalog, &options, executor.as_ref().err())?;
        let refused = |error: PropagationError| RunError::refused(vec![error.to_string()]);
        let executor = executor.map_err(refused)?;
        let propagation = propagation.as_ref().unwrap_or(executor.propagation());
        let run = prepare(bound, options, propagation, true, || executor.snapshot());
        // The nodes enter the run's context themselves, so that the pool has
        // nothing to carry: it hands them a clean thread.
        let bare = executor.with_propagation(Propagation::off()).map_err(refused)?;
        drive(&bare, run)
    }
}

/// Has the nodes run on `executor`, which carries nothing of its own.
pub(super) fn drive(executor: &Executor, run: Run) -> Result<RunReport, RunError> {
    executor.in_place_scope(|scope| {
        for at in run.roots() {
            start(&run, at, scope);
        }
    });
    run.conclude()
}

fn start<'scope, 'run: 'scope>(run: &'run Run, at: NodeIndex, scope: &Scope<'_, 'scope>) {
    scope.spawn(move |scope| {
        let wake = |other| start(run, other, scope);
        let mut next = vec![at];
        // What a node makes ready is begun here, but for one handed to others
        // each: the chain of a deep pipeline never leaves its worker, and never
        // deepens its stack.
        while let Some(at) = next.pop() {
            run.execute(at, &wake, &mut next);
            for other in next.drain(1.min(next.len())..) {
                start(run, other, scope);
            }
        }
    });
}
