//! File formats: how bytes are laid out, whatever the file and its compression.

pub(super) mod csv;
#[cfg(feature = "polars")]
pub(super) mod frame;
pub(super) mod introspect;
pub(super) mod json;
pub(super) mod msgpack;
mod place;

use super::error::FormatError;

pub use csv::CsvOptions;
pub(super) use place::Content;

/// The layout of a file's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Comma-separated values with a header row.
    Csv(CsvOptions),
    /// One JSON value.
    Json,
    /// One JSON value a line.
    JsonLines,
    /// MessagePack: one value, or records one after another.
    MessagePack,
    /// Parquet.
    #[cfg(feature = "polars")]
    Parquet,
    /// An Arrow IPC file.
    #[cfg(feature = "polars")]
    Arrow,
    /// Text in UTF-8.
    Text,
    /// Bytes.
    Bytes,
}

impl Format {
    /// The name by which a catalog file knows it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Csv(_) => "csv",
            Self::Json => "json",
            Self::JsonLines => "jsonl",
            Self::MessagePack => "msgpack",
            #[cfg(feature = "polars")]
            Self::Parquet => "parquet",
            #[cfg(feature = "polars")]
            Self::Arrow => "arrow",
            Self::Text => "text",
            Self::Bytes => "bytes",
        }
    }
}

pub(super) fn utf8(bytes: Vec<u8>) -> Result<String, FormatError> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = 1 + memchr::memchr_iter(b'\n', &error.as_bytes()[..valid]).count();
        FormatError::caused(format!("not UTF-8 at byte {valid}, in line {line}"), error)
    })
}

/// The text without the mark that some programs put in front of it.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}
