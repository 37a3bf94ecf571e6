//! A dataset that lives in a file.

use std::fs::{File, Metadata};
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::NamedTempFile;

use super::access::Access;
use super::codec::Codec;
use super::data::Value;
use super::error::FormatError;
use super::format::{CsvOptions, Format};
use super::source;
use super::stored::{StoredDataset, Unfit};

pub(super) use super::source::Source;

/// A file in one of the formats, compressed with gzip where its name ends in
/// `.gz`.
///
/// ```
/// use entourage::{CsvOptions, FileDataset};
/// let flights = FileDataset::csv("data/flights.csv.gz")
///     .csv_options(CsvOptions::default().missing(["NA"]));
/// assert_eq!(flights.path().extension().unwrap(), "gz");
/// ```
#[derive(Clone, Debug)]
pub struct FileDataset {
    path: PathBuf,
    format: Format,
}

impl FileDataset {
    /// A file of the given format.
    pub fn new(path: impl Into<PathBuf>, format: Format) -> Self {
        Self { path: path.into(), format }
    }

    /// A CSV file.
    pub fn csv(path: impl Into<PathBuf>) -> Self {
        Self::new(path, Format::Csv(CsvOptions::default()))
    }

    /// A JSON file.
    pub fn json(path: impl Into<PathBuf>) -> Self {
        Self::new(path, Format::Json)
    }

    /// A file of JSON lines.
    pub fn json_lines(path: impl Into<PathBuf>) -> Self {
        Self::new(path, Format::JsonLines)
    }

    /// A text file.
    pub fn text(path: impl Into<PathBuf>) -> Self {
        Self::new(path, Format::Text)
    }

    /// A file of bytes.
    pub fn bytes(path: impl Into<PathBuf>) -> Self {
        Self::new(path, Format::Bytes)
    }

    /// How the CSV is written; makes the file a CSV file.
    #[must_use = "returns the changed dataset"]
    pub fn csv_options(mut self, options: CsvOptions) -> Self {
        self.format = Format::Csv(options);
        self
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's format.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// Where the file is, for messages.
    pub(crate) fn describe(&self) -> String {
        self.path.display().to_string()
    }

    pub(crate) fn read(&self, codec: &dyn Codec) -> Result<Value, FormatError> {
        codec.read(&self.format, self.open()?)
    }

    /// Writes beside the file, syncs, and renames: at no moment is there half a
    /// file, and a save that fails leaves what was there. A link stays one, and
    /// who may read the file stays as it was.
    pub(crate) fn write(&self, codec: &dyn Codec, value: &Value) -> Result<(), FormatError> {
        let path = real_path(&self.path);
        let folder = folder_of(&path);
        std::fs::create_dir_all(folder).map_err(|error| refused(folder, error))?;
        let temporary = temporary(&path, folder)?;
        {
            let mut out = BufWriter::with_capacity(1 << 16, temporary.as_file());
            if self.is_gzip() {
                let mut gzip = GzEncoder::new(&mut out, Compression::default());
                codec.write(&self.format, value, &mut gzip)?;
                gzip.finish()?;
            } else {
                codec.write(&self.format, value, &mut out)?;
            }
            out.flush()?;
        }
        if let Ok(before) = std::fs::metadata(&path) {
            temporary.as_file().set_permissions(before.permissions())?;
        }
        temporary.as_file().sync_all()?;
        temporary.persist(&path).map_err(|error| FormatError::from(error.error))?;
        Ok(())
    }

    /// Says now what a load of this file would fail with, as far as that can be
    /// known from its first bytes.
    pub(crate) fn check_readable(&self, codec: &dyn Codec) -> Result<(), FormatError> {
        let is_special = |found: Metadata| !found.is_file() && !found.is_dir();
        if std::fs::metadata(&self.path).is_ok_and(is_special) {
            // A pipe, say, which can be read once.
            return Ok(());
        }
        let start = match self.is_gzip() {
            true => source::gunzip(self.open_file()?, source::START)?,
            false => self.open()?.start()?,
        };
        let is_cut = start.len() as u64 >= source::START;
        if is_cut && memchr::memchr(b'\n', &start).is_none() {
            return Ok(());
        }
        codec.check(&self.format, &start)
    }

    /// Says now whether a file could be written there, and leaves nothing behind.
    pub(crate) fn check_writable(&self, codec: &dyn Codec) -> Result<(), FormatError> {
        codec.check_written(&self.format)?;
        let path = real_path(&self.path);
        let wrong =
            |what| Err(FormatError::plain(format!("{what}, where a file is to be written")));
        match std::fs::metadata(&path) {
            _ if self.path.file_name().is_none() => return wrong("names no file"),
            Ok(found) if found.is_dir() => return wrong("is a folder"),
            Ok(found) if !found.is_file() => return wrong("is a device or a pipe"),
            _ => {}
        }
        let folder = folder_of(&path);
        // A folder that is to be made can be if the one around it is writable.
        let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
        temporary(&path, there).map(drop)
    }

    fn open(&self) -> Result<Source, FormatError> {
        let file = self.open_file()?;
        match self.is_gzip() {
            true => Ok(Source::Bytes(source::gunzip(file, u64::MAX)?)),
            false => Source::of(file),
        }
    }

    fn open_file(&self) -> Result<File, FormatError> {
        let file = File::open(&self.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => FormatError::caused("there is no such file", error),
            _ => FormatError::caused(format!("cannot be opened: {error}"), error),
        })?;
        if file.metadata()?.is_dir() {
            return Err(FormatError::plain("is a folder, not a file"));
        }
        Ok(file)
    }

    fn is_gzip(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
    }
}

impl StoredDataset for FileDataset {
    fn load(&self, access: &Access<'_>) -> Result<Value, FormatError> {
        self.read(access.codec()?)
    }

    fn save(&self, access: &Access<'_>, value: &Value) -> Result<(), FormatError> {
        self.write(access.codec()?, value)
    }

    fn exists(&self, _: &Access<'_>) -> Result<bool, FormatError> {
        match std::fs::metadata(&self.path) {
            Ok(found) => Ok(!found.is_dir()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn check(&self, access: &Access<'_>) -> Result<(), Unfit> {
        let codec = access.codec()?;
        if !codec.supports(&self.format) {
            let (family, format) = (codec.family(), self.format.name());
            let what = format!("it is of the {family} family, which cannot be stored as {format}");
            return Err(FormatError::plain(what).into());
        }
        let checked = match access.is_written {
            true => self.check_writable(codec),
            false => self.check_readable(codec),
        };
        Ok(checked.map_err(|error| error.at(&self.describe()))?)
    }

    fn kind(&self) -> String {
        self.format.name().to_owned()
    }

    fn place(&self) -> Option<String> {
        Some(self.describe())
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn real_path(&self) -> Option<PathBuf> {
        Some(real_path(&self.path))
    }
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

/// A file in `folder` that is gone when it is dropped.
fn temporary(path: &Path, folder: &Path) -> Result<NamedTempFile, FormatError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(path.file_name().unwrap_or_default()).suffix(".part");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder).map_err(|error| refused(folder, error))
}

fn refused(folder: &Path, error: io::Error) -> FormatError {
    // The kind alone: the error names the temporary file.
    let (folder, kind) = (folder.display(), error.kind());
    FormatError::caused(format!("the folder {folder} cannot be written to: {kind}"), error)
}
