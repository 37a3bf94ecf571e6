//! MessagePack: a value, or records one after another.

use std::io::{ErrorKind, Write};

use rmp_serde::decode::ReadReader;
use rmp_serde::{Deserializer, Serializer, decode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::place::{Content, place_of};
use crate::catalog::error::FormatError;

pub(in crate::catalog) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FormatError> {
    let mut rest = bytes;
    let value = T::deserialize(&mut deserializer(&mut rest));
    let byte = bytes.len() - rest.len();
    match value {
        Ok(value) if rest.is_empty() => Ok(value),
        Ok(_) => {
            let more = rest.len();
            Err(FormatError::plain(format!(
                "byte {byte}: the value ends here, and {more} more bytes follow"
            )))
        }
        Err(error) => {
            let place = place_of::<T, _>(&mut deserializer(&mut &*bytes), Content::Value);
            Err(unreadable(&format!("byte {byte}, {place}"), error))
        }
    }
}

/// Reads record after record, up to the end: there is no list around them, so
/// that more can be written while nobody knows how many there will be.
pub(in crate::catalog) fn read_records<R: DeserializeOwned>(
    bytes: &[u8],
) -> Result<Vec<R>, FormatError> {
    let mut rest = bytes;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let from = rest;
        let record = R::deserialize(&mut deserializer(&mut rest));
        records.push(record.map_err(|error| {
            let (row, byte) = (records.len() + 1, bytes.len() - rest.len());
            let field = place_of::<R, _>(&mut deserializer(&mut &*from), Content::Value);
            unreadable(&format!("row {row}, byte {byte}, {field}"), error)
        })?);
    }
    Ok(records)
}

pub(in crate::catalog) fn write<T: Serialize + ?Sized>(
    value: &T,
    out: &mut dyn Write,
) -> Result<(), FormatError> {
    // With the names of fields, so that a file outlives the order of a struct's.
    let mut serializer = Serializer::new(out).with_struct_map();
    let written = value.serialize(&mut serializer);
    written.map_err(|error| FormatError::caused(error.to_string(), error))
}

/// Records one after another.
#[derive(Default)]
pub(in crate::catalog) struct Records {
    written: usize,
}

impl Records {
    pub(in crate::catalog) fn push<R: Serialize>(
        &mut self,
        records: &[R],
        out: &mut dyn Write,
    ) -> Result<(), FormatError> {
        for record in records {
            self.written += 1;
            let mut serializer = Serializer::new(&mut *out).with_struct_map();
            record.serialize(&mut serializer).map_err(|error| {
                FormatError::caused(format!("row {}: {error}", self.written), error)
            })?;
        }
        Ok(())
    }
}

/// What a marker of the format, which is named here, says in words.
fn kind(marker: &str) -> &'static str {
    match marker.trim_end_matches(|c: char| !c.is_ascii_alphabetic()) {
        "FixStr" | "Str" => "text",
        "FixArray" | "Array" => "a list",
        "FixMap" | "Map" => "a map",
        "FixPos" | "FixNeg" | "U" | "I" => "a whole number",
        "F" => "a number",
        "True" | "False" => "true or false",
        "Null" => "nothing",
        "Bin" => "bytes",
        _ => "an extension of the format",
    }
}

/// No deeper than JSON is read, so that nothing a file holds overflows a stack.
fn deserializer<'b, 'r>(rest: &'r mut &'b [u8]) -> Deserializer<ReadReader<&'r mut &'b [u8]>> {
    const DEPTH: usize = 128;
    let mut deserializer = Deserializer::new(rest);
    deserializer.set_max_depth(DEPTH);
    deserializer
}

/// `place` ends as the beginning of a sentence does, or with a comma.
fn unreadable(place: &str, error: decode::Error) -> FormatError {
    let place = match place.strip_suffix(", ") {
        Some(place) => format!("{place}: "),
        None => place.to_owned(),
    };
    let what = match &error {
        decode::Error::InvalidMarkerRead(cause) | decode::Error::InvalidDataRead(cause)
            if cause.kind() == ErrorKind::UnexpectedEof =>
        {
            "the data ends too early: the file is cut off".to_owned()
        }
        decode::Error::TypeMismatch(marker) => {
            format!(
                "a value of another type is expected here, found {}",
                kind(&format!("{marker:?}"))
            )
        }
        decode::Error::DepthLimitExceeded => "values within values, too deep".to_owned(),
        decode::Error::Utf8Error(cause) => format!("text that is not UTF-8: {cause}"),
        other => other.to_string(),
    };
    FormatError::caused(format!("{place}{what}"), error)
}
