//! Which columns of a file a record type reads.

use csv::ByteRecord;
use serde::de::DeserializeOwned;

use crate::catalog::error::FormatError;
use crate::catalog::format::introspect;
use crate::catalog::suggest::did_you_mean;

/// The columns to read, and where they stand.
pub(super) struct Layout {
    columns: Vec<Column>,
    /// How many fields a row has.
    pub(super) width: usize,
}

struct Column {
    /// As the record type has it.
    name: String,
    position: usize,
}

impl Layout {
    /// Finds the fields of `R` in `header`.
    pub(super) fn of<R: DeserializeOwned>(header: &ByteRecord) -> Result<Self, FormatError> {
        let width = header.len();
        let names: Result<Vec<&str>, _> = header.iter().map(std::str::from_utf8).collect();
        let names = names.map_err(|error| FormatError::plain(format!("the header: {error}")))?;
        let Some(fields) = introspect::fields::<R>() else {
            // Not a plain struct: it is given every column by name.
            let columns = names.iter().enumerate();
            let columns =
                columns.map(|(position, name)| Column { name: (*name).to_owned(), position });
            return Ok(Self { columns: columns.collect(), width });
        };
        let (mut columns, mut problems) = (Vec::new(), Vec::new());
        for field in fields {
            let mut found = names.iter().enumerate().filter(|(_, name)| *name == field);
            match (found.next(), found.next()) {
                (Some((position, name)), None) => {
                    columns.push(Column { name: (*name).to_owned(), position });
                }
                (Some(_), Some(_)) => problems.push(format!("column `{field}` is there twice")),
                (None, _) => {
                    let hint = did_you_mean(field, names.iter().copied());
                    problems.push(format!("column `{field}` is missing{hint}"));
                }
            }
        }
        if problems.is_empty() {
            return Ok(Self { columns, width });
        }
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        let (problems, names) = (problems.join("; "), names.join(", "));
        Err(FormatError::plain(format!("{problems} (the columns are {names})")))
    }

    /// How many columns are read.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn name(&self, column: usize) -> &str {
        &self.columns[column].name
    }

    /// Where a column stands in the file.
    pub(super) fn position(&self, column: usize) -> usize {
        self.columns[column].position
    }
}
