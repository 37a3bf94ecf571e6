//! The end of a run: every node's fate, and what came out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem;

use super::error::RunError;
use super::execute::Run;
use super::finals::stored;
use super::outputs::Outputs;
use super::plan::{Narrowed, Unfinished};
use super::report::RunReport;
use super::state::Stage;
use crate::context::drop_clean;
use crate::pipeline::{DatasetIndex, NodeIndex};

impl Run {
    /// The story of the run, once no node of it is under way; told to its hooks.
    pub(super) fn conclude(&self) -> Result<RunReport, RunError> {
        let outcome = match &self.hooks {
            Some(hooks) if !self.is_part => hooks.end(&self.context, self.story()),
            _ => self.story(),
        };
        self.tell_end(&outcome);
        outcome
    }

    fn story(&self) -> Result<RunReport, RunError> {
        let took = self.state.elapsed();
        // Nothing may begin any more: not a node that was waiting for a load which
        // took too long, either.
        self.state.stop();
        // Asked first: the run ends to listen.
        let is_interrupted = self.control.as_ref().is_some_and(|control| control.is_interrupted());
        let tries = self.control.as_ref().map(|control| self.end_control(control));
        let is_complete = self.state.nodes.iter().all(|node| node.stage() == Stage::Done);
        let failures = mem::take(&mut *self.state.failures.lock());
        let narrowed = self.bound.narrowed.as_deref();
        let whole = narrowed.map(Narrowed::places);
        let all = narrowed.map_or(&self.bound, |narrowed| &narrowed.whole);
        let report = RunReport {
            run_id: self.run_id.clone(),
            took,
            pipeline: self.bound.pipeline.clone(),
            nodes: self.state.nodes.clone(),
            failures: BTreeMap::from_iter(failures),
            skipped: if is_complete { HashMap::new() } else { self.skipped() },
            tries: tries.unwrap_or_default(),
            outputs: self.outputs(),
            stored: stored(all, whole.as_ref(), &self.state.nodes),
            whole,
        };
        if is_complete && !is_interrupted {
            return Ok(report);
        }
        let unfinished = Unfinished::new(all);
        match &self.control {
            Some(control) if control.is_cancelled() || is_interrupted => {
                Err(RunError::cancelled(report, unfinished))
            }
            _ => Err(RunError::failed(report, unfinished)),
        }
    }

    /// The nodes that could not run, each with the failed one that kept it from
    /// running: by the order of the inputs, not of the failures, so that it is
    /// always the same.
    fn skipped(&self) -> HashMap<NodeIndex, NodeIndex> {
        let mut skipped = HashMap::new();
        for at in self.bound.pipeline.node_indices() {
            if self.state.nodes[at as usize].stage() == Stage::Unfinished
                && let Some(by) = self.blocker(at, &skipped)
            {
                skipped.insert(at, by);
            }
        }
        skipped
    }

    fn blocker(&self, at: NodeIndex, skipped: &HashMap<NodeIndex, NodeIndex>) -> Option<NodeIndex> {
        self.bound.pipeline.reads(at).iter().find_map(|&dataset| {
            let by_producer = self.bound.pipeline.producer(dataset).and_then(|producer| {
                let is_failed = self.state.nodes[producer as usize].stage() == Stage::Failed;
                if is_failed { Some(producer) } else { skipped.get(&producer).copied() }
            });
            by_producer.or_else(|| self.state.datasets[dataset as usize].failed_in())
        })
    }

    /// The free outputs. What else a failed run has left is dropped.
    fn outputs(&self) -> Outputs {
        let pipeline = &self.bound.pipeline;
        // What only nodes that were left out would have read is no output of the
        // whole.
        let narrowed = self.bound.narrowed.as_deref();
        let of_whole: Option<HashSet<&str>> =
            narrowed.map(|narrowed| narrowed.whole.pipeline.outputs().collect());
        let is_output = |dataset: DatasetIndex| match &of_whole {
            None => pipeline.consumers(dataset).is_empty(),
            Some(of_whole) => of_whole.contains(pipeline.slot(dataset).name),
        };
        let mut outputs = Vec::new();
        for dataset in pipeline.dataset_indices() {
            if self.state.datasets[dataset as usize].is_unread() {
                self.release(dataset);
            }
            let Some(value) = self.state.datasets[dataset as usize].take() else { continue };
            if is_output(dataset) {
                outputs.push((dataset, value));
            } else {
                drop_clean(value);
            }
        }
        Outputs::new(outputs)
    }
}
