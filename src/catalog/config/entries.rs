//! The entries of a catalog file.

use std::path::Path;

use serde_json::Value as Json;

use super::variables::Variables;
use super::yaml::{self, Content, Key, Node};
use crate::catalog::entry::{Entry, PARAMETER_PREFIX};
use crate::catalog::file::FileDataset;
use crate::catalog::format::{CsvOptions, Format};
use crate::catalog::memory::MemorySlot;
use crate::catalog::stored::StoredDataset;
use crate::catalog::suggest::did_you_mean;

/// A type that an entry may have, and the options it takes besides `type`.
struct EntryType {
    name: &'static str,
    options: &'static [&'static str],
}

const TYPES: &[EntryType] = &[
    EntryType { name: "csv", options: &["path", "delimiter", "missing"] },
    EntryType { name: "json", options: &["path"] },
    EntryType { name: "jsonl", options: &["path"] },
    EntryType { name: "msgpack", options: &["path"] },
    EntryType { name: "text", options: &["path"] },
    EntryType { name: "bytes", options: &["path"] },
    EntryType { name: "memory", options: &[] },
];

/// Reads the entries of a catalog file. Names that begin with an underscore are
/// left out: they are for anchors.
pub(in crate::catalog) fn read_entries(
    path: &Path,
    variables: &Variables,
    problems: &mut Vec<String>,
) -> Vec<(String, Entry)> {
    let entries = match yaml::read_map(path) {
        Ok(entries) => entries,
        Err(problem) => {
            problems.push(problem);
            return Vec::new();
        }
    };
    let entries = entries.iter().filter(|(key, _)| !key.name.starts_with('_'));
    let read = entries.filter_map(|(key, node)| {
        let mut reader = EntryReader { path, variables, name: &key.name, problems };
        let stored = reader.read(key, node)?;
        let origin = Some(format!("{}:{}", path.display(), key.line));
        Some((key.name.clone(), Entry { stored, origin }))
    });
    read.collect()
}

struct EntryReader<'a> {
    path: &'a Path,
    variables: &'a Variables,
    name: &'a str,
    problems: &'a mut Vec<String>,
}

impl EntryReader<'_> {
    fn read(&mut self, key: &Key, node: &Node) -> Option<Box<dyn StoredDataset>> {
        if self.name.starts_with(PARAMETER_PREFIX) {
            self.problem(key.line, "a parameter belongs in the parameters file");
            return None;
        }
        let Content::Map(options) = &node.content else {
            let kind = node.kind();
            self.problem(node.line, &format!("expected a map with a `type`, found {kind}"));
            return None;
        };
        let entry_type = self.entry_type(key, options)?;
        let before = self.problems.len();
        for (option, _) in options {
            let allowed = || ["type"].iter().chain(entry_type.options).copied();
            if !allowed().any(|name| name == option.name) {
                let hint = did_you_mean(&option.name, allowed());
                let names: Vec<_> = allowed().map(|name| format!("`{name}`")).collect();
                let (kind, names) = (entry_type.name, names.join(", "));
                let found = &option.name;
                let what = format!("unknown key `{found}` (type {kind} takes {names}){hint}");
                self.problem(option.line, &what);
            }
        }
        if entry_type.name == "memory" {
            return (self.problems.len() == before).then(|| Box::new(MemorySlot::default()) as _);
        }
        let path = self.path_option(key, options);
        let format = self.format(entry_type.name, options);
        match (path, format) {
            (Some(path), Some(format)) if self.problems.len() == before => {
                Some(Box::new(FileDataset::new(path, format)))
            }
            _ => None,
        }
    }

    fn entry_type(&mut self, key: &Key, options: &[(Key, Node)]) -> Option<&'static EntryType> {
        let known = || TYPES.iter().map(|entry_type| entry_type.name);
        let names = || known().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let Some((_, node)) = options.iter().find(|(key, _)| key.name == "type") else {
            self.problem(key.line, &format!("the `type` is missing (one of {})", names()));
            return None;
        };
        let found = self.text(node, "type")?;
        let entry_type = TYPES.iter().find(|entry_type| entry_type.name == found);
        if entry_type.is_none() {
            let hint = did_you_mean(&found, known());
            let what = format!("unknown type `{found}` (one of {}){hint}", names());
            self.problem(node.line, &what);
        }
        entry_type
    }

    fn path_option(&mut self, key: &Key, options: &[(Key, Node)]) -> Option<String> {
        let Some((_, node)) = options.iter().find(|(key, _)| key.name == "path") else {
            self.problem(key.line, "the `path` is missing");
            return None;
        };
        let path = self.text(node, "path")?;
        if path.is_empty() || path.ends_with('/') {
            self.problem(node.line, &format!("`path` is to name a file, found `{path}`"));
            return None;
        }
        Some(path)
    }

    fn format(&mut self, name: &str, options: &[(Key, Node)]) -> Option<Format> {
        Some(match name {
            "json" => Format::Json,
            "jsonl" => Format::JsonLines,
            "msgpack" => Format::MessagePack,
            "text" => Format::Text,
            "bytes" => Format::Bytes,
            _ => Format::Csv(self.csv_options(options)?),
        })
    }

    fn csv_options(&mut self, options: &[(Key, Node)]) -> Option<CsvOptions> {
        let mut csv = CsvOptions::default();
        for (key, node) in options {
            match key.name.as_str() {
                "delimiter" => {
                    let text = self.text(node, "delimiter")?;
                    let checked = match text.as_bytes() {
                        [delimiter] => {
                            csv = csv.delimiter(*delimiter);
                            csv.check()
                        }
                        _ => Err(format!("`delimiter` is one ASCII character, found `{text}`")),
                    };
                    if let Err(problem) = checked {
                        self.problem(node.line, &problem);
                        return None;
                    }
                }
                "missing" => csv = csv.missing(self.texts(node, "missing")?),
                _ => {}
            }
        }
        Some(csv)
    }

    fn texts(&mut self, node: &Node, option: &str) -> Option<Vec<String>> {
        match &node.content {
            Content::List(items) => items.iter().map(|item| self.text(item, option)).collect(),
            _ => Some(vec![self.text(node, option)?]),
        }
    }

    fn text(&mut self, node: &Node, option: &str) -> Option<String> {
        let Content::Scalar(Json::String(text)) = &node.content else {
            let kind = node.kind();
            self.problem(node.line, &format!("`{option}` is to be text, found {kind}"));
            return None;
        };
        match self.variables.expand(text) {
            Ok(text) => Some(text),
            Err(problem) => {
                self.problem(node.line, &problem);
                None
            }
        }
    }

    fn problem(&mut self, line: usize, what: &str) {
        let (path, name) = (self.path.display(), self.name);
        self.problems.push(format!("{path}:{line}: dataset `{name}`: {what}"));
    }
}
