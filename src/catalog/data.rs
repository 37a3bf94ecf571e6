//! Typed dataset names.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec::{self, Codec};
use super::entry::{PARAMETER_PREFIX, PARAMETERS};

/// A loaded value whose type is gone: always a [`DataType::Owned`].
pub(crate) type Value = Arc<dyn Any + Send + Sync>;

/// What a node may read and write: a type with an owned form.
///
/// `T` owns itself, `[T]` is owned by `Vec<T>` and `str` by `String`, so that a
/// node over `&[Row]` reads what another wrote as `Vec<Row>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a dataset",
    note = "a dataset's value is `Send + Sync + 'static`; it is shared between threads by reference"
)]
pub trait DataType: 'static {
    /// What a node returns, and what is kept.
    type Owned: Send + Sync + 'static;

    /// What a node is handed.
    fn view(owned: &Self::Owned) -> &Self;

    /// How many records it is, where it is records.
    fn rows(owned: &Self::Owned) -> Option<usize>;
}

impl<T: Send + Sync + 'static> DataType for T {
    type Owned = T;

    fn view(owned: &T) -> &T {
        owned
    }

    fn rows(_: &T) -> Option<usize> {
        None
    }
}

impl<T: Send + Sync + 'static> DataType for [T] {
    type Owned = Vec<T>;

    fn view(owned: &Vec<T>) -> &[T] {
        owned
    }

    fn rows(owned: &Vec<T>) -> Option<usize> {
        Some(owned.len())
    }
}

impl DataType for str {
    type Owned = String;

    fn view(owned: &String) -> &str {
        owned
    }

    fn rows(_: &String) -> Option<usize> {
        None
    }
}

/// The family of formats that a catalog may choose from for a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// A table: CSV, JSON lines, a JSON array, or MessagePack.
    Records,
    /// Any serde value: JSON, or MessagePack.
    Value,
    /// A data frame: Parquet, or Arrow IPC.
    #[cfg(feature = "polars")]
    Frame,
    /// Text, as it is.
    Text,
    /// Bytes, as they are.
    Bytes,
    /// A parameter: a value of the parameters file.
    Parameter,
    /// Memory alone.
    Memory,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Records => "records",
            Self::Value => "value",
            #[cfg(feature = "polars")]
            Self::Frame => "frame",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Parameter => "parameter",
            Self::Memory => "memory",
        })
    }
}

/// A typed dataset name: the compiler checks the wiring of the nodes that share
/// it, and the catalog alone decides where the data lives and in which format.
///
/// A constant; a name that is made at run time is a variable of this type.
///
/// ```
/// use entourage::Data;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Flight { carrier: String, dep_delay: Option<f64> }
///
/// const FLIGHTS: Data<[Flight]> = Data::records("flights");
/// const TOP: Data<usize> = Data::parameter("routes.top");
/// assert_eq!(FLIGHTS.name(), "flights");
/// assert_eq!(TOP.name(), "params:routes.top");
/// ```
pub struct Data<T: DataType + ?Sized> {
    name: Cow<'static, str>,
    is_parameter: bool,
    codec: &'static dyn Codec,
    _type: std::marker::PhantomData<fn() -> Box<T>>,
}

impl<R: Serialize + DeserializeOwned + Send + Sync + 'static> Data<[R]> {
    /// A table of `R`, read as `&[R]` and written as `Vec<R>`.
    ///
    /// A CSV column is a field of `R` of the same name; further columns are left
    /// unread. A column has to be there for every field, whether or not serde
    /// has a default for it, and under the field's one name: `rename` serves,
    /// `alias` does not. Rows that are tuples are read by position.
    pub const fn records(name: &'static str) -> Self {
        Self::new(Cow::Borrowed(name), &codec::Records::<R>::CODEC)
    }
}

impl<T: DataType<Owned: Serialize + DeserializeOwned> + ?Sized> Data<T> {
    /// One value that serde can read and write.
    pub const fn value(name: &'static str) -> Self {
        Self::new(Cow::Borrowed(name), &codec::SerdeValue::<T>::CODEC)
    }
}

