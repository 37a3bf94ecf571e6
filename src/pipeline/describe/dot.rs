//! For Graphviz.

use super::super::graph::Pipeline;
use super::Drawn;

/// Names go between quotes as they are: neither a quote nor a backslash nor an
/// ampersand can be in one.
pub(super) fn dot(pipeline: &Pipeline) -> String {
    let mut text = "digraph pipeline {\n".to_owned();
    for at in pipeline.node_indices() {
        let (id, name) = (Drawn::Node(at), pipeline.name_of(at));
        text += &format!("    {id} [shape=box, label=\"{name}\"];\n");
    }
    for at in pipeline.dataset_indices() {
        let (id, known) = (Drawn::Dataset(at), pipeline.slot(at));
        let shape = if known.is_parameter() { "hexagon" } else { "ellipse" };
        text += &format!("    {id} [shape={shape}, label=\"{}\"];\n", known.name);
    }
    for (from, to) in pipeline.edges() {
        let style = match (from, to) {
            (Drawn::Dataset(_), Drawn::Dataset(_)) => " [style=dashed]",
            _ => "",
        };
        text += &format!("    {from} -> {to}{style};\n");
    }
    text + "}\n"
}
