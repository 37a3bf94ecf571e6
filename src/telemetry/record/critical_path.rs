//! What a run had to wait for.

use std::time::Duration;

use super::RunRecord;

/// One node of a critical path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) node: u32,
    /// From the end of the producer before it, or the beginning of the run, until its
    /// last attempt was ready: the attempts that failed, and the pauses after them.
    pub(crate) before: Duration,
    /// How long it was ready before it began.
    pub(crate) queued: Duration,
    /// How long its last attempt took.
    pub(crate) ran: Duration,
}

#[cfg(any(test, feature = "console"))]
impl Step {
    /// What of the path is its own.
    pub(crate) fn took(&self) -> Duration {
        self.before + self.queued + self.ran
    }
}

impl RunRecord {
    /// The chain of nodes, each of which waited for the one before it, that ends
    /// with the node which ended last; in their order. To make the run shorter one
    /// of these has to become quicker, or be begun sooner.
    ///
    /// From each node it goes back to the last of its producers to end: that one
    /// made it ready.
    pub(crate) fn critical_path(&self) -> Vec<Step> {
        let ended = |node: u32| self.last_attempt(node).and_then(|attempt| attempt.ended);
        let all = (0..self.nodes.len() as u32).filter_map(|node| Some((ended(node)?, node)));
        // Of several that end together the first, so that it is always the same.
        let latest = |nodes: &mut dyn Iterator<Item = (Duration, u32)>| {
            nodes.reduce(|a, b| if b.0 > a.0 { b } else { a }).map(|(_, node)| node)
        };
        let mut steps = Vec::new();
        let mut next = latest(&mut all.into_iter());
        while let Some(node) = next {
            let producers = self.graph.needs(node);
            next = latest(&mut producers.filter_map(|node| Some((ended(node)?, node))));
            if let Some(attempt) = self.last_attempt(node) {
                let ready = attempt.began.saturating_sub(attempt.queued);
                let since = next.and_then(ended).unwrap_or_default();
                let (before, ran) = (ready.saturating_sub(since), attempt.ran(self.last));
                steps.push(Step { node, before, queued: attempt.queued, ran });
            }
            // What is read back from a file may go in circles.
            if steps.len() >= self.nodes.len() {
                break;
            }
        }
        steps.reverse();
        steps
    }
}
