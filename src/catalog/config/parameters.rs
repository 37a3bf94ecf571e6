//! The parameters file.

use std::path::Path;

use super::yaml::{Content, Key, Node, Source};
use crate::catalog::entry::PARAMETER_PREFIX;
use crate::catalog::parameters::Parameters;

/// Reads the parameters, at every depth, so that a node may ask for a whole map
/// or for one value in it. Keys at the top that begin with an underscore are left
/// out: they are for anchors.
pub(in crate::catalog) fn read_parameters(
    source: &Source,
    parameters: &mut Parameters,
    problems: &mut Vec<String>,
) {
    match source.read_map() {
        Ok(map) => {
            let mut file = File { path: source.path(), parameters, problems };
            for (key, node) in map.iter().filter(|(key, _)| !key.name.starts_with('_')) {
                if file.note("", key, node) {
                    file.parameters.add(key.name.clone(), node.to_json());
                }
            }
        }
        Err(problem) => problems.push(problem),
    }
}

struct File<'a> {
    path: &'a Path,
    parameters: &'a mut Parameters,
    problems: &'a mut Vec<String>,
}

impl File<'_> {
    /// Notes the lines of a parameter and of what is in it; whether it is new.
    fn note(&mut self, above: &str, key: &Key, node: &Node) -> bool {
        let path = format!("{above}{}", key.name);
        let origin = format!("{}:{}", self.path.display(), key.line);
        if let Err(first) = self.parameters.note(&path, &origin) {
            let name = format!("{PARAMETER_PREFIX}{path}");
            self.problems.push(format!("`{name}` is bound twice: in {first} and in {origin}"));
            return false;
        }
        if let Content::Map(inner) = &node.content {
            for (key, node) in inner {
                self.note(&format!("{path}."), key, node);
            }
        }
        true
    }
}
