//! One attempt at a node: its loads, its function, its saves.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::bindings::Binding;
use super::error::FailureKind;
use super::execute::{Attempt, Run, Scratch};
use super::inputs::Inputs;
use super::sinks::Sinks;
use crate::catalog::Value;
use crate::context::{keep_first, sum_up};
use crate::pipeline::{Call, NodeIndex};

impl Run {
    pub(super) fn attempt(
        &self,
        at: NodeIndex,
        scratch: &mut Scratch,
        wake: &dyn Fn(NodeIndex),
    ) -> Attempt {
        let Scratch { inputs, outputs, .. } = scratch;
        match self.inputs(at, inputs, wake) {
            Inputs::Ready => {}
            Inputs::Waiting => return Attempt::Waiting,
            Inputs::Blocked => return Attempt::Blocked,
            Inputs::Failed(error) => return self.failed(at, FailureKind::Load(error)),
        }
        // Caught, so that what is left of its values ends in the node's context,
        // too, and one `Drop` of them that panics is not a second panic.
        let ended = catch_unwind(AssertUnwindSafe(|| self.finish(at, inputs, outputs)));
        let mut cleared = Ok(());
        for values in [inputs, outputs] {
            keep_first(&mut cleared, catch_unwind(AssertUnwindSafe(|| values.clear())));
        }
        let ended = sum_up(ended, cleared, drop);
        match ended.unwrap_or_else(|payload| resume_unwind(payload)) {
            Ok(()) => Attempt::Done,
            Err(kind) => self.failed(at, kind),
        }
    }

    fn finish(
        &self,
        at: NodeIndex,
        inputs: &mut Vec<Value>,
        outputs: &mut Vec<Value>,
    ) -> Result<(), FailureKind> {
        let rows = match &self.elsewhere {
            None => {
                self.call(at, inputs, outputs)?;
                self.rows(at, outputs)
            }
            Some(elsewhere) => self.call_elsewhere(at, &**elsewhere, outputs)?,
        };
        // Before the saves: memory that is not needed any more is not held.
        inputs.clear();
        if let Some(rows) = rows {
            self.state.nodes[at as usize].set_rows(rows);
        }
        self.store(at, outputs)?;
        tracing::debug!(target: "entourage::run", rows, "node done");
        Ok(())
    }

    /// Calls the node's function. Panics with its payload.
    fn call(
        &self,
        at: NodeIndex,
        inputs: &mut [Value],
        outputs: &mut Vec<Value>,
    ) -> Result<(), FailureKind> {
        let body = self.bound.pipeline.body(at);
        let sinks = Sinks::new(&self.bound, at, body.collectors());
        let call = Call { inputs, outputs, sinks: sinks.given() };
        let called = catch_unwind(AssertUnwindSafe(|| body.call(call)));
        match called {
            Ok(Ok(())) => sinks.end(outputs).map_err(FailureKind::Save),
            Ok(Err(error)) => Err(match sinks.failure() {
                Some(save) => FailureKind::Save(save),
                None => FailureKind::Error(error),
            }),
            Err(payload) => {
                drop(sinks);
                resume_unwind(payload)
            }
        }
    }

    fn rows(&self, at: NodeIndex, outputs: &[Value]) -> Option<usize> {
        let written = self.bound.pipeline.writes(at);
        let rows = written.iter().zip(outputs).filter_map(|(&dataset, value)| {
            self.bound.codec(dataset).and_then(|codec| codec.rows(value))
        });
        rows.reduce(|a, b| a + b)
    }

    /// Saves what the catalog keeps; then keeps what somebody will want, so that
    /// of a node which fails nothing is.
    fn store(&self, at: NodeIndex, outputs: &mut Vec<Value>) -> Result<(), FailureKind> {
        let written = self.bound.pipeline.writes(at);
        for (&dataset, value) in written.iter().zip(&*outputs) {
            if let Binding::Bound(entry) = &self.bound.bindings[dataset as usize] {
                let name = self.bound.name(dataset);
                let span = tracing::debug_span!(
                    target: "entourage::run", "save", dataset = %name
                );
                let saved = span.in_scope(|| self.bound.save(dataset, entry, value));
                saved.map_err(FailureKind::Save)?;
            }
        }
        for (&dataset, value) in written.iter().zip(outputs.drain(..)) {
            // What is registered as memory is kept for the run as well: another
            // run may save its own value there before this one's nodes read.
            let is_kept = match &self.bound.bindings[dataset as usize] {
                Binding::Bound(entry) if entry.is_memory() => {
                    !self.bound.pipeline.consumers(dataset).is_empty()
                }
                Binding::Bound(_) => false,
                Binding::Unbound | Binding::Ready(_) => true,
            };
            if is_kept {
                drop(self.state.datasets[dataset as usize].write(value));
            }
        }
        Ok(())
    }
}
