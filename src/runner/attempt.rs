//! One attempt at a node: its loads, its function, its saves.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::bindings::Binding;
use super::error::FailureKind;
use super::events::Moved;
use super::execute::{Attempt, Run, Scratch};
use super::inputs::Inputs;
use super::sinks::{Draft, Drafts, Sinks};
use super::turn::Turn;
use crate::catalog::{DatasetError, Doing, Value};
use crate::context::{keep_first, swallow};
use crate::pipeline::{Call, DatasetIndex, NodeBody, NodeIndex};

impl Run {
    pub(super) fn attempt(
        self: &Arc<Self>,
        turn: Turn<'_>,
        scratch: &mut Scratch,
        wake: &dyn Fn(NodeIndex),
    ) -> Attempt {
        let Scratch { inputs, outputs, .. } = scratch;
        // Empty already, but after a panic in the midst of a load.
        inputs.clear();
        outputs.clear();
        let got = self.inputs(turn, inputs, wake);
        match got {
            Inputs::Ready => {}
            // From here on another worker may be at it.
            Inputs::Waiting => return Attempt::Waiting,
            Inputs::Blocked(dataset) if turn.close() => return Attempt::Blocked(dataset),
            Inputs::Blocked(_) => return Attempt::Late,
            Inputs::Failed(kind) => return self.end(turn, inputs, outputs, |_, _, _, _| Err(kind)),
        }
        match self.told_inputs(turn, inputs) {
            Ok(None) => self.end(turn, inputs, outputs, Self::finish),
            Ok(Some(rest)) => self.entered(turn, |attempt| {
                let mut end = || self.end(turn, inputs, outputs, Self::finish);
                rest.scope(|| *attempt = Some(end()));
            }),
            Err(kind) => self.end(turn, inputs, outputs, |_, _, _, _| Err(kind)),
        }
    }

    /// Runs `f`, and sees what is left of the node's values to its end.
    fn end(
        self: &Arc<Self>,
        turn: Turn<'_>,
        inputs: &mut Vec<Value>,
        outputs: &mut Vec<Value>,
        f: impl FnOnce(
            &Arc<Self>,
            Turn<'_>,
            &mut Vec<Value>,
            &mut Vec<Value>,
        ) -> Result<(), FailureKind>,
    ) -> Attempt {
        // Caught, so that what is left of its values ends in the node's context,
        // too, and one `Drop` of them that panics is not a second panic.
        let ended = catch_unwind(AssertUnwindSafe(|| f(self, turn, inputs, outputs)));
        let kind = ended.unwrap_or_else(|payload| Err(FailureKind::panic(payload))).err();
        let failed = kind.map(|kind| self.failed(turn, kind, inputs));
        let mut cleared = Ok(());
        for values in [inputs, outputs] {
            keep_first(&mut cleared, catch_unwind(AssertUnwindSafe(|| values.clear())));
        }
        match (failed, cleared) {
            (Some(failed), cleared) => {
                swallow(cleared);
                failed
            }
            (None, Ok(())) => Attempt::Done,
            (None, Err(payload)) => self.failed(turn, FailureKind::panic(payload), &[]),
        }
    }

    fn finish(
        self: &Arc<Self>,
        turn: Turn<'_>,
        inputs: &mut Vec<Value>,
        outputs: &mut Vec<Value>,
    ) -> Result<(), FailureKind> {
        let at = turn.at;
        let Drafts { rows, files } = match &self.elsewhere {
            None => {
                let drafts = self.call(turn, inputs, outputs)?;
                self.told_outputs(turn, inputs, outputs)?;
                drafts
            }
            Some(elsewhere) => {
                let rows = self.call_elsewhere(turn, &**elsewhere, outputs)?;
                Drafts { rows, files: Vec::new() }
            }
        };
        // From here on it is seen by others, or never will be.
        turn.lease.map_or(Ok(()), |lease| lease.close_in_time())?;
        // Before the saves: memory that is not needed any more is not held.
        inputs.clear();
        if let Some(rows) = rows {
            self.state.nodes[at as usize].set_rows(rows);
        }
        self.save(turn, outputs, files)?;
        self.confirm(at)?;
        self.keep(at, outputs);
        if !self.is_part {
            tracing::debug!(target: "entourage::run::node", rows, "node done");
        }
        Ok(())
    }

    /// Calls the node's function. Panics with its payload.
    fn call(
        self: &Arc<Self>,
        turn: Turn<'_>,
        inputs: &mut [Value],
        outputs: &mut Vec<Value>,
    ) -> Result<Drafts, FailureKind> {
        let body = self.bound.pipeline.body(turn.at);
        if !body.collectors().is_empty() {
            return self.call_with_sinks(turn, body, inputs, outputs);
        }
        body.call(Call { inputs, outputs, sinks: &[] }).map_err(FailureKind::Error)?;
        Ok(Drafts { rows: self.rows(turn.at, outputs), files: Vec::new() })
    }