impl<T: DataType<Owned: DeserializeOwned> + ?Sized> Data<T> {
    /// A value of the parameters file; dots lead into nested maps. Its full name
    /// has `params:` in front.
    pub const fn parameter(path: &'static str) -> Self {
        let mut data = Self::new(Cow::Borrowed(path), &codec::Parameter::<T>::CODEC);
        data.is_parameter = true;
        data
    }
}

impl<T: DataType<Owned: DeserializeOwned> + ?Sized> Data<T> {
    /// All parameters together. Its name is `parameters`.
    pub const fn parameters() -> Self {
        Self::new(Cow::Borrowed(PARAMETERS), &codec::Parameter::<T>::CODEC)
    }
}

impl Data<str> {
    /// Text in UTF-8.
    pub const fn text(name: &'static str) -> Self {
        Self::new(Cow::Borrowed(name), &codec::Text)
    }
}

#[cfg(feature = "polars")]
impl Data<polars::frame::DataFrame> {
    /// A data frame of polars, as Parquet or as an Arrow IPC file.
    ///
    /// ```
    /// use entourage::{Catalog, Data, FileDataset};
    /// use polars::df;
    /// use polars::frame::DataFrame;
    ///
    /// const ROUTES: Data<DataFrame> = Data::frame("routes");
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("routes.parquet");
    /// let catalog = Catalog::builder().file("routes", FileDataset::parquet(path)).build()?;
    /// catalog.save(&ROUTES, df!("from" => ["JFK", "LGA"], "flights" => [937, 12])?)?;
    /// assert_eq!(catalog.load(&ROUTES)?.shape(), (2, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A file that is empty, cut off or of another kind is an error. Of one whose
    /// bytes were changed in the middle polars believes the lengths that it finds
    /// there, and may end the process for want of that much memory.
    ///
    /// A type of column that polars has a feature for, dates say, needs that feature
    /// (`dtype-slim`) in the dependencies of the program, which names polars there
    /// anyway.
    pub const fn frame(name: &'static str) -> Self {
        Self::new(Cow::Borrowed(name), &codec::Frame)
    }
}

impl Data<[u8]> {
    /// Bytes.
    pub const fn bytes(name: &'static str) -> Self {
        Self::new(Cow::Borrowed(name), &codec::Bytes)
    }
}

impl<T: DataType + ?Sized> Data<T> {
    /// A value that never leaves memory, and so may be of any type.
    pub const fn memory(name: &'static str) -> Self {
        Self::new(Cow::Borrowed(name), &codec::Memory::<T>::CODEC)
    }

    const fn new(name: Cow<'static, str>, codec: &'static dyn Codec) -> Self {
        Self { name, is_parameter: false, codec, _type: std::marker::PhantomData }
    }

    /// The same kind of dataset under a name made at run time.
    ///
    /// ```
    /// use entourage::Data;
    /// let parts: Vec<Data<u64>> =
    ///     (0..3).map(|n| Data::memory("part").named(format!("part_{n}"))).collect();
    /// assert_eq!(parts[2].name(), "part_2");
    /// ```
    #[must_use = "returns the renamed dataset"]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Cow::Owned(name.into()), ..self }
    }

    /// The full name, by which the catalog knows it.
    pub fn name(&self) -> Cow<'_, str> {
        match self.is_parameter {
            true => Cow::Owned(format!("{PARAMETER_PREFIX}{}", self.name)),
            false => Cow::Borrowed(&self.name),
        }
    }

    /// The family of formats it may be stored in.
    pub fn family(&self) -> Family {
        self.codec.family()
    }

    pub(crate) fn codec(&self) -> &'static dyn Codec {
        self.codec
    }
}

impl<T: DataType + ?Sized> Clone for Data<T> {
    fn clone(&self) -> Self {
        let name = self.name.clone();
        Self { name, is_parameter: self.is_parameter, codec: self.codec, _type: self._type }
    }
}

impl<T: DataType + ?Sized> fmt::Debug for Data<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Data")
            .field("name", &self.name())
            .field("family", &self.family())
            .field("type", &self.codec.type_name())
            .finish()
    }
}
