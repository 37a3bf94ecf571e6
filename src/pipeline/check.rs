//! Nodes into a graph, or everything that is wrong with them.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::{PipelineError, Problem};
use super::graph::{DatasetIndex, DatasetInfo, NodeIndex, PlannedNode};
use super::names::is_word;
use super::node::{Node, Slot};
use super::order::{self, Order};
use crate::catalog::PARAMETER_PREFIX;

/// Wires the nodes, and puts them into running order.
pub(super) fn wired(
    nodes: impl IntoIterator<Item = Node>,
) -> Result<(Vec<PlannedNode>, Vec<DatasetInfo>), PipelineError> {
    let mut problems = Vec::new();
    let mut named = name_all(nodes, &mut problems);
    named.sort_by(|a, b| a.1.cmp(&b.1));
    find_duplicates(&named, &mut problems);
    let mut wiring = Wiring::default();
    for (at, (node, name)) in named.into_iter().enumerate() {
        wiring.add(at as NodeIndex, node, name, &mut problems);
    }
    let Wiring { mut nodes, mut datasets, .. } = wiring;
    let Order { order, circles } = order::topological(&nodes, &datasets);
    for circle in circles {
        let nodes = circle.iter().map(|at| nodes[*at as usize].name.to_string()).collect();
        problems.push(Problem::Cycle { nodes });
    }
    if !problems.is_empty() {
        return Err(PipelineError { problems });
    }
    order::apply(&order, &mut nodes, &mut datasets);
    Ok((nodes, datasets))
}

/// Finds every node's name.
fn name_all(
    nodes: impl IntoIterator<Item = Node>,
    problems: &mut Vec<Problem>,
) -> Vec<(Node, Arc<str>)> {
    let mut named = Vec::new();
    for node in nodes {
        let Some(name) = node.name.clone() else {
            problems.push(Problem::NoName { function: node.function });
            continue;
        };
        if !is_word(&name) {
            problems.push(Problem::BadName { what: "node", name: name.to_string() });
        }
        for tag in node.tags.iter().filter(|tag| !is_word(tag)) {
            problems.push(Problem::BadName { what: "tag", name: tag.clone() });
        }
        named.push((node, name));
    }
    named
}

/// Finds the names, now sorted, that several nodes have.
fn find_duplicates(named: &[(Node, Arc<str>)], problems: &mut Vec<Problem>) {
    let same = named.chunk_by(|a, b| a.1 == b.1).filter(|same| same.len() > 1);
    problems.extend(same.map(|same| Problem::DuplicateNode {
        name: same[0].1.to_string(),
        count: same.len(),
        is_default: same.iter().all(|(node, _)| !node.has_own_name),
    }));
}

/// The graph while nodes are added to it.
#[derive(Default)]
struct Wiring {
    nodes: Vec<PlannedNode>,
    datasets: Vec<DatasetInfo>,
    by_name: HashMap<Arc<str>, DatasetIndex>,
    /// The node that gave each dataset its slot.
    slot_from: Vec<NodeIndex>,
}

impl Wiring {
    fn add(&mut self, at: NodeIndex, node: Node, name: Arc<str>, problems: &mut Vec<Problem>) {
        if node.inputs.is_empty() && node.outputs.is_empty() {
            problems.push(Problem::Idle { node: name.to_string() });
        }
        let resolve = |slot| self.resolve(at, &name, slot, problems);
        let inputs: Box<[_]> = node.inputs.iter().map(resolve).collect();
        for &dataset in &inputs {
            let consumers = &mut self.datasets[dataset as usize].consumers;
            if consumers.last() != Some(&at) {
                consumers.push(at);
            }
        }
        // An output that cannot be is left out, so that the rest can be looked
        // at all the same.
        let mut outputs = Vec::with_capacity(node.outputs.len());
        for slot in &node.outputs {
            let dataset = self.resolve(at, &name, slot, problems);
            if let Some(problem) = self.output_problem(at, &name, dataset, &inputs, &outputs) {
                problems.push(problem);
            } else {
                self.datasets[dataset as usize].producer = Some(at);
                outputs.push(dataset);
            }
        }
        self.nodes.push(PlannedNode { node, name, inputs, outputs: outputs.into() });
    }

    /// Why node `at` cannot write `dataset`, if it cannot.
    fn output_problem(
        &self,
        at: NodeIndex,
        node: &str,
        dataset: DatasetIndex,
        inputs: &[DatasetIndex],
        outputs: &[DatasetIndex],
    ) -> Option<Problem> {
        let info = &self.datasets[dataset as usize];
        let (node, name) = (node.to_owned(), info.slot.name.to_string());
        if outputs.contains(&dataset) {
            return Some(Problem::OutputTwice { node, dataset: name });
        }
        if inputs.contains(&dataset) {
            return Some(Problem::OwnInput { node, dataset: name });
        }
        if info.slot.is_parameter() {
            return Some(Problem::WritesParameter { node, dataset: name });
        }
        let first = info.producer.filter(|first| *first != at)?;
        let first = self.nodes[first as usize].name.to_string();
        Some(Problem::TwoProducers { dataset: name, first, second: node })
    }

    /// Finds the dataset that `slot` names, and makes it if it is new.
    fn resolve(
        &mut self,
        at: NodeIndex,
        node: &Arc<str>,
        slot: &Slot,
        problems: &mut Vec<Problem>,
    ) -> DatasetIndex {
        let Some(&dataset) = self.by_name.get(&slot.name) else {
            let bare = slot.name.strip_prefix(PARAMETER_PREFIX).unwrap_or(&slot.name);
            if !is_word(bare) {
                let name = slot.name.to_string();
                problems.push(Problem::BadName { what: "dataset", name });
            }
            let dataset = self.datasets.len() as DatasetIndex;
            self.by_name.insert(slot.name.clone(), dataset);
            let slot = slot.clone();
            self.datasets.push(DatasetInfo { slot, producer: None, consumers: Vec::new() });
            self.slot_from.push(at);
            return dataset;
        };
        let known = &mut self.datasets[dataset as usize].slot;
        let from = &mut self.slot_from[dataset as usize];
        let (name, second) = (slot.name.to_string(), node.to_string());
        // The node itself is not among the nodes yet.
        let first = self.nodes.get(*from as usize).map_or(node, |first| &first.name).to_string();
        if known.type_id != slot.type_id {
            let (first_type, second_type) = (known.type_name, slot.type_name);
            let dataset = name;
            problems.push(Problem::TypeMismatch {
                dataset,
                first,
                first_type,
                second,
                second_type,
            });
        } else if let (Some(first_family), Some(second_family)) = (known.family(), slot.family()) {
            if first_family != second_family {
                problems.push(Problem::FamilyMismatch {
                    dataset: name,
                    first,
                    first_family,
                    second,
                    second_family,
                });
            }
        } else if slot.codec.is_some() {
            (*known, *from) = (slot.clone(), at);
        }
        dataset
    }
}
