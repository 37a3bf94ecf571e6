//! Where the bytes of files live, whatever their format.

mod local;
#[cfg(feature = "object-store")]
mod object;
mod stores;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::FormatError;
use super::source::Source;

pub(super) use local::Local;
#[cfg(unix)]
pub(crate) use local::sweep;
pub(super) use stores::{StorageOptions, Stores};

/// A place for bytes, by path: the local file system, or an object store.
pub(crate) trait Place: fmt::Debug + Send + Sync {
    /// Opens what is at `path`, to be read as a whole.
    fn open(&self, path: &Path) -> Result<Source, FormatError>;

    /// The first bytes of what is at `path`, as many as [`START`](super::source::START)
    /// of them; `None` where a look would use up what there is to read.
    fn start(&self, path: &Path) -> Result<Option<Start>, FormatError>;

    /// Begins what is to stand at `path` once it is committed.
    fn create(&self, path: &Path) -> Result<Box<dyn Draft>, FormatError>;

    /// Whether there is something to read at `path`.
    fn exists(&self, path: &Path) -> Result<bool, FormatError>;

    /// The names of what lies directly below `folder`, files and folders, in
    /// order; none where there is no such folder.
    fn list(&self, folder: &Path) -> Result<Vec<String>, FormatError>;

    /// Says now whether something could be written at `path`, as far as that
    /// shows, and leaves nothing behind.
    fn check_writable(&self, path: &Path) -> Result<(), FormatError>;

    /// The same for two names of one file, whether it is there yet or not.
    fn real_path(&self, path: &Path) -> PathBuf;

    /// Whether what is there outlives the process.
    fn is_persistent(&self) -> bool {
        true
    }
}

/// What is being written and nobody sees yet. Dropped, it leaves nothing behind.
pub(crate) trait Draft: Write + Send {
    /// Puts it where it belongs: at no moment is there half a file.
    fn commit(self: Box<Self>, over: Over) -> Result<(), FormatError>;
}

/// What a commit does to what is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Takes its place.
    Replace,
    /// Leaves it, and fails.
    Refuse,
}

/// The first bytes of a file, and whether they are all of it.
pub(crate) struct Start {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_whole: bool,
}

/// What is said of a path at which nothing may be overwritten.
fn already_there() -> FormatError {
    FormatError::plain("is already there, and is not to be overwritten")
}
