//! Where to begin again after a run that did not come to its end.

use std::fmt;

use super::super::bindings::Bindings;
use super::super::report::{Fate, NodeReport, RunReport};
use super::kept::is_stored;
use super::text::some_of;
use crate::pipeline::{NodeIndex, Pipeline};

/// What is left to do after a run that failed or was cancelled: see
/// [`RunError::resume`](crate::RunError::resume).
///
/// Two forms say it. [`nodes`](Self::nodes) is exact: the nodes that are not
/// done, and of those that are done the ones whose outputs were in memory alone
/// and are needed again. [`from_nodes`](Self::from_nodes) is Kedro's: nodes to
/// begin with, all that come after them included. It is shorter to write, and
/// sometimes runs more: a node whose output has to be made again may have further
/// readers that are done, and these run again with it.
/// [`is_exact`](Self::is_exact) says whether it does not. No other choice of nodes
/// to begin with runs less.
///
/// Both are for a [`Selection`](crate::Selection):
/// `pipeline.select(&Selection::new().nodes(resume.nodes()))`, or the same with
/// `from_nodes`.
///
/// What is stored is taken to be there still. A free output of a node that was
/// done is in the error's report; nothing is run again for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    nodes: Vec<String>,
    from_nodes: Vec<String>,
    is_exact: bool,
    is_whole: bool,
}

impl Resume {
    /// Exactly the nodes that a second run has to be of, in running order.
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// The nodes to begin with if all that come after them are to run too.
    pub fn from_nodes(&self) -> &[String] {
        &self.from_nodes
    }

    /// Whether a run from [`from_nodes`](Self::from_nodes) is of
    /// [`nodes`](Self::nodes) and no other.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// Whether that is the whole pipeline: the run is to be repeated as it was.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }
}

/// As the end of a sentence: what to do.
impl fmt::Display for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_whole {
            return f.write_str("repeat the run");
        }
        let some = |names: &[String]| {
            let nodes = if names.len() == 1 { "node" } else { "nodes" };
            format!("{nodes} {}", some_of(names))
        };
        if self.is_exact {
            return write!(f, "run again from {}", some(&self.from_nodes));
        }
        let (nodes, from) = (some(&self.nodes), some(&self.from_nodes));
        write!(f, "run again {nodes} (or from {from}, and with that others, too)")
    }
}

/// What a run that did not come to its end knows of its nodes: enough to say
/// what is left to do when somebody asks.
pub(in crate::runner) struct Unfinished {
    pipeline: Pipeline,
    /// One a dataset: whether it outlives the run.
    is_stored: Box<[bool]>,
}

impl Unfinished {
    pub(in crate::runner) fn new(bound: &Bindings) -> Self {
        let is_stored = bound.bindings.iter().map(is_stored).collect();
        Self { pipeline: bound.pipeline.clone(), is_stored }
    }

    /// What is left to do; `None` where every node is done.
    pub(in crate::runner) fn resume(&self, report: &RunReport) -> Option<Resume> {
        let is_done = |node: &NodeReport<'_>| matches!(node.fate, Fate::Done | Fate::UpToDate);
        let unfinished: Vec<NodeIndex> = (0..)
            .zip(report.nodes())
            .filter(|(_, node)| !is_done(node))
            .map(|(at, _)| at)
            .collect();
        if unfinished.is_empty() {
            return None;
        }
        let exact = self.closed(&unfinished, false);
        let with_all_after = self.closed(&unfinished, true);
        let count = |set: &[bool]| set.iter().filter(|is_in| **is_in).count();
        let begins = |at: &NodeIndex| {
            let producers = self
                .pipeline
                .reads(*at)
                .iter()
                .filter_map(|dataset| self.pipeline.producer(*dataset));
            with_all_after[*at as usize]
                && !producers.into_iter().any(|producer| with_all_after[producer as usize])
        };
        let all = || self.pipeline.node_indices();
        let names = |at: NodeIndex| self.pipeline.name_of(at).to_string();
        Some(Resume {
            nodes: all().filter(|at| exact[*at as usize]).map(names).collect(),
            from_nodes: all().filter(begins).map(names).collect(),
            is_exact: exact == with_all_after,
            is_whole: count(&exact) == self.pipeline.len(),
        })
    }

    /// The smallest set of nodes around `of` that has, with each node, those that
    /// made in memory what it reads; and, if asked for, all that come after.
    fn closed(&self, of: &[NodeIndex], with_all_after: bool) -> Vec<bool> {
        let mut is_in = vec![false; self.pipeline.len()];
        of.iter().for_each(|at| is_in[*at as usize] = true);
        let mut new = of.to_vec();
        while let Some(at) = new.pop() {
            let in_memory = self
                .pipeline
                .reads(at)
                .iter()
                .filter(|dataset| !self.is_stored[**dataset as usize]);
            let remade = in_memory.filter_map(|dataset| self.pipeline.producer(*dataset));
            let after = self.pipeline.dependents(at).iter().copied().filter(|_| with_all_after);
            new.extend(
                remade.chain(after).filter(|at| !std::mem::replace(&mut is_in[*at as usize], true)),
            );
        }
        is_in
    }
}
