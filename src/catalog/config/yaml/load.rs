//! From text to values: anchors taken up, maps merged, and an end to what a
//! hostile file could make of either.

use std::collections::{HashMap, HashSet};
use std::fmt;

use saphyr::{Scalar, Tag};
use saphyr_parser::{Event, Parser};
use serde_json::{Number, Value as Json};

use super::node::{Content, Key, Node};

/// The key that puts the entries of another map into its own.
const MERGE: &str = "<<";

/// How deep values may be nested: deeper than any configuration is, and no
/// deeper than what walks over them can go, for they recurse.
const MOST_DEPTH: usize = 64;

/// How many values there may be, what anchors stand for counted each time.
const MOST_NODES: usize = 1_000_000;

/// What is wrong, and in which line.
pub(super) struct LoadError {
    line: usize,
    what: String,
    /// What is said where nothing that the text holds may be shown.
    hidden: Option<&'static str>,
}

impl LoadError {
    /// The same without anything that stands in the text, names apart.
    pub(super) fn hidden(self) -> Self {
        Self { what: self.hidden.map_or(self.what, str::to_owned), ..self }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.what)
    }
}

fn wrong<T>(line: usize, what: impl Into<String>) -> Result<T, LoadError> {
    Err(LoadError { line, what: what.into(), hidden: None })
}

/// As [`wrong`], of what shows a part of the text.
pub(super) fn wrong_shown<T>(
    line: usize,
    what: String,
    hidden: &'static str,
) -> Result<T, LoadError> {
    Err(LoadError { line, what, hidden: Some(hidden) })
}

/// Reads the one document that `text` holds, or none.
pub(super) fn load(text: &str) -> Result<Option<Node>, LoadError> {
    // The end of a text is told as the line after it, where there is none.
    let last = text.trim_end().replace("\r\n", "\n").split(['\n', '\r']).count();
    let mut parser = Parser::new_from_str(text);
    let mut loader = Loader::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| LoadError {
            line: error.marker().line().clamp(1, last),
            what: error.info().to_owned(),
            hidden: Some("this is not YAML"),
        })?;
        loader.hear(event, span.start.line().clamp(1, last))?;
    }
    Ok(loader.root.map(|built| built.node))
}

#[derive(Default)]
struct Loader {
    /// What is begun and not ended, outermost first.
    open: Vec<Open>,
    anchors: HashMap<usize, Built>,
    root: Option<Built>,
    nodes: usize,
}

/// A value, and how large it is.
#[derive(Clone)]
struct Built {
    node: Node,
    depth: usize,
    size: usize,
}

/// A list or a map in the making.
struct Open {
    line: usize,
    anchor: usize,
    depth: usize,
    size: usize,
    content: OpenContent,
}

enum OpenContent {
    List(Vec<Node>),
    Map(OpenMap),
}

#[derive(Default)]
struct OpenMap {
    entries: Vec<(Key, Node)>,
    names: HashSet<String>,
    merged: Vec<(Key, Node)>,
    /// That of the value to come.
    key: Option<Key>,
}

