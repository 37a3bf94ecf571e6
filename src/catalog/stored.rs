//! What every kind of storage can do.

use std::path::{Path, PathBuf};

use super::access::Access;
use super::chunks::ChunkWriter;
use super::data::Value;
use super::error::FormatError;
use super::place::Stores;
use super::version::Version;

/// Where a dataset is kept, whatever it is: the one door through which the rest
/// of the crate goes to it. User code behind it may panic; whoever calls is to
/// be ready for that.
pub(crate) trait StoredDataset: Send + Sync {
    /// Finds the store that a path leads to, once all stores are known; before
    /// anything else is asked.
    ///
    /// # Errors
    ///
    /// One sentence of what is wrong with the path.
    fn locate(&mut self, stores: &Stores) -> Result<(), String> {
        let _ = stores;
        Ok(())
    }

    /// Reads the value, and says how many bytes were read, as they are in storage;
    /// `None` where nobody knows.
    fn load(&self, access: &Access<'_>) -> Result<(Value, Option<u64>), FormatError>;

    /// Writes the value, and says how many bytes that made, as they are in storage.
    fn save(&self, access: &Access<'_>, value: &Value) -> Result<Option<u64>, FormatError>;

    /// Begins a save whose value comes in chunks; `None` where a value is kept
    /// as one, so that the chunks are to be collected for a save.
    fn chunks(&self, access: &Access<'_>) -> Result<Option<ChunkWriter>, FormatError> {
        let _ = access;
        Ok(None)
    }

    /// Whether there is something to load.
    fn exists(&self, access: &Access<'_>) -> Result<bool, FormatError>;

    /// Says now, as far as that can be known, what a load of it would fail with,
    /// or else, where `access` says that it is written first, a save.
    fn check(&self, access: &Access<'_>) -> Result<(), Unfit>;

    /// Lets go of what is kept in memory only to be quicker.
    fn release(&self) -> Result<(), FormatError> {
        Ok(())
    }

    /// Is told that what was made of the dataset is saved.
    fn confirm(&self) -> Result<(), FormatError> {
        Ok(())
    }

    /// Its type, as a catalog file has it.
    fn kind(&self) -> String;

    /// Where it is, for messages.
    fn place(&self) -> Option<String> {
        None
    }

    /// The file it is kept in, where it is one.
    fn path(&self) -> Option<&Path> {
        None
    }

    /// Where it is once every link is followed: the same for two names of one
    /// file, whether it is there yet or not.
    fn real_path(&self) -> Option<PathBuf> {
        None
    }

    /// Whether it keeps every version.
    fn is_versioned(&self) -> bool {
        false
    }

    /// Whether a version that was just saved is what a load of the latest gets; no
    /// where that does not show.
    fn is_latest(&self, version: &Version) -> bool {
        let _ = version;
        false
    }

    /// Whether it outlives the process.
    fn is_persistent(&self) -> bool {
        true
    }

    /// Whether values are kept as they are. Another run may then put its own in
    /// their place before this run's nodes have read them.
    fn is_memory(&self) -> bool {
        false
    }

    /// Whether it is read before the run, and never written.
    fn is_parameter(&self) -> bool {
        false
    }

    /// What a parameter is read from.
    fn as_json(&self) -> Option<&serde_json::Value> {
        None
    }
}

/// Why a dataset cannot serve the nodes that name it.
pub(crate) enum Unfit {
    Wrong(FormatError),
    /// There is nothing to load, and no node writes it.
    Absent(String),
}

impl From<FormatError> for Unfit {
    fn from(error: FormatError) -> Self {
        Self::Wrong(error)
    }
}
