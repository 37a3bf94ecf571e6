//! What a name in a catalog stands for.

use std::sync::Arc;

use super::dataset::ErasedDataset;
use super::file::FileDataset;
use super::memory::MemorySlot;

/// What the full name of a parameter begins with.
pub(crate) const PARAMETER_PREFIX: &str = "params:";

pub(crate) struct Entry {
    pub(crate) storage: Storage,
    /// The file and line that binds the name, where a file does.
    pub(crate) origin: Option<String>,
}

pub(crate) enum Storage {
    File(FileDataset),
    Memory(MemorySlot),
    Custom(Arc<dyn ErasedDataset>),
    Parameter(serde_json::Value),
}

impl Entry {
    /// Where the name is bound, as the end of a sentence.
    pub(crate) fn origin(&self) -> String {
        self.origin.as_ref().map_or_else(String::new, |origin| format!(" ({origin})"))
    }

    /// The same as a place of its own.
    pub(crate) fn place(&self) -> &str {
        self.origin.as_deref().unwrap_or("the program")
    }
}
