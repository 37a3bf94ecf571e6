//! Where in a file the value stands that cannot be read.

use std::fmt::Write;

use serde::Deserializer;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

/// What a file holds, to those who count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::catalog) enum Content {
    /// A list, of which each element is a row.
    Records,
    Value,
}

/// The place at which a `T` cannot be read, as the beginning of a sentence: empty
/// where there is nothing to tell. The content is read once more for it, so that
/// keeping track costs nothing where nothing is wrong.
pub(in crate::catalog) fn place_of<'de, T, D>(deserializer: D, content: Content) -> String
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    match serde_path_to_error::deserialize::<_, T>(deserializer) {
        Ok(_) => String::new(),
        Err(error) => told(error.path(), content),
    }
}

fn told(path: &Path, content: Content) -> String {
    let mut segments = path.iter().peekable();
    let mut place = String::new();
    if content == Content::Records
        && let Some(Segment::Seq { index }) = segments.peek()
    {
        place = format!("row {}", index + 1);
        segments.next();
    }
    let mut field = String::new();
    for segment in segments {
        let dot = if field.is_empty() { "" } else { "." };
        // Writing into a string cannot fail.
        let _ = match segment {
            Segment::Seq { index } => write!(field, "[{index}]"),
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                write!(field, "{dot}{name}")
            }
            Segment::Unknown => write!(field, "{dot}?"),
        };
    }
    if !field.is_empty() {
        let comma = if place.is_empty() { "" } else { ", " };
        let _ = write!(place, "{comma}field `{field}`");
    }
    if !place.is_empty() {
        place.push_str(": ");
    }
    place
}
