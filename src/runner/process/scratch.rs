//! The folder of a run, with what the catalog does not bind.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::pipeline::DatasetIndex;

/// A folder that is gone with the run.
pub(super) struct Scratch {
    folder: TempDir,
}

impl Scratch {
    pub(super) fn new(around: Option<&Path>) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("entourage-run-");
        let folder = match around {
            Some(around) => builder.tempdir_in(around),
            None => builder.tempdir(),
        };
        Ok(Self { folder: folder? })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Removes all of it, though somebody may still hold on to it.
    pub(super) fn clear(&self) {
        // What is left then goes with the last who holds it.
        _ = std::fs::remove_dir_all(self.path());
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.path().as_os_str().as_bytes().to_owned()
    }
}

/// The name of the file in the folder to which a task writes a dataset. No two
/// attempts at a node share one: the end of the one leaves the other's file alone.
pub(super) fn file_of(dataset: DatasetIndex, task: u64) -> String {
    format!("dataset-{dataset}-{task}")
}

/// Stands for a value that is in the folder. With the last who would read it, the
/// file goes.
pub(super) struct Kept {
    /// So that the folder is there as long as somebody may look for the file.
    scratch: Arc<Scratch>,
    path: PathBuf,
}

impl Kept {
    pub(super) fn new(scratch: &Arc<Scratch>, dataset: DatasetIndex, task: u64) -> Self {
        let path = scratch.path().join(file_of(dataset, task));
        Self { scratch: scratch.clone(), path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Else the folder's end is the file's.
        _ = std::fs::remove_file(&self.path);
        let _ = &self.scratch;
    }
}
