//! One row as serde sees it: a map from column to field.

use std::fmt;
use std::str::FromStr;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::CsvOptions;
use super::layout::Layout;

/// The fields of a row, by position in the file.
pub(super) trait Fields {
    fn field(&self, at: usize) -> &[u8];
}

impl Fields for csv::ByteRecord {
    fn field(&self, at: usize) -> &[u8] {
        self.get(at).unwrap_or_default()
    }
}

/// A row cannot be read as the record type. Made without allocation, for a file
/// is tried on the quick path first.
#[derive(Debug)]
pub(super) struct RowError {
    /// Which of the layout's columns, if one is to blame.
    pub(super) column: Option<usize>,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Expected(&'static str),
    Other(String),
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(expected) => write!(f, "expected {expected}"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(f)
    }
}

impl std::error::Error for RowError {}

impl de::Error for RowError {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self { column: None, what: What::Other(what.to_string()) }
    }
}

fn expected(what: &'static str) -> RowError {
    RowError { column: None, what: What::Expected(what) }
}

pub(super) struct Row<'r, F> {
    fields: &'r F,
    layout: &'r Layout,
    options: &'r CsvOptions,
    /// A struct is given the names of its fields, and not just their values in
    /// its own order.
    is_named: bool,
    next: usize,
}

impl<'r, F: Fields> Row<'r, F> {
    pub(super) fn new(fields: &'r F, layout: &'r Layout, options: &'r CsvOptions) -> Self {
        Self { fields, layout, options, is_named: true, next: 0 }
    }

    /// A row that saves a struct from matching names. Of the few types that do
    /// not take their fields in order, the reading fails.
    #[inline]
    pub(super) fn in_order(fields: &'r F, layout: &'r Layout, options: &'r CsvOptions) -> Self {
        Self { fields, layout, options, is_named: false, next: 0 }
    }

    #[inline]
    fn cell<'de, S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, RowError> {
        let column = self.next;
        self.next += 1;
        let text = self.fields.field(self.layout.position(column));
        let cell = Cell { text: if self.options.is_missing(text) { b"" } else { text } };
        seed.deserialize(cell).map_err(|error| RowError { column: Some(column), ..error })
    }

    #[inline]
    fn is_over(&self) -> bool {
        self.next == self.layout.len()
    }
}

impl<'de, F: Fields> Deserializer<'de> for Row<'_, F> {
    type Error = RowError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_map(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_seq(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_seq(self)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_seq(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_newtype_struct(self)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, RowError> {
        if self.is_named {
            return visitor.visit_map(self);
        }
        let value = visitor.visit_seq(&mut self)?;
        if self.is_over() { Ok(value) } else { Err(expected("a value of every column")) }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct map enum identifier ignored_any
    }
}

impl<'de, F: Fields> MapAccess<'de> for Row<'_, F> {
    type Error = RowError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, RowError> {
        if self.is_over() {
            return Ok(None);
        }
        seed.deserialize(self.layout.name(self.next).into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, RowError> {
        self.cell(seed)
    }
}

impl<'de, F: Fields> SeqAccess<'de> for Row<'_, F> {
    type Error = RowError;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, RowError> {
        if self.is_over() { Ok(None) } else { self.cell(seed).map(Some) }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.layout.len() - self.next)
    }
}

/// One field; empty where its value is missing.
#[derive(Clone, Copy)]
struct Cell<'r> {
    text: &'r [u8],
}

impl<'r> Cell<'r> {
    fn text(self) -> Result<&'r str, RowError> {
        std::str::from_utf8(self.text).map_err(|_| expected("text in UTF-8"))
    }

    fn parse<T: FromStr>(self, what: &'static str) -> Result<T, RowError> {
        self.text()?.parse().map_err(|_| expected(what))
    }

    #[inline]
    fn number<T: FromStr>(
        self,
        what: &'static str,
        of: impl FnOnce(i64) -> Option<T>,
    ) -> Result<T, RowError> {
        match whole(self.text) {
            Some(number) => of(number).ok_or_else(|| expected(what)),
            None => self.parse(what),
        }
    }
}

/// A short whole number. Most numbers are, those with a floating point too, and
/// the general way to read them takes several times as long.
#[inline]
fn whole(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if !(1..=15).contains(&digits.len()) {
        return None;
    }
    let mut number = 0;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = 10 * number + i64::from(digit);
    }
    match text.len() == digits.len() {
        true => Some(number),
        // There is a negative zero.
        false => (number > 0).then_some(-number),
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $what:literal;)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
            visitor.$visit(self.number($what, |number| number.try_into().ok())?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Cell<'_> {
    type Error = RowError;

    whole_numbers! {
        deserialize_i8 visit_i8 "a whole number from -128 to 127";
        deserialize_i16 visit_i16 "a whole number from -32768 to 32767";
        deserialize_i32 visit_i32 "a whole number of 32 bits";
        deserialize_i64 visit_i64 "a whole number of 64 bits";
        deserialize_i128 visit_i128 "a whole number";
        deserialize_u8 visit_u8 "a whole number from 0 to 255";
        deserialize_u16 visit_u16 "a whole number from 0 to 65535";
        deserialize_u32 visit_u32 "a whole number of 32 bits, not negative";
        deserialize_u64 visit_u64 "a whole number of 64 bits, not negative";
        deserialize_u128 visit_u128 "a whole number, not negative";
    }

    #[inline]
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_f32(self.number("a number", |number| Some(number as f32))?)
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_f64(self.number("a number", |number| Some(number as f64))?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_bool(self.parse("true or false")?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_char(self.parse("one character")?)
    }

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_bytes(self.text)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_bytes(self.text)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        if self.text.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, RowError> {
        visitor.visit_enum(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        str string unit_struct seq tuple tuple_struct map struct identifier
    }
}

/// A field can name a variant; it has no room for a variant's content.
impl<'de> EnumAccess<'de> for Cell<'_> {
    type Error = RowError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), RowError> {
        let name: de::value::StrDeserializer<'_, RowError> = self.text()?.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Cell<'_> {
    type Error = RowError;

    fn unit_variant(self) -> Result<(), RowError> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, RowError> {
        Err(expected("the name of a variant without content"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, RowError> {
        Err(expected("the name of a variant without content"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, RowError> {
        Err(expected("the name of a variant without content"))
    }
}
