//! The local file system.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Component, Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Draft, Over, Place, Start, already_there};
use crate::catalog::error::FormatError;
use crate::catalog::source::{START, Source};

#[derive(Debug)]
pub(in crate::catalog) struct Local;

impl Place for Local {
    fn open(&self, path: &Path) -> Result<Source, FormatError> {
        Source::of(open(path)?)
    }

    fn start(&self, path: &Path) -> Result<Option<Start>, FormatError> {
        let is_special = |found: Metadata| !found.is_file() && !found.is_dir();
        if std::fs::metadata(path).is_ok_and(is_special) {
            // A pipe, say, which can be read once.
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let mut file = open(path)?.take(START);
        file.read_to_end(&mut bytes)?;
        let is_whole = file.limit() > 0 || file.into_inner().read(&mut [0])? == 0;
        Ok(Some(Start { bytes, is_whole }))
    }

    fn create(&self, path: &Path) -> Result<Box<dyn Draft>, FormatError> {
        let path = self.real_path(path);
        let folder = folder_of(&path);
        let made = (!folder.exists()).then(|| Made(folder.to_owned()));
        std::fs::create_dir_all(folder).map_err(|error| refused(folder, error))?;
        let out = BufWriter::with_capacity(1 << 16, temporary(&path, folder)?);
        Ok(Box::new(TemporaryFile { out, path, _made: made }))
    }

    fn exists(&self, path: &Path) -> Result<bool, FormatError> {
        match std::fs::metadata(path) {
            Ok(found) => Ok(!found.is_dir()),
            Err(error) if is_absent(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, FormatError> {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut names = Vec::new();
        for entry in entries {
            // A name that is no text is none of ours.
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort();
        Ok(names)
    }

    fn check_writable(&self, path: &Path) -> Result<(), FormatError> {
        let real = self.real_path(path);
        let wrong =
            |what| Err(FormatError::plain(format!("{what}, where a file is to be written")));
        match std::fs::metadata(&real) {
            _ if path.file_name().is_none() => return wrong("names no file"),
            Ok(found) if found.is_dir() => return wrong("is a folder"),
            Ok(found) if !found.is_file() => return wrong("is a device or a pipe"),
            _ => {}
        }
        let folder = folder_of(&real);
        // A folder that is to be made can be if the one around it is writable.
        let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
        temporary(&real, there).map(drop)
    }

    fn real_path(&self, path: &Path) -> PathBuf {
        real_path(path)
    }
}

/// Beside the file that it becomes. A link stays one, and who may read the file
/// stays as it was.
struct TemporaryFile {
    out: BufWriter<NamedTempFile>,
    path: PathBuf,
    /// After the file, which is in it.
    _made: Option<Made>,
}

/// A folder that was made for a file, and is gone again if there is none in it.
struct Made(PathBuf);

impl Drop for Made {
    fn drop(&mut self) {
        // Refused, as it should be, where something is in it.
        let _ = std::fs::remove_dir(&self.0).is_ok();
    }
}

impl Write for TemporaryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Draft for TemporaryFile {
    fn commit(self: Box<Self>, over: Over) -> Result<(), FormatError> {
        let Self { out, path, _made } = *self;
        let temporary = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        if let Ok(before) = std::fs::metadata(&path) {
            temporary.as_file().set_permissions(before.permissions())?;
        }
        temporary.as_file().sync_all()?;
        let persisted = match over {
            Over::Replace => temporary.persist(&path),
            Over::Refuse => temporary.persist_noclobber(&path),
        };
        match persisted {
            Ok(_) => Ok(()),
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(already_there())
            }
            Err(failed) => Err(failed.error.into()),
        }
    }
}

fn open(path: &Path) -> Result<File, FormatError> {
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FormatError::caused("there is no such file", error),
        _ => FormatError::caused(format!("cannot be opened: {error}"), error),
    })?;
    if file.metadata()?.is_dir() {
        return Err(FormatError::plain("is a folder, not a file"));
    }
    Ok(file)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = std::fs::canonicalize(path) {
        return real;
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match path.file_name() {
        Some(name) => real_path(folder).join(name),
        None if path.components().next_back() == Some(Component::ParentDir) => {
            let mut real = real_path(folder);
            real.pop();
            real
        }
        None => path.to_owned(),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// What the name of a temporary file ends with.
const PART: &str = ".part";

/// What it begins with: so that what a process has left that was killed can be
/// told from what another is writing.
fn prefix_of(path: &Path, process: u32) -> OsString {
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push(format!(".{process}-"));
    prefix
}

/// Removes what a process that is no more has begun beside `path` and not brought
/// to its end.
#[cfg(unix)]
pub(crate) fn sweep(path: &Path, process: u32) {
    let (path, prefix) = (real_path(path), prefix_of(path, process));
    let entries = std::fs::read_dir(folder_of(&path)).into_iter().flatten();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(prefix.as_encoded_bytes()) && name.ends_with(PART.as_bytes()) {
            // Else it stays, and is in nobody's way.
            _ = std::fs::remove_file(entry.path());
        }
    }
}

/// A file in `folder` that is gone when it is dropped.
fn temporary(path: &Path, folder: &Path) -> Result<NamedTempFile, FormatError> {
    let mut builder = tempfile::Builder::new();
    let prefix = prefix_of(path, std::process::id());
    builder.prefix(&prefix).suffix(PART);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder).map_err(|error| refused(folder, error))
}

fn refused(folder: &Path, error: io::Error) -> FormatError {
    // The kind alone: the error names the temporary file.
    let (folder, kind) = (folder.display(), error.kind());
    FormatError::caused(format!("the folder {folder} cannot be written to: {kind}"), error)
}
