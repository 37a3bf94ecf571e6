//! How a typed value becomes bytes of a format, and back.

use std::any::{TypeId, type_name};
use std::io::Write;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::data::{DataType, Family, Value};
use super::error::FormatError;
use super::file::Source;
use super::format::{Format, csv, json};

/// The bridge between a dataset's type and the formats of its family.
pub(crate) trait Codec: Send + Sync {
    fn family(&self) -> Family;
    fn type_name(&self) -> &'static str;
    /// Of the owned type: what a loaded value is an `Arc` of.
    fn type_id(&self) -> TypeId;
    fn rows(&self, value: &Value) -> Option<usize>;

    /// Whether `format` is one of the family's.
    fn supports(&self, format: &Format) -> bool;

    /// Says what is wrong with a file as far as its first bytes show it.
    fn check(&self, format: &Format, start: &[u8]) -> Result<(), FormatError> {
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

pub(super) struct Records<R>(PhantomData<fn() -> R>);

impl<R> Records<R> {
    pub(super) const CODEC: Self = Self(PhantomData);
}

impl<R: Serialize + DeserializeOwned + Send + Sync + 'static> Codec for Records<R> {
    typed!([R]);

    fn family(&self) -> Family {
        Family::Records
    }

    fn supports(&self, format: &Format) -> bool {
        matches!(format, Format::Csv(_) | Format::Json | Format::JsonLines)
    }

    fn check(&self, format: &Format, start: &[u8]) -> Result<(), FormatError> {
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
            Format::Json => json::read(&source.into_bytes()?)?,
            Format::JsonLines => json::read_lines(&source.into_bytes()?)?,
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
        let records = owned::<[R]>(value)?;
        match format {
            Format::Csv(options) => csv::write(records, options, out),
            Format::Json => json::write(records, out),
            Format::JsonLines => json::write_lines(records, out),
            _ => Err(self.unsupported(format)),
        }
    }
}

pub(super) struct SerdeValue<T: ?Sized>(PhantomData<fn() -> Box<T>>);

impl<T: ?Sized> SerdeValue<T> {
    pub(super) const CODEC: Self = Self(PhantomData);
}

impl<T: DataType<Owned: Serialize + DeserializeOwned> + ?Sized> Codec for SerdeValue<T> {
    typed!(T);

    fn family(&self) -> Family {
        Family::Value
    }

    fn supports(&self, format: &Format) -> bool {
        matches!(format, Format::Json)
    }

    fn read(&self, format: &Format, source: Source) -> Result<Value, FormatError> {
        match format {
            Format::Json => Ok(Arc::new(json::read::<T::Owned>(&source.into_bytes()?)?)),
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
            Format::Json => json::write(owned::<T>(value)?, out),
            _ => Err(self.unsupported(format)),
        }
    }
}

pub(super) struct Parameter<T: ?Sized>(PhantomData<fn() -> Box<T>>);

impl<T: ?Sized> Parameter<T> {
    pub(super) const CODEC: Self = Self(PhantomData);
}

impl<T: DataType<Owned: DeserializeOwned> + ?Sized> Codec for Parameter<T> {
    typed!(T);

    fn family(&self) -> Family {
        Family::Parameter
    }

    fn supports(&self, _: &Format) -> bool {
        false
    }

    fn parameter(&self, value: &serde_json::Value) -> Result<Value, FormatError> {
        match serde_json::from_value::<T::Owned>(value.clone()) {
            Ok(owned) => Ok(Arc::new(owned)),
            Err(error) => Err(FormatError::plain(format!(
                "expected a {}, found `{value}`: {error}",
                type_name::<T>()
            ))),
        }
    }
}

pub(super) struct Memory<T: ?Sized>(PhantomData<fn() -> Box<T>>);

impl<T: ?Sized> Memory<T> {
    pub(super) const CODEC: Self = Self(PhantomData);
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

pub(super) struct Text;

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
            Format::Text => Ok(Arc::new(super::format::utf8(source.into_bytes()?)?)),
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
            Format::Text => Ok(out.write_all(owned::<str>(value)?.as_bytes())?),
            _ => Err(self.unsupported(format)),
        }
    }
}

pub(super) struct Bytes;

impl Codec for Bytes {
    typed!([u8]);

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
        match format {
            Format::Bytes => Ok(out.write_all(owned::<[u8]>(value)?)?),
            _ => Err(self.unsupported(format)),
        }
    }
}