    /// Calls the function of a node that yields chunks.
    fn call_with_sinks(
        self: &Arc<Self>,
        turn: Turn<'_>,
        body: &dyn NodeBody,
        inputs: &mut [Value],
        outputs: &mut Vec<Value>,
    ) -> Result<Drafts, FailureKind> {
        let sinks = Sinks::new(self, turn, body.collectors());
        let call = || body.call(Call { inputs, outputs, sinks: &sinks.given() });
        // Caught, so that what was collected is not dropped by the panic: its `Drop`
        // may panic, too, and two at once abort.
        let called = catch_unwind(AssertUnwindSafe(call));
        match called {
            Ok(Ok(())) => sinks.end(outputs),
            // What could not be saved comes first: the function's error tells of it
            // at best.
            Ok(Err(error)) => Err(sinks.failure().unwrap_or(FailureKind::Error(error))),
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

    /// Saves what the catalog keeps. `files` has those that are written already.
    fn save(
        &self,
        turn: Turn<'_>,
        outputs: &[Value],
        files: Vec<Option<Draft>>,
    ) -> Result<(), FailureKind> {
        let written = self.bound.pipeline.writes(turn.at);
        let mut files = files.into_iter();
        for (&dataset, value) in written.iter().zip(outputs) {
            let span = || {
                let name = self.bound.name(dataset);
                tracing::debug_span!(target: "entourage::run", "save", dataset = %name)
            };
            if let Some(file) = files.next().flatten() {
                // Each chunk was told of as it was saved.
                let Draft { file, rows, spent } = file;
                let moving = self.moving(dataset).map(|moving| moving.after(spent));
                let committed = span().in_scope(|| file.commit());
                let moved = |bytes: &u64| Moved { rows, bytes: Some(*bytes) };
                self.tell_saved(moving, turn, dataset, committed.as_ref().map(moved));
                committed.map_err(|error| self.told_failed_save(turn, dataset, value, error))?;
                continue;
            }
            self.told_save(turn, dataset, value, || {
                match &self.bound.bindings[dataset as usize] {
                    Binding::Bound(entry) => self.save_one(turn, dataset, value, || {
                        span().in_scope(|| self.bound.save(dataset, entry, value))
                    }),
                    Binding::Unbound | Binding::Ready(_) => Ok(()),
                }
            })?;
        }
        Ok(())
    }

    /// Saves one output by `save`, and tells of it.
    fn save_one(
        &self,
        turn: Turn<'_>,
        dataset: DatasetIndex,
        value: &Value,
        save: impl FnOnce() -> Result<Option<u64>, DatasetError>,
    ) -> Result<(), DatasetError> {
        let Some(moving) = self.moving(dataset) else { return save().map(drop) };
        let tell = |saved| self.tell_saved(Some(moving), turn, dataset, saved);
        match catch_unwind(AssertUnwindSafe(save)) {
            Ok(saved) => {
                let rows = self.bound.codec(dataset).and_then(|codec| codec.rows(value));
                tell(saved.as_ref().map(|bytes| Moved { rows, bytes: *bytes }));
                saved.map(drop)
            }
            Err(payload) => {
                tell(Err(&self.panicked(dataset, Doing::Save, &payload)));
                resume_unwind(payload)
            }
        }
    }

    /// Keeps what somebody will want. It comes last, so that of a node which fails
    /// nothing is kept.
    fn keep(&self, at: NodeIndex, outputs: &mut Vec<Value>) {
        let written = self.bound.pipeline.writes(at);
        if !written.iter().all(|dataset| self.is_kept(*dataset)) {
            return self.keep_some(written, mem::take(outputs));
        }
        for (&dataset, value) in written.iter().zip(outputs.drain(..)) {
            drop(self.state.datasets[dataset as usize].write(value));
        }
    }

    /// As [`keep`](Self::keep), where some are in storage alone. Those go first, since
    /// their `Drop` may panic, and then none is to be kept.
    fn keep_some(&self, written: &[DatasetIndex], outputs: Vec<Value>) {
        let all = written.iter().copied().zip(outputs);
        let (kept, stored): (Vec<_>, Vec<_>) = all.partition(|(dataset, _)| self.is_kept(*dataset));
        for (dataset, value) in stored {
            drop(value);
            // All who would have read it have become unable to meanwhile.
            if !self.state.datasets[dataset as usize].is_unread() && self.is_released(dataset) {
                self.tell_released(dataset);
                self.release_storage(dataset);
            }
        }
        for (dataset, value) in kept {
            drop(self.state.datasets[dataset as usize].write(value));
        }
    }

    /// Whether the run keeps what a node writes there.
    fn is_kept(&self, dataset: DatasetIndex) -> bool {
        match &self.bound.bindings[dataset as usize] {
            // What is registered as memory is kept for the run as well: another
            // run may save its own value there before this one's nodes read.
            Binding::Bound(entry) if entry.is_memory() => {
                !self.bound.pipeline.consumers(dataset).is_empty()
            }
            Binding::Bound(_) => false,
            Binding::Unbound | Binding::Ready(_) => true,
        }
    }
}
