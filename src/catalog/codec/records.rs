//! Tables of serde records.

use std::any::{TypeId, type_name};
use std::io::Write;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Codec, owned, rows, typed};
use crate::catalog::chunks::ChunkEncoder;
use crate::catalog::data::{DataType, Family, Value};
use crate::catalog::error::FormatError;
use crate::catalog::format::{Content, Format, csv, json, msgpack};
use crate::catalog::place::Start;
use crate::catalog::source::Source;

pub(in crate::catalog) struct Records<R>(PhantomData<fn() -> R>);

impl<R> Records<R> {
    pub(in crate::catalog) const CODEC: Self = Self(PhantomData);
}

impl<R: Serialize + DeserializeOwned + Send + Sync + 'static> Codec for Records<R> {
    typed!([R]);

    fn family(&self) -> Family {
        Family::Records
    }

    fn supports(&self, format: &Format) -> bool {
        matches!(format, Format::Csv(_) | Format::Json | Format::JsonLines | Format::MessagePack)
    }

    fn check(&self, format: &Format, start: &Start) -> Result<(), FormatError> {
        match format {
            Format::Csv(options) => csv::check_header::<R>(start, options),
            _ => Ok(()),
        }
    }

    fn check_written(&self, format: &Format) -> Result<(), FormatError> {
        match format {
            Format::Csv(_) => csv::check_record::<R>(),
            _ => Ok(()),
        }
    }

    fn read(&self, format: &Format, source: Source) -> Result<Value, FormatError> {
        let records: Vec<R> = match format {
            Format::Csv(options) => csv::read(source, options)?,
            Format::Json => json::read(&source.into_bytes()?, Content::Records)?,
            Format::JsonLines => json::read_lines(&source.into_bytes()?)?,
            Format::MessagePack => msgpack::read_records(&source.into_bytes()?)?,
            _ => return Err(self.unsupported(format)),
        };
        Ok(Arc::new(records))
    }

    fn write(
        &self,
        format: &Format,
        value: &Value,
        out: &mut dyn Write,
    ) -> Result<(), FormatError> {
        let mut chunks = self.chunks(format)?;
        chunks.push(value, out)?;
        chunks.end(out)
    }

    fn takes_chunks(&self, _: &Format) -> bool {
        true
    }

    fn chunks(&self, format: &Format) -> Result<Box<dyn ChunkEncoder>, FormatError> {
        let writer = match format {
            Format::Csv(options) => Writer::Csv(csv::Rows::of::<R>(options)?),
            Format::Json => Writer::Json(json::Array::default()),
            Format::JsonLines => Writer::JsonLines(json::Lines::default()),
            Format::MessagePack => Writer::MessagePack(msgpack::Records::default()),
            _ => return Err(self.unsupported(format)),
        };
        Ok(Box::new(RecordChunks::<R> { writer, _type: PhantomData }))
    }
}

struct RecordChunks<R> {
    writer: Writer,
    _type: PhantomData<fn() -> R>,
}

/// What each format has to remember from one chunk to the next.
enum Writer {
    Csv(csv::Rows),
    Json(json::Array),
    JsonLines(json::Lines),
    MessagePack(msgpack::Records),
}

impl<R: Serialize + DeserializeOwned + Send + Sync + 'static> ChunkEncoder for RecordChunks<R> {
    fn push(&mut self, chunk: &Value, out: &mut dyn Write) -> Result<(), FormatError> {
        let records = owned::<[R]>(chunk)?;
        match &mut self.writer {
            Writer::Csv(rows) => rows.push(records, out),
            Writer::Json(array) => array.push(records, out),
            Writer::JsonLines(lines) => lines.push(records, out),
            Writer::MessagePack(stream) => stream.push(records, out),
        }
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<(), FormatError> {
        match &mut self.writer {
            Writer::Csv(rows) => rows.end(out),
            Writer::Json(array) => array.end(out),
            Writer::JsonLines(_) | Writer::MessagePack(_) => Ok(()),
        }
    }
}
