//! A value of a YAML file.

use serde_json::{Map, Value as Json};

/// A YAML value and where it stands.
#[derive(Clone)]
pub(in crate::catalog) struct Node {
    pub(in crate::catalog) line: usize,
    pub(in crate::catalog) content: Content,
    /// Whether no message may show it.
    pub(in crate::catalog) is_secret: bool,
}

#[derive(Clone)]
pub(in crate::catalog) enum Content {
    Scalar(Json),
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<(Key, Node)>),
}

#[derive(Clone)]
pub(in crate::catalog) struct Key {
    pub(in crate::catalog) name: String,
    pub(in crate::catalog) line: usize,
}

impl Node {
    pub(super) fn new(line: usize, content: Content) -> Self {
        Self { line, content, is_secret: false }
    }

    /// The same value as if all of it stood in one line.
    pub(in crate::catalog) fn of_json(value: &Json, line: usize) -> Self {
        let content = match value {
            Json::Array(items) => {
                Content::List(items.iter().map(|item| Self::of_json(item, line)).collect())
            }
            Json::Object(entries) => {
                let key = |name: &String| Key { name: name.clone(), line };
                let entries =
                    entries.iter().map(|(name, value)| (key(name), Self::of_json(value, line)));
                Content::Map(entries.collect())
            }
            scalar => Content::Scalar(scalar.clone()),
        };
        Self::new(line, content)
    }

    /// What kind of value it is, for messages.
    pub(in crate::catalog) fn kind(&self) -> String {
        match &self.content {
            Content::Scalar(Json::Null) => "nothing".to_owned(),
            Content::Scalar(_) if self.is_secret => "a secret".to_owned(),
            Content::Scalar(scalar) => format!("`{scalar}`"),
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a map".to_owned(),
        }
    }

    /// The value without its lines.
    pub(in crate::catalog) fn to_json(&self) -> Json {
        match &self.content {
            Content::Scalar(scalar) => scalar.clone(),
            Content::List(items) => items.iter().map(Node::to_json).collect(),
            Content::Map(entries) => {
                let entries = entries.iter().map(|(key, node)| (key.name.clone(), node.to_json()));
                Json::Object(entries.collect::<Map<_, _>>())
            }
        }
    }

    /// Shows it in no message any more, nor what is in it.
    pub(in crate::catalog) fn hide(&mut self) {
        self.is_secret = true;
        match &mut self.content {
            Content::Scalar(_) => {}
            Content::List(items) => items.iter_mut().for_each(Node::hide),
            Content::Map(entries) => entries.iter_mut().for_each(|(_, node)| node.hide()),
        }
    }

    /// Whether there is something in it that no message may show.
    pub(in crate::catalog) fn has_secret(&self) -> bool {
        self.is_secret
            || match &self.content {
                Content::Scalar(_) => false,
                Content::List(items) => items.iter().any(Node::has_secret),
                Content::Map(entries) => entries.iter().any(|(_, node)| node.has_secret()),
            }
    }

    /// Has `f` change every text in it, at any depth, keys left alone. `f` is
    /// told the line.
    pub(in crate::catalog) fn change_texts(&mut self, f: &mut impl FnMut(usize, &mut String)) {
        match &mut self.content {
            Content::Scalar(Json::String(text)) => f(self.line, text),
            Content::Scalar(_) => {}
            Content::List(items) => items.iter_mut().for_each(|item| item.change_texts(f)),
            Content::Map(entries) => {
                entries.iter_mut().for_each(|(_, node)| node.change_texts(f));
            }
        }
    }

    /// What a path of keys and indices leads to, and the line of the nearest
    /// key on the way there.
    pub(in crate::catalog) fn find<'a>(
        &self,
        path: impl Iterator<Item = &'a str>,
    ) -> (Option<usize>, Option<&Node>) {
        let (mut at, mut line) = (self, None);
        for step in path {
            let below = match &at.content {
                Content::Scalar(_) => None,
                Content::List(items) => {
                    let item = step.parse().ok().and_then(|index: usize| items.get(index));
                    item.map(|item| (item.line, item))
                }
                Content::Map(entries) => {
                    let found = entries.iter().find(|(key, _)| key.name == step);
                    found.map(|(key, node)| (key.line, node))
                }
            };
            let Some((below_line, below)) = below else { return (line, None) };
            (at, line) = (below, Some(below_line));
        }
        (line, Some(at))
    }
}
