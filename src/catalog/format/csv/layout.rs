//! Which columns of a file a record type reads.

use csv::{ByteRecord, StringRecord};
use serde::de::DeserializeOwned;

use super::CsvOptions;
use crate::catalog::error::FormatError;
use crate::catalog::format::introspect;
use crate::catalog::suggest::did_you_mean;

/// The columns to read, and where they stand.
pub(super) struct Layout {
    /// The names, as the record type has them.
    pub(super) names: StringRecord,
    positions: Vec<usize>,
    /// How many fields a row has.
    pub(super) width: usize,
}

impl Layout {
    /// Finds the fields of `R` in `header`.
    pub(super) fn of<R: DeserializeOwned>(header: &ByteRecord) -> Result<Self, FormatError> {
        let header = StringRecord::from_byte_record(header.clone()).map_err(|error| {
            FormatError::plain(format!("the header is not UTF-8: {}", error.utf8_error()))
        })?;
        let width = header.len();
        let Some(fields) = introspect::fields::<R>() else {
            // Not a plain struct: it is given every column by name.
            return Ok(Self { names: header, positions: (0..width).collect(), width });
        };
        let (mut positions, mut problems) = (Vec::new(), Vec::new());
        for field in fields {
            let mut found = header.iter().enumerate().filter(|(_, name)| name == field);
            match (found.next(), found.next()) {
                (Some((at, _)), None) => positions.push(at),
                (Some(_), Some(_)) => problems.push(format!("column `{field}` is there twice")),
                (None, _) => {
                    let hint = did_you_mean(field, header.iter());
                    problems.push(format!("column `{field}` is missing{hint}"));
                }
            }
        }
        if problems.is_empty() {
            return Ok(Self { names: fields.iter().collect(), positions, width });
        }
        let columns: Vec<_> = header.iter().map(|name| format!("`{name}`")).collect();
        let (problems, columns) = (problems.join("; "), columns.join(", "));
        Err(FormatError::plain(format!("{problems} (the columns are {columns})")))
    }

    /// Copies the wanted fields of `row` into `projected`, missing ones as empty.
    pub(super) fn project(&self, row: &ByteRecord, options: &CsvOptions, projected: &mut ByteRecord) {
        projected.clear();
        for &at in &self.positions {
            let field = &row[at];
            projected.push_field(if options.is_missing(field) { b"" } else { field });
        }
    }

    /// The text of the wanted field number `at` of `row`.
    pub(super) fn original<'r>(&self, row: &'r ByteRecord, at: usize) -> &'r [u8] {
        self.positions.get(at).and_then(|at| row.get(*at)).unwrap_or_default()
    }
}
