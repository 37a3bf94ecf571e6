//! The parameters file.

use std::path::Path;

use super::yaml::{self, Content, Key, Node};
use crate::catalog::entry::{Entry, PARAMETER_PREFIX, Storage};

/// Reads the parameters: one a key, at every depth, under its dotted path, so
/// that a node may ask for a whole map or for one value in it.
pub(in crate::catalog) fn read_parameters(
    path: &Path,
    problems: &mut Vec<String>,
) -> Vec<(String, Entry)> {
    let mut entries = Vec::new();
    match yaml::read_map(path) {
        Ok(map) => collect(path, "", &map, &mut entries),
        Err(problem) => problems.push(problem),
    }
    entries
}

fn collect(file: &Path, above: &str, map: &[(Key, Node)], entries: &mut Vec<(String, Entry)>) {
    for (key, node) in map {
        let dotted = format!("{above}{}", key.name);
        if let Content::Map(inner) = &node.content {
            collect(file, &format!("{dotted}."), inner, entries);
        }
        let storage = Storage::Parameter(node.to_json());
        let origin = Some(format!("{}:{}", file.display(), key.line));
        entries.push((format!("{PARAMETER_PREFIX}{dotted}"), Entry { storage, origin }));
    }
}
