//! For a person.

use super::super::graph::Pipeline;

pub(super) fn text(pipeline: &Pipeline) -> String {
    let groups = pipeline.group_places();
    let count = groups.last().map_or(0, |last| last + 1);
    let group_width = count.to_string().len();
    // One name that is longer than all others does not push everything aside.
    const WIDEST: usize = 40;
    let widths = pipeline.node_names().map(|name| name.chars().count());
    let name_width = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let plural = if pipeline.len() == 1 { "" } else { "s" };
    let mut text = format!("{} node{plural}\n", pipeline.len());
    text += &format!("inputs: {}\n", listed(pipeline.inputs()));
    for (node, group) in pipeline.nodes().zip(groups) {
        let (inputs, outputs) = (listed(node.inputs()), listed(node.outputs()));
        let (number, name) = (group + 1, node.name());
        text += &format!("  {number:>group_width$}  {name:<name_width$}  {inputs} → {outputs}");
        let tags: Vec<_> = node.tags().collect();
        if !tags.is_empty() {
            text += &format!("  [{}]", tags.join(", "));
        }
        text.push('\n');
    }
    text + &format!("outputs: {}\n", listed(pipeline.outputs()))
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 20;
    let mut names = names.fuse();
    let mut told: Vec<_> = names.by_ref().take(MOST).map(str::to_owned).collect();
    match names.count() {
        0 if told.is_empty() => return "none".to_owned(),
        0 => {}
        more => told.push(format!("and {more} more")),
    }
    told.join(", ")
}
