//! What is told of a run while it goes on: [`Hooks`], and what each of their
//! methods is given.
//!
//! ```
//! use std::sync::atomic::{AtomicUsize, Ordering};
//! use std::sync::Arc;
//!
//! use entourage::hooks::{AfterDatasetSaved, BeforeNodeRun, HookResult};
//! use entourage::{Catalog, Data, Hooks, Pipeline, RunOptions, SequentialRunner, context_key, node};
//!
//! context_key! { static BUDGET: u64 = propagate; }
//!
//! const NUMBERS: Data<[u64]> = Data::memory("numbers");
//! const SUM: Data<u64> = Data::memory("sum");
//!
//! /// Gives every node a budget, and adds up what is saved.
//! #[derive(Default)]
//! struct Accounts { total: AtomicUsize }
//!
//! impl Hooks for Accounts {
//!     fn before_node_run(&self, call: &mut BeforeNodeRun<'_>) -> HookResult {
//!         let numbers = call.inputs().get(&NUMBERS).ok_or("what is there to pay for?")?;
//!         let budget = numbers.len() as u64;
//!         call.set(&BUDGET, budget);
//!         Ok(())
//!     }
//!
//!     fn after_dataset_saved(&self, call: &AfterDatasetSaved<'_>) -> HookResult {
//!         if let Some(sum) = call.value.get(&SUM) {
//!             self.total.fetch_add(*sum as usize, Ordering::Relaxed);
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let spend = |numbers: &[u64]| numbers.iter().sum::<u64>() + BUDGET.get().unwrap_or(0);
//! let pipeline = Pipeline::new([node(spend).reads(NUMBERS).writes(SUM).named("spend")])?;
//! let catalog = Catalog::builder().value(&NUMBERS, vec![1, 2, 3]).build()?;
//! let accounts = Arc::new(Accounts::default());
//! let options = RunOptions::new().hooks(accounts.clone());
//! SequentialRunner::new().run(&pipeline, &catalog, options)?;
//! assert_eq!(accounts.total.load(Ordering::Relaxed), 9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Order
//!
//! | when | what is called |
//! | --- | --- |
//! | once, at the beginning | [`after_catalog_created`], [`before_pipeline_run`] |
//! | for each input of a node | [`before_dataset_loaded`], then [`after_dataset_loaded`] or [`on_dataset_load_error`] |
//! | around its function | [`before_node_run`], then [`after_node_run`] |
//! | for each output, or chunk of one | [`before_dataset_saved`], then [`after_dataset_saved`] or [`on_dataset_save_error`] |
//! | if the node failed, last | [`on_node_error`] |
//! | once, at the end | [`after_pipeline_run`] or [`on_pipeline_error`] |
//!
//! Inputs and outputs are those of the node, wherever they are kept: a value that
//! is in memory already, or that another node has loaded, is a load all the same.
//! One that a node reads twice is one load.
//!
//! Of several hooks the one that was registered last is called first, before and
//! after alike, as in Kedro: what one of them put into the context, or for an
//! input, is seen by those that were registered before it.
//!
//! # Context
//!
//! Hooks of a node are called on its worker, in its context: its span, `RUN_ID`,
//! `NODE`, and what of the caller's context is carried. Hooks of the run are
//! called on the thread that begins or ends it, in the same context without
//! `NODE` and the span. Under [`Propagation::off`](crate::Propagation::off) there
//! is none.
//!
//! # Errors
//!
//! An error or a panic of a hook is a failure of what it was called for, that of
//! the node or of the run, and is told as a [`HookError`], which names hook and method; no
//! further hook is asked, since what was to be done is not. Methods that tell of
//! an error or of the end of the run are called on every hook, whatever becomes
//! of the others, and theirs hides nothing: it is told beside the first one.
//!
//! # Attempts
//!
//! Each [attempt](crate::Retry) at a node is told whole and with its number, from the
//! loads to the saves or the error: a node that is done at the third attempt has had
//! two errors. What the first attempt has read is kept for the others, which load
//! nothing again; it is told again all the same, as what is in memory is.
//!
//! An attempt that takes [too long](crate::Node::timeout) has its error at its
//! deadline, on a thread of its own while the node's worker is still at it. From then
//! on nothing more is told of it, whatever it comes to; a hook that had been called
//! before may still be at work beside. A node that gives up because its run was
//! [called off](crate::CancelToken) has not failed, and has no error: the run has.
//!
//! In a run of a [`ProcessRunner`](crate::ProcessRunner) hooks of nodes are called in
//! the worker, each attempt with its number. That a node's process died, or took too
//! long, the parent's hooks are told.
//!
//! [`after_catalog_created`]: Hooks::after_catalog_created
//! [`before_pipeline_run`]: Hooks::before_pipeline_run
//! [`before_dataset_loaded`]: Hooks::before_dataset_loaded
//! [`after_dataset_loaded`]: Hooks::after_dataset_loaded
//! [`on_dataset_load_error`]: Hooks::on_dataset_load_error
//! [`before_node_run`]: Hooks::before_node_run
//! [`after_node_run`]: Hooks::after_node_run
//! [`before_dataset_saved`]: Hooks::before_dataset_saved
//! [`after_dataset_saved`]: Hooks::after_dataset_saved
//! [`on_dataset_save_error`]: Hooks::on_dataset_save_error
//! [`on_node_error`]: Hooks::on_node_error
//! [`after_pipeline_run`]: Hooks::after_pipeline_run
//! [`on_pipeline_error`]: Hooks::on_pipeline_error

mod dataset;
mod error;
mod listen;
mod node;
mod rest;
mod run;
mod running;
mod set;
mod setup;
mod telling;
mod values;

pub use dataset::{
    AfterDatasetLoaded, AfterDatasetSaved, BeforeDatasetLoaded, BeforeDatasetSaved,
    OnDatasetLoadError, OnDatasetSaveError,
};
pub use error::{HookError, Mismatch};
pub use listen::{HookResult, Hooks};
pub use node::{AfterNodeRun, BeforeNodeRun, NodeRun, OnNodeError};
pub use run::{
    AfterCatalogCreated, AfterPipelineRun, BeforePipelineRun, OnPipelineError, PipelineRun,
};
pub use setup::RunSetup;
pub use values::{DataRef, Values};

pub(in crate::runner) use error::HookCause;
pub(in crate::runner) use running::RunHooks;
pub(in crate::runner) use set::HookSet;
pub(in crate::runner) use setup::Changes;
