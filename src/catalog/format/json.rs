//! JSON, and JSON lines.

use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::without_mark;
use crate::catalog::error::FormatError;

pub(in crate::catalog) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FormatError> {
    let read = serde_json::from_slice(without_mark(bytes));
    read.map_err(|error| FormatError::caused(error.to_string(), error))
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
                let column = error.column();
                let what = error.to_string();
                let what = what.rsplit_once(" at line ").map_or(&*what, |(what, _)| what);
                FormatError::caused(format!("line {}, column {column}: {what}", at + 1), error)
            })
        })
        .collect()
}

pub(in crate::catalog) fn write<T: Serialize + ?Sized>(
    value: &T,
    out: &mut dyn Write,
) -> Result<(), FormatError> {
    serde_json::to_writer_pretty(&mut *out, value).map_err(unwritable)?;
    Ok(out.write_all(b"\n")?)
}

pub(in crate::catalog) fn write_lines<T: Serialize>(
    records: &[T],
    out: &mut dyn Write,
) -> Result<(), FormatError> {
    for record in records {
        serde_json::to_writer(&mut *out, record).map_err(unwritable)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn unwritable(error: serde_json::Error) -> FormatError {
    FormatError::caused(error.to_string(), error)
}
