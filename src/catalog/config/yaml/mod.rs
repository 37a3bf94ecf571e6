//! YAML with a line for every value and every key.

mod load;
mod node;

use std::path::Path;

pub(in crate::catalog) use node::{Content, Key, Node};

/// Reads a file that holds one map, or nothing.
///
/// # Errors
///
/// One sentence, with the file and where possible the line.
pub(super) fn read_map(path: &Path) -> Result<Vec<(Key, Node)>, String> {
    let file = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?;
    map_of(&text).map_err(|error| format!("{file}:{error}"))
}

/// The map that `text` holds; what is wrong begins with the line.
fn map_of(text: &str) -> Result<Vec<(Key, Node)>, String> {
    let Some(root) = load::load(text).map_err(|error| error.to_string())? else {
        return Ok(Vec::new());
    };
    match root.content {
        Content::Map(entries) => Ok(entries),
        Content::Scalar(serde_json::Value::Null) => Ok(Vec::new()),
        _ => Err(format!("{}: expected a map of names, found {}", root.line, root.kind())),
    }
}
