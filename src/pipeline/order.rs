//! The order in which nodes can run.

use super::graph::{DatasetInfo, NodeIndex, PlannedNode};

/// Producers before consumers: in groups that depend on earlier ones alone, each
/// in the order of the nodes' places, which is by name.
///
/// # Errors
///
/// The members of a circle, if there is one, the first again at the end.
pub(super) fn topological(
    nodes: &[PlannedNode],
    datasets: &[DatasetInfo],
) -> Result<Vec<NodeIndex>, Vec<NodeIndex>> {
    let mut missing: Vec<u32> =
        nodes.iter().map(|node| producers(node, datasets).count() as u32).collect();
    let is_ready = |at: &NodeIndex| missing[*at as usize] == 0;
    let mut order: Vec<NodeIndex> = (0..nodes.len() as NodeIndex).filter(is_ready).collect();
    let mut group = 0..order.len();
    while !group.is_empty() {
        let mut next = Vec::new();
        for &at in &order[group.clone()] {
            for &dataset in &nodes[at as usize].outputs {
                for &consumer in &datasets[dataset as usize].consumers {
                    missing[consumer as usize] -= 1;
                    if missing[consumer as usize] == 0 {
                        next.push(consumer);
                    }
                }
            }
        }
        next.sort_unstable();
        order.extend(next);
        group = group.end..order.len();
    }
    if order.len() == nodes.len() {
        return Ok(order);
    }
    Err(find_circle(nodes, datasets, &missing))
}

/// Follows producers from a node that is still waiting: it has a producer that
/// is waiting too, so the walk comes back upon itself.
fn find_circle(nodes: &[PlannedNode], datasets: &[DatasetInfo], missing: &[u32]) -> Vec<NodeIndex> {
    let is_waiting = |at: &NodeIndex| missing[*at as usize] > 0;
    let mut at = (0..nodes.len() as NodeIndex).find(is_waiting).unwrap_or(0);
    let mut seen_at = vec![usize::MAX; nodes.len()];
    let mut path = Vec::new();
    while seen_at[at as usize] == usize::MAX {
        seen_at[at as usize] = path.len();
        path.push(at);
        at = producers(&nodes[at as usize], datasets).find(is_waiting).unwrap_or(at);
    }
    let mut circle = path.split_off(seen_at[at as usize]);
    // Told in the direction of the data.
    circle.reverse();
    circle.extend(circle.first().copied());
    circle
}

/// The nodes that write what `node` reads, once for each dataset.
fn producers<'a>(
    node: &'a PlannedNode,
    datasets: &'a [DatasetInfo],
) -> impl Iterator<Item = NodeIndex> + 'a {
    let inputs = node.inputs.iter().enumerate();
    let distinct = inputs.filter(|(at, dataset)| !node.inputs[..*at].contains(dataset));
    distinct.filter_map(|(_, dataset)| datasets[*dataset as usize].producer)
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
