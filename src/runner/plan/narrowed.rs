//! A run of part of a pipeline, told as one of the whole.

use std::collections::{HashMap, HashSet};

use super::super::bindings::Bindings;
use super::super::report::{Fate, NodeReport, Outputs};
use super::kept::{self, Kept};
use super::missing::needed;
use crate::context::drop_clean;
use crate::pipeline::Pipeline;

/// What a run of only what is missing leaves out.
pub(in crate::runner) struct Narrowed {
    pub(in crate::runner) whole: Bindings,
    /// One a dataset of the whole.
    pub(super) kept: Vec<Kept>,
    /// One a node of the whole.
    pub(super) runs: Vec<bool>,
}

impl Narrowed {
    /// Looks at what is there. The part that has to run is
    /// [`part`](Self::part).
    ///
    /// # Errors
    ///
    /// Every dataset of which it cannot be found out whether it is there.
    pub(in crate::runner) fn new(whole: Bindings) -> Result<Self, Vec<String>> {
        let kept = kept::look(&whole)?;
        let runs = needed(&whole.pipeline, &kept);
        Ok(Self { whole, kept, runs })
    }

    /// The nodes that have to run.
    pub(in crate::runner) fn part(&self) -> Pipeline {
        self.whole.pipeline.part(|at| self.runs[at as usize])
    }

    /// Puts the nodes that were left out among those that were not.
    pub(in crate::runner) fn all_nodes(&self, ran: Vec<NodeReport>) -> Vec<NodeReport> {
        let mut ran: HashMap<String, NodeReport> =
            ran.into_iter().map(|node| (node.name.clone(), node)).collect();
        let names = self.whole.pipeline.node_names();
        let report = |name: &str| {
            ran.remove(name).unwrap_or_else(|| NodeReport::unrun(name, Fate::UpToDate))
        };
        names.map(report).collect()
    }

    /// Drops what only nodes that were left out would have read: it is no output
    /// of the whole.
    pub(in crate::runner) fn drop_inner(&self, outputs: &mut Outputs) {
        let of_whole: HashSet<&str> = self.whole.pipeline.outputs().collect();
        let all = std::mem::take(&mut outputs.0);
        for (name, value) in all {
            if of_whole.contains(name.as_str()) {
                outputs.0.insert(name, value);
            } else {
                drop_clean(value);
            }
        }
    }
}
