//! A dataset that lives in a file.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::access::Access;
use super::chunks::ChunkWriter;
use super::codec::Codec;
use super::data::Value;
use super::error::FormatError;
use super::format::{CsvOptions, Format};
use super::place::{Draft, Local, Over, Place, Start, StorageOptions, Stores};
use super::source::{self, START, Source};
use super::stored::{StoredDataset, Unfit};
use super::version::Version;

/// A file in one of the formats, compressed with gzip where its name ends in
/// `.gz`.
///
/// With the feature `object-store` its path may be a URL: `memory://…` of a store
/// that lives as long as the catalog, `file:///…` of the local file system, one of
/// a store that [`CatalogBuilder::object_store`](crate::CatalogBuilder) names, and
/// with the features `aws`, `gcp` and `azure` `s3://…`, `gs://…` and `az://…`. What
/// [`storage_options`](Self::storage_options) do not say of a cloud is taken from
/// the environment.
///
/// ```
/// use entourage::{CsvOptions, FileDataset};
/// let flights = FileDataset::csv("data/flights.csv.gz")
///     .csv_options(CsvOptions::default().missing(["NA"]));
/// assert_eq!(flights.path().extension().unwrap(), "gz");
/// ```
#[derive(Clone)]
pub struct FileDataset {
    path: PathBuf,
    format: Format,
    options: StorageOptions,
    place: Arc<dyn Place>,
    is_versioned: bool,
}

