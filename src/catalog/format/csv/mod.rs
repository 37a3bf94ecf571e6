//! CSV with a header row, typed by serde: a column is a field of its name.

mod layout;
mod quick;
mod read;
mod row;

use std::io::Write;

use ::csv::WriterBuilder;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::introspect;
use crate::catalog::error::FormatError;

pub(in crate::catalog) use read::{check_header, read};

/// How a CSV file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvOptions {
    pub(super) delimiter: u8,
    pub(super) missing: Vec<String>,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self { delimiter: b',', missing: Vec::new() }
    }
}

impl CsvOptions {
    /// What stands between two fields; a comma by default.
    #[must_use = "returns the changed options"]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// Texts that stand for a missing value, besides the empty one: `NA`, say.
    /// A missing value is `None` of an `Option` field, and empty text.
    #[must_use = "returns the changed options"]
    pub fn missing<S: Into<String>>(mut self, texts: impl IntoIterator<Item = S>) -> Self {
        self.missing = texts.into_iter().map(Into::into).collect();
        self
    }

    fn is_missing(&self, field: &[u8]) -> bool {
        self.missing.iter().any(|text| text.as_bytes() == field)
    }
}

pub(in crate::catalog) fn write<R: Serialize + DeserializeOwned>(
    records: &[R],
    options: &CsvOptions,
    out: &mut dyn Write,
) -> Result<(), FormatError> {
    let mut writer = WriterBuilder::new().delimiter(options.delimiter).from_writer(out);
    for (at, record) in records.iter().enumerate() {
        writer
            .serialize(record)
            .map_err(|error| FormatError::caused(format!("row {}: {error}", at + 1), error))?;
    }
    if let (true, Some(columns)) = (records.is_empty(), introspect::fields::<R>()) {
        // A table of no rows still has columns.
        writer
            .write_record(columns)
            .map_err(|error| FormatError::caused(error.to_string(), error))?;
    }
    Ok(writer.flush()?)
}
