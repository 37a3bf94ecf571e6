//! YAML with a line for every value and every key.

mod load;
mod node;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use load::{LoadError, wrong_shown};

pub(in crate::catalog) use node::{Content, Key, Node};

/// A file of YAML, or a text that stands for one.
#[derive(Clone)]
pub(in crate::catalog) enum Source {
    File(PathBuf),
    Text { name: String, text: String },
}

impl Source {
    /// What it is called in messages.
    pub(in crate::catalog) fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Text { name, .. } => Path::new(name),
        }
    }

    /// The one map that it holds, or nothing.
    ///
    /// # Errors
    ///
    /// One sentence, with the file and where possible the line.
    pub(super) fn read_map(&self) -> Result<Vec<(Key, Node)>, String> {
        self.map(|error| error)
    }

    /// As [`read_map`](Self::read_map) of what nobody is to read: the sentence shows
    /// nothing of it but names.
    pub(super) fn read_secret_map(&self) -> Result<Vec<(Key, Node)>, String> {
        self.map(LoadError::hidden)
    }

    fn map(&self, shown: impl Fn(LoadError) -> LoadError) -> Result<Vec<(Key, Node)>, String> {
        let file = self.path().display();
        let text = match self {
            Self::File(path) => Cow::Owned(
                std::fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?,
            ),
            Self::Text { text, .. } => Cow::Borrowed(text.as_str()),
        };
        map_of(&text).map_err(|error| format!("{file}:{}", shown(error)))
    }
}

/// The map that `text` holds; what is wrong begins with the line.
fn map_of(text: &str) -> Result<Vec<(Key, Node)>, LoadError> {
    let Some(root) = load::load(text)? else {
        return Ok(Vec::new());
    };
    match root.content {
        Content::Map(entries) => Ok(entries),
        Content::Scalar(serde_json::Value::Null) => Ok(Vec::new()),
        _ => {
            let what = format!("expected a map of names, found {}", root.kind());
            wrong_shown(root.line, what, "expected a map of names")
        }
    }
}
