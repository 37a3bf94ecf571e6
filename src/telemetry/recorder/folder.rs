//! The folder of a run.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::telemetry::folder_name::folder_name;

/// As many runs may have one id.
const MOST: u32 = 1_000_000;

/// The folder of one run, which is made when it is first asked for: before the run
/// begins, with a line of its log or with its end.
pub(crate) struct RunFolder {
    runs: PathBuf,
    run_id: String,
    made: OnceLock<Result<PathBuf, Unmade>>,
}

/// Why there is none.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot make a folder for the run in `{}`: {what}", runs.display())]
pub(crate) struct Unmade {
    runs: PathBuf,
    what: String,
}

impl RunFolder {
    pub(super) fn new(runs: PathBuf, run_id: &str) -> Self {
        Self { runs, run_id: run_id.to_owned(), made: OnceLock::new() }
    }

    /// Where it is. To find out takes time: not for the thread of an async runtime.
    pub(crate) fn path(&self) -> Result<&Path, Unmade> {
        let made = self.made.get_or_init(|| {
            make(&self.runs, &self.run_id)
                .map_err(|error| Unmade { runs: self.runs.clone(), what: error.to_string() })
        });
        made.as_deref().map_err(Unmade::clone)
    }

    /// Where it is, if somebody has asked before.
    pub(super) fn made(&self) -> Option<&Path> {
        self.made.get()?.as_deref().ok()
    }

    /// Whether it was asked for, and could not be made.
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.made.get(), Some(Err(_)))
    }

    /// The name that it would have if no other run had its id.
    pub(super) fn first_name(&self) -> String {
        folder_name(&self.run_id)
    }

    /// Makes a file of it. There is none yet: what is found there under its name,
    /// such as a link that leads out of the folder, is not followed.
    pub(super) fn create(folder: &Path, name: &str) -> io::Result<File> {
        let created = OpenOptions::new().append(true).create_new(true).open(folder.join(name));
        created
            .map_err(|error| io::Error::new(error.kind(), format!("cannot create {name}: {error}")))
    }
}

/// Makes the first folder that is not there, by the one call that says both at once:
/// another process may be at the same.
fn make(runs: &Path, run_id: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(runs)?;
    let name = folder_name(run_id);
    let path = |nth| match nth {
        1 => runs.join(&name),
        nth => runs.join(format!("{name}~{nth}")),
    };
    for nth in first_free(|nth| path(nth).symlink_metadata().is_ok())..=MOST {
        let path = path(nth);
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!("there are {MOST} runs of that id")))
}

/// A number that is not taken, with all below it taken, if they were given one by one:
/// not looked for one by one, since there may be very many.
fn first_free(is_taken: impl Fn(u32) -> bool) -> u32 {
    let (mut taken, mut free) = (0, 1);
    while free < MOST && is_taken(free) {
        (taken, free) = (free, free.saturating_mul(2).min(MOST));
    }
    while free - taken > 1 {
        let middle = taken + (free - taken) / 2;
        if is_taken(middle) { taken = middle } else { free = middle }
    }
    free
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{MOST, first_free};

    #[test]
    fn the_first_free_number_is_found_in_few_looks() {
        for count in [0, 1, 2, 3, 4, 7, 8, 9, 1000, 99_999] {
            let looks = Cell::new(0);
            let is_taken = |nth| {
                looks.set(looks.get() + 1);
                nth <= count
            };
            assert_eq!(first_free(is_taken), count + 1);
            assert!(looks.get() < 40, "{} looks", looks.get());
        }
        assert_eq!(first_free(|_| true), MOST);
    }
}
