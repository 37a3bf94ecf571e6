//! Datasets of the user's own making.

use std::any::TypeId;
use std::sync::Arc;

use super::data::{DataType, Value};
use super::error::BoxError;

/// Storage that the crate does not know: a database table, an object store.
///
/// Loads and saves are called on whichever worker runs the node, in the node's
/// context, so that what they log is filed under the node, and a panic is the
/// node's failure. Whether it exists is asked before the run, on the thread that
/// begins it.
///
/// ```
/// use std::error::Error;
/// use entourage::Dataset;
///
/// struct Env(&'static str);
/// impl Dataset<str> for Env {
///     fn load(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
///         Ok(std::env::var(self.0)?)
///     }
///     fn save(&self, _: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
///         Err("the environment is not ours to change".into())
///     }
///     fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
///         Ok(std::env::var_os(self.0).is_some())
///     }
/// }
/// ```
pub trait Dataset<T: DataType + ?Sized>: Send + Sync + 'static {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// If it cannot be read. The error reaches the run's error unchanged.
    fn load(&self) -> Result<T::Owned, BoxError>;

    /// Writes the value, wholly or not at all.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    fn save(&self, value: &T) -> Result<(), BoxError>;

    /// Whether there is something to load.
    ///
    /// # Errors
    ///
    /// If that cannot be found out.
    fn exists(&self) -> Result<bool, BoxError>;
}

/// A [`Dataset`] whose type is gone.
pub(crate) trait ErasedDataset: Send + Sync {
    fn load(&self) -> Result<Value, BoxError>;
    fn save(&self, value: &Value) -> Result<(), BoxError>;
    fn exists(&self) -> Result<bool, BoxError>;
    fn owned_type(&self) -> (TypeId, &'static str);
}

pub(super) struct Typed<T: ?Sized, D> {
    dataset: D,
    _type: std::marker::PhantomData<fn() -> Box<T>>,
}

impl<T: ?Sized, D> Typed<T, D> {
    pub(super) fn new(dataset: D) -> Self {
        Self { dataset, _type: std::marker::PhantomData }
    }
}

impl<T: DataType + ?Sized, D: Dataset<T>> ErasedDataset for Typed<T, D> {
    fn load(&self) -> Result<Value, BoxError> {
        Ok(Arc::new(self.dataset.load()?))
    }

    fn save(&self, value: &Value) -> Result<(), BoxError> {
        let owned = value.downcast_ref::<T::Owned>().ok_or("the value is of another type")?;
        self.dataset.save(T::view(owned))
    }

    fn exists(&self) -> Result<bool, BoxError> {
        self.dataset.exists()
    }

    fn owned_type(&self) -> (TypeId, &'static str) {
        (TypeId::of::<T::Owned>(), std::any::type_name::<T>())
    }
}
