//! The hooks of one run, and the one place that calls them.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::dataset::{
    AfterDatasetLoaded, AfterDatasetSaved, BeforeDatasetLoaded, BeforeDatasetSaved,
    OnDatasetLoadError, OnDatasetSaveError,
};
use super::error::{HookError, name_of};
use super::listen::{HookResult, Hooks};
use super::node::{AfterNodeRun, BeforeNodeRun, NodeRun, OnNodeError};
use super::rest::Rest;
use super::run::{
    AfterCatalogCreated, AfterPipelineRun, BeforePipelineRun, OnPipelineError, PipelineRun,
};
use super::setup::{Changes, RunSetup};
use super::values::{DataRef, Values};
use crate::catalog::{DatasetError, Value};
use crate::context::quietly;
use crate::pipeline::DatasetIndex;
use crate::runner::{NodeFailure, RunError, RunReport};

/// The hooks of one run, in the order in which they were registered.
#[derive(Clone, Default)]
pub(in crate::runner) struct HookSet(Vec<Arc<dyn Hooks>>);

/// What to do after a hook that failed.
type Outcome = Result<(), HookError>;

impl HookSet {
    pub(in crate::runner) fn push(&mut self, hook: impl Hooks) {
        self.0.push(Arc::new(hook));
    }

    /// Asked before anything is prepared for a hook, so that a run without any
    /// does nothing else.
    #[inline]
    pub(in crate::runner) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::runner) fn after_catalog_created(
        &self,
        run: PipelineRun<'_>,
        changes: &mut Changes,
    ) -> Outcome {
        let setup = RunSetup { catalog: run.catalog(), changes };
        let mut call = AfterCatalogCreated { run, setup };
        self.each("after_catalog_created", |hook| hook.after_catalog_created(&mut call))
    }

    pub(in crate::runner) fn before_pipeline_run(
        &self,
        run: PipelineRun<'_>,
        changes: &mut Changes,
    ) -> Outcome {
        let setup = RunSetup { catalog: run.catalog(), changes };
        let mut call = BeforePipelineRun { run, setup };
        self.each("before_pipeline_run", |hook| hook.before_pipeline_run(&mut call))
    }

    pub(in crate::runner) fn before_dataset_loaded(
        &self,
        node: NodeRun<'_>,
        dataset: DatasetIndex,
    ) -> Outcome {
        let dataset = node.pipeline().slot(dataset).name;
        let call = BeforeDatasetLoaded { node, dataset };
        self.each("before_dataset_loaded", |hook| hook.before_dataset_loaded(&call))
    }

    pub(in crate::runner) fn after_dataset_loaded(
        &self,
        node: NodeRun<'_>,
        dataset: DatasetIndex,
        value: &Value,
    ) -> Outcome {
        let value = DataRef::new(node.pipeline(), dataset, value);
        let call = AfterDatasetLoaded { node, dataset: value.name(), value };
        self.each("after_dataset_loaded", |hook| hook.after_dataset_loaded(&call))
    }

    pub(in crate::runner) fn on_dataset_load_error(
        &self,
        node: NodeRun<'_>,
        dataset: DatasetIndex,
        error: &DatasetError,
    ) -> Vec<HookError> {
        let dataset = node.pipeline().slot(dataset).name;
        let call = OnDatasetLoadError { node, dataset, error };
        self.all("on_dataset_load_error", |hook| hook.on_dataset_load_error(&call))
    }

    /// What is to be entered for the rest of the attempt comes back. Each hook is
    /// called in what those before it have put there.
    pub(in crate::runner) fn before_node_run(
        &self,
        node: NodeRun<'_>,
        inputs: &mut [Value],
    ) -> Result<Rest, HookError> {
        let mut rest = Rest::here();
        for hook in self.last_first() {
            let mut added = rest.scope(Rest::here);
            let mut call = BeforeNodeRun { node, inputs, rest: &mut added };
            let call = || called(hook, "before_node_run", |hook| hook.before_node_run(&mut call));
            rest.scope(call)?;
            rest.add(added);
        }
        Ok(rest)
    }

    pub(in crate::runner) fn after_node_run(
        &self,
        node: NodeRun<'_>,
        inputs: Values<'_>,
        outputs: Values<'_>,
    ) -> Outcome {
        let call = AfterNodeRun { node, inputs, outputs };
        self.each("after_node_run", |hook| hook.after_node_run(&call))
    }

    pub(in crate::runner) fn on_node_error(
        &self,
        node: NodeRun<'_>,
        inputs: Values<'_>,
        failure: &NodeFailure,
    ) -> Vec<HookError> {
        let call = OnNodeError { node, inputs, failure };
        self.all("on_node_error", |hook| hook.on_node_error(&call))
    }

    pub(in crate::runner) fn before_dataset_saved(
        &self,
        node: NodeRun<'_>,
        dataset: DatasetIndex,
        value: &Value,
    ) -> Outcome {
        let value = DataRef::new(node.pipeline(), dataset, value);
        let call = BeforeDatasetSaved { node, dataset: value.name(), value };
        self.each("before_dataset_saved", |hook| hook.before_dataset_saved(&call))
    }

    pub(in crate::runner) fn after_dataset_saved(
        &self,
        node: NodeRun<'_>,
        dataset: DatasetIndex,
        value: &Value,
    ) -> Outcome {
        let value = DataRef::new(node.pipeline(), dataset, value);
        let call = AfterDatasetSaved { node, dataset: value.name(), value };
        self.each("after_dataset_saved", |hook| hook.after_dataset_saved(&call))
    }

    pub(in crate::runner) fn on_dataset_save_error(
        &self,
        node: NodeRun<'_>,
        dataset: DatasetIndex,
        value: &Value,
        error: &DatasetError,
    ) -> Vec<HookError> {
        let value = DataRef::new(node.pipeline(), dataset, value);
        let call = OnDatasetSaveError { node, dataset: value.name(), value, error };
        self.all("on_dataset_save_error", |hook| hook.on_dataset_save_error(&call))
    }

    pub(in crate::runner) fn after_pipeline_run(
        &self,
        run: PipelineRun<'_>,
        report: &RunReport,
    ) -> Vec<HookError> {
        let call = AfterPipelineRun { run, report };
        self.all("after_pipeline_run", |hook| hook.after_pipeline_run(&call))
    }

    pub(in crate::runner) fn on_pipeline_error(
        &self,
        run: PipelineRun<'_>,
        error: &RunError,
    ) -> Vec<HookError> {
        let call = OnPipelineError { run, error };
        self.all("on_pipeline_error", |hook| hook.on_pipeline_error(&call))
    }

    /// Kedro's order.
    fn last_first(&self) -> impl Iterator<Item = &dyn Hooks> {
        self.0.iter().rev().map(|hook| &**hook)
    }

    /// Calls one after the other, up to the first that fails.
    fn each(
        &self,
        method: &'static str,
        mut call: impl FnMut(&dyn Hooks) -> HookResult,
    ) -> Outcome {
        self.last_first().try_for_each(|hook| called(hook, method, &mut call))
    }

    /// Calls every one, whatever the others do.
    fn all(
        &self,
        method: &'static str,
        mut call: impl FnMut(&dyn Hooks) -> HookResult,
    ) -> Vec<HookError> {
        let told = self.last_first().filter_map(|hook| called(hook, method, &mut call).err());
        // Whatever they are told beside is in the log already, without them.
        let log = |error: &HookError| tracing::error!(target: "entourage::run", "{error}");
        told.inspect(|error| quietly(|| log(error))).collect()
    }
}

fn called(
    hook: &dyn Hooks,
    method: &'static str,
    call: impl FnOnce(&dyn Hooks) -> HookResult,
) -> Outcome {
    match catch_unwind(AssertUnwindSafe(|| call(hook))) {
        Ok(outcome) => outcome.map_err(|error| HookError::failed(hook, method, error)),
        Err(payload) => Err(HookError::panicked(hook, method, payload)),
    }
}

impl fmt::Debug for HookSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|hook| name_of(&**hook))).finish()
    }
}
