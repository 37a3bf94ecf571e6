//! How a node comes by its inputs.

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
    Blocked(NodeIndex),
}

impl Run<'_> {
    /// Gets every input of node `at`, loading what nobody is loading yet. Nodes
    /// that waited for such a load are passed to `wake`.
    pub(super) fn inputs(&self, at: NodeIndex, wake: &mut Vec<NodeIndex>) -> Inputs {
        let node = &self.plan.pipeline.nodes()[at as usize];
        for &dataset in &node.inputs {
            if self.claims_load(dataset)
                && let Err(error) = self.load(at, dataset, wake)
            {
                return Inputs::Failed(error);
            }
        }
        let mut values = Vec::with_capacity(node.inputs.len());
        for &dataset in &node.inputs {
            match &mut *self.state.datasets[dataset as usize].held() {
                Held::Value(value) => values.push(value.clone()),
                Held::Loading(waiting) => {
                    waiting.push(at);
                    return Inputs::Waiting;
                }
                Held::Failed(by) => return Inputs::Blocked(*by),
                Held::Nothing | Held::Released => {
                    unreachable!("a dataset that a node has yet to read is loaded or being loaded")
                }
            }
        }
        for (position, &dataset) in node.inputs.iter().enumerate() {
            if !node.inputs[..position].contains(&dataset) {
                // The last reader's value is dropped here, but for its own hold.
                drop(self.state.datasets[dataset as usize].read_by_one());
            }
        }
        Inputs::Ready(values)
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
        wake: &mut Vec<NodeIndex>,
    ) -> Result<(), DatasetError> {
        /// Ends the claim also when a load panics, so that nobody waits for it.
        struct Claim<'a, 'r> {
            run: &'a Run<'r>,
            dataset: DatasetIndex,
            outcome: Held,
            wake: &'a mut Vec<NodeIndex>,
        }
        impl Drop for Claim<'_, '_> {
            fn drop(&mut self) {
                let mut held = self.run.state.datasets[self.dataset as usize].held();
                let outcome = std::mem::replace(&mut self.outcome, Held::Nothing);
                if let Held::Loading(waiting) = std::mem::replace(&mut *held, outcome) {
                    self.wake.extend(waiting);
                }
            }
        }
        let mut claim = Claim { run: self, dataset, outcome: Held::Failed(at), wake };
        let span = tracing::debug_span!(
            target: "entourage::run", "load", dataset = %self.plan.name(dataset)
        );
        let value = span.in_scope(|| self.plan.load(dataset))?;
        claim.outcome = Held::Value(value);
        Ok(())
    }
}
