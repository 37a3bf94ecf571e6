//! A dataset that lives in a file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::NamedTempFile;

use super::codec::Codec;
use super::data::Value;
use super::error::FormatError;
use super::format::{CsvOptions, Format};
use super::source;

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

    /// Where the file is and how it is laid out, for messages.
    pub(crate) fn describe(&self) -> String {
        self.path.display().to_string()
    }

    pub(crate) fn load(&self, codec: &dyn Codec) -> Result<Value, FormatError> {
        codec.read(&self.format, self.open()?)
    }

    /// Writes beside the file, syncs, and renames: at no moment is there half a
    /// file, and a save that fails leaves what was there.
    pub(crate) fn save(&self, codec: &dyn Codec, value: &Value) -> Result<(), FormatError> {
        let temporary = self.temporary()?;
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
        temporary.as_file().sync_all()?;
        temporary.persist(&self.path).map_err(|error| FormatError::from(error.error))?;
        Ok(())
    }

    /// Says now what a load of this file would fail with, as far as that can be
    /// known from its first bytes.
    pub(crate) fn check_readable(&self, codec: &dyn Codec) -> Result<(), FormatError> {
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

    /// Says now whether a file could be written there, by writing beside it.
    pub(crate) fn check_writable(&self) -> Result<(), FormatError> {
        if self.path.is_dir() {
            return Err(FormatError::plain("is a folder, where a file is to be written"));
        }
        self.temporary().map(drop)
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

    fn temporary(&self) -> Result<NamedTempFile, FormatError> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let refused = |error: io::Error| {
            FormatError::caused(
                format!("the folder {} cannot be written to: {error}", folder.display()),
                error,
            )
        };
        std::fs::create_dir_all(folder).map_err(refused)?;
        let name = self.path.file_name().unwrap_or_default();
        let mut builder = tempfile::Builder::new();
        builder.prefix(name).suffix(".part");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(folder).map_err(refused)
    }

    fn is_gzip(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
    }
}
