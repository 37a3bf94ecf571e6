//! How a node comes by its inputs.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::execute::Run;
use super::state::Held;
use crate::catalog::{DatasetError, Value};
use crate::pipeline::{DatasetIndex, NodeIndex};

/// What a node's attempt to get its inputs came to.
pub(super) enum Inputs {
    Ready(Vec<Value>),
    /// Another node is loading one of them, and will start this one again.
    Waiting,
    /// One cannot be loaded.
    Failed(DatasetError),
    /// Another node tried to load one of them, and failed.
    Blocked,
}

impl Run {
    /// Gets every input of node `at`, loading what nobody is loading yet. Nodes
    /// that waited for such a load are passed to `wake` as soon as it is over.
    pub(super) fn inputs(&self, at: NodeIndex, wake: &dyn Fn(NodeIndex)) -> Inputs {
        let pipeline = &self.bound.pipeline;
        for dataset in pipeline.reads_once(at) {
            if self.claims_load(dataset)
                && let Err(error) = self.load(at, dataset, wake)
            {
                return Inputs::Failed(error);
            }
        }
        let mut values = Vec::with_capacity(pipeline.reads(at).len());
        for &dataset in pipeline.reads(at) {
            match &mut *self.state.datasets[dataset as usize].held() {
                Held::Value(value) => values.push(value.clone()),
                Held::Loading(waiting) => {
                    waiting.push(at);
                    return Inputs::Waiting;
                }
                Held::Failed(_) => return Inputs::Blocked,
                Held::Nothing | Held::Released => {
                    unreachable!("a dataset that a node has yet to read is loaded or being loaded")
                }
            }
        }
        // The last reader's value goes with the node's own hold on it.
        self.let_go(at, drop);
        Inputs::Ready(values)
    }

    /// Counts node `at` among those that have read; whether that is new. What
    /// nobody is left to read is passed to `last`.
    pub(super) fn let_go(&self, at: NodeIndex, last: impl Fn(Value)) -> bool {
        let is_new = self.state.nodes[at as usize].reads();
        if is_new {
            for dataset in self.bound.pipeline.reads_once(at) {
                self.state.datasets[dataset as usize].read_by_one().map(&last);
            }
        }
        is_new
    }

    /// Whether this thread is now the one to load `dataset`.
    fn claims_load(&self, dataset: DatasetIndex) -> bool {
        let mut held = self.state.datasets[dataset as usize].held();
        let is_nothing = matches!(*held, Held::Nothing);
        if is_nothing {
            *held = Held::Loading(Vec::new());
        }
        is_nothing
    }

    fn load(
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
        let (held, outcome) = match loaded {
            Ok(Ok(value)) => (Held::Value(value), Ok(Ok(()))),
            Ok(Err(error)) => (Held::Failed(at), Ok(Err(error))),
            Err(payload) => (Held::Failed(at), Err(payload)),
        };
        self.state.datasets[dataset as usize].loaded(held).into_iter().for_each(wake);
        outcome.unwrap_or_else(|payload| resume_unwind(payload))
    }
}
