//! What a name in a catalog stands for.

use std::fmt;
use std::path::{Path, PathBuf};

use super::access::Access;
use super::chunks::ChunkWriter;
use super::data::Value;
use super::error::{DatasetError, Doing, FormatError};
use super::stored::{StoredDataset, Unfit};

/// What the full name of a parameter begins with.
pub(crate) const PARAMETER_PREFIX: &str = "params:";

/// A dataset of the catalog. What it does may call user code, which may panic:
/// that is for the caller to catch.
pub(crate) struct Entry {
    pub(super) stored: Box<dyn StoredDataset>,
    /// The file and line that binds the name, where a file does.
    pub(super) origin: Option<String>,
}

impl Entry {
    pub(super) fn new(stored: impl StoredDataset + 'static, origin: Option<String>) -> Self {
        Self { stored: Box::new(stored), origin }
    }

    /// Where the name is bound, as the end of a sentence.
    pub(crate) fn origin(&self) -> String {
        self.origin.as_ref().map_or_else(String::new, |origin| format!(" ({origin})"))
    }

    /// The same as a place of its own.
    pub(super) fn place(&self) -> &str {
        self.origin.as_deref().unwrap_or("the program")
    }

    /// Reads the value.
    pub(crate) fn load(&self, access: &Access<'_>) -> Result<Value, DatasetError> {
        self.stored.load(access).map_err(|error| self.error(access.name, Doing::Load, error))
    }

    /// Writes the value, wholly or not at all.
    pub(crate) fn save(&self, access: &Access<'_>, value: &Value) -> Result<(), DatasetError> {
        self.stored.save(access, value).map_err(|error| self.error(access.name, Doing::Save, error))
    }

    /// Begins a save whose value comes in chunks; see [`StoredDataset::chunks`].
    #[cfg_attr(not(test), expect(dead_code, reason = "no node yields chunks yet"))]
    pub(crate) fn chunks(&self, access: &Access<'_>) -> Result<Option<ChunkWriter>, DatasetError> {
        self.stored.chunks(access).map_err(|error| self.error(access.name, Doing::Save, error))
    }

    /// Whether there is something to load.
    pub(crate) fn exists(&self, access: &Access<'_>) -> Result<bool, DatasetError> {
        self.stored.exists(access).map_err(|error| self.error(access.name, Doing::Look, error))
    }

    /// Says before the run what would go wrong in it; see
    /// [`StoredDataset::check`].
    pub(crate) fn check(&self, access: &Access<'_>) -> Result<(), Unfit> {
        self.stored.check(access)
    }

    /// Lets go of what is kept in memory only to be quicker.
    pub(crate) fn release(&self, name: &str) -> Result<(), DatasetError> {
        self.stored.release().map_err(|error| self.error(name, Doing::Release, error))
    }

    /// Tells the dataset that what was made of it is saved.
    pub(crate) fn confirm(&self, name: &str) -> Result<(), DatasetError> {
        self.stored.confirm().map_err(|error| self.error(name, Doing::Confirm, error))
    }

    /// What it is, for people.
    pub(crate) fn describe(&self) -> Description {
        Description {
            kind: self.stored.kind(),
            place: self.stored.place(),
            origin: self.origin.clone(),
            is_persistent: self.is_persistent(),
        }
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.stored.path()
    }

    /// Where it is once every link is followed: the same for two names of one
    /// file, whether it is there yet or not.
    pub(crate) fn real_path(&self) -> Option<PathBuf> {
        self.stored.real_path()
    }

    /// Whether it outlives the process.
    pub(crate) fn is_persistent(&self) -> bool {
        self.stored.is_persistent()
    }

    /// Whether values are kept as they are; see [`StoredDataset::is_memory`].
    pub(crate) fn is_memory(&self) -> bool {
        self.stored.is_memory()
    }

    pub(crate) fn is_parameter(&self) -> bool {
        self.stored.is_parameter()
    }

    fn error(&self, name: &str, doing: Doing, error: FormatError) -> DatasetError {
        DatasetError::new(name, doing, self.stored.place(), error)
    }
}

/// What a name of a [`Catalog`](crate::Catalog) is bound to. Its `Display` is a
/// line for people.
#[derive(Clone, Debug)]
pub struct Description {
    kind: String,
    place: Option<String>,
    origin: Option<String>,
    is_persistent: bool,
}

impl Description {
    /// The type, as a catalog file has it: `csv`, say, or `memory`; `parameter`
    /// for a parameter.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The path, where there is one.
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// The file and line that bind the name, where a file does.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// Whether what is saved outlives the process.
    pub fn is_persistent(&self) -> bool {
        self.is_persistent
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if let Some(place) = &self.place {
            write!(f, " {place}")?;
        }
        match &self.origin {
            Some(origin) => write!(f, " ({origin})"),
            None => Ok(()),
        }
    }
}
