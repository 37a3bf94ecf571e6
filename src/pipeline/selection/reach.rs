//! What can be reached from nodes, along the data or against it. Nothing here
//! calls itself: a chain may be a million nodes long.

use super::super::graph::{NodeIndex, Pipeline};

/// The nodes, and no others.
pub(super) fn alone(pipeline: &Pipeline, nodes: Vec<NodeIndex>) -> Vec<bool> {
    let mut passes = vec![false; pipeline.len()];
    nodes.into_iter().for_each(|at| passes[at as usize] = true);
    passes
}

/// The nodes, and all that wait for them.
pub(super) fn downstream(pipeline: &Pipeline, nodes: Vec<NodeIndex>) -> Vec<bool> {
    // In running order one pass reaches everything.
    let mut passes = alone(pipeline, nodes);
    for at in pipeline.node_indices() {
        if passes[at as usize] {
            pipeline.dependents(at).iter().for_each(|at| passes[*at as usize] = true);
        }
    }
    passes
}

/// The nodes, and all that they wait for.
pub(super) fn upstream(pipeline: &Pipeline, nodes: Vec<NodeIndex>) -> Vec<bool> {
    let mut passes = alone(pipeline, nodes);
    for at in pipeline.node_indices().rev() {
        if passes[at as usize] {
            let producers = pipeline.reads(at).iter().filter_map(|at| pipeline.producer(*at));
            producers.for_each(|producer| passes[producer as usize] = true);
        }
    }
    passes
}