impl FileDataset {
    /// A file of the given format.
    pub fn new(path: impl Into<PathBuf>, format: Format) -> Self {
        let (options, place) = (StorageOptions::default(), Arc::new(Local));
        Self { path: path.into(), format, options, place, is_versioned: false }
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

    /// A file of MessagePack.
    pub fn message_pack(path: impl Into<PathBuf>) -> Self {
        Self::new(path, Format::MessagePack)
    }

    /// A Parquet file.
    #[cfg(feature = "polars")]
    pub fn parquet(path: impl Into<PathBuf>) -> Self {
        Self::new(path, Format::Parquet)
    }

    /// An Arrow IPC file, which some call a Feather file.
    #[cfg(feature = "polars")]
    pub fn arrow(path: impl Into<PathBuf>) -> Self {
        Self::new(path, Format::Arrow)
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

    /// Keeps every version: a save writes `<path>/<version>/<file name>` and never
    /// over one that is there, a load reads the latest, or the one that the run's
    /// options or the catalog name.
    ///
    /// ```
    /// use entourage::{Catalog, Data, FileDataset};
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("note.txt");
    /// const NOTE: Data<str> = Data::text("note");
    /// let catalog =
    ///     Catalog::builder().file("note", FileDataset::text(path).versioned()).build()?;
    /// catalog.save(&NOTE, "first".to_owned())?;
    /// catalog.save(&NOTE, "second".to_owned())?;
    /// assert_eq!(*catalog.load(&NOTE)?, "second");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "returns the changed dataset"]
    pub fn versioned(mut self) -> Self {
        self.is_versioned = true;
        self
    }

    /// What the object store is to be told that the path leads to: its region, say,
    /// and keys. The names are those of the `object_store` crate; no message shows
    /// the values, but for those that say where the store is.
    ///
    /// ```
    /// # use entourage::FileDataset;
    /// let flights = FileDataset::csv("s3://flights/2013.csv.gz")
    ///     .storage_options([("aws_region", "eu-west-1"), ("aws_access_key_id", "AKIA")]);
    /// assert!(!format!("{flights:?}").contains("AKIA"));
    /// ```
    #[must_use = "returns the changed dataset"]
    pub fn storage_options<N, V>(mut self, options: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        for (name, value) in options {
            self.options.set(name.into(), value.into());
        }
        self
    }

    /// Where the file is; the folder of its versions where it is versioned.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's format.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// Says what is wrong with it where its path is known up to `end` only.
    pub(super) fn check_start(&self, end: usize, stores: &Stores) -> Result<(), String> {
        let path = self.path.to_str().unwrap_or_default();
        stores.check_start(&path[..end], &self.options)
    }

    pub(super) fn is_versioned(&self) -> bool {
        self.is_versioned
    }

    pub(super) fn place_of_bytes(&self) -> &dyn Place {
        &*self.place
    }

    /// The one file of a version.
    pub(super) fn at(&self, path: PathBuf) -> Self {
        Self { path, is_versioned: false, ..self.clone() }
    }

    /// Where the file is, for messages.
    pub(crate) fn describe(&self) -> String {
        self.path.display().to_string()
    }

    /// Reads the value, and says how many bytes the file has.
    pub(crate) fn read(&self, codec: &dyn Codec) -> Result<(Value, u64), FormatError> {
        let (source, bytes) = self.open()?;
        Ok((codec.read(&self.format, source)?, bytes))
    }

    /// Writes beside the file, syncs, and renames: at no moment is there half a
    /// file, and a save that fails leaves what was there. Says how many bytes the file
    /// has.
    pub(crate) fn write(
        &self,
        codec: &dyn Codec,
        value: &Value,
        over: Over,
    ) -> Result<u64, FormatError> {
        let mut out = self.create()?;
        codec.write(&self.format, value, &mut out)?;
        out.commit(over)
    }

    /// Says now what a load of this file would fail with, as far as that can be
    /// known from its first bytes.
    pub(crate) fn check_readable(&self, codec: &dyn Codec) -> Result<(), FormatError> {
        let Some(start) = self.place.start(&self.path)? else { return Ok(()) };
        let start = if self.is_gzip() { unpacked(start)? } else { start };
        codec.check(&self.format, &start)
    }

    /// Says now whether a file could be written there, and leaves nothing behind.
    pub(crate) fn check_writable(&self, codec: &dyn Codec) -> Result<(), FormatError> {
        codec.check_written(&self.format)?;
        self.place.check_writable(&self.path)
    }

    /// What the file holds, and how many bytes that are as they lie there.
    fn open(&self) -> Result<(Source, u64), FormatError> {
        let source = self.place.open(&self.path)?;
        let bytes = source.len();
        match self.is_gzip() {
            true => Ok((Source::Bytes(source::gunzip(source.reader(), u64::MAX)?), bytes)),
            false => Ok((source, bytes)),
        }
    }

    fn create(&self) -> Result<Output, FormatError> {
        let draft = Counted { draft: self.place.create(&self.path)?, bytes: 0 };
        Ok(match self.is_gzip() {
            true => Output::Gzip(Box::new(GzEncoder::new(draft, Compression::default()))),
            false => Output::Plain(draft),
        })
    }

    /// What a save does to what is there.
    fn over(&self, access: &Access<'_>) -> Over {
        match (self.is_versioned, access.own_versions) {
            (false, _) => Over::Replace,
            (true, None) => Over::Refuse,
            (true, Some(own)) => own.over(access.name),
        }
    }

    fn is_gzip(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
    }
}

impl StoredDataset for FileDataset {
    fn locate(&mut self, stores: &Stores) -> Result<(), String> {
        let (place, path) = stores.locate(&self.path, &self.options)?;
        (self.place, self.path) = (place, path);
        Ok(())
    }

    fn load(&self, access: &Access<'_>) -> Result<(Value, Option<u64>), FormatError> {
        let (value, bytes) = self.to_load(access)?.read(access.codec()?)?;
        Ok((value, Some(bytes)))
    }

    fn save(&self, access: &Access<'_>, value: &Value) -> Result<Option<u64>, FormatError> {
        let bytes = self.to_save(access).write(access.codec()?, value, self.over(access))?;
        if let Some(own) = access.own_versions.filter(|_| self.is_versioned) {
            own.add(access.name);
        }
        Ok(Some(bytes))
    }

    fn chunks(&self, access: &Access<'_>) -> Result<Option<ChunkWriter>, FormatError> {
        let codec = access.codec()?;
        if !codec.takes_chunks(&self.format) {
            return Ok(None);
        }
        let encoder = codec.chunks(&self.format)?;
        let (out, place) = (self.to_save(access).create()?, self.place());
        let writer = ChunkWriter::new(access.name, place, encoder, out, self.over(access));
        let own = access.own_versions.filter(|_| self.is_versioned);
        Ok(Some(writer.told_to(own.cloned())))
    }

    fn exists(&self, access: &Access<'_>) -> Result<bool, FormatError> {
        match self.is_versioned {
            true => self.exists_in_versions(access),
            false => self.place.exists(&self.path),
        }
    }

    fn check(&self, access: &Access<'_>) -> Result<(), Unfit> {
        let codec = access.codec()?;
        if !codec.supports(&self.format) {
            let (family, format) = (codec.family(), self.format.name());
            let what = format!("it is of the {family} family, which cannot be stored as {format}");
            return Err(FormatError::plain(what).into());
        }
        let checked = if access.is_written {
            if self.is_versioned {
                self.check_version(access)?;
            }
            self.to_save(access).check_writable(codec)
        } else {
            self.to_load(access).and_then(|file| file.check_readable(codec))
        };
        Ok(checked.map_err(|error| error.at(&self.describe()))?)
    }

    fn is_versioned(&self) -> bool {
        self.is_versioned
    }

    fn is_latest(&self, version: &Version) -> bool {
        matches!(self.latest(), Ok(Some(latest)) if latest == *version)
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
        Some(self.place.real_path(&self.path))
    }

    fn is_persistent(&self) -> bool {
        self.place.is_persistent()
    }
}

impl fmt::Debug for FileDataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileDataset")
            .field("path", &self.path)
            .field("format", &self.format)
            .field("storage_options", &self.options)
            .finish_non_exhaustive()
    }
}

/// A file in the making, compressed where its name asks for it. Dropped, it
/// leaves nothing behind.
pub(super) enum Output {
    Plain(Counted),
    Gzip(Box<GzEncoder<Counted>>),
}

/// A draft, and how many bytes it has come to.
pub(super) struct Counted {
    draft: Box<dyn Draft>,
    bytes: u64,
}

impl Output {
    /// Puts the file where it belongs, and says how many bytes it has.
    pub(super) fn commit(self, over: Over) -> Result<u64, FormatError> {
        let Counted { draft, bytes } = match self {
            Self::Plain(draft) => draft,
            Self::Gzip(gzip) => gzip.finish()?,
        };
        draft.commit(over)?;
        Ok(bytes)
    }
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.draft.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.draft.flush()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(draft) => draft.write(bytes),
            Self::Gzip(gzip) => gzip.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(draft) => draft.flush(),
            Self::Gzip(gzip) => gzip.flush(),
        }
    }
}

/// The start of what a compressed file holds, of which no more may show than the
/// start of the compressed file has.
fn unpacked(Start { bytes, is_whole }: Start) -> Result<Start, FormatError> {
    let bytes = match is_whole {
        true => source::gunzip(&*bytes, START)?,
        false => source::gunzip_start(&bytes, START)?,
    };
    let is_whole = is_whole && (bytes.len() as u64) < START;
    Ok(Start { bytes, is_whole })
}
