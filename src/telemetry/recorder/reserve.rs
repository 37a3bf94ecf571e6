//! Room on the disk that is kept for events.
//!
//! What is said in a run may fill the disk, and its events are to be on file all the
//! same: so some room is set aside from the beginning, and given up for events when
//! there is no other.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file that takes up the room.
const NAME: &str = "events.reserve";

/// How much is set aside: the most of these that is there.
const SIZES: [usize; 3] = [256 * 1024, 64 * 1024, 16 * 1024];

/// A file of events, with room set aside for it.
pub(super) struct Reserved {
    file: File,
    /// Until it is needed.
    reserve: Option<PathBuf>,
}

impl Reserved {
    /// Sets room aside in `folder`, as much as there is.
    pub(super) fn new(file: File, folder: &Path) -> Self {
        let path = folder.join(NAME);
        let is_set_aside = SIZES.iter().any(|size| {
            let written = fs::write(&path, vec![0; *size]);
            if written.is_err() {
                // Else what was written of it is in the way of what it is for.
                let _ = fs::remove_file(&path);
            }
            written.is_ok()
        });
        Self { file, reserve: is_set_aside.then_some(path) }
    }

    /// Gives the room up; whether there was some.
    fn give_up(&mut self) -> bool {
        self.reserve.take().is_some_and(|path| fs::remove_file(path).is_ok())
    }
}

impl Write for Reserved {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_full = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        };
        match self.file.write(bytes) {
            Err(error) if is_full(&error) && self.give_up() => self.file.write(bytes),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.give_up();
    }
}
