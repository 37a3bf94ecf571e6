//! JSON, and JSON lines.

use std::io::{self, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Deserializer;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::place::{Content, place_of};
use super::without_mark;
use crate::catalog::error::FormatError;

pub(in crate::catalog) fn read<T: DeserializeOwned>(
    bytes: &[u8],
    content: Content,
) -> Result<T, FormatError> {
    let text = without_mark(bytes);
    serde_json::from_slice(text).map_err(|error| {
        let place = place_of::<T, _>(&mut Deserializer::from_slice(text), content);
        FormatError::caused(format!("{place}{error}"), error)
    })
}

pub(in crate::catalog) fn read_lines<T: DeserializeOwned>(
    bytes: &[u8],
) -> Result<Vec<T>, FormatError> {
    let lines = without_mark(bytes).split(|byte| *byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(at, line)| {
            serde_json::from_slice(line).map_err(|error| {
                // The inner line number is always 1: the line of the file is ours.
                let (line_number, column) = (at + 1, error.column());
                let field = place_of::<T, _>(&mut Deserializer::from_slice(line), Content::Value);
                let field = field.trim_end_matches(": ");
                let comma = if field.is_empty() { "" } else { ", " };
                let what = error.to_string();
                let what = what.rsplit_once(" at line ").map_or(&*what, |(what, _)| what);
                let what = format!("line {line_number}, column {column}{comma}{field}: {what}");
                FormatError::caused(what, error)
            })
        })
        .collect()
}

pub(in crate::catalog) fn write<T: Serialize + ?Sized>(
    value: &T,
    out: &mut dyn Write,
) -> Result<(), FormatError> {
    let written = serde_json::to_writer_pretty(&mut *out, value);
    written.map_err(|error| FormatError::caused(error.to_string(), error))?;
    Ok(out.write_all(b"\n")?)
}

/// Records as the elements of one array, laid out as if they had all been there
/// at once.
#[derive(Default)]
pub(in crate::catalog) struct Array {
    written: usize,
}

impl Array {
    pub(in crate::catalog) fn push<R: Serialize>(
        &mut self,
        records: &[R],
        out: &mut dyn Write,
    ) -> Result<(), FormatError> {
        for record in records {
            out.write_all(if self.written == 0 { b"[\n  " } else { b",\n  " })?;
            self.written += 1;
            let mut formatter = PrettyFormatter::new();
            // Into nothing: the formatter is only to know that it is in an array.
            formatter.begin_array(&mut io::sink())?;
            let mut serializer = Serializer::with_formatter(&mut *out, formatter);
            let written = record.serialize(&mut serializer);
            written.map_err(|error| unwritable(self.written, error))?;
        }
        Ok(())
    }

    pub(in crate::catalog) fn end(&mut self, out: &mut dyn Write) -> Result<(), FormatError> {
        Ok(out.write_all(if self.written == 0 { b"[]\n" } else { b"\n]\n" })?)
    }
}

/// Records line by line.
#[derive(Default)]
pub(in crate::catalog) struct Lines {
    written: usize,
}

impl Lines {
    pub(in crate::catalog) fn push<R: Serialize>(
        &mut self,
        records: &[R],
        out: &mut dyn Write,
    ) -> Result<(), FormatError> {
        for record in records {
            self.written += 1;
            let written = serde_json::to_writer(&mut *out, record);
            written.map_err(|error| unwritable(self.written, error))?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

fn unwritable(row: usize, error: serde_json::Error) -> FormatError {
    FormatError::caused(format!("row {row}: {error}"), error)
}
