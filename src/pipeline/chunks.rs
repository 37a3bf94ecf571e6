//! Outputs that are written chunk by chunk.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::sync::Arc;

use super::function::BoxError;
use crate::catalog::{DataType, DatasetError, Value};

/// Where a node's function puts one of its outputs, chunk by chunk.
///
/// A file has each chunk as soon as it is pushed, so that the whole need never be
/// in memory; it takes the file's name when the function has returned without an
/// error, and is gone otherwise. Memory, and storage that takes no chunks,
/// [collects](Collect) them first.
///
/// ```
/// use entourage::{Catalog, Chunks, Data, Pipeline, RunOptions, SequentialRunner, node};
///
/// const NUMBERS: Data<[u64]> = Data::memory("numbers");
/// const EVEN: Data<[u64]> = Data::records("even");
/// const ODD: Data<[u64]> = Data::records("odd");
///
/// fn split(
///     numbers: &[u64],
///     even: &mut Chunks<[u64]>,
///     odd: &mut Chunks<[u64]>,
/// ) -> Result<(), entourage::ChunkError> {
///     for few in numbers.chunks(1000) {
///         let (evens, odds) = few.iter().partition(|number| *number % 2 == 0);
///         even.push(evens)?;
///         odd.push(odds)?;
///     }
///     Ok(())
/// }
///
/// let pipeline = Pipeline::new([node(split).reads(NUMBERS).yields((EVEN, ODD))])?;
/// let catalog = Catalog::builder().value(&NUMBERS, (0..5000).collect()).build()?;
/// let mut report = SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new())?;
/// assert_eq!(report.take_output(&EVEN).unwrap().len(), 2500);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Chunks<T: DataType + ?Sized> {
    sink: Arc<dyn Sink>,
    _type: PhantomData<fn(&T)>,
}

impl<T: DataType + ?Sized> Chunks<T> {
    pub(super) fn new(sink: Arc<dyn Sink>) -> Self {
        Self { sink, _type: PhantomData }
    }

    /// Adds a chunk to the output, after those before it.
    ///
    /// # Errors
    ///
    /// If the chunk cannot be saved. The node has failed then, with the reason of
    /// the save, whatever its function goes on to do and return; every further
    /// push fails, too.
    pub fn push(&mut self, chunk: T::Owned) -> Result<(), ChunkError> {
        self.sink.push(Arc::new(chunk))
    }
}

impl<T: DataType + ?Sized> fmt::Debug for Chunks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").finish_non_exhaustive()
    }
}

/// A chunk could not be saved. The node's failure has the error of the storage
/// as its source.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ChunkError {
    message: String,
}

impl ChunkError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl From<&DatasetError> for ChunkError {
    fn from(error: &DatasetError) -> Self {
        Self { message: error.to_string() }
    }
}

/// What takes the chunks of one output, as long as its node's function runs.
pub trait Sink: Send + Sync {
    fn push(&self, chunk: Value) -> Result<(), ChunkError>;
}

/// A value that can be put together from chunks of its own type, in their order.
///
/// A `Vec` or a `String` is lengthened, a map or a set is extended, with the last
/// of two values of one key.
#[diagnostic::on_unimplemented(
    message = "chunks of `{Self}` cannot be put together",
    label = "a node can yield what implements `Collect`",
    note = "`Vec`, `String` and the maps and sets of `std` do; implement it for a type of your own"
)]
pub trait Collect: Sized {
    /// What no chunks make.
    fn empty() -> Self;

    /// Adds a chunk at the end.
    ///
    /// # Errors
    ///
    /// If the chunk does not go with those before it: then the node fails.
    fn add(&mut self, chunk: Self) -> Result<(), BoxError>;
}

impl<T> Collect for Vec<T> {
    fn empty() -> Self {
        Self::new()
    }

    fn add(&mut self, mut chunk: Self) -> Result<(), BoxError> {
        self.append(&mut chunk);
        Ok(())
    }
}

impl Collect for String {
    fn empty() -> Self {
        Self::new()
    }

    fn add(&mut self, chunk: Self) -> Result<(), BoxError> {
        self.push_str(&chunk);
        Ok(())
    }
}

#[cfg(feature = "polars")]
impl Collect for polars::frame::DataFrame {
    fn empty() -> Self {
        Self::empty()
    }

    fn add(&mut self, chunk: Self) -> Result<(), BoxError> {
        match self.width() {
            0 => *self = chunk,
            _ => drop(self.vstack_mut(&chunk)?),
        }
        Ok(())
    }
}

macro_rules! extended {
    ($($type:ty, [$($bounds:tt)*];)*) => {$(
        impl<$($bounds)*> Collect for $type {
            fn empty() -> Self {
                Self::default()
            }

            fn add(&mut self, chunk: Self) -> Result<(), BoxError> {
                self.extend(chunk);
                Ok(())
            }
        }
    )*};
}

extended! {
    VecDeque<T>, [T];
    BinaryHeap<T>, [T: Ord];
    BTreeSet<T>, [T: Ord];
    BTreeMap<K, V>, [K: Ord, V];
    HashSet<T, S>, [T: Eq + Hash, S: BuildHasher + Default];
    HashMap<K, V, S>, [K: Eq + Hash, V, S: BuildHasher + Default];
}

/// [`Collect`] of a type that is gone.
pub trait Collector: Send + Sync {
    fn empty(&self) -> Value;
    /// Fails, and says why, also where one of the two is not ours alone.
    fn add(&self, collected: &mut Value, chunk: Value) -> Result<(), BoxError>;
}

pub(super) struct Collecting<T: ?Sized>(PhantomData<fn(&T)>);

impl<T: ?Sized> Collecting<T> {
    pub(super) const COLLECTOR: Self = Self(PhantomData);
}

impl<T: DataType<Owned: Collect> + ?Sized> Collector for Collecting<T> {
    fn empty(&self) -> Value {
        Arc::new(T::Owned::empty())
    }

    fn add(&self, collected: &mut Value, chunk: Value) -> Result<(), BoxError> {
        let collected = Arc::get_mut(collected).and_then(|held| held.downcast_mut::<T::Owned>());
        let chunk = chunk.downcast::<T::Owned>().ok().and_then(Arc::into_inner);
        match (collected, chunk) {
            (Some(collected), Some(chunk)) => collected.add(chunk),
            _ => Err("something else keeps one of its chunks".into()),
        }
    }
}
