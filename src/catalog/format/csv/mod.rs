//! CSV with a header row, typed by serde: a column is a field of its name.

mod layout;
mod lines;
mod quick;
mod read;
mod row;
mod write;

pub(in crate::catalog) use layout::check_record;
pub(in crate::catalog) use read::{check_header, read};
pub(in crate::catalog) use write::Rows;

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

    /// Says whether no file could be read with them.
    pub(in crate::catalog) fn check(&self) -> Result<(), String> {
        if self.delimiter.is_ascii() && !matches!(self.delimiter, b'"' | b'\r' | b'\n') {
            return Ok(());
        }
        let found = self.delimiter.escape_ascii();
        Err(format!(
            "`delimiter` is one ASCII character, not a quote or a line end, found `{found}`"
        ))
    }

    #[inline]
    fn is_missing(&self, field: &[u8]) -> bool {
        // The first byte tells most of them apart.
        let is = |text: &[u8]| text.first() == field.first() && text == field;
        field.is_empty() || self.missing.iter().any(|text| is(text.as_bytes()))
    }
}
