//! As many nodes at once as there are workers.

mod desk;
mod future;
mod work;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::context::RunContext;
use super::control::{Cancellation, Controls};
use super::error::RunError;
use super::events::{Told, Who};
use super::execute::Run;
use super::options::RunOptions;
use super::prepare::{Asked, begin, checked, listeners, run_id};
use super::report::RunReport;
use crate::catalog::Catalog;
use crate::context::{Propagation, PropagationError, RunId, drop_clean};
use crate::executor::Executor;
use crate::pipeline::Pipeline;
use crate::sync::Mutex;
use desk::GRACE;
use future::Shared;
use work::{Lane, Work};

pub use future::RunFuture;

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
        let caller = self.caller(&options);
        let work = self.prepare(pipeline, catalog, &options, caller)?;
        wait_for(&work)
    }

    /// As [`run`](Self::run), for async code: nothing blocks the thread that
    /// awaits it, the checks before the first node and the story at the end
    /// included, whatever its runtime is.
    ///
    /// The nodes see the context that is current now. The run begins at once; if
    /// the future is dropped, no further node is started.
    ///
    /// ```
    /// use entourage::{Catalog, Data, Executor, Pipeline, RunOptions, ThreadRunner, node};
    /// const ANSWER: Data<u64> = Data::memory("answer");
    ///
    /// # async fn service() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = Executor::builder().build()?;
    /// let pipeline = Pipeline::new([node(|| 42).reads(()).writes(ANSWER).named("think")])?;
    /// let run = ThreadRunner::new(&pool).run_async(&pipeline, &Catalog::empty(), RunOptions::new());
    /// assert_eq!(run.await?.take_output(&ANSWER), Some(42));
    /// # Ok(()) }
    /// # entourage::Executor::builder().build().unwrap()
    /// #     .spawn_future(async { service().await.unwrap() }).join().unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`run`](Self::run).
    pub fn run_async(
        &self,
        pipeline: &Pipeline,
        catalog: &Catalog,
        options: RunOptions,
    ) -> RunFuture {
        let caller = self.caller(&options);
        let (runner, pipeline, catalog) = (self.clone(), pipeline.clone(), catalog.clone());
        let shared = Arc::new(Shared::default());
        let theirs = shared.clone();
        on_worker(&self.executor, move || {
            let prepare = || runner.prepare(&pipeline, &catalog, &options, caller);
            let work = match catch_unwind(AssertUnwindSafe(prepare)) {
                Ok(Ok(work)) => work,
                Ok(Err(error)) => return theirs.ends(Ok(Err(error))),
                Err(payload) => return theirs.ends(Err(payload)),
            };
            if !theirs.begins(&work) {
                // Nobody waits, but its hooks were told of the beginning.
                return drop(work.run.conclude());
            }
            let ended = work.clone();
            work.run.progress.then(move || {
                // On a worker of its own turn: the end may be told by any thread.
                let executor = ended.executor.clone();
                on_worker(&executor, move || {
                    let outcome = catch_unwind(AssertUnwindSafe(|| ended.run.conclude()));
                    // Before the end is told, as by the tickets: the caller's span ends
                    // with what the caller has of it.
                    drop_clean((theirs.lets_go(), ended));
                    theirs.ends(outcome);
                });
            });
            let progress = work.run.progress.clone();
            let active = progress.start();
            work.begin(Lane::Pool);
            drop(work);
            drop(active);
        });
        RunFuture::new(shared)
    }

    /// What has to be taken on the thread that asks for the run.
    fn caller(&self, options: &RunOptions) -> Caller {
        let propagation = options.propagation.clone();
        let executor = match &propagation {
            Some(propagation) => self.executor.with_propagation(propagation.clone()),
            None => Ok(self.executor.clone()),
        };
        let run_id = run_id(options);
        let cancellation = Cancellation::new(&options.controls);
        let token = cancellation.as_ref().map(|cancellation| &cancellation.token);
        let (told, logger) = listeners(options, &run_id);
        let context = executor.map(|executor| {
            let propagation = propagation.as_ref().unwrap_or(executor.propagation());
            let capture = || executor.snapshot();
            RunContext::new(propagation, true, capture, run_id.clone(), logger, token)
        });
        Caller { run_id, context, cancellation, told }
    }

    fn prepare(
        &self,
        pipeline: &Pipeline,
        catalog: &Catalog,
        options: &RunOptions,
        caller: Caller,
    ) -> Result<Arc<Work>, RunError> {
        let Caller { run_id, context, cancellation, told } = caller;
        let bind = |changes: Option<&_>, refused: Option<&_>| {
            checked(pipeline, catalog, options, changes, refused)
        };
        let threads = self.executor.num_threads();
        let set_up = |run: &mut Run| {
            run.set_control(&options.controls, cancellation)?;
            if self.executor.lost().wait_for_one(threads, GRACE) {
                return Ok(());
            }
            Err(RunError::refused(vec![
                "every worker of the executor is still at a node that was given up, so that none \
                 is there for this run"
                    .to_owned(),
            ]))
        };
        let who = Who { runner: "thread", workers: threads };
        let asked = Asked { pipeline, catalog, options, run_id, context, told, who };
        let run = begin(asked, bind, set_up)?;
        let refused = |error: PropagationError| RunError::refused(vec![error.to_string()]);
        // The nodes enter the run's context themselves, so that the pool has
        // nothing to carry: it hands them a clean thread.
        let executor = self.executor.with_propagation(Propagation::off()).map_err(refused)?;
        Ok(Work::new(run, executor, &options.controls))
    }
}

/// Has the nodes of a run work on `executor`, which carries nothing of its own.
pub(super) fn drive(
    executor: &Executor,
    run: Run,
    controls: &Controls,
) -> Result<RunReport, RunError> {
    wait_for(&Work::new(run, executor.clone(), controls))
}

fn wait_for(work: &Arc<Work>) -> Result<RunReport, RunError> {
    if work.executor.is_on_worker() && work.desk.is_none() {
        work.executor.in_place_scope(|scope| work.begin(Lane::Scope(scope)));
    } else {
        work.begin(Lane::Pool);
    }
    let progress = &work.run.progress;
    work.executor.wait_until(|| progress.is_over(), |at_most| progress.block(at_most));
    work.run.conclude()
}

/// Runs `f` on a worker, or on a thread of its own where every worker is at a node that
/// was given up: none of them may ever come back to take it.
fn on_worker(executor: &Executor, f: impl FnOnce() + Send + 'static) {
    if !executor.lost().is_all(executor.num_threads()) {
        return executor.spawn_part(f);
    }
    let f = Arc::new(Mutex::new(Some(f)));
    let theirs = f.clone();
    let take = |f: &Mutex<Option<_>>| f.lock().take();
    let thread = std::thread::Builder::new().name("entourage-run".to_owned());
    let spawned = thread.spawn(move || take(&theirs).into_iter().for_each(|f| f()));
    if spawned.is_err() {
        // Better late than never.
        take(&f).into_iter().for_each(|f| executor.spawn_part(f));
    }
}

/// Whose run it is.
struct Caller {
    run_id: RunId,
    context: Result<RunContext, PropagationError>,
    cancellation: Option<Cancellation>,
    told: Option<Box<Told>>,
}
