//! Data frames of polars.

use std::any::{TypeId, type_name};
use std::io::Write;
use std::sync::Arc;

use polars::frame::DataFrame;

use super::{Codec, owned};
use crate::catalog::chunks::ChunkEncoder;
use crate::catalog::data::{Family, Value};
use crate::catalog::error::FormatError;
use crate::catalog::format::{Format, frame};
use crate::catalog::place::Start;
use crate::catalog::source::Source;

pub(in crate::catalog) struct Frame;

impl Codec for Frame {
    fn type_name(&self) -> &'static str {
        type_name::<DataFrame>()
    }

    fn type_id(&self) -> TypeId {
        TypeId::of::<DataFrame>()
    }

    fn rows(&self, value: &Value) -> Option<usize> {
        value.downcast_ref::<DataFrame>().map(DataFrame::height)
    }

    fn family(&self) -> Family {
        Family::Frame
    }

    fn supports(&self, format: &Format) -> bool {
        matches!(format, Format::Parquet | Format::Arrow)
    }

    fn check(&self, format: &Format, start: &Start) -> Result<(), FormatError> {
        frame::check(format, start)
    }

    fn read(&self, format: &Format, source: Source) -> Result<Value, FormatError> {
        match format {
            Format::Parquet => Ok(Arc::new(frame::read_parquet(source.into_bytes()?)?)),
            Format::Arrow => Ok(Arc::new(frame::read_arrow(source.into_bytes()?)?)),
            _ => Err(self.unsupported(format)),
        }
    }

    fn write(
        &self,
        format: &Format,
        value: &Value,
        out: &mut dyn Write,
    ) -> Result<(), FormatError> {
        match format {
            Format::Arrow => frame::write_arrow(owned::<DataFrame>(value)?, out),
            _ => {
                let mut chunks = self.chunks(format)?;
                chunks.push(value, out)?;
                chunks.end(out)
            }
        }
    }

    /// Arrow files are written as a whole: polars does not name the types that it
    /// takes to add batches to one.
    fn takes_chunks(&self, format: &Format) -> bool {
        matches!(format, Format::Parquet)
    }

    fn chunks(&self, format: &Format) -> Result<Box<dyn ChunkEncoder>, FormatError> {
        match format {
            Format::Parquet => Ok(Box::new(FrameChunks::default())),
            _ => Err(self.unsupported(format)),
        }
    }
}

/// Row groups of one Parquet file.
#[derive(Default)]
struct FrameChunks {
    row_groups: frame::RowGroups,
}

impl ChunkEncoder for FrameChunks {
    fn push(&mut self, chunk: &Value, out: &mut dyn Write) -> Result<(), FormatError> {
        self.row_groups.push(owned::<DataFrame>(chunk)?, out)
    }

    fn end(&mut self, out: &mut dyn Write) -> Result<(), FormatError> {
        self.row_groups.end(out)
    }
}
