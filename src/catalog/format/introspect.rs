//! What a record looks like from outside, asked of its `Deserialize`.

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

/// What a type asks to be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::catalog) enum Shape {
    /// A struct: its fields, in the order in which it has them.
    Struct(&'static [&'static str]),
    /// A tuple of so many, or a list.
    Sequence(Option<usize>),
    /// A map, a struct with flattened fields, a tagged enum: whatever takes the
    /// keys as they come.
    Map,
    /// A single value.
    Single,
}

impl Shape {
    pub(in crate::catalog) fn of<T: DeserializeOwned>() -> Self {
        let mut shape = Self::Single;
        // It always fails: the probe gives no values, and only listens.
        let _ = T::deserialize(Probe { shape: &mut shape }).is_err();
        shape
    }
}

struct Probe<'p> {
    shape: &'p mut Shape,
}

impl Probe<'_> {
    fn hears<T>(self, shape: Shape) -> Result<T, de::value::Error> {
        *self.shape = shape;
        Err(de::Error::custom("a probe has no values"))
    }
}

macro_rules! single {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            self.hears(Shape::Single)
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        self.hears(Shape::Map)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.hears(Shape::Struct(fields))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        self.hears(Shape::Sequence(None))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, _: V) -> Result<V::Value, Self::Error> {
        self.hears(Shape::Sequence(Some(len)))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.hears(Shape::Sequence(Some(len)))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.hears(Shape::Single)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.hears(Shape::Single)
    }

    single! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_bytes deserialize_byte_buf deserialize_option
        deserialize_unit
    }

    forward_to_deserialize_any! { map identifier ignored_any }
}
