//! Which columns of a file a record type reads.

use csv::ByteRecord;
use serde::de::DeserializeOwned;

use super::read::shown;
use crate::catalog::error::FormatError;
use crate::catalog::format::introspect::Shape;
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
    /// Finds what `R` reads in `header`, which is empty where the file is.
    pub(super) fn of<R: DeserializeOwned>(header: &ByteRecord) -> Result<Self, FormatError> {
        check_record::<R>()?;
        let names: Result<Vec<&str>, _> = header.iter().map(std::str::from_utf8).collect();
        let names = names.map_err(|error| FormatError::plain(format!("the header: {error}")))?;
        let mut problems = Vec::new();
        let positions = match Shape::of::<R>() {
            Shape::Struct(_) | Shape::Sequence(Some(_)) if names.is_empty() => {
                let what = "the file is empty; a header row was expected";
                return Err(FormatError::plain(what));
            }
            Shape::Struct(fields) => by_name(fields, &names, &mut problems),
            Shape::Sequence(Some(len)) if len > names.len() => {
                problems.push(format!("{len} columns are read, and there are {}", names.len()));
                Vec::new()
            }
            Shape::Sequence(Some(len)) => (0..len).collect(),
            Shape::Map => {
                let twice = |at: &usize| names[..*at].contains(&names[*at]);
                let twice = (0..names.len()).filter(twice).map(|at| names[at]);
                problems.extend(twice.map(|name| format!("column `{name}` is there twice")));
                (0..names.len()).collect()
            }
            Shape::Sequence(None) | Shape::Single => (0..names.len()).collect(),
        };
        if !problems.is_empty() {
            let names: Vec<_> =
                names.iter().map(|name| format!("`{}`", shown(name.as_bytes()))).collect();
            let (problems, names) = (problems.join("; "), names.join(", "));
            return Err(FormatError::plain(format!("{problems} (the columns are {names})")));
        }
        let column = |position: usize| Column { name: names[position].to_owned(), position };
        Ok(Self { columns: positions.into_iter().map(column).collect(), width: names.len() })
    }

    /// How many columns are read.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn name(&self, column: usize) -> &str {
        &self.columns[column].name
    }

    /// Where a column stands in the file.
    #[inline]
    pub(super) fn position(&self, column: usize) -> usize {
        self.columns[column].position
    }
}

/// Says whether no row could be an `R`.
pub(in crate::catalog) fn check_record<R: DeserializeOwned>() -> Result<(), FormatError> {
    if Shape::of::<R>() != Shape::Single {
        return Ok(());
    }
    let name = std::any::type_name::<R>();
    let what =
        format!("a row of a CSV file is a struct, a map or a tuple, and `{name}` is none of them");
    Err(FormatError::plain(what))
}

/// Where each field stands among the columns.
fn by_name(fields: &[&str], names: &[&str], problems: &mut Vec<String>) -> Vec<usize> {
    let position = |field: &&str| {
        let mut found = names.iter().enumerate().filter(|(_, name)| *name == field);
        match (found.next(), found.next()) {
            (Some((position, _)), None) => return Some(position),
            (Some(_), Some(_)) => problems.push(format!("column `{field}` is there twice")),
            (None, _) => {
                let hint = did_you_mean(field, names.iter().copied());
                problems.push(format!("column `{field}` is missing{hint}"));
            }
        }
        None
    };
    fields.iter().filter_map(position).collect()
}
