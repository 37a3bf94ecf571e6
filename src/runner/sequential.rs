//! One node after the other, on the calling thread.

use std::fmt;
use std::mem;
use std::sync::{Arc, Weak};

use super::context::RunContext;
use super::control::{Calls, Cancellation, Ordered, Room, ordered};
use super::error::RunError;
use super::events::Who;
use super::execute::{Run, Scratch};
use super::options::RunOptions;
use super::prepare::{Asked, begin, checked, listeners, run_id};
use super::report::RunReport;
use crate::catalog::Catalog;
use crate::context::{Accessor, CarryPolicy, ErasedAccessor, Snapshot};
use crate::pipeline::Pipeline;
use crate::sync::{Condvar, Mutex};

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
        let (told, logger) = listeners(&options, &run_id);
        let cancellation = Cancellation::new(&options.controls);
        let token = cancellation.as_ref().map(|cancellation| &cancellation.token);
        let context = policy.validate().map(|()| {
            RunContext::new(&propagation, is_clean, capture, run_id.clone(), logger, token)
                .clearing(&policy)
        });
        let bind = |changes: Option<&_>, refused: Option<&_>| {
            checked(pipeline, catalog, &options, changes, refused)
        };
        let who = Who { runner: "sequential", workers: 1 };
        let asked = Asked { pipeline, catalog, options: &options, run_id, context, told, who };
        let set_up = |run: &mut Run| run.set_control(&options.controls, cancellation);
        let run = Arc::new(begin(asked, bind, set_up)?);
        match ordered(&run.bound.pipeline, &options.controls, run.control.as_deref(), 1) {
            Some(ordered) => by_rank(&run, ordered),
            None => in_order(&run),
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

/// Runs the nodes in the pipeline's order.
fn in_order(run: &Arc<Run>) {
    // Each finds its producers done. What a node makes ready is therefore still to
    // come, and none waits for a load.
    let mut scratch = Scratch::default();
    let mut now = run.state.elapsed();
    for at in run.bound.pipeline.node_indices() {
        if run.is_called_off() {
            return run.cancel();
        }
        if run.state.nodes[at as usize].is_ready() {
            now = run.execute(at, now, &mut scratch, &|_| ());
            scratch.ready.clear();
        }
    }
}

/// Runs the nodes where it is not all the same which goes first, or where one may
/// be tried again.
fn by_rank(run: &Arc<Run>, mut ordered: Ordered) {
    let bell = Arc::new(Bell::default());
    let who: Weak<dyn Room> = Arc::<Bell>::downgrade(&bell);
    if let Some(control) = &run.control {
        let bell = bell.clone();
        control.on_cancel(move || bell.room());
    }
    let mut scratch = Scratch::default();
    run.roots().into_iter().for_each(|at| ordered.push(at));
    loop {
        if run.is_called_off() {
            run.cancel();
        }
        if run.state.is_stopped() {
            return;
        }
        let mut calls = Calls::default();
        let next = ordered.pop(&who, &mut calls);
        let Some(at) = next else {
            calls.make();
            if !ordered.is_waiting() {
                return;
            }
            // For a node of another run that shares a limit.
            bell.wait();
            ordered.room();
            continue;
        };
        // Before the node, which may take long: others wait for these.
        mem::take(&mut calls).make();
        run.execute(at, run.state.elapsed(), &mut scratch, &|_| ());
        scratch.ready.drain(..).for_each(|at| ordered.push(at));
        ordered.end(at, &mut calls);
        calls.make();
        if let Some(pause) = scratch.again.take() {
            if let Some(control) = &run.control {
                control.token.wait_for(pause);
            }
            ordered.push(at);
        }
        if bell.has_rung() {
            ordered.room();
        }
    }
}

/// Rings when there may be room for a node, or no more need of it.
#[derive(Default)]
struct Bell {
    has_rung: Mutex<bool>,
    rings: Condvar,
}

impl Bell {
    fn wait(&self) {
        let mut has_rung = self.has_rung.lock();
        while !std::mem::take(&mut *has_rung) {
            self.rings.wait(&mut has_rung);
        }
    }

    fn has_rung(&self) -> bool {
        std::mem::take(&mut *self.has_rung.lock())
    }
}

impl Room for Bell {
    fn room(self: Arc<Self>) {
        *self.has_rung.lock() = true;
        self.rings.notify_one();
    }
}
