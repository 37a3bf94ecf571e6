//! One value that serde can read and write, and parameters.

use std::any::{TypeId, type_name};
use std::io::Write;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Codec, owned, rows, typed};
use crate::catalog::data::{DataType, Family, Value};
use crate::catalog::error::FormatError;
use crate::catalog::format::{Content, Format, json, msgpack};
use crate::catalog::source::Source;

pub(in crate::catalog) struct SerdeValue<T: ?Sized>(PhantomData<fn() -> Box<T>>);

impl<T: ?Sized> SerdeValue<T> {
    pub(in crate::catalog) const CODEC: Self = Self(PhantomData);
}

impl<T: DataType<Owned: Serialize + DeserializeOwned> + ?Sized> Codec for SerdeValue<T> {
    typed!(T);

    fn family(&self) -> Family {
        Family::Value
    }

    fn supports(&self, format: &Format) -> bool {
        matches!(format, Format::Json | Format::MessagePack)
    }

    fn read(&self, format: &Format, source: Source) -> Result<Value, FormatError> {
        match format {
            Format::Json => {
                let value: T::Owned = json::read(&source.into_bytes()?, Content::Value)?;
                Ok(Arc::new(value))
            }
            Format::MessagePack => Ok(Arc::new(msgpack::read::<T::Owned>(&source.into_bytes()?)?)),
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
            Format::MessagePack => msgpack::write(owned::<T>(value)?, out),
            _ => Err(self.unsupported(format)),
        }
    }
}

pub(in crate::catalog) struct Parameter<T: ?Sized>(PhantomData<fn() -> Box<T>>);

impl<T: ?Sized> Parameter<T> {
    pub(in crate::catalog) const CODEC: Self = Self(PhantomData);
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
