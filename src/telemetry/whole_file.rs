//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Has `write` write the file at `path`: beside it, to take its place when it is
/// whole. What is no file, as a pipe, is written to directly. `what` it was to be,
/// and where, is said by the error.
pub(crate) fn write(
    what: &str,
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    written(path, write).map_err(|error| {
        let told = format!("cannot write the {what} `{}`: {error}", path.display());
        io::Error::new(error.kind(), told)
    })
}

fn written(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // A link stays one.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = fs::metadata(path).ok();
    if before.as_ref().is_some_and(|found| !found.is_file()) {
        return write(&mut File::options().write(true).open(path)?);
    }
    let name = path.file_name().ok_or_else(|| io::Error::other("it names no file"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    let mut prefix = name.to_owned();
    prefix.push(".");
    builder.prefix(&prefix).suffix(".part");
    // Made and written here: the errors of a `NamedTempFile` name it, which nobody
    // has asked for and nobody finds.
    let create = |path: &Path| File::options().write(true).create_new(true).open(path);
    let file = builder.make_in(folder.unwrap_or(Path::new(".")), create)?;
    let mut out = BufWriter::with_capacity(1 << 16, file.as_file());
    write(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?;
    if let Some(before) = before {
        file.as_file().set_permissions(before.permissions())?;
    }
    file.persist(path).map(drop).map_err(|failed| failed.error)
}

#[cfg(test)]
mod tests;
