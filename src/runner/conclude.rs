//! The end of a run: every node's fate, and what came out.

use std::mem;

use super::error::RunError;
use super::execute::Run;
use super::plan::Unfinished;
use super::report::{Fate, NodeReport, Outputs, RunReport};
use super::state::{Held, Outcome};
use crate::context::drop_clean;
use crate::pipeline::NodeIndex;

impl Run {
    /// The story of the run, once every thread has left it.
    pub(super) fn conclude(self) -> Result<RunReport, RunError> {
        let took = self.state.elapsed();
        let mut nodes = self.fates();
        let is_complete = nodes.iter().all(|node| matches!(node.fate, Fate::Done));
        let mut outputs = self.outputs();
        let mut whole = &self.bound;
        if let Some(narrowed) = &self.bound.narrowed {
            nodes = narrowed.all_nodes(nodes);
            narrowed.drop_inner(&mut outputs);
            whole = &narrowed.whole;
        }
        let unfinished = (!is_complete).then(|| Unfinished::new(whole));
        let report = RunReport { run_id: self.run_id, took, nodes, outputs };
        match unfinished {
            None => Ok(report),
            Some(unfinished) => Err(RunError::failed(report, unfinished)),
        }
    }

    fn fates(&self) -> Vec<NodeReport> {
        let pipeline = &self.bound.pipeline;
        // Which failed node keeps each node from having run, if one does: by the
        // order of the inputs, not of the failures, so that it is always the same.
        let mut blockers: Vec<Option<NodeIndex>> = Vec::with_capacity(pipeline.len());
        let mut reports = Vec::with_capacity(pipeline.len());
        for at in pipeline.node_indices() {
            let name = pipeline.name_of(at).to_string();
            let unrun = |fate| Outcome { fate, ..Outcome::default() };
            let (outcome, blocker) = match self.state.nodes[at as usize].take_outcome() {
                Some(outcome) => {
                    let is_done = matches!(outcome.fate, Fate::Done);
                    (outcome, (!is_done).then_some(at))
                }
                None => match self.blocker(at, &blockers) {
                    Some(by) => {
                        let fate = Fate::Skipped { by: pipeline.name_of(by).to_string() };
                        (unrun(fate), Some(by))
                    }
                    None => (unrun(Fate::NeverStarted), None),
                },
            };
            let Outcome { fate, queued, ran, rows } = outcome;
            reports.push(NodeReport { name, fate, queued, ran, rows });
            blockers.push(blocker);
        }
        reports
    }

    fn blocker(&self, at: NodeIndex, blockers: &[Option<NodeIndex>]) -> Option<NodeIndex> {
        self.bound.pipeline.reads(at).iter().find_map(|&dataset| {
            let producer = self.bound.pipeline.producer(dataset);
            let by_producer = producer.and_then(|producer| blockers[producer as usize]);
            by_producer.or(match *self.state.datasets[dataset as usize].held() {
                Held::Failed(by) => Some(by),
                _ => None,
            })
        })
    }

    /// The free outputs. What else a failed run has left is dropped.
    fn outputs(&self) -> Outputs {
        let mut outputs = Outputs::default();
        let pipeline = &self.bound.pipeline;
        for (dataset, state) in pipeline.dataset_indices().zip(&self.state.datasets) {
            let held = mem::replace(&mut *state.held(), Held::Released);
            let Held::Value(value) = held else { continue };
            if pipeline.consumers(dataset).is_empty() {
                outputs.0.insert(pipeline.slot(dataset).name.to_string(), value);
            } else {
                drop_clean(value);
            }
        }
        outputs
    }
}
