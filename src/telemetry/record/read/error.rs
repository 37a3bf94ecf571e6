//! Why a record cannot be read.

use std::io;
use std::path::{Path, PathBuf};

/// Why the record of a run cannot be read: see
/// [`RunRecord::read`](crate::RunRecord::read).
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct RecordError(Why);

#[derive(Debug, thiserror::Error)]
enum Why {
    #[error("cannot read `{}`: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "`{}` is not the folder of a run: it has neither an `events.jsonl` nor a `pipeline.json`",
        .0.display()
    )]
    NotARun(PathBuf),
    #[error("`{}`: {what}", path.display())]
    Malformed { path: PathBuf, what: String },
}

impl RecordError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self(Why::Io { path: path.to_owned(), source })
    }

    pub(super) fn not_a_run(folder: &Path) -> Self {
        Self(Why::NotARun(folder.to_owned()))
    }

    pub(super) fn malformed(path: &Path, what: String) -> Self {
        Self(Why::Malformed { path: path.to_owned(), what })
    }

    /// Whether there is no such folder, or it is not one of a run.
    pub fn is_not_found(&self) -> bool {
        match &self.0 {
            Why::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Why::NotARun(_) => true,
            Why::Malformed { .. } => false,
        }
    }

    /// Whether a file is not what a recorder writes.
    pub fn is_malformed(&self) -> bool {
        matches!(self.0, Why::Malformed { .. })
    }
}
