//! Datasets of the user's own making.

use std::any::{TypeId, type_name};
use std::sync::Arc;

use super::access::Access;
use super::data::{DataType, Value};
use super::error::{BoxError, FormatError};
use super::stored::{StoredDataset, Unfit};

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

    /// As [`load`](Self::load), which it calls by default, and says how many bytes
    /// were read from storage, as they are there; `None` where that is not known. It
    /// is what a run and a catalog call, and what the run's listeners are told in
    /// [`Transfer::bytes`](crate::events::Transfer::bytes).
    ///
    /// ```
    /// # use std::path::PathBuf;
    /// use std::error::Error;
    /// use entourage::Dataset;
    ///
    /// /// Text that is kept compressed.
    /// struct Packed(PathBuf);
    /// # fn unpack(bytes: Vec<u8>) -> Result<String, Box<dyn Error + Send + Sync>> { Ok(String::from_utf8(bytes)?) }
    /// # fn pack(text: &str) -> Vec<u8> { text.into() }
    /// impl Dataset<str> for Packed {
    ///     fn load(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
    ///         Ok(self.load_counted()?.0)
    ///     }
    ///     fn save(&self, text: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    ///         self.save_counted(text).map(drop)
    ///     }
    ///     fn load_counted(&self) -> Result<(String, Option<u64>), Box<dyn Error + Send + Sync>> {
    ///         let packed = std::fs::read(&self.0)?;
    ///         let bytes = packed.len() as u64;
    ///         Ok((unpack(packed)?, Some(bytes)))
    ///     }
    ///     fn save_counted(&self, text: &str) -> Result<Option<u64>, Box<dyn Error + Send + Sync>> {
    ///         let packed = pack(text);
    ///         std::fs::write(&self.0, &packed)?;
    ///         Ok(Some(packed.len() as u64))
    ///     }
    ///     fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
    ///         Ok(self.0.exists())
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If it cannot be read. The error reaches the run's error unchanged.
    fn load_counted(&self) -> Result<(T::Owned, Option<u64>), BoxError> {
        Ok((self.load()?, None))
    }

    /// As [`save`](Self::save), which it calls by default, and says how many bytes
    /// were written to storage: see [`load_counted`](Self::load_counted).
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    fn save_counted(&self, value: &T) -> Result<Option<u64>, BoxError> {
        self.save(value).map(|()| None)
    }

    /// Whether there is something to load.
    ///
    /// # Errors
    ///
    /// If that cannot be found out.
    fn exists(&self) -> Result<bool, BoxError>;

    /// Lets go of what the dataset keeps in memory only to be quicker. A run calls
    /// it for what one of its nodes writes and others read, when the last of these
    /// has read it or never will, whether or not it was written by then; not for
    /// what comes from outside of the run or is its result.
    ///
    /// # Errors
    ///
    /// If that fails. The run tells of it in a warning, and goes on.
    fn release(&self) -> Result<(), BoxError> {
        Ok(())
    }

    /// Is told that a node which confirms the dataset is done, and all that it
    /// wrote is saved: a queue may then acknowledge what was read from it.
    ///
    /// # Errors
    ///
    /// If that fails.
    fn confirm(&self) -> Result<(), BoxError> {
        Ok(())
    }

    /// Where the data is, for messages: a table's name, a host, nothing secret.
    fn describe(&self) -> Option<String> {
        None
    }

    /// Whether what is saved outlives the process. A run that makes up only what
    /// is missing, or takes up where another ended, builds on what does.
    fn is_persistent(&self) -> bool {
        true
    }
}

/// A [`Dataset`] whose type is gone.
pub(super) struct Typed<T: ?Sized, D> {
    dataset: D,
    kind: String,
    _type: std::marker::PhantomData<fn() -> Box<T>>,
}

impl<T: ?Sized, D> Typed<T, D> {
    pub(super) fn new(dataset: D, kind: impl Into<String>) -> Self {
        Self { dataset, kind: kind.into(), _type: std::marker::PhantomData }
    }
}

impl<T: DataType + ?Sized, D: Dataset<T>> StoredDataset for Typed<T, D> {
    fn load(&self, access: &Access<'_>) -> Result<(Value, Option<u64>), FormatError> {
        if access.type_id != TypeId::of::<T::Owned>() {
            return Err(access.wrong_type(type_name::<T>()));
        }
        let (value, bytes) = self.dataset.load_counted().map_err(FormatError::own)?;
        Ok((Arc::new(value), bytes))
    }

    fn save(&self, access: &Access<'_>, value: &Value) -> Result<Option<u64>, FormatError> {
        let owned = value.downcast_ref::<T::Owned>();
        let owned = owned.ok_or_else(|| access.wrong_type(type_name::<T>()))?;
        self.dataset.save_counted(T::view(owned)).map_err(FormatError::own)
    }

    fn exists(&self, _: &Access<'_>) -> Result<bool, FormatError> {
        self.dataset.exists().map_err(FormatError::own)
    }

    fn check(&self, access: &Access<'_>) -> Result<(), Unfit> {
        if access.type_id != TypeId::of::<T::Owned>() {
            return Err(access.wrong_type(type_name::<T>()).into());
        }
        if access.is_written {
            return Ok(());
        }
        match self.dataset.exists() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Unfit::Absent("it is not there".to_owned())),
            Err(error) => {
                let what = format!("whether it is there cannot be found out: {error}");
                Err(FormatError::caused(what, error).into())
            }
        }
    }

    fn release(&self) -> Result<(), FormatError> {
        self.dataset.release().map_err(FormatError::own)
    }

    fn confirm(&self) -> Result<(), FormatError> {
        self.dataset.confirm().map_err(FormatError::own)
    }

    fn kind(&self) -> String {
        self.kind.clone()
    }

    fn place(&self) -> Option<String> {
        self.dataset.describe()
    }

    fn is_persistent(&self) -> bool {
        self.dataset.is_persistent()
    }
}
