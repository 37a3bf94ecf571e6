//! Writing: always with a header, so that what is written can be read.

use std::io::Write;

use csv::{ByteRecord, ReaderBuilder, Writer, WriterBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::CsvOptions;
use super::layout::check_record;
use crate::catalog::error::FormatError;
use crate::catalog::format::introspect::Shape;

pub(in crate::catalog) fn write<R: Serialize + DeserializeOwned>(
    records: &[R],
    options: &CsvOptions,
    out: &mut dyn Write,
) -> Result<(), FormatError> {
    check_record::<R>()?;
    let shape = Shape::of::<R>();
    let mut writer = WriterBuilder::new()
        .delimiter(options.delimiter)
        .has_headers(matches!(shape, Shape::Struct(_)))
        .from_writer(out);
    match shape {
        // A table of no rows still has columns.
        Shape::Struct(fields) if records.is_empty() => header(&mut writer, fields)?,
        Shape::Struct(_) => rows(&mut writer, records)?,
        Shape::Map => maps(&mut writer, records)?,
        Shape::Sequence(len) => {
            let names = (1..=fields_of_first(records, len)?).map(|at| format!("column_{at}"));
            header(&mut writer, names)?;
            rows(&mut writer, records)?;
        }
        Shape::Single => {}
    }
    Ok(writer.flush()?)
}

type Out<'o> = Writer<&'o mut dyn Write>;

fn header<N: AsRef<[u8]>>(
    writer: &mut Out<'_>,
    names: impl IntoIterator<Item = N>,
) -> Result<(), FormatError> {
    let mut names = names.into_iter().peekable();
    if names.peek().is_none() {
        return Ok(());
    }
    writer.write_record(names).map_err(|error| FormatError::caused(error.to_string(), error))
}

fn rows<R: Serialize>(writer: &mut Out<'_>, records: &[R]) -> Result<(), FormatError> {
    for (at, record) in records.iter().enumerate() {
        writer.serialize(record).map_err(|error| wrong(at, error))?;
    }
    Ok(())
}

/// How many fields the rows have, which have no names for them.
fn fields_of_first<R: Serialize>(records: &[R], len: Option<usize>) -> Result<usize, FormatError> {
    let Some(first) = records.first() else { return Ok(len.unwrap_or(0)) };
    let mut writer = WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.serialize(first).map_err(|error| wrong(0, error))?;
    let bytes = writer.into_inner().map_err(|error| wrong(0, error.into_error()))?;
    let mut row = ByteRecord::new();
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(&*bytes);
    reader.read_byte_record(&mut row).map_err(|error| wrong(0, error))?;
    match len {
        Some(len) if len != row.len() => {
            let what = format!("row 1: {len} columns, of which one holds several values");
            Err(FormatError::plain(what))
        }
        _ => Ok(row.len()),
    }
}

/// Rows whose columns are known from the first of them.
fn maps<R: Serialize>(writer: &mut Out<'_>, records: &[R]) -> Result<(), FormatError> {
    let mut columns: Vec<String> = Vec::new();
    for (at, record) in records.iter().enumerate() {
        let row = match serde_json::to_value(record).map_err(|error| wrong(at, error))? {
            Json::Object(row) => row,
            _ => return Err(FormatError::plain(format!("row {}: it is no map", at + 1))),
        };
        if at == 0 {
            columns = row.keys().cloned().collect();
            header(writer, &columns)?;
        }
        if let Some(name) = row.keys().find(|name| !columns.contains(name)) {
            let what = format!("row {}: column `{name}` is not among those of row 1", at + 1);
            return Err(FormatError::plain(what));
        }
        let fields: Result<Vec<_>, _> =
            columns.iter().map(|column| field(at, &row, column)).collect();
        writer.write_record(fields?).map_err(|error| wrong(at, error))?;
    }
    Ok(())
}

fn field(at: usize, row: &Map<String, Json>, column: &str) -> Result<String, FormatError> {
    Ok(match row.get(column) {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(Json::Array(_) | Json::Object(_)) => {
            let what = format!("row {}, column `{column}`: it holds several values", at + 1);
            return Err(FormatError::plain(what));
        }
        Some(value) => value.to_string(),
    })
}

fn wrong<E: std::error::Error + Send + Sync + 'static>(at: usize, error: E) -> FormatError {
    FormatError::caused(format!("row {}: {error}", at + 1), error)
}
