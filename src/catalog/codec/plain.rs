//! Text and bytes as they are, and what never leaves memory.

use std::any::{TypeId, type_name};
use std::io::Write;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{Codec, owned, rows, typed};
use crate::catalog::chunks::ChunkEncoder;
use crate::catalog::data::{DataType, Family, Value};
use crate::catalog::error::FormatError;
use crate::catalog::format::{Format, utf8};
use crate::catalog::source::Source;

pub(in crate::catalog) struct Text;

impl Codec for Text {
    typed!(str);

    fn family(&self) -> Family {
        Family::Text
    }

    fn supports(&self, format: &Format) -> bool {
        matches!(format, Format::Text)
    }

    fn read(&self, format: &Format, source: Source) -> Result<Value, FormatError> {
        match format {
            Format::Text => Ok(Arc::new(utf8(source.into_bytes()?)?)),
            _ => Err(self.unsupported(format)),
        }
    }

    fn write(
        &self,
        format: &Format,
        value: &Value,
        out: &mut dyn Write,
    ) -> Result<(), FormatError> {
        self.chunks(format)?.push(value, out)
    }

    fn takes_chunks(&self, _: &Format) -> bool {
        true
    }

    fn chunks(&self, format: &Format) -> Result<Box<dyn ChunkEncoder>, FormatError> {
        match format {
            Format::Text => Ok(Box::new(Self)),
            _ => Err(self.unsupported(format)),
        }
    }
}

impl ChunkEncoder for Text {
    fn push(&mut self, chunk: &Value, out: &mut dyn Write) -> Result<(), FormatError> {
        Ok(out.write_all(owned::<str>(chunk)?.as_bytes())?)
    }
}

pub(in crate::catalog) struct Bytes;

impl Codec for Bytes {
    fn type_name(&self) -> &'static str {
        type_name::<[u8]>()
    }

    fn type_id(&self) -> TypeId {
        TypeId::of::<Vec<u8>>()
    }

    /// A byte is no record.
    fn rows(&self, _: &Value) -> Option<usize> {
        None
    }

    fn family(&self) -> Family {
        Family::Bytes
    }

    fn supports(&self, format: &Format) -> bool {
        matches!(format, Format::Bytes)
    }

    fn read(&self, format: &Format, source: Source) -> Result<Value, FormatError> {
        match format {
            Format::Bytes => Ok(Arc::new(source.into_bytes()?)),
            _ => Err(self.unsupported(format)),
        }
    }

    fn write(
        &self,
        format: &Format,
        value: &Value,
        out: &mut dyn Write,
    ) -> Result<(), FormatError> {
        self.chunks(format)?.push(value, out)
    }

    fn takes_chunks(&self, _: &Format) -> bool {
        true
    }

    fn chunks(&self, format: &Format) -> Result<Box<dyn ChunkEncoder>, FormatError> {
        match format {
            Format::Bytes => Ok(Box::new(Self)),
            _ => Err(self.unsupported(format)),
        }
    }
}

impl ChunkEncoder for Bytes {
    fn push(&mut self, chunk: &Value, out: &mut dyn Write) -> Result<(), FormatError> {
        Ok(out.write_all(owned::<[u8]>(chunk)?)?)
    }
}

pub(in crate::catalog) struct Memory<T: ?Sized>(PhantomData<fn() -> Box<T>>);

impl<T: ?Sized> Memory<T> {
    pub(in crate::catalog) const CODEC: Self = Self(PhantomData);
}

impl<T: DataType + ?Sized> Codec for Memory<T> {
    typed!(T);

    fn family(&self) -> Family {
        Family::Memory
    }

    fn supports(&self, _: &Format) -> bool {
        false
    }
}
