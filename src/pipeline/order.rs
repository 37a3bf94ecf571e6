//! The order in which nodes can run.

use std::collections::HashMap;

use super::graph::{DatasetInfo, NodeIndex, PlannedNode};

pub(super) struct Order {
    /// Producers before consumers: in groups that depend on earlier ones alone,
    /// each in the order of the nodes' places, which is by name.
    pub(super) order: Vec<NodeIndex>,
    /// The members of every circle, the first again at the end. Of circles that
    /// share a node, one: the others may be gone with it.
    pub(super) circles: Vec<Vec<NodeIndex>>,
}

pub(super) fn topological(nodes: &[PlannedNode], datasets: &[DatasetInfo]) -> Order {
    let mut missing: Vec<u32> =
        nodes.iter().map(|node| producers(node, datasets).count() as u32).collect();
    let is_ready = |at: &NodeIndex| missing[*at as usize] == 0;
    let mut order: Vec<NodeIndex> = (0..nodes.len() as NodeIndex).filter(is_ready).collect();
    let (mut circles, mut first_waiting) = (Vec::new(), 0);
    let mut group = 0..order.len();
    while order.len() < nodes.len() {
        let mut next = Vec::new();
        for &at in &order[group.clone()] {
            for &dataset in &nodes[at as usize].outputs {
                for &consumer in &datasets[dataset as usize].consumers {
                    let missing = &mut missing[consumer as usize];
                    if *missing == 1 {
                        next.push(consumer);
                    }
                    // Zero already where the consumer is of a circle.
                    *missing = missing.saturating_sub(1);
                }
            }
        }
        if group.is_empty() {
            while missing[first_waiting] == 0 {
                first_waiting += 1;
            }
            // Its members are taken for done, to see what else there is.
            let circle = find_circle(nodes, datasets, &missing, first_waiting as NodeIndex);
            next.extend(&circle[1..]);
            next.iter().for_each(|at| missing[*at as usize] = 0);
            circles.push(circle);
        }
        next.sort_unstable();
        order.extend(next);
        group = group.end..order.len();
    }
    Order { order, circles }
}

/// Follows producers from a node that is still waiting: it has a producer that
/// is waiting too, so the walk comes back upon itself.
fn find_circle(
    nodes: &[PlannedNode],
    datasets: &[DatasetInfo],
    missing: &[u32],
    mut at: NodeIndex,
) -> Vec<NodeIndex> {
    let is_waiting = |at: &NodeIndex| missing[*at as usize] > 0;
    let mut seen_at = HashMap::new();
    let mut path = Vec::new();
    while !seen_at.contains_key(&at) {
        seen_at.insert(at, path.len());
        path.push(at);
        at = producers(&nodes[at as usize], datasets).find(is_waiting).unwrap_or(at);
    }
    let mut circle = path.split_off(seen_at[&at]);
    // Told in the direction of the data, from the first by name on.
    circle.reverse();
    let first = circle.iter().enumerate().min_by_key(|(_, at)| **at).map_or(0, |(first, _)| first);
    circle.rotate_left(first);
    circle.extend(circle.first().copied());
    circle
}

/// The nodes that write what `node` reads, once for each dataset.
fn producers<'a>(
    node: &'a PlannedNode,
    datasets: &'a [DatasetInfo],
) -> impl Iterator<Item = NodeIndex> + 'a {
    node.distinct_inputs().filter_map(|dataset| datasets[dataset as usize].producer)
}

/// Puts the nodes into `order`, and renames them in the datasets.
pub(super) fn apply(
    order: &[NodeIndex],
    nodes: &mut Vec<PlannedNode>,
    datasets: &mut [DatasetInfo],
) {
    let mut place = vec![0; nodes.len()];
    for (new, &old) in order.iter().enumerate() {
        place[old as usize] = new as NodeIndex;
    }
    let mut taken: Vec<Option<PlannedNode>> = std::mem::take(nodes).into_iter().map(Some).collect();
    nodes.extend(order.iter().filter_map(|old| taken[*old as usize].take()));
    for dataset in datasets {
        dataset.producer = dataset.producer.map(|at| place[at as usize]);
        dataset.consumers.iter_mut().for_each(|at| *at = place[*at as usize]);
        dataset.consumers.sort_unstable();
    }
}
