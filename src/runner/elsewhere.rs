//! Nodes that run somewhere else, where their data are, too.

use super::error::FailureKind;
use super::execute::Run;
use super::hooks::HookError;
use crate::catalog::Value;
use crate::pipeline::NodeIndex;

/// Another place for the nodes of a run. Here is then only what stands for their
/// data.
pub(super) trait Elsewhere: Send + Sync {
    /// Runs node `at`, loads, saves and hooks included. What hooks did wrong there
    /// that were told of its failure is put into `besides`.
    fn call(&self, at: NodeIndex, besides: &mut Vec<HookError>) -> Result<Called, FailureKind>;
}

/// What a node has come to elsewhere.
pub(super) struct Called {
    /// What is to be kept of each of its outputs.
    pub(super) outputs: Vec<Value>,
    /// How many records they are.
    pub(super) rows: Option<usize>,
}

impl Run {
    /// One attempt at a node that runs elsewhere.
    pub(super) fn call_elsewhere(
        &self,
        at: NodeIndex,
        elsewhere: &dyn Elsewhere,
        outputs: &mut Vec<Value>,
    ) -> Result<Option<usize>, FailureKind> {
        let mut besides = Vec::new();
        let called = elsewhere.call(at, &mut besides);
        self.keep_besides(at, besides);
        let called = called?;
        *outputs = called.outputs;
        Ok(called.rows)
    }
}
