//! YAML with a line for every value and every key.

mod load;
mod node;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

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
        let file = self.path().display();
        let text = match self {
            Self::File(path) => Cow::Owned(
                std::fs::read_to_string(path).map_err(|error| format!("{file}: {error}"))?,
            ),
            Self::Text { text, .. } => Cow::Borrowed(text.as_str()),
        };
        map_of(&text).map_err(|error| format!("{file}:{error}"))
    }
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
