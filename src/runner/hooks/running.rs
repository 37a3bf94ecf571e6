//! The hooks of a run that goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::error::HookError;
use super::run::PipelineRun;
use super::set::HookSet;
use super::setup::Changes;
use crate::catalog::Catalog;
use crate::context::{RunId, discard, quietly};
use crate::executor::message_of;
use crate::pipeline::{NodeIndex, Pipeline};
use crate::runner::context::RunContext;
use crate::runner::{RunError, RunReport};
use crate::sync::atomic::{AtomicU32, Ordering};

/// A run's hooks, and what is kept for them; a run without hooks has none of it.
pub(in crate::runner) struct RunHooks {
    pub(super) set: HookSet,
    pub(super) run_id: RunId,
    /// What the run was asked for.
    whole: Pipeline,
    catalog: Catalog,
    /// What is run of it.
    pub(super) pipeline: Pipeline,
    /// How many inputs of each node were told of in the current attempt: one that
    /// waits for another's load goes on from there.
    told: Box<[AtomicU32]>,
}

impl RunHooks {
    fn new(set: &HookSet, run_id: &RunId, pipeline: &Pipeline, catalog: &Catalog) -> Self {
        Self {
            set: set.clone(),
            run_id: run_id.clone(),
            whole: pipeline.clone(),
            catalog: catalog.clone(),
            pipeline: pipeline.clone(),
            told: Box::default(),
        }
    }

    /// Those that are told of nodes alone, in a part of a run; `None` where there
    /// are none.
    #[cfg(unix)]
    pub(in crate::runner) fn of_part(
        set: &HookSet,
        run_id: &RunId,
        pipeline: &Pipeline,
        catalog: &Catalog,
    ) -> Option<Self> {
        let mut hooks = (!set.is_empty()).then(|| Self::new(set, run_id, pipeline, catalog))?;
        hooks.bind(pipeline);
        Some(hooks)
    }

    /// Tells of the beginning. What is bound otherwise than in the catalog comes
    /// back besides.
    pub(in crate::runner) fn begin(
        set: &HookSet,
        context: &RunContext,
        run_id: &RunId,
        pipeline: &Pipeline,
        catalog: &Catalog,
    ) -> Result<(Self, Changes), RunError> {
        let hooks = Self::new(set, run_id, pipeline, catalog);
        let (run, mut changes) = (hooks.run(), Changes::default());
        let tell = || {
            set.after_catalog_created(run, &mut changes)?;
            set.before_pipeline_run(run, &mut changes)
        };
        let error = match catch_unwind(AssertUnwindSafe(|| context.enter_run(tell))) {
            Ok(Ok(())) => return Ok((hooks, changes)),
            Ok(Err(error)) => RunError::spoilt(vec![error], None),
            Err(payload) => {
                let what = message_of(&*payload);
                discard(payload);
                let problem = format!("what the run carries of its caller panicked: {what}");
                RunError::refused(vec![problem])
            }
        };
        Err(Self::fail(Some(&hooks), context, error))
    }

    /// Says what is run.
    pub(in crate::runner) fn bind(&mut self, pipeline: &Pipeline) {
        self.pipeline = pipeline.clone();
        self.told = pipeline.node_indices().map(|_| AtomicU32::new(0)).collect();
    }

    fn run(&self) -> PipelineRun<'_> {
        PipelineRun::new(&self.run_id, &self.whole, &self.catalog)
    }

    /// Tells of the end, and returns what that makes of the outcome.
    pub(in crate::runner) fn end(
        &self,
        context: &RunContext,
        outcome: Result<RunReport, RunError>,
    ) -> Result<RunReport, RunError> {
        let report = outcome.map_err(|error| Self::fail(Some(self), context, error))?;
        let errors = self.tell(context, |run| self.set.after_pipeline_run(run, &report));
        if errors.is_empty() { Ok(report) } else { Err(RunError::spoilt(errors, Some(report))) }
    }

    /// Tells the hooks, where there are any, of a run that ends with `error`.
    pub(in crate::runner) fn fail(
        hooks: Option<&Self>,
        context: &RunContext,
        error: RunError,
    ) -> RunError {
        let Some(hooks) = hooks else { return error };
        let errors = hooks.tell(context, |run| hooks.set.on_pipeline_error(run, &error));
        error.besides(errors)
    }

    fn tell<'a>(
        &'a self,
        context: &RunContext,
        f: impl FnOnce(PipelineRun<'a>) -> Vec<HookError>,
    ) -> Vec<HookError> {
        let mut errors = Vec::new();
        // What entering or leaving the context comes to must not cost the outcome.
        quietly(|| context.enter_run(|| errors = f(self.run())));
        errors
    }

    pub(super) fn told(&self, at: NodeIndex) -> usize {
        self.told[at as usize].load(Ordering::Relaxed) as usize
    }

    /// Relaxed: a node that is started again has been put on a list and found
    /// there, under a lock.
    pub(super) fn set_told(&self, at: NodeIndex, inputs: usize) {
        self.told[at as usize].store(inputs as u32, Ordering::Relaxed);
    }
}
