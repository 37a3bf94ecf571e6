//! One node: its loads, its function, its saves.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::context::RunContext;
use super::error::{FailureKind, NodeFailure, RunError};
use super::inputs::Inputs;
use super::plan::{Binding, Plan};
use super::report::{Fate, NodeReport, Outputs, RunReport};
use super::state::{Held, Outcome, RunState};
use crate::catalog::Value;
use crate::context::{RunId, discard};
use crate::executor::{message_of, place_of};
use crate::pipeline::{NodeIndex, PlannedNode};

/// One execution of a pipeline.
pub(super) struct Run<'a> {
    pub(super) plan: Plan<'a>,
    pub(super) state: RunState,
    pub(super) context: RunContext,
    pub(super) run_id: RunId,
    pub(super) keep_going: bool,
}

/// How far a node came within the current attempt.
enum Attempt {
    Finished(Fate, Option<usize>),
    Waiting,
}

impl Run<'_> {
    /// The nodes that wait for nothing.
    pub(super) fn roots(&self) -> Vec<NodeIndex> {
        let all = 0..self.state.nodes.len() as NodeIndex;
        all.filter(|at| self.state.nodes[*at as usize].is_ready()).collect()
    }

    /// Runs node `at`, and passes the nodes that can be started now to `ready`.
    /// Never panics, whatever the node, its data or its context do.
    pub(super) fn execute(&self, at: NodeIndex, ready: &mut Vec<NodeIndex>) {
        if self.state.is_stopped() {
            return;
        }
        let node = &self.plan.pipeline.nodes()[at as usize];
        let began = self.state.elapsed();
        // Once inside the node's context, so that its panic is filed there, and
        // once around it, for the panics of what the caller's context consists of.
        let attempt = caught(node, || {
            self.context.enter(&node.name, || caught(node, || self.attempt(at, node, ready)))
        });
        let Attempt::Finished(fate, rows) = attempt else { return };
        let state = &self.state.nodes[at as usize];
        let queued = began.saturating_sub(state.ready_at());
        let ran = self.state.elapsed().saturating_sub(began);
        match &fate {
            Fate::Done => self.release_consumers(node, ready),
            Fate::Failed(_) if !self.keep_going => self.state.stop(),
            _ => {}
        }
        state.finish(Outcome { fate, queued, ran, rows });
    }

    fn attempt(&self, at: NodeIndex, node: &PlannedNode, ready: &mut Vec<NodeIndex>) -> Attempt {
        let inputs = match self.inputs(at, ready) {
            Inputs::Ready(inputs) => inputs,
            Inputs::Waiting => return Attempt::Waiting,
            Inputs::Failed(error) => {
                return Attempt::Finished(failed(node, FailureKind::Load(error)), None);
            }
            Inputs::Blocked(by) => {
                let by = self.plan.pipeline.nodes()[by as usize].name.to_string();
                return Attempt::Finished(Fate::Skipped { by }, None);
            }
        };
        let outputs = (node.node.body)(&inputs);
        drop(inputs);
        let outputs = match outputs {
            Ok(outputs) => outputs,
            Err(error) => return Attempt::Finished(failed(node, FailureKind::Error(error)), None),
        };
        let rows = self.rows(node, &outputs);
        match self.store(node, outputs) {
            Ok(()) => {
                tracing::debug!(target: "entourage::run", rows, "node done");
                Attempt::Finished(Fate::Done, rows)
            }
            Err(kind) => Attempt::Finished(failed(node, kind), None),
        }
    }

    fn rows(&self, node: &PlannedNode, outputs: &[Value]) -> Option<usize> {
        let rows = node.outputs.iter().zip(outputs).filter_map(|(&dataset, value)| {
            self.plan.codec(dataset).and_then(|codec| codec.rows(value))
        });
        rows.reduce(|a, b| a + b)
    }

    /// Saves what the catalog keeps, and keeps what somebody will want.
    fn store(&self, node: &PlannedNode, outputs: Vec<Value>) -> Result<(), FailureKind> {
        for (&dataset, value) in node.outputs.iter().zip(outputs) {
            match &self.plan.bindings[dataset as usize] {
                Binding::Bound(entry) => {
                    let name = self.plan.name(dataset);
                    let span = tracing::debug_span!(
                        target: "entourage::run", "save", dataset = %name
                    );
                    let saved = span.in_scope(|| self.plan.save(dataset, entry, &value));
                    saved.map_err(FailureKind::Save)?;
                }
                Binding::Unbound | Binding::Ready(_) => {
                    *self.state.datasets[dataset as usize].held() = Held::Value(value);
                }
            }
        }
        Ok(())
    }

    fn release_consumers(&self, node: &PlannedNode, ready: &mut Vec<NodeIndex>) {
        let now = self.state.elapsed();
        for &dataset in &node.outputs {
            for &consumer in &self.plan.pipeline.datasets()[dataset as usize].consumers {
                let state = &self.state.nodes[consumer as usize];
                if state.producer_done() {
                    state.set_ready(now);
                    ready.push(consumer);
                }
            }
        }
    }

    /// The story of the run, once every thread has left it.
    pub(super) fn conclude(self) -> Result<RunReport, RunError> {
        let took = self.state.elapsed();
        let nodes = self.plan.pipeline.nodes();
        let datasets = self.plan.pipeline.datasets();
        // Which failed node keeps each node from running, if one does.
        let mut blockers: Vec<Option<NodeIndex>> = Vec::with_capacity(nodes.len());
        let mut reports = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let producers = node.inputs.iter().filter_map(|at| datasets[*at as usize].producer);
            let blocker = producers.filter_map(|at| blockers[at as usize]).next();
            let outcome = self.state.nodes[at].take_outcome();
            let report = |fate, queued, ran, rows| {
                let name = node.name.to_string();
                NodeReport { name, fate, queued, ran, rows }
            };
            let (blocks, report) = match (outcome, blocker) {
                (Some(Outcome { fate, queued, ran, rows }), _) => {
                    let blocks = match &fate {
                        Fate::Done => None,
                        _ => Some(at as NodeIndex),
                    };
                    (blocks, report(fate, queued, ran, rows))
                }
                (None, Some(by)) => {
                    let by_name = nodes[by as usize].name.to_string();
                    let fate = Fate::Skipped { by: by_name };
                    (Some(by), report(fate, Default::default(), Default::default(), None))
                }
                (None, None) => {
                    (None, report(Fate::NeverStarted, Default::default(), Default::default(), None))
                }
            };
            blockers.push(blocks);
            reports.push(report);
        }
        let is_complete = reports.iter().all(|node| matches!(node.fate, Fate::Done));
        let mut outputs = Outputs::default();
        for (info, state) in datasets.iter().zip(&self.state.datasets) {
            if let (true, Held::Value(value)) =
                (info.consumers.is_empty(), mem::replace(&mut *state.held(), Held::Released))
            {
                outputs.0.insert(info.slot.name.to_string(), value);
            }
        }
        let report = RunReport { run_id: self.run_id, took, nodes: reports, outputs };
        if is_complete { Ok(report) } else { Err(RunError::failed(report)) }
    }
}

/// Makes a panic of `f` the node's failure.
fn caught(node: &PlannedNode, f: impl FnOnce() -> Attempt) -> Attempt {
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

fn failed(node: &PlannedNode, kind: FailureKind) -> Fate {
    let failure = NodeFailure { node: node.name.to_string(), kind };
    tracing::error!(target: "entourage::run", "{failure}");
    Fate::Failed(failure)
}

fn thread_name() -> String {
    let thread = std::thread::current();
    thread.name().map_or_else(|| format!("{:?}", thread.id()), str::to_owned)
}