impl Loader {
    fn hear(&mut self, event: Event<'_>, line: usize) -> Result<(), LoadError> {
        match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
            Event::Scalar(text, style, anchor, tag) => {
                known(tag.as_deref(), line)?;
                let scalar = Scalar::parse_from_cow_and_metadata(text, style, tag.as_ref());
                let content = Content::Scalar(converted(scalar, line)?);
                self.nodes += 1;
                self.add(Built { node: Node::new(line, content), depth: 0, size: 1 }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(line, anchor, tag.as_deref(), OpenContent::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                let content = OpenContent::Map(OpenMap::default());
                self.begin(line, anchor, tag.as_deref(), content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(line),
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(built) => {
                    self.bounded(line, built.depth, built.size)?;
                    let mut built = built.clone();
                    built.node.line = line;
                    self.nodes += built.size;
                    self.add(built, 0)
                }
                None => wrong(line, "an anchor is taken up within itself"),
            },
        }
    }

    fn begin(
        &mut self,
        line: usize,
        anchor: usize,
        tag: Option<&Tag>,
        content: OpenContent,
    ) -> Result<(), LoadError> {
        known(tag, line)?;
        self.bounded(line, 1, 1)?;
        self.nodes += 1;
        self.open.push(Open { line, anchor, depth: 0, size: 1, content });
        Ok(())
    }

    /// Says whether values of such a size and depth may be added where we are.
    fn bounded(&self, line: usize, depth: usize, size: usize) -> Result<(), LoadError> {
        if self.open.len() + depth > MOST_DEPTH {
            return wrong(line, format!("nested deeper than {MOST_DEPTH} levels"));
        }
        if self.nodes + size > MOST_NODES {
            return wrong(
                line,
                format!("more than {MOST_NODES} values, anchors taken up included"),
            );
        }
        Ok(())
    }

    fn end(&mut self, line: usize) -> Result<(), LoadError> {
        let Some(Open { line: begun, anchor, depth, size, content }) = self.open.pop() else {
            return wrong(line, "the end of nothing");
        };
        let content = match content {
            OpenContent::List(items) => Content::List(items),
            OpenContent::Map(map) => Content::Map(map.whole()),
        };
        self.add(Built { node: Node::new(begun, content), depth: depth + 1, size }, anchor)
    }

    /// Puts a value where it belongs.
    fn add(&mut self, built: Built, anchor: usize) -> Result<(), LoadError> {
        self.bounded(built.node.line, built.depth, built.size)?;
        if anchor > 0 {
            // Counted, since it is a copy.
            self.nodes += built.size;
            self.anchors.insert(anchor, built.clone());
        }
        let Some(open) = self.open.last_mut() else {
            if self.root.is_some() {
                return wrong(built.node.line, "a second document; the file is to hold one");
            }
            self.root = Some(built);
            return Ok(());
        };
        open.depth = open.depth.max(built.depth);
        open.size += built.size;
        match &mut open.content {
            OpenContent::List(items) => items.push(built.node),
            OpenContent::Map(map) => map.add(built.node)?,
        }
        Ok(())
    }
}

impl OpenMap {
    fn add(&mut self, node: Node) -> Result<(), LoadError> {
        let Some(key) = self.key.take() else {
            self.key = Some(key_of(node)?);
            return Ok(());
        };
        if key.name == MERGE {
            return merge(node, &mut self.merged);
        }
        if !self.names.insert(key.name.clone()) {
            return wrong(key.line, format!("duplicated key in mapping: `{}`", key.name));
        }
        self.entries.push((key, node));
        Ok(())
    }

    /// Its own entries, and those merged into it that it has not itself.
    fn whole(self) -> Vec<(Key, Node)> {
        let Self { mut entries, mut names, merged, .. } = self;
        entries.extend(merged.into_iter().filter(|(key, _)| names.insert(key.name.clone())));
        entries
    }
}

fn key_of(node: Node) -> Result<Key, LoadError> {
    let Node { line, content, .. } = node;
    match content {
        Content::Scalar(Json::String(name)) => Ok(Key { name, line }),
        Content::Scalar(scalar) => Ok(Key { name: scalar.to_string(), line }),
        _ => wrong(line, "a key is to be text"),
    }
}

/// The entries of a map, or of a list of them, of which the first that has a key
/// counts.
fn merge(node: Node, merged: &mut Vec<(Key, Node)>) -> Result<(), LoadError> {
    match node.content {
        Content::Map(entries) => merged.extend(entries),
        Content::List(items) => items.into_iter().try_for_each(|item| merge(item, merged))?,
        Content::Scalar(_) => {
            let kind = node.kind();
            let what = format!("`{MERGE}` takes a map, as in `{MERGE}: *anchor`, found {kind}");
            return wrong_shown(node.line, what, "`<<` takes a map, as in `<<: *anchor`");
        }
    }
    Ok(())
}

fn known(tag: Option<&Tag>, line: usize) -> Result<(), LoadError> {
    match tag.filter(|tag| !tag.is_yaml_core_schema()) {
        Some(tag) => wrong_shown(
            line,
            format!("the tag `{tag}` is not known"),
            "this tag is not known: a text that begins with `!` is to stand in quotes",
        ),
        None => Ok(()),
    }
}

fn converted(scalar: Option<Scalar<'_>>, line: usize) -> Result<Json, LoadError> {
    Ok(match scalar {
        Some(Scalar::Null) => Json::Null,
        Some(Scalar::Boolean(value)) => Json::Bool(value),
        Some(Scalar::Integer(value)) => Json::from(value),
        Some(Scalar::FloatingPoint(value)) => match Number::from_f64(value.into_inner()) {
            Some(number) => Json::Number(number),
            None => {
                let what = format!("`{value}` is not a finite number");
                return wrong_shown(line, what, "this is not a finite number");
            }
        },
        Some(Scalar::String(value)) => Json::String(value.into_owned()),
        None => return wrong(line, "the value is not what its tag says"),
    })
}
