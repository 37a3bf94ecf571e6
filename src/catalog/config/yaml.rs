//! YAML with a line for every value and every key.

use std::path::Path;

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde_json::{Map, Number, Value as Json};

/// The key that puts the entries of another map into its own.
const MERGE: &str = "<<";

/// A YAML value and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Scalar(Json),
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<(Key, Node)>),
}

#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) line: usize,
}

impl Node {
    /// What kind of value it is, for messages.
    pub(super) fn kind(&self) -> String {
        match &self.content {
            Content::Scalar(Json::Null) => "nothing".to_owned(),
            Content::Scalar(scalar) => format!("`{scalar}`"),
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a map".to_owned(),
        }
    }

    /// The value without its lines.
    pub(super) fn to_json(&self) -> Json {
        match &self.content {
            Content::Scalar(scalar) => scalar.clone(),
            Content::List(items) => items.iter().map(Node::to_json).collect(),
            Content::Map(entries) => {
                let entries = entries.iter().map(|(key, node)| (key.name.clone(), node.to_json()));
                Json::Object(entries.collect::<Map<_, _>>())
            }
        }
    }
}

/// Reads a file that holds one map, or nothing.
///
/// # Errors
///
/// One sentence, with the file and where possible the line.
pub(super) fn read_map(path: &Path) -> Result<Vec<(Key, Node)>, String> {
    let file = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?;
    let documents = MarkedYaml::load_from_str(&text)
        .map_err(|error| format!("{file}:{}: {}", error.marker().line(), error.info()))?;
    if let Some(second) = documents.get(1) {
        let line = second.span.start.line();
        return Err(format!("{file}:{line}: a second document; the file is to hold one"));
    }
    let Some(root) = documents.first() else { return Ok(Vec::new()) };
    let root = convert(root).map_err(|error| format!("{file}:{error}"))?;
    match root.content {
        Content::Map(entries) => Ok(entries),
        Content::Scalar(Json::Null) => Ok(Vec::new()),
        _ => Err(format!("{file}:{}: expected a map of names, found {}", root.line, root.kind())),
    }
}

fn convert(yaml: &MarkedYaml<'_>) -> Result<Node, String> {
    let line = yaml.span.start.line();
    let content = match &yaml.data {
        YamlData::Value(scalar) => Content::Scalar(convert_scalar(scalar, line)?),
        YamlData::Sequence(items) => {
            Content::List(items.iter().map(convert).collect::<Result<_, _>>()?)
        }
        YamlData::Mapping(entries) => {
            let (mut own, mut merged) = (Vec::new(), Vec::new());
            for (key, value) in entries {
                let (key, value) = (convert_key(key)?, convert(value)?);
                if key.name == MERGE { merge(value, &mut merged)? } else { own.push((key, value)) }
            }
            for (key, value) in merged {
                if !own.iter().any(|(other, _)| other.name == key.name) {
                    own.push((key, value));
                }
            }
            Content::Map(own)
        }
        YamlData::Tagged(tag, _) => return Err(format!("{line}: the tag `{tag}` is not known")),
        other => return Err(format!("{line}: not a value: {other:?}")),
    };
    Ok(Node { line, content })
}

fn convert_key(yaml: &MarkedYaml<'_>) -> Result<Key, String> {
    let Node { line, content } = convert(yaml)?;
    match content {
        Content::Scalar(Json::String(name)) => Ok(Key { name, line }),
        Content::Scalar(scalar) => Ok(Key { name: scalar.to_string(), line }),
        _ => Err(format!("{line}: a key is to be text")),
    }
}

/// The entries of a map, or of a list of them, of which the first that has a key
/// counts.
fn merge(node: Node, merged: &mut Vec<(Key, Node)>) -> Result<(), String> {
    match node.content {
        Content::Map(entries) => merged.extend(entries),
        Content::List(items) => items.into_iter().try_for_each(|item| merge(item, merged))?,
        Content::Scalar(_) => {
            let (line, kind) = (node.line, node.kind());
            return Err(format!(
                "{line}: `{MERGE}` takes a map, as in `{MERGE}: *anchor`, found {kind}"
            ));
        }
    }
    Ok(())
}

fn convert_scalar(scalar: &Scalar<'_>, line: usize) -> Result<Json, String> {
    Ok(match scalar {
        Scalar::Null => Json::Null,
        Scalar::Boolean(value) => Json::Bool(*value),
        Scalar::Integer(value) => Json::from(*value),
        Scalar::FloatingPoint(value) => {
            let value = value.into_inner();
            let number = Number::from_f64(value);
            Json::Number(number.ok_or_else(|| format!("{line}: `{value}` is not a finite number"))?)
        }
        Scalar::String(value) => Json::String(value.to_string()),
    })
}
