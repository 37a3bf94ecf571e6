//! From the options of an entry to the dataset that they describe.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::credentials::{CREDENTIALS, Credentials};
use super::yaml::{Content, Key, Node};
use crate::catalog::cached::Cached;
use crate::catalog::entry::{PARAMETER_PREFIX, PARAMETERS};
use crate::catalog::file::FileDataset;
use crate::catalog::format::{CsvOptions, Format};
use crate::catalog::memory::MemorySlot;
use crate::catalog::place::Stores;
use crate::catalog::secret::Secrets;
use crate::catalog::stored::StoredDataset;
use crate::catalog::suggest::did_you_mean;
use crate::catalog::types::DatasetType;

/// A type that an entry may have, and the options it takes besides `type`.
struct EntryType {
    name: &'static str,
    options: &'static [&'static str],
}

const FILE: [&str; 4] = ["path", "versioned", "storage_options", CREDENTIALS];
const CSV: [&str; 6] = [FILE[0], FILE[1], "delimiter", "missing", FILE[2], FILE[3]];

const TYPES: &[EntryType] = &[
    EntryType { name: "csv", options: &CSV },
    EntryType { name: "json", options: &FILE },
    EntryType { name: "jsonl", options: &FILE },
    EntryType { name: "msgpack", options: &FILE },
    #[cfg(feature = "polars")]
    EntryType { name: "parquet", options: &FILE },
    #[cfg(feature = "polars")]
    EntryType { name: "arrow", options: &FILE },
    EntryType { name: "text", options: &FILE },
    EntryType { name: "bytes", options: &FILE },
    EntryType { name: "memory", options: &[] },
    EntryType { name: "cached", options: &["dataset"] },
];

/// Types that a feature brings, where it is off.
const FEATURES: &[(&str, &str)] = &[
    #[cfg(not(feature = "polars"))]
    ("parquet", "polars"),
    #[cfg(not(feature = "polars"))]
    ("arrow", "polars"),
];

/// What others call the types.
const ALIASES: &[(&str, &str)] = &[
    ("jsonlines", "jsonl"),
    ("json_lines", "jsonl"),
    ("ndjson", "jsonl"),
    ("messagepack", "msgpack"),
    ("feather", "arrow"),
    ("ipc", "arrow"),
    ("txt", "text"),
    ("binary", "bytes"),
];

/// What datasets are made with.
#[derive(Default)]
pub(in crate::catalog) struct Makers {
    pub(in crate::catalog) credentials: Credentials,
    /// The user's own types, by name.
    pub(in crate::catalog) types: BTreeMap<String, Arc<dyn DatasetType>>,
    pub(in crate::catalog) stores: Stores,
}

impl Makers {
    /// Whether a type comes with the crate.
    pub(in crate::catalog) fn is_built_in(name: &str) -> bool {
        TYPES.iter().any(|known| known.name == name)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        TYPES.iter().map(|known| known.name).chain(self.types.keys().map(String::as_str))
    }
}

pub(super) struct EntryReader<'a> {
    makers: &'a Makers,
    /// How a line and what is wrong there become a problem.
    problem: &'a dyn Fn(usize, &str) -> String,
    problems: Vec<String>,
    secrets: Secrets,
    /// Whether texts may have placeholders that are not filled yet.
    is_draft: bool,
}

type Stored = Box<dyn StoredDataset>;
type Options = [(Key, Node)];

impl<'a> EntryReader<'a> {
    pub(super) fn new(
        makers: &'a Makers,
        problem: &'a dyn Fn(usize, &str) -> String,
        is_draft: bool,
    ) -> Self {
        let (problems, secrets) = (Vec::new(), Secrets::default());
        Self { makers, problem, problems, secrets, is_draft }
    }

    /// What was wrong, and what is secret.
    pub(super) fn end(self) -> (Vec<String>, Secrets) {
        (self.problems, self.secrets)
    }

    /// Reads the entry whose name stands in `line`.
    pub(super) fn read(&mut self, line: usize, mut node: Node) -> Option<Stored> {
        let is_draft = self.is_draft;
        let is_open = |text: &str| is_draft && text.contains('{');
        let Self { makers, problem, problems, secrets, .. } = self;
        makers.credentials.substitute(&mut node, &is_open, secrets, &mut |line, what| {
            problems.push(problem(line, &what));
        });
        self.dataset(line, &node)
    }

