//! For Mermaid.

use std::fmt::Write;

use super::super::graph::Pipeline;
use super::Drawn;

pub(super) fn mermaid(pipeline: &Pipeline) -> String {
    let mut text = "flowchart TD\n".to_owned();
    for at in pipeline.node_indices() {
        let (id, label) = (Drawn::Node(at), label(pipeline.name_of(at)));
        text += &format!("    {id}[\"{label}\"]\n");
    }
    for at in pipeline.dataset_indices() {
        let (id, known) = (Drawn::Dataset(at), pipeline.slot(at));
        let label = label(known.name);
        text += &match known.is_parameter() {
            true => format!("    {id}{{{{\"{label}\"}}}}\n"),
            false => format!("    {id}([\"{label}\"])\n"),
        };
    }
    for (from, to) in pipeline.edges() {
        let arrow = match (from, to) {
            (Drawn::Dataset(_), Drawn::Dataset(_)) => "-.->",
            _ => "-->",
        };
        text += &format!("    {from} {arrow} {to}\n");
    }
    text
}

/// A name as Mermaid shows it unchanged. Labels are read as Markdown, where
/// `__name__` is bold, `-` a list, and `data@csv.gz` an address: a mark that does
/// not stand between letters or digits goes by its number, and so do `@` and `:`.
fn label(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let is_inner = |at: usize| {
        let is_word = |at: usize| chars.get(at).is_some_and(|c| c.is_alphanumeric());
        at > 0 && is_word(at - 1) && is_word(at + 1)
    };
    let mut label = String::with_capacity(name.len());
    for (at, &c) in chars.iter().enumerate() {
        if c.is_alphanumeric() || matches!(c, '_' | '-' | '.') && is_inner(at) {
            label.push(c);
        } else {
            let _ = write!(label, "#{};", u32::from(c));
        }
    }
    label
}
