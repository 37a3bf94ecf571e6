//! What hooks are told of a node.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use tracing::Span;

use super::error::Mismatch;
use super::rest::Rest;
use super::values::Values;
use crate::catalog::{Data, DataType, Value, did_you_mean};
use crate::context::{Key, RunId};
use crate::pipeline::{NodeIndex, Pipeline};
use crate::runner::NodeFailure;

/// One attempt at a node of a run, as its hooks are told of it.
#[derive(Clone, Copy)]
pub struct NodeRun<'a> {
    pipeline: &'a Pipeline,
    at: NodeIndex,
    run_id: &'a RunId,
    attempt: u32,
}

impl<'a> NodeRun<'a> {
    pub(in crate::runner) fn new(
        pipeline: &'a Pipeline,
        at: NodeIndex,
        run_id: &'a RunId,
        attempt: u32,
    ) -> Self {
        Self { pipeline, at, run_id, attempt }
    }

    /// The run's id.
    pub fn run_id(&self) -> &'a RunId {
        self.run_id
    }

    /// The node's full name.
    pub fn name(&self) -> &'a str {
        self.pipeline.name_of(self.at)
    }

    /// The node's tags, in order.
    pub fn tags(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.pipeline.tags_of(self.at)
    }

    /// The names of what it reads, in the order of its function's arguments.
    pub fn inputs(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let pipeline = self.pipeline;
        pipeline.reads(self.at).iter().map(|at| pipeline.slot(*at).name)
    }

    /// The names of what it writes, in the order in which its function returns
    /// them.
    pub fn outputs(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let pipeline = self.pipeline;
        pipeline.writes(self.at).iter().map(|at| pipeline.slot(*at).name)
    }

    /// Which attempt it is, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    pub(super) fn pipeline(&self) -> &'a Pipeline {
        self.pipeline
    }

    pub(super) fn at(&self) -> NodeIndex {
        self.at
    }
}

impl fmt::Debug for NodeRun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeRun")
            .field("run_id", &self.run_id)
            .field("name", &self.name())
            .field("attempt", &self.attempt)
            .finish()
    }
}

/// A node has its inputs, and its function is about to be called.
#[non_exhaustive]
pub struct BeforeNodeRun<'a> {
    /// The node.
    pub node: NodeRun<'a>,
    pub(super) inputs: &'a mut [Value],
    pub(super) rest: &'a mut Rest,
}

impl BeforeNodeRun<'_> {
    /// What the function will be given.
    pub fn inputs(&self) -> Values<'_> {
        let pipeline = self.node.pipeline();
        Values::new(pipeline, pipeline.reads(self.node.at()), self.inputs)
    }

    /// Gives the function this value in place of that of `data`. No other node
    /// sees it, and nothing is saved.
    ///
    /// # Errors
    ///
    /// If the node does not read the dataset, or reads it as another type.
    pub fn replace<T>(&mut self, data: &Data<T>, value: T::Owned) -> Result<(), Mismatch>
    where
        T: DataType + ?Sized,
    {
        let (node, pipeline, name) = (self.node, self.node.pipeline(), data.name());
        let reads = pipeline.reads(node.at());
        let is_it = |at: &u32| *pipeline.slot(*at).name == *name;
        let Some(found) = reads.iter().find(|at| is_it(at)) else {
            let found: Vec<_> = node.inputs().map(|name| format!("`{name}`")).collect();
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
            let (node, hint) = (node.name(), did_you_mean(&name, node.inputs()));
            return Err(Mismatch::new(format!(
                "node `{node}` does not read `{name}`, but {found}{hint}"
            )));
        };
        let slot = pipeline.slot(*found);
        if slot.type_id != data.codec().type_id() {
            let (node, type_name, found) = (node.name(), slot.type_name, data.codec().type_name());
            return Err(Mismatch::new(format!(
                "node `{node}` reads `{name}` as a `{type_name}`, not as a `{found}`"
            )));
        }
        let value: Value = Arc::new(value);
        for (at, input) in reads.iter().zip(self.inputs.iter_mut()) {
            if is_it(at) {
                input.clone_from(&value);
            }
        }
        Ok(())
    }

    /// Sets a key for what is left of this attempt: for the hooks that are still
    /// to be called, the function, and the saves. No other node sees it.
    ///
    /// ```
    /// use entourage::hooks::{BeforeNodeRun, HookResult};
    /// entourage::context_key! { static ON_GPU: bool = propagate; }
    ///
    /// fn before_node_run(call: &mut BeforeNodeRun<'_>) -> HookResult {
    ///     let is_tagged = call.node.tags().any(|tag| tag == "gpu");
    ///     call.set(&ON_GPU, is_tagged);
    ///     Ok(())
    /// }
    /// ```
    #[track_caller]
    pub fn set<T: Send + Sync + 'static>(&mut self, key: &'static Key<T>, value: T) {
        self.rest.set(key, value, Location::caller());
    }

    /// Has what is left of this attempt run in `span`, inside those that were put
    /// around it before.
    ///
    /// ```
    /// use entourage::hooks::{BeforeNodeRun, HookResult};
    ///
    /// fn before_node_run(call: &mut BeforeNodeRun<'_>) -> HookResult {
    ///     call.enter(tracing::info_span!("job", attempt = call.node.attempt()));
    ///     Ok(())
    /// }
    /// ```
    pub fn enter(&mut self, span: Span) {
        self.rest.push(span);
    }
}

impl fmt::Debug for BeforeNodeRun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeforeNodeRun")
            .field("node", &self.node)
            .field("inputs", &self.inputs())
            .finish_non_exhaustive()
    }
}

/// A node's function has returned.
#[derive(Debug)]
#[non_exhaustive]
pub struct AfterNodeRun<'a> {
    /// The node.
    pub node: NodeRun<'a>,
    /// What its function was given.
    pub inputs: Values<'a>,
    /// What it returned, about to be saved.
    pub outputs: Values<'a>,
}

/// A node failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct OnNodeError<'a> {
    /// The node.
    pub node: NodeRun<'a>,
    /// What its function was given; empty where it failed before that.
    pub inputs: Values<'a>,
    /// How it failed.
    pub failure: &'a NodeFailure,
}
