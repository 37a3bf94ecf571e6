//! What a node reads: taken from its producers, or loaded, each dataset once a
//! run.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::bindings::Binding;
use super::dataset_state::Found;
use super::error::FailureKind;
use super::execute::Run;
use crate::catalog::{DatasetError, Value};
use crate::pipeline::{DatasetIndex, NodeIndex};

/// What came of a node's wish for its inputs.
pub(super) enum Inputs {
    Ready,
    /// One is being loaded for another node; when it is there, this one is started
    /// again.
    Waiting,
    /// One cannot be loaded, or a hook will not have it.
    Failed(FailureKind),
    /// Another node tried to load one of them, and failed.
    Blocked,
}

impl Run {
    /// Puts every input of node `at` into `values`, loading what nobody is loading
    /// yet. Nodes that waited for such a load are passed to `wake` as soon as it is
    /// over.
    pub(super) fn inputs(
        &self,
        at: NodeIndex,
        values: &mut Vec<Value>,
        wake: &dyn Fn(NodeIndex),
    ) -> Inputs {
        if self.control.is_some() && self.read_again(at, values) {
            return Inputs::Ready;
        }
        let loads = match self.node_hooks() {
            None => self.loads(at, wake),
            Some(hooks) => self.told_loads(hooks, at, wake),
        };
        if matches!(loads, Inputs::Ready) {
            self.read(at, values);
            if self.control.is_some() {
                self.keep_inputs(at, values);
            }
        }
        loads
    }

    /// Makes every input of node `at` ready to be read.
    fn loads(&self, at: NodeIndex, wake: &dyn Fn(NodeIndex)) -> Inputs {
        let reads = self.bound.pipeline.reads(at);
        let loaded = reads.iter().filter(|dataset| self.is_loaded(**dataset));
        for &dataset in loaded.clone() {
            if self.state.datasets[dataset as usize].claim(at) == Found::Nothing
                && let Err(error) = self.load(at, dataset, wake)
            {
                return Inputs::Failed(FailureKind::Load(error));
            }
        }
        // All that this node can load is there or under way, so that one wait is
        // enough for each of the others.
        for &dataset in loaded {
            match self.state.datasets[dataset as usize].wait(at) {
                Found::Value => {}
                Found::Loading => return Inputs::Waiting,
                // Who was loading it gave it back.
                Found::Nothing => return self.loads(at, wake),
                Found::Failed => return Inputs::Blocked,
            }
        }
        Inputs::Ready
    }

    /// Counts node `at` among those that have read, and puts every input into
    /// `values`.
    fn read(&self, at: NodeIndex, values: &mut Vec<Value>) {
        self.state.nodes[at as usize].reads();
        let reads = self.bound.pipeline.reads(at);
        for (place, &dataset) in reads.iter().enumerate() {
            // A second mention is the same value, and no second reader.
            let value = match reads[..place].iter().position(|before| *before == dataset) {
                Some(before) => values.get(before).cloned(),
                None => {
                    let (value, is_last) = self.state.datasets[dataset as usize].read();
                    if is_last {
                        self.release(dataset);
                    }
                    value
                }
            };
            let Some(value) = value else {
                unreachable!("a dataset that a node has yet to read was written or loaded")
            };
            values.push(value);
        }
    }

    /// Whether the first node that wants it loads it, rather than being given it
    /// by the node that wrote it.
    pub(super) fn is_loaded(&self, dataset: DatasetIndex) -> bool {
        matches!(self.bound.bindings[dataset as usize], Binding::Bound(_))
    }

    pub(super) fn load(
        &self,
        at: NodeIndex,
        dataset: DatasetIndex,
        wake: &dyn Fn(NodeIndex),
    ) -> Result<(), DatasetError> {
        let load = || {
            let name = self.bound.name(dataset);
            let span = tracing::debug_span!(target: "entourage::run", "load", dataset = %name);
            span.in_scope(|| self.bound.load(dataset))
        };
        // Caught, so that nobody waits for a load that panicked.
        let loaded = catch_unwind(AssertUnwindSafe(load));
        let (value, outcome) = match loaded {
            Ok(Ok(value)) => (Some(value), Ok(Ok(()))),
            Ok(Err(error)) => (None, Ok(Err(error))),
            Err(payload) => (None, Err(payload)),
        };
        let state = &self.state.datasets[dataset as usize];
        let waiting = match value {
            // This node, or whoever wants it next, is to try again.
            None if self.may_try_again(at) => state.disclaim(at),
            value => state.loaded(at, value),
        };
        waiting.into_iter().for_each(wake);
        outcome.unwrap_or_else(|payload| resume_unwind(payload))
    }
}
