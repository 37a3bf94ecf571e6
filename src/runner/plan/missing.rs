//! Which nodes a run of only what is missing is of.

use super::kept::Kept;
use crate::pipeline::{NodeIndex, Pipeline};

/// Says for each node whether it has to run: because it writes nothing, and so
/// cannot have been done before; because a stored output is not there; or because
/// a node that runs reads what only it can make again.
///
/// Consumers come before their producers here, so that each node knows of all who
/// want something of it: one look at each suffices.
pub(super) fn needed(pipeline: &Pipeline, kept: &[Kept]) -> Vec<bool> {
    let mut runs = vec![false; pipeline.len()];
    for at in pipeline.node_indices().rev() {
        let writes = pipeline.writes(at);
        let is_missing = |dataset: &u32| kept[*dataset as usize] == Kept::Missing;
        runs[at as usize] |= writes.is_empty() || writes.iter().any(is_missing);
        if runs[at as usize] {
            for producer in wanted(pipeline, kept, at) {
                runs[producer as usize] = true;
            }
        }
    }
    runs
}

/// The nodes that have to make something again if node `at` is to run.
fn wanted(pipeline: &Pipeline, kept: &[Kept], at: NodeIndex) -> impl Iterator<Item = NodeIndex> {
    let made = pipeline.reads(at).iter().filter(|dataset| kept[**dataset as usize] != Kept::There);
    made.filter_map(|dataset| pipeline.producer(*dataset))
}
