//! Reading: in parallel where that is safe, and with a place for every error.

use csv::{ByteRecord, DeserializeErrorKind, ErrorKind, Reader, ReaderBuilder};
use rayon::prelude::*;
use serde::de::DeserializeOwned;

use super::CsvOptions;
use super::layout::Layout;
use crate::catalog::error::FormatError;
use crate::executor::ParallelIteratorExt;

/// A piece of a file that one leaf parses.
const CHUNK: usize = 1 << 20;

/// Reads the records of a whole file.
///
/// A file without quotes can be cut at any line end. On a worker it is, and the
/// pieces are parsed in parallel. An error in one makes the file be read again
/// from its start, which finds the first error, with its row.
pub(in crate::catalog) fn read<R: DeserializeOwned + Send>(
    bytes: &[u8],
    options: &CsvOptions,
) -> Result<Vec<R>, FormatError> {
    let (header, body) = split_header(bytes, options)?;
    let layout = Layout::of::<R>(&header)?;
    let is_worker = rayon::current_thread_index().is_some();
    if is_worker && body.len() > CHUNK && memchr::memchr(b'"', body).is_none() {
        let chunks = chunks(body);
        let parts: Result<Vec<Vec<R>>, FormatError> = chunks
            .into_par_iter()
            .in_context()
            .map(|chunk| parse(chunk, &layout, options, 0))
            .collect();
        if let Ok(parts) = parts {
            let mut records = Vec::with_capacity(parts.iter().map(Vec::len).sum());
            parts.into_iter().for_each(|part| records.extend(part));
            return Ok(records);
        }
    }
    let lines_before = memchr::memchr_iter(b'\n', &bytes[..bytes.len() - body.len()]).count();
    parse(body, &layout, options, lines_before)
}

/// Says what is wrong with a file's header, given its first bytes.
pub(in crate::catalog) fn check_header<R: DeserializeOwned>(
    bytes: &[u8],
    options: &CsvOptions,
) -> Result<(), FormatError> {
    let (header, _) = split_header(bytes, options)?;
    Layout::of::<R>(&header).map(drop)
}

fn split_header<'b>(
    bytes: &'b [u8],
    options: &CsvOptions,
) -> Result<(ByteRecord, &'b [u8]), FormatError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut header = ByteRecord::new();
    let mut reader = reader(bytes, options);
    match reader.read_byte_record(&mut header) {
        Ok(true) => {
            let end = usize::try_from(reader.position().byte()).unwrap_or(bytes.len());
            Ok((header, &bytes[end.min(bytes.len())..]))
        }
        Ok(false) => Err(FormatError::plain("the file is empty; a header row was expected")),
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

/// Cuts `body` at line ends.
fn chunks(mut body: &[u8]) -> Vec<&[u8]> {
    let mut chunks = Vec::with_capacity(body.len() / CHUNK + 1);
    while body.len() > CHUNK {
        let Some(end) = memchr::memchr(b'\n', &body[CHUNK..]) else { break };
        let (chunk, rest) = body.split_at(CHUNK + end + 1);
        chunks.push(chunk);
        body = rest;
    }
    chunks.push(body);
    chunks
}

fn parse<R: DeserializeOwned>(
    body: &[u8],
    layout: &Layout,
    options: &CsvOptions,
    lines_before: usize,
) -> Result<Vec<R>, FormatError> {
    let mut reader = reader(body, options);
    let (mut row, mut projected) = (ByteRecord::new(), ByteRecord::new());
    let names = layout.names.as_byte_record();
    let mut records = Vec::new();
    loop {
        let read = reader.read_byte_record(&mut row);
        let place = || {
            let line = row.position().map_or(0, csv::Position::line);
            format!("row {} (line {})", records.len() + 1, line + lines_before as u64)
        };
        match read {
            Ok(false) => return Ok(records),
            Ok(true) if row.len() != layout.width => {
                let (found, width) = (row.len(), layout.width);
                return Err(FormatError::plain(format!(
                    "{}: {found} fields, where the header has {width}",
                    place()
                )));
            }
            Ok(true) => {}
            Err(error) => return Err(FormatError::caused(format!("{}: {error}", place()), error)),
        }
        layout.project(&row, options, &mut projected);
        match projected.deserialize(Some(names)) {
            Ok(record) => records.push(record),
            Err(error) => return Err(describe::<R>(&error, &row, layout, &place())),
        }
    }
}

fn describe<R>(error: &csv::Error, row: &ByteRecord, layout: &Layout, place: &str) -> FormatError {
    let ErrorKind::Deserialize { err, .. } = error.kind() else {
        return FormatError::plain(format!("{place}: {error}"));
    };
    let Some(at) = err.field().and_then(|at| usize::try_from(at).ok()) else {
        return FormatError::plain(format!("{place}: {}", err.kind()));
    };
    let column = layout.names.get(at).unwrap_or_default();
    let found = String::from_utf8_lossy(layout.original(row, at));
    let expected = match err.kind() {
        DeserializeErrorKind::ParseInt(_) => "a whole number",
        DeserializeErrorKind::ParseFloat(_) => "a number",
        DeserializeErrorKind::ParseBool(_) => "true or false",
        DeserializeErrorKind::InvalidUtf8(_) => "text in UTF-8",
        _ => "another value",
    };
    let kind = err.kind();
    FormatError::plain(format!(
        "{place}, column `{column}`: expected {expected}, found `{found}` ({kind})"
    ))
}
