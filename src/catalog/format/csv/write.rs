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

/// Rows below one header, however many chunks they come in.
pub(in crate::catalog) struct Rows {
    options: CsvOptions,
    shape: Shape,
    written: usize,
    /// How many columns the rows so far have, where they have no names.
    width: usize,
    /// The columns, where they are known from the first row alone.
    columns: Vec<String>,
}

type Out<'o> = Writer<&'o mut dyn Write>;

impl Rows {
    pub(in crate::catalog) fn of<R: DeserializeOwned>(
        options: &CsvOptions,
    ) -> Result<Self, FormatError> {
        check_record::<R>()?;
        let (options, shape) = (options.clone(), Shape::of::<R>());
        Ok(Self { options, shape, written: 0, width: 0, columns: Vec::new() })
    }

    pub(in crate::catalog) fn push<R: Serialize>(
        &mut self,
        records: &[R],
        out: &mut dyn Write,
    ) -> Result<(), FormatError> {
        let Some(first) = records.first() else { return Ok(()) };
        let is_first = self.written == 0;
        let has_names = matches!(self.shape, Shape::Struct(_));
        let mut writer = self.writer(is_first && has_names, out);
        match self.shape {
            Shape::Struct(_) => {
                // The writer of a later chunk knows nothing of the rows before.
                if !is_first {
                    self.check_width(first)?;
                }
                self.rows(&mut writer, records)?;
                if is_first {
                    self.width = self.width_of(first)?;
                }
            }
            Shape::Map => self.maps(&mut writer, records)?,
            Shape::Sequence(len) => {
                if is_first {
                    self.width = self.width_of(first)?;
                    if let Some(len) = len.filter(|len| *len != self.width) {
                        let what =
                            format!("row 1: {len} columns, of which one holds several values");
                        return Err(FormatError::plain(what));
                    }
                    header(&mut writer, numbered(self.width))?;
                } else {
                    self.check_width(first)?;
                }
                self.rows(&mut writer, records)?;
            }
            Shape::Single => {}
        }
        writer.flush()?;
        self.written += records.len();
        Ok(())
    }

    /// A table of no rows still has columns, where its type tells of them.
    pub(in crate::catalog) fn end(&mut self, out: &mut dyn Write) -> Result<(), FormatError> {
        if self.written > 0 {
            return Ok(());
        }
        let mut writer = self.writer(false, out);
        match self.shape {
            Shape::Struct(fields) => header(&mut writer, fields)?,
            Shape::Sequence(Some(len)) => header(&mut writer, numbered(len))?,
            Shape::Sequence(None) | Shape::Map | Shape::Single => {}
        }
        Ok(writer.flush()?)
    }

    fn writer<'o>(&self, has_headers: bool, out: &'o mut dyn Write) -> Out<'o> {
        WriterBuilder::new()
            .delimiter(self.options.delimiter)
            .has_headers(has_headers)
            .from_writer(out)
    }

    fn rows<R: Serialize>(&self, writer: &mut Out<'_>, records: &[R]) -> Result<(), FormatError> {
        for (at, record) in records.iter().enumerate() {
            writer.serialize(record).map_err(|error| wrong(self.written + at, error))?;
        }
        Ok(())
    }

    /// How many columns a row has, of which the names are not known.
    fn width_of<R: Serialize>(&self, record: &R) -> Result<usize, FormatError> {
        let at = self.written;
        let mut writer = WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        writer.serialize(record).map_err(|error| wrong(at, error))?;
        let bytes = writer.into_inner().map_err(|error| wrong(at, error.into_error()))?;
        let mut row = ByteRecord::new();
        let mut reader = ReaderBuilder::new().has_headers(false).from_reader(&*bytes);
        reader.read_byte_record(&mut row).map_err(|error| wrong(at, error))?;
        Ok(row.len())
    }

    fn check_width<R: Serialize>(&self, record: &R) -> Result<(), FormatError> {
        let (found, width, row) = (self.width_of(record)?, self.width, self.written + 1);
        if found == width {
            return Ok(());
        }
        let what = format!("row {row}: {found} fields, where the rows before have {width}");
        Err(FormatError::plain(what))
    }

    /// Rows whose columns are known from the first of them.
    fn maps<R: Serialize>(
        &mut self,
        writer: &mut Out<'_>,
        records: &[R],
    ) -> Result<(), FormatError> {
        for (at, record) in (self.written..).zip(records) {
            let row = match serde_json::to_value(record).map_err(|error| wrong(at, error))? {
                Json::Object(row) => row,
                _ => return Err(FormatError::plain(format!("row {}: it is no map", at + 1))),
            };
            if at == 0 {
                self.columns = row.keys().cloned().collect();
                header(writer, &self.columns)?;
            }
            let columns = &self.columns;
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
}

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

/// Names for columns that have none.
fn numbered(width: usize) -> impl Iterator<Item = String> {
    (1..=width).map(|at| format!("column_{at}"))
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
