//! The trait.

use std::any::type_name;
use std::error::Error;
use std::sync::Arc;

use super::dataset::{
    AfterDatasetLoaded, AfterDatasetSaved, BeforeDatasetLoaded, BeforeDatasetSaved,
    OnDatasetLoadError, OnDatasetSaveError,
};
use super::node::{AfterNodeRun, BeforeNodeRun, OnNodeError};
use super::run::{AfterCatalogCreated, AfterPipelineRun, BeforePipelineRun, OnPipelineError};

/// What a hook returns: any error will do, a string as well.
pub type HookResult = Result<(), Box<dyn Error + Send + Sync>>;

/// Is told of a run as it goes on; see [`hooks`](crate::hooks) for when, where
/// and in which order.
///
/// Every method does nothing by default. A run is given its hooks by
/// [`RunOptions::hooks`](crate::RunOptions::hooks). One value may serve many runs,
/// and is called from many threads, at once.
///
/// # Errors
///
/// An error, or a panic, of a method is a failure of the node, or of the run;
/// those of the methods `on_…_error` are told beside the error that they were
/// called for.
pub trait Hooks: Send + Sync + 'static {
    /// What its errors call it; by default its type's name.
    fn name(&self) -> &str {
        type_name::<Self>()
    }

    /// The run has its catalog. What it is bound to can be changed for this run.
    fn after_catalog_created(&self, call: &mut AfterCatalogCreated<'_>) -> HookResult {
        let _ = call;
        Ok(())
    }

    /// The run is about to begin: nothing has been checked yet. What it is bound
    /// to can be changed for this run.
    fn before_pipeline_run(&self, call: &mut BeforePipelineRun<'_>) -> HookResult {
        let _ = call;
        Ok(())
    }

    /// A node is about to be given an input.
    fn before_dataset_loaded(&self, call: &BeforeDatasetLoaded<'_>) -> HookResult {
        let _ = call;
        Ok(())
    }

    /// A node was given an input.
    fn after_dataset_loaded(&self, call: &AfterDatasetLoaded<'_>) -> HookResult {
        let _ = call;
        Ok(())
    }

    /// A node has its inputs, and its function is about to be called. Inputs can
    /// be replaced, and the context of what is still to come can be added to.
    fn before_node_run(&self, call: &mut BeforeNodeRun<'_>) -> HookResult {
        let _ = call;
        Ok(())
    }

    /// A node's function has returned what it writes; nothing of it is saved yet.
    fn after_node_run(&self, call: &AfterNodeRun<'_>) -> HookResult {
        let _ = call;
        Ok(())
    }

    /// A node failed: at its function, a load, a save or a hook, by an error or a
    /// panic. Called once, on every hook, after all others of the node.
    fn on_node_error(&self, call: &OnNodeError<'_>) -> HookResult {
        let _ = call;
        Ok(())
    }

    /// An output is about to be saved, or kept in memory.
    fn before_dataset_saved(&self, call: &BeforeDatasetSaved<'_>) -> HookResult {
        let _ = call;
        Ok(())
    }

    /// An output was saved, or will be kept in memory once the node's others are
    /// saved, too.
    fn after_dataset_saved(&self, call: &AfterDatasetSaved<'_>) -> HookResult {
        let _ = call;
        Ok(())
    }

    /// An input could not be loaded. Called on every hook; the node's error
    /// follows.
    fn on_dataset_load_error(&self, call: &OnDatasetLoadError<'_>) -> HookResult {
        let _ = call;
        Ok(())
    }

    /// An output could not be saved. Called on every hook; the node's error
    /// follows.
    fn on_dataset_save_error(&self, call: &OnDatasetSaveError<'_>) -> HookResult {
        let _ = call;
        Ok(())
    }

    /// The run is over, and every node of it is done. Called on every hook.
    fn after_pipeline_run(&self, call: &AfterPipelineRun<'_>) -> HookResult {
        let _ = call;
        Ok(())
    }

    /// The run is over without having come to its end: it was refused, a node
    /// failed, or a hook did before it began. Called on every hook.
    fn on_pipeline_error(&self, call: &OnPipelineError<'_>) -> HookResult {
        let _ = call;
        Ok(())
    }
}

/// For whoever wants to look at a hook after the run.
macro_rules! forward {
    ($($method:ident($call:ty);)*) => {
        impl<H: Hooks + ?Sized> Hooks for Arc<H> {
            fn name(&self) -> &str {
                (**self).name()
            }
            $(fn $method(&self, call: $call) -> HookResult {
                (**self).$method(call)
            })*
        }
    };
}

forward! {
    after_catalog_created(&mut AfterCatalogCreated<'_>);
    before_pipeline_run(&mut BeforePipelineRun<'_>);
    before_dataset_loaded(&BeforeDatasetLoaded<'_>);
    after_dataset_loaded(&AfterDatasetLoaded<'_>);
    before_node_run(&mut BeforeNodeRun<'_>);
    after_node_run(&AfterNodeRun<'_>);
    on_node_error(&OnNodeError<'_>);
    before_dataset_saved(&BeforeDatasetSaved<'_>);
    after_dataset_saved(&AfterDatasetSaved<'_>);
    on_dataset_load_error(&OnDatasetLoadError<'_>);
    on_dataset_save_error(&OnDatasetSaveError<'_>);
    after_pipeline_run(&AfterPipelineRun<'_>);
    on_pipeline_error(&OnPipelineError<'_>);
}