    fn dataset(&mut self, line: usize, node: &Node) -> Option<Stored> {
        let Content::Map(options) = &node.content else {
            let kind = node.kind();
            self.problem(node.line, &format!("expected a map with a `type`, found {kind}"));
            return None;
        };
        let kind = self.kind(line, options)?;
        let Some(entry_type) = TYPES.iter().find(|known| known.name == kind) else {
            let dataset_type = self.makers.types.get(&kind)?;
            return self.own(line, &kind, &**dataset_type, node, options);
        };
        let before = self.problems.len();
        self.check_names(entry_type, options);
        let stored = match entry_type.name {
            "memory" => Some(Box::new(MemorySlot::default()) as Stored),
            "cached" => self.cached(line, options),
            _ => self.file(line, entry_type.name, options),
        };
        stored.filter(|_| self.problems.len() == before)
    }

    fn kind(&mut self, line: usize, options: &Options) -> Option<String> {
        let makers = self.makers;
        let names =
            || makers.names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let Some((_, node)) = options.iter().find(|(key, _)| key.name == "type") else {
            self.problem(line, &format!("the `type` is missing (one of {})", names()));
            return None;
        };
        let found = self.text(node, "type").filter(|_| !self.is_open(node))?;
        if !makers.names().any(|name| name == found) {
            if let Some((_, feature)) = FEATURES.iter().find(|(kind, _)| *kind == found) {
                let what = format!("the type `{found}` needs the crate's feature `{feature}`");
                self.problem(node.line, &what);
                return None;
            }
            let lower = found.to_lowercase();
            let alias = ALIASES.iter().find(|(alias, _)| *alias == lower);
            let meant = alias.map_or(&*lower, |(_, name)| name);
            let hint = match makers.names().find(|name| *name == meant) {
                Some(name) => format!("; did you mean `{name}`?"),
                None => did_you_mean(&found, makers.names()),
            };
            self.problem(node.line, &format!("unknown type `{found}` (one of {}){hint}", names()));
            return None;
        }
        Some(found)
    }

    fn check_names(&mut self, entry_type: &EntryType, options: &Options) {
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
    }

    fn own(
        &mut self,
        line: usize,
        kind: &str,
        dataset_type: &dyn DatasetType,
        node: &Node,
        options: &Options,
    ) -> Option<Stored> {
        let values = options.iter().filter(|(key, _)| key.name != "type");
        let values = values.map(|(key, node)| (key.name.clone(), node.to_json()));
        let values = Json::Object(values.collect::<Map<_, _>>());
        let made = match self.is_draft || !self.problems.is_empty() {
            true => Err(dataset_type.check(values)),
            false => dataset_type.make(kind, values),
        };
        let (mut problems, mut is_cut) = (Vec::new(), false);
        for problem in made.as_ref().err().into_iter().flatten() {
            let (at, found) = node.find(problem.path.iter().map(String::as_str));
            match found.is_some_and(|found| self.is_open(found)) {
                true => is_cut = true,
                false => problems.push((at.unwrap_or(line), problem.told(found))),
            }
        }
        if is_cut {
            // What is not known has ended the reading: the rest is read before it.
            let values = options.iter().filter(|(key, _)| key.name != "type");
            let (open, rest): (Vec<_>, Vec<_>) = values.partition(|(_, node)| self.has_open(node));
            let ordered = rest.into_iter().chain(open);
            let ordered = ordered.map(|(key, node)| (key.name.clone(), node.to_json())).collect();
            for problem in dataset_type.check_in_order(ordered) {
                let (at, found) = node.find(problem.path.iter().map(String::as_str));
                let is_open = |found| self.has_open(found);
                if let Some(at) = at.filter(|_| !found.is_none_or(is_open)) {
                    problems.push((at, problem.told(found)));
                }
            }
        }
        problems.sort();
        problems.dedup();
        problems.iter().for_each(|(line, what)| self.problem(*line, what));
        made.ok()
    }

    fn cached(&mut self, line: usize, options: &Options) -> Option<Stored> {
        let Some((key, node)) = options.iter().find(|(key, _)| key.name == "dataset") else {
            self.problem(line, "the `dataset` is missing: a map with the `type` of what is cached");
            return None;
        };
        Some(Box::new(Cached::new(self.dataset(key.line, node)?)))
    }

    fn file(&mut self, line: usize, kind: &str, options: &Options) -> Option<Stored> {
        let path = self.path(line, options);
        let format = self.format(kind, options);
        let is_versioned = self.is_versioned(options);
        let storage_options = self.storage_options(options);
        let file = FileDataset::new(path?, format?).storage_options(storage_options?);
        let file = if is_versioned? { file.versioned() } else { file };
        let is_path = |option: &&(Key, Node)| option.0.name == "path";
        let path = options.iter().find(is_path).map(|(_, node)| node);
        self.located(path.map_or(line, |path| path.line), file)
    }

