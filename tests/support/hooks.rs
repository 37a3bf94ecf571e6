//! Hooks that tell of every call alike.

use std::sync::{Arc, Mutex};

use entourage::Hooks;
use entourage::hooks::{
    AfterCatalogCreated, AfterDatasetLoaded, AfterDatasetSaved, AfterNodeRun, AfterPipelineRun,
    BeforeDatasetLoaded, BeforeDatasetSaved, BeforeNodeRun, BeforePipelineRun, HookResult, NodeRun,
    OnDatasetLoadError, OnDatasetSaveError, OnNodeError, OnPipelineError, PipelineRun,
};

/// One call of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) method: &'static str,
    pub(crate) run_id: String,
    pub(crate) node: Option<String>,
    pub(crate) dataset: Option<String>,
    pub(crate) attempt: Option<u32>,
}

impl Told {
    fn of_run(method: &'static str, run: &PipelineRun<'_>) -> Self {
        let run_id = run.run_id().to_string();
        Self { method, run_id, node: None, dataset: None, attempt: None }
    }

    fn of_node(method: &'static str, node: &NodeRun<'_>, dataset: Option<&str>) -> Self {
        Self {
            method,
            run_id: node.run_id().to_string(),
            node: Some(node.name().to_owned()),
            dataset: dataset.map(str::to_owned),
            attempt: Some(node.attempt()),
        }
    }

    /// The method, and what it is about.
    pub(crate) fn summary(&self) -> String {
        let about = self.dataset.as_ref().or(self.node.as_ref());
        about.map_or_else(|| self.method.to_owned(), |about| format!("{} {about}", self.method))
    }
}

/// Has every method call the function.
pub(crate) struct Each<F>(pub(crate) F);

impl<F: Fn(Told) -> HookResult + Send + Sync + 'static> Hooks for Each<F> {
    fn name(&self) -> &str {
        "each"
    }

    fn after_catalog_created(&self, call: &mut AfterCatalogCreated<'_>) -> HookResult {
        (self.0)(Told::of_run("after_catalog_created", &call.run))
    }

    fn before_pipeline_run(&self, call: &mut BeforePipelineRun<'_>) -> HookResult {
        (self.0)(Told::of_run("before_pipeline_run", &call.run))
    }

    fn before_dataset_loaded(&self, call: &BeforeDatasetLoaded<'_>) -> HookResult {
        (self.0)(Told::of_node("before_dataset_loaded", &call.node, Some(call.dataset)))
    }

    fn after_dataset_loaded(&self, call: &AfterDatasetLoaded<'_>) -> HookResult {
        (self.0)(Told::of_node("after_dataset_loaded", &call.node, Some(call.dataset)))
    }

    fn before_node_run(&self, call: &mut BeforeNodeRun<'_>) -> HookResult {
        (self.0)(Told::of_node("before_node_run", &call.node, None))
    }

    fn after_node_run(&self, call: &AfterNodeRun<'_>) -> HookResult {
        (self.0)(Told::of_node("after_node_run", &call.node, None))
    }

    fn on_node_error(&self, call: &OnNodeError<'_>) -> HookResult {
        (self.0)(Told::of_node("on_node_error", &call.node, None))
    }

    fn before_dataset_saved(&self, call: &BeforeDatasetSaved<'_>) -> HookResult {
        (self.0)(Told::of_node("before_dataset_saved", &call.node, Some(call.dataset)))
    }

    fn after_dataset_saved(&self, call: &AfterDatasetSaved<'_>) -> HookResult {
        (self.0)(Told::of_node("after_dataset_saved", &call.node, Some(call.dataset)))
    }

    fn on_dataset_load_error(&self, call: &OnDatasetLoadError<'_>) -> HookResult {
        (self.0)(Told::of_node("on_dataset_load_error", &call.node, Some(call.dataset)))
    }

    fn on_dataset_save_error(&self, call: &OnDatasetSaveError<'_>) -> HookResult {
        (self.0)(Told::of_node("on_dataset_save_error", &call.node, Some(call.dataset)))
    }

    fn after_pipeline_run(&self, call: &AfterPipelineRun<'_>) -> HookResult {
        (self.0)(Told::of_run("after_pipeline_run", &call.run))
    }

    fn on_pipeline_error(&self, call: &OnPipelineError<'_>) -> HookResult {
        (self.0)(Told::of_run("on_pipeline_error", &call.run))
    }
}

/// What happened, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn say(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    /// What happened since it was last asked.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// A hook that logs every call.
    pub(crate) fn hook(&self) -> impl Hooks + use<> {
        let log = self.clone();
        Each(move |told: Told| {
            log.say(told.summary());
            Ok(())
        })
    }
}
