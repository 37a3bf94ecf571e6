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
    for nth in 1..=MOST {
        let path = match nth {
            1 => runs.join(&name),
            nth => runs.join(format!("{name}~{nth}")),
        };
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!("there are {MOST} runs of that id")))
}
