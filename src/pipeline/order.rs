//! The order in which nodes can run.

use std::collections::HashMap;

use super::draft::Draft;
use super::packed::Texts;
use super::wires::Wires;

pub(super) struct Order {
    /// Producers before consumers: in groups that depend on earlier ones alone,
    /// each in the order of the nodes' names.
    pub(super) order: Vec<u32>,
    /// The members of every circle, the first again at the end. Of circles that
    /// share a node, one: the others may be gone with it.
    pub(super) circles: Vec<Vec<u32>>,
}

pub(super) fn topological(draft: &Draft, wires: &Wires) -> Order {
    let nodes = draft.len();
    let mut missing = wires.waits_for().to_vec();
    let mut order: Vec<u32> = Vec::with_capacity(nodes);
    order.extend((0..nodes as u32).filter(|at| missing[*at as usize] == 0));
    sort_by_name(&mut order, &draft.nodes.names);
    let (mut circles, mut first_waiting) = (Vec::new(), 0);
    let mut group = 0..order.len();
    while order.len() < nodes {
        for place in group.clone() {
            for &dependent in wires.dependents(order[place]) {
                let missing = &mut missing[dependent as usize];
                if *missing == 1 {
                    order.push(dependent);
                }
                // Zero already where the dependent is of a circle.
                *missing = missing.saturating_sub(1);
            }
        }
        if group.is_empty() {
            while missing[first_waiting] == 0 {
                first_waiting += 1;
            }
            // Its members are taken for done, to see what else there is.
            let circle = find_circle(draft, wires, &missing, first_waiting as u32);
            order.extend(&circle[1..]);
            circle.iter().for_each(|at| missing[*at as usize] = 0);
            circles.push(circle);
        }
        group = group.end..order.len();
        sort_by_name(&mut order[group.clone()], &draft.nodes.names);
    }
    Order { order, circles }
}

/// Follows producers from a node that is still waiting: it has a producer that
/// is waiting too, so the walk comes back upon itself.
fn find_circle(draft: &Draft, wires: &Wires, missing: &[u32], mut at: u32) -> Vec<u32> {
    let is_waiting = |at: &u32| missing[*at as usize] > 0;
    let mut seen_at = HashMap::new();
    let mut path = Vec::new();
    while !seen_at.contains_key(&at) {
        seen_at.insert(at, path.len());
        path.push(at);
        let mut producers =
            draft.reads.get(at).iter().filter_map(|dataset| wires.producer(*dataset));
        at = producers.find(is_waiting).unwrap_or(at);
    }
    let mut circle = path.split_off(seen_at[&at]);
    // Told in the direction of the data, from the first by name on.
    circle.reverse();
    let name = |at: &u32| draft.nodes.names.get(*at);
    let by_name = |(_, a): &(usize, &u32), (_, b): &(usize, &u32)| name(a).cmp(name(b));
    let first = circle.iter().enumerate().min_by(by_name).map_or(0, |(first, _)| first);
    circle.rotate_left(first);
    circle.extend(circle.first().copied());
    circle
}

/// Sorts nodes by their names.
///
/// Names of one group are often many and alike, `part_000001` to `part_999999`:
/// what all begin with is left out, and what comes next is compared as a number,
/// which is several times as fast as to look each name up again and again.
pub(super) fn sort_by_name(nodes: &mut [u32], names: &Texts) {
    let name = |at: u32| names.get(at).as_bytes();
    let Some((&first, others)) = nodes.split_first().filter(|(_, others)| !others.is_empty())
    else {
        return;
    };
    let common = |a: &[u8], b: &[u8]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let shared = others
        .iter()
        .fold(name(first).len(), |shared, &at| common(&name(first)[..shared], name(at)));
    let key = |at: u32| {
        let mut bytes = [0; 8];
        let rest = &name(at)[shared..];
        let rest = &rest[..rest.len().min(8)];
        bytes[..rest.len()].copy_from_slice(rest);
        u64::from_be_bytes(bytes)
    };
    let mut keyed: Vec<(u64, u32)> = nodes.iter().map(|&at| (key(at), at)).collect();
    // No legal name has a zero in it; for the others, as for the longer ones, the
    // whole name decides among equal keys.
    keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| name(a.1).cmp(name(b.1))));
    nodes.iter_mut().zip(keyed).for_each(|(node, (_, at))| *node = at);
}
