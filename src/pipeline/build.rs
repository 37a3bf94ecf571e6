//! Nodes into a graph, or everything that is wrong with them.

use super::check;
use super::draft::Draft;
use super::error::{Doing, PipelineError, Problem};
use super::forms::Forms;
use super::graph::Graph;
use super::node::Node;
use super::order;

/// Wires the nodes, and puts them into running order.
pub(super) fn graph_of(nodes: impl IntoIterator<Item = Node>) -> Result<Graph, PipelineError> {
    let mut nameless = Vec::new();
    let draft = Draft::of(nodes, &mut nameless);
    if !draft.fits() {
        return Err(PipelineError::new(Doing::Build, vec![Problem::TooLarge]));
    }
    let wires_of = |draft: &Draft| {
        let forms = draft.has_forms.then(|| Forms::of(&draft.datasets));
        (draft.wires(forms.as_ref()), forms)
    };
    let (wires, forms) = wires_of(&draft);
    let order = order::topological(&draft, &wires);
    let mut problems = Vec::new();
    check::check(&draft, forms.as_ref(), &mut problems);
    if !(nameless.is_empty() && problems.is_empty() && order.circles.is_empty()) {
        let mut problems = nameless;
        check::told(draft, &mut problems);
        return Err(PipelineError::new(Doing::Build, problems));
    }
    let is_in_order = order.order.is_sorted();
    let draft = draft.ordered(&order.order);
    let (wires, forms) = if is_in_order { (wires, forms) } else { wires_of(&draft) };
    let type_of = check::types_of(&draft);
    let Draft { mut nodes, mut reads, mut writes, mut datasets, types, .. } = draft;
    nodes.shrink();
    reads.shrink();
    writes.shrink();
    datasets.shrink();
    Ok(Graph { nodes, reads, writes, datasets, type_of, types, forms, wires })
}
