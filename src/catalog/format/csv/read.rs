//! Reading: quickly where that is safe, and with a place for every error.

use csv::{ByteRecord, Reader, ReaderBuilder};
use serde::de::DeserializeOwned;

use super::CsvOptions;
use super::layout::Layout;
use super::quick;
use super::row::{Fields, Row, RowError};
use crate::catalog::error::FormatError;
use crate::catalog::format::without_mark;
use crate::catalog::place::Start;
use crate::catalog::source::Source;

/// Reads the records of a whole file.
pub(in crate::catalog) fn read<R: DeserializeOwned + Send>(
    source: Source,
    options: &CsvOptions,
) -> Result<Vec<R>, FormatError> {
    let start = source.start()?;
    let (header, body) = split_header(&start, options)?;
    let layout = Layout::of::<R>(&header)?;
    let is_header_whole = body < start.len() || start.len() as u64 == source.len();
    if is_header_whole && let Some(records) = quick::read(&source, body as u64, &layout, options) {
        return Ok(records);
    }
    parse(&source.into_bytes()?, options)
}

/// Says what is wrong with a file's header, as far as its first bytes show it.
pub(in crate::catalog) fn check_header<R: DeserializeOwned>(
    start: &Start,
    options: &CsvOptions,
) -> Result<(), FormatError> {
    if !start.is_whole && memchr::memchr(b'\n', &start.bytes).is_none() {
        return Ok(());
    }
    let (header, _) = split_header(&start.bytes, options)?;
    Layout::of::<R>(&header).map(drop)
}

/// The header, empty where the file is, and where the rows begin.
fn split_header(bytes: &[u8], options: &CsvOptions) -> Result<(ByteRecord, usize), FormatError> {
    let text = without_mark(bytes);
    let mut header = ByteRecord::new();
    let mut reader = reader(text, options);
    match reader.read_byte_record(&mut header) {
        Ok(true) => {
            let end = usize::try_from(reader.position().byte()).unwrap_or(text.len());
            let mut body = end.min(text.len());
            // The reader may stop between the two bytes of a line end.
            if text[..body].ends_with(b"\r") && text[body..].starts_with(b"\n") {
                body += 1;
            }
            Ok((header, bytes.len() - text.len() + body))
        }
        Ok(false) => Ok((header, bytes.len())),
        Err(error) => Err(FormatError::caused(error.to_string(), error)),
    }
}

fn reader<'b>(bytes: &'b [u8], options: &CsvOptions) -> Reader<&'b [u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(options.delimiter)
        .from_reader(bytes)
}

/// The careful path: from the first byte to the last, by the rules of quoting.
fn parse<R: DeserializeOwned>(bytes: &[u8], options: &CsvOptions) -> Result<Vec<R>, FormatError> {
    let text = without_mark(bytes);
    let mut reader = reader(text, options);
    let mut row = ByteRecord::new();
    let wrong = |error: csv::Error| FormatError::caused(error.to_string(), error);
    reader.read_byte_record(&mut row).map_err(wrong)?;
    let layout = Layout::of::<R>(&row)?;
    let mut records = Vec::new();
    while reader.read_byte_record(&mut row).map_err(wrong)? {
        let place = || {
            let byte = row.position().map_or(0, csv::Position::byte);
            format!("row {} (line {})", records.len() + 1, line_at(text, byte))
        };
        if row.len() != layout.width {
            let (found, width) = (row.len(), layout.width);
            let what = format!("{}: {found} fields, where the header has {width}", place());
            return Err(FormatError::plain(what));
        }
        match R::deserialize(Row::new(&row, &layout, options)) {
            Ok(record) => records.push(record),
            Err(error) => return Err(describe(&error, &row, &layout, &place())),
        }
    }
    Ok(records)
}

fn describe(error: &RowError, row: &ByteRecord, layout: &Layout, place: &str) -> FormatError {
    let Some(column) = error.column else { return FormatError::plain(format!("{place}: {error}")) };
    let name = layout.name(column);
    let found = match row.field(layout.position(column)) {
        b"" => "nothing".to_owned(),
        found => format!("`{}`", shown(found)),
    };
    FormatError::plain(format!("{place}, column `{name}`: {error}, found {found}"))
}

/// A field as a message can hold it: short, and without control characters.
pub(super) fn shown(field: &[u8]) -> String {
    const MOST: usize = 60;
    let text = String::from_utf8_lossy(field);
    let mut shown = String::new();
    for c in text.chars().take(MOST) {
        match c.is_control() {
            true => shown.extend(c.escape_debug()),
            false => shown.push(c),
        }
    }
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

/// The line of the row that the reader began to read at `byte`, where line ends
/// of the row before may still stand.
fn line_at(text: &[u8], byte: u64) -> usize {
    let byte = usize::try_from(byte).unwrap_or(usize::MAX).min(text.len());
    let ends = text[byte..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let before = &text[..byte + ends];
    let is_end = |at: &usize| before[*at] == b'\n' || before.get(*at + 1) != Some(&b'\n');
    1 + memchr::memchr2_iter(b'\r', b'\n', before).filter(is_end).count()
}