    fn located(&mut self, line: usize, mut file: FileDataset) -> Option<Stored> {
        let stores = &self.makers.stores;
        let open = file.path().to_str().and_then(|path| path.find('{'));
        let located = match open.filter(|_| self.is_draft) {
            Some(end) => file.check_start(end, stores),
            None => file.locate(stores),
        };
        match located {
            Ok(()) => Some(Box::new(file)),
            Err(problem) => {
                self.problem(line, &problem);
                None
            }
        }
    }

    /// What the store of a file is to be told: its options, and credentials.
    fn storage_options(&mut self, options: &Options) -> Option<Vec<(String, String)>> {
        let mut found = Vec::new();
        for (key, node) in options {
            if key.name == "storage_options" || key.name == CREDENTIALS {
                self.add_storage_options(key, node, &mut found)?;
            }
        }
        Some(found)
    }

    fn add_storage_options(
        &mut self,
        key: &Key,
        node: &Node,
        found: &mut Vec<(String, String)>,
    ) -> Option<()> {
        let Content::Map(inner) = &node.content else {
            // In the draft of a pattern credentials may be not known yet.
            if !self.is_open(node) {
                self.problem(node.line, &format!("`{}` is to be a map", key.name));
            }
            return self.is_open(node).then_some(());
        };
        for (key, node) in inner {
            if key.name == CREDENTIALS {
                self.add_storage_options(key, node, found)?;
            } else {
                found.push((key.name.clone(), self.storage_option(&key.name, node)?));
            }
        }
        Some(())
    }

    fn storage_option(&mut self, name: &str, node: &Node) -> Option<String> {
        match &node.content {
            Content::Scalar(Json::String(text)) => Some(text.clone()),
            Content::Scalar(scalar @ (Json::Number(_) | Json::Bool(_))) => Some(scalar.to_string()),
            _ => {
                // What it is may be secret.
                self.problem(node.line, &format!("`{name}` is to be text, a number or a truth"));
                None
            }
        }
    }

    fn is_versioned(&mut self, options: &Options) -> Option<bool> {
        let Some((_, node)) = options.iter().find(|(key, _)| key.name == "versioned") else {
            return Some(false);
        };
        if let Content::Scalar(Json::Bool(is_versioned)) = node.content {
            return Some(is_versioned);
        }
        let kind = node.kind();
        self.problem(node.line, &format!("`versioned` is to be `true` or `false`, found {kind}"));
        None
    }

    fn path(&mut self, line: usize, options: &Options) -> Option<String> {
        let Some((_, node)) = options.iter().find(|(key, _)| key.name == "path") else {
            self.problem(line, "the `path` is missing");
            return None;
        };
        let path = self.text(node, "path")?;
        if path.is_empty() || path.ends_with('/') {
            self.problem(node.line, &format!("`path` is to name a file, found `{path}`"));
            return None;
        }
        Some(path)
    }

    fn format(&mut self, kind: &str, options: &Options) -> Option<Format> {
        Some(match kind {
            "json" => Format::Json,
            "jsonl" => Format::JsonLines,
            "msgpack" => Format::MessagePack,
            #[cfg(feature = "polars")]
            "parquet" => Format::Parquet,
            #[cfg(feature = "polars")]
            "arrow" => Format::Arrow,
            "text" => Format::Text,
            "bytes" => Format::Bytes,
            _ => Format::Csv(self.csv_options(options)?),
        })
    }

    fn csv_options(&mut self, options: &Options) -> Option<CsvOptions> {
        let mut csv = CsvOptions::default();
        for (key, node) in options {
            match key.name.as_str() {
                "delimiter" => {
                    let text = self.text(node, "delimiter")?;
                    let checked = match text.as_bytes() {
                        _ if self.is_open(node) => Ok(()),
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
        Some(text.clone())
    }

    /// Whether what is to stand there is not known: a text with placeholders, or
    /// credentials that are missing.
    fn is_open(&self, node: &Node) -> bool {
        match &node.content {
            Content::Scalar(Json::String(text)) => self.is_draft && text.contains('{'),
            Content::Scalar(Json::Null) => node.is_secret,
            _ => false,
        }
    }

    /// Whether there is something in it that is not known.
    fn has_open(&self, node: &Node) -> bool {
        match &node.content {
            Content::Scalar(_) => self.is_open(node),
            Content::List(items) => items.iter().any(|item| self.has_open(item)),
            Content::Map(entries) => entries.iter().any(|(_, node)| self.has_open(node)),
        }
    }

    fn problem(&mut self, line: usize, what: &str) {
        self.problems.push((self.problem)(line, what));
    }
}

/// Why a dataset may not have a name, if it may not.
pub(in crate::catalog) fn refused(name: &str) -> Option<&'static str> {
    match name {
        PARAMETERS => Some("the name stands for all parameters together"),
        _ if name.starts_with(PARAMETER_PREFIX) => {
            Some("a parameter belongs in the parameters file")
        }
        _ => None,
    }
}
