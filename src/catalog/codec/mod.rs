//! How a typed value becomes bytes of a format, and back.

#[cfg(feature = "polars")]
mod frame;
mod plain;
mod records;
mod value;

use std::any::{TypeId, type_name};
use std::io::Write;

use super::chunks::ChunkEncoder;
use super::data::{DataType, Family, Value};
use super::error::FormatError;
use super::format::Format;
use super::place::Start;
use super::source::Source;

#[cfg(feature = "polars")]
pub(super) use frame::Frame;
pub(super) use plain::{Bytes, Memory, Text};
pub(super) use records::Records;
pub(super) use value::{Parameter, SerdeValue};

/// The bridge between a dataset's type and the formats of its family.
pub(crate) trait Codec: Send + Sync {
    fn family(&self) -> Family;
    fn type_name(&self) -> &'static str;
    /// Of the owned type: what a loaded value is an `Arc` of.
    fn type_id(&self) -> TypeId;
    fn rows(&self, value: &Value) -> Option<usize>;

    /// Whether somebody has said how the dataset can be stored, and not named it
    /// by a string alone.
    fn is_declared(&self) -> bool {
        true
    }

    /// Whether `format` is one of the family's.
    fn supports(&self, format: &Format) -> bool;

    /// Says what is wrong with a file as far as its first bytes show it.
    fn check(&self, format: &Format, start: &Start) -> Result<(), FormatError> {
        let _ = (format, start);
        Ok(())
    }

    /// Says whether no value of the type could be written.
    fn check_written(&self, format: &Format) -> Result<(), FormatError> {
        let _ = format;
        Ok(())
    }

    /// Reads a value out of the whole of a file's content.
    fn read(&self, format: &Format, source: Source) -> Result<Value, FormatError> {
        let _ = source;
        Err(self.unsupported(format))
    }

    fn write(
        &self,
        format: &Format,
        value: &Value,
        out: &mut dyn Write,
    ) -> Result<(), FormatError> {
        let _ = (value, out);
        Err(self.unsupported(format))
    }

    /// Whether a value may be written in chunks; else they are to be put together
    /// first.
    fn takes_chunks(&self, format: &Format) -> bool {
        let _ = format;
        false
    }

    /// Begins to write a value that comes in chunks.
    fn chunks(&self, format: &Format) -> Result<Box<dyn ChunkEncoder>, FormatError> {
        let (family, format) = (self.family(), format.name());
        Err(FormatError::plain(format!(
            "a dataset of the {family} family cannot be written to {format} in chunks"
        )))
    }

    /// Reads a parameter.
    fn parameter(&self, value: &serde_json::Value) -> Result<Value, FormatError> {
        let _ = value;
        Err(FormatError::plain(format!(
            "a dataset of the {} family is no parameter",
            self.family()
        )))
    }

    fn unsupported(&self, format: &Format) -> FormatError {
        FormatError::plain(format!(
            "a dataset of the {} family cannot be stored as {}",
            self.family(),
            format.name()
        ))
    }
}

fn rows<T: DataType + ?Sized>(value: &Value) -> Option<usize> {
    value.downcast_ref::<T::Owned>().and_then(T::rows)
}

/// The owned form behind a value. The graph was type-checked when it was built,
/// so a miss is a defect of ours; it is said, not panicked.
fn owned<T: DataType + ?Sized>(value: &Value) -> Result<&T::Owned, FormatError> {
    value.downcast_ref::<T::Owned>().ok_or_else(|| {
        FormatError::plain(format!("the value is not a {}", type_name::<T::Owned>()))
    })
}

/// Type-dependent answers that every typed codec gives alike.
macro_rules! typed {
    ($type:ty) => {
        fn type_name(&self) -> &'static str {
            type_name::<$type>()
        }
        fn type_id(&self) -> TypeId {
            TypeId::of::<<$type as DataType>::Owned>()
        }
        fn rows(&self, value: &Value) -> Option<usize> {
            rows::<$type>(value)
        }
    };
}

use typed;
