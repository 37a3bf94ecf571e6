//! One node: its loads, its function, its saves.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::bindings::{Binding, Bindings};
use super::context::RunContext;
use super::elsewhere::Elsewhere;
use super::error::{FailureKind, NodeFailure};
use super::inputs::Inputs;
use super::report::Fate;
use super::sinks::Sinks;
use super::state::{Outcome, RunState};
use crate::catalog::Value;
use crate::context::{RunId, discard, drop_clean};
use crate::executor::{message_of, place_of};
use crate::pipeline::{Call, NodeIndex};

/// One execution of a pipeline.
pub(super) struct Run {
    pub(super) bound: Bindings,
    pub(super) state: RunState,
    pub(super) context: RunContext,
    pub(super) run_id: RunId,
    pub(super) keep_going: bool,
    /// Where the nodes run, if it is not here.
    pub(super) elsewhere: Option<Box<dyn Elsewhere>>,
}

/// How far a node came within the current attempt.
pub(super) enum Attempt {
    Finished(Fate, Option<usize>),
    /// It will be started again.
    Waiting,
    /// It cannot run, for want of an input that another node failed to load.
    Blocked,
}

impl Run {
    /// The nodes that wait for nothing. All are found before the first is
    /// started: from then on others become ready, which are started for that.
    pub(super) fn roots(&self) -> Vec<NodeIndex> {
        let all = 0..self.state.nodes.len() as NodeIndex;
        all.filter(|at| self.state.nodes[*at as usize].is_ready()).collect()
    }

    /// Runs node `at`. The nodes that waited for what it loads are passed to
    /// `wake` at once, those that can be started because it is done to `ready`.
    /// Never panics, whatever the node, its data or its context do.
    pub(super) fn execute(
        &self,
        at: NodeIndex,
        wake: &dyn Fn(NodeIndex),
        ready: &mut Vec<NodeIndex>,
    ) {
        if self.state.is_stopped() {
            return;
        }
        let name = self.bound.pipeline.name_of(at);
        let began = self.state.elapsed();
        // Once inside the node's context, so that its panic is filed there, and
        // once around it, for the panics of what the caller's context consists of.
        let attempt =
            caught(name, || self.context.enter(name, || caught(name, || self.attempt(at, wake))));
        let (fate, rows) = match attempt {
            Attempt::Finished(fate, rows) => (fate, rows),
            Attempt::Waiting => return,
            Attempt::Blocked => return self.abandon(at),
        };
        let state = &self.state.nodes[at as usize];
        let queued = began.saturating_sub(state.ready_at());
        let ran = self.state.elapsed().saturating_sub(began);
        match &fate {
            Fate::Done => self.release_consumers(at, ready),
            _ if self.keep_going => self.abandon(at),
            _ => self.state.stop(),
        }
        state.finish(Outcome { fate, queued, ran, rows });
    }

    fn attempt(&self, at: NodeIndex, wake: &dyn Fn(NodeIndex)) -> Attempt {
        let name = self.bound.pipeline.name_of(at);
        let mut inputs = match self.inputs(at, wake) {
            Inputs::Ready(inputs) => inputs,
            Inputs::Waiting => return Attempt::Waiting,
            Inputs::Blocked => return Attempt::Blocked,
            Inputs::Failed(error) => {
                return Attempt::Finished(failed(name, FailureKind::Load(error)), None);
            }
        };
        if let Some(elsewhere) = &self.elsewhere {
            return self.attempt_elsewhere(at, &**elsewhere, inputs);
        }
        let body = self.bound.pipeline.body(at);
        let sinks = Sinks::new(&self.bound, at, body.collectors());
        let mut outputs = Vec::with_capacity(self.bound.pipeline.writes(at).len());
        let call = Call { inputs: &mut inputs, outputs: &mut outputs, sinks: sinks.given() };
        let called = catch_unwind(AssertUnwindSafe(|| body.call(call)));
        // Before the panic goes on: the `Drop` of a value may panic too, and two
        // at once abort.
        drop(inputs);
        let ended = match called {
            Ok(Ok(())) => sinks.end(&mut outputs).map_err(FailureKind::Save),
            Ok(Err(error)) => Err(match sinks.failure() {
                Some(save) => FailureKind::Save(save),
                None => FailureKind::Error(error),
            }),
            Err(payload) => {
                drop(sinks);
                resume_unwind(payload)
            }
        };
        if let Err(kind) = ended {
            return Attempt::Finished(failed(name, kind), None);
        }
        let rows = self.rows(at, &outputs);
        match self.store(at, outputs) {
            Ok(()) => {
                tracing::debug!(target: "entourage::run", rows, "node done");
                Attempt::Finished(Fate::Done, rows)
            }
            Err(kind) => Attempt::Finished(failed(name, kind), None),
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
    pub(super) fn store(&self, at: NodeIndex, outputs: Vec<Value>) -> Result<(), FailureKind> {
        let written = self.bound.pipeline.writes(at);
        for (&dataset, value) in written.iter().zip(&outputs) {
            if let Binding::Bound(entry) = &self.bound.bindings[dataset as usize] {
                let name = self.bound.name(dataset);
                let span = tracing::debug_span!(
                    target: "entourage::run", "save", dataset = %name
                );
                let saved = span.in_scope(|| self.bound.save(dataset, entry, value));
                saved.map_err(FailureKind::Save)?;
            }
        }
        for (&dataset, value) in written.iter().zip(outputs) {
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

    /// Lets go of what node `at` and all that wait for it would have read.
    #[cold]
    fn abandon(&self, at: NodeIndex) {
        self.let_go(at, drop_clean);
        let mut abandoned = vec![at];
        while let Some(at) = abandoned.pop() {
            let dependents = self.bound.pipeline.dependents(at);
            abandoned.extend(dependents.filter(|at| self.let_go(*at, drop_clean)));
        }
    }

    fn release_consumers(&self, at: NodeIndex, ready: &mut Vec<NodeIndex>) {
        let now = self.state.elapsed();
        for dependent in self.bound.pipeline.dependents(at) {
            let state = &self.state.nodes[dependent as usize];
            if state.producer_done() {
                state.set_ready(now);
                ready.push(dependent);
            }
        }
    }
}

/// Makes a panic of `f` the node's failure.
fn caught(node: &str, f: impl FnOnce() -> Attempt) -> Attempt {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        let kind = FailureKind::Panic {
            message: message_of(&*payload),
            place: place_of(&*payload),
            thread: thread_name(),
        };
        discard(payload);
        Attempt::Finished(failed(node, kind), None)
    })
}

pub(super) fn failed(node: &str, kind: FailureKind) -> Fate {
    let failure = NodeFailure { node: node.to_owned(), kind };
    tracing::error!(target: "entourage::run", "{failure}");
    Fate::Failed(failure)
}

fn thread_name() -> String {
    let thread = std::thread::current();
    thread.name().map_or_else(|| format!("{:?}", thread.id()), str::to_owned)
}
