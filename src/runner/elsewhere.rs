//! Nodes that run somewhere else, where their data are, too.

use super::error::FailureKind;
use super::execute::{Attempt, Run, failed};
use super::report::Fate;
use crate::catalog::Value;
use crate::pipeline::NodeIndex;

/// Another place for the nodes of a run. Here is then only what stands for their
/// data.
pub(super) trait Elsewhere: Send + Sync {
    /// Runs node `at`, loads and saves included.
    fn call(&self, at: NodeIndex) -> Result<Called, FailureKind>;
}

/// What a node has come to elsewhere.
pub(super) struct Called {
    /// What is to be kept of each of its outputs.
    pub(super) outputs: Vec<Value>,
    /// How many records they are.
    pub(super) rows: Option<usize>,
}

impl Run {
    /// One attempt at a node that runs elsewhere. What stands for its inputs lives
    /// as long as it does.
    pub(super) fn attempt_elsewhere(
        &self,
        at: NodeIndex,
        elsewhere: &dyn Elsewhere,
        inputs: Vec<Value>,
    ) -> Attempt {
        let called = elsewhere.call(at);
        drop(inputs);
        let stored = called.and_then(|Called { outputs, rows }| {
            self.store(at, outputs)?;
            Ok(rows)
        });
        match stored {
            Ok(rows) => Attempt::Finished(Fate::Done, rows),
            Err(kind) => Attempt::Finished(failed(self.bound.pipeline.name_of(at), kind), None),
        }
    }
}
