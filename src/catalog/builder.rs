//! The catalog, and how it is put together.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::access::Access;
use super::config::{self, Variables};
use super::data::{Data, DataType, Value};
use super::dataset::{Dataset, Typed};
use super::entry::{Description, Entry, PARAMETER_PREFIX};
use super::error::{CatalogError, DatasetError, Doing, FormatError};
use super::file::FileDataset;
use super::format::Format;
use super::memory::MemorySlot;
use super::parameters::Parameters;
use super::stored::StoredDataset;
use super::suggest::did_you_mean;

/// Binds dataset names to storage. Immutable, and shared by its clones: a run
/// changes what is stored, and never what is bound.
///
/// ```
/// use entourage::{Catalog, Data, FileDataset};
///
/// const TOP: Data<usize> = Data::parameter("routes.top");
/// let catalog = Catalog::builder()
///     .file("flights", FileDataset::csv("data/flights.csv"))
///     .parameter(&TOP, 20)
///     .build()?;
/// assert!(catalog.contains("flights") && catalog.contains("params:routes.top"));
/// # Ok::<(), entourage::CatalogError>(())
/// ```
#[derive(Clone)]
pub struct Catalog {
    entries: Arc<BTreeMap<String, Arc<Entry>>>,
}

impl Catalog {
    /// Puts a catalog together.
    pub fn builder() -> CatalogBuilder {
        CatalogBuilder::default()
    }

    /// The catalog in which nothing is bound, so that everything lives in memory.
    pub fn empty() -> Self {
        Self { entries: Arc::default() }
    }

    /// Reads a catalog from a YAML file; see
    /// [`CatalogBuilder::yaml_file`] for its form.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file at once, each with its line.
    pub fn from_yaml_file(path: impl AsRef<Path>) -> Result<Self, CatalogError> {
        Self::builder().yaml_file(path).build()
    }

    /// Whether a name is bound.
    pub fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// The bound names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The file that a name is bound to, where it is bound to one.
    pub fn path(&self, name: &str) -> Option<&Path> {
        self.entries.get(name)?.path()
    }

    /// What a name is bound to, where it is bound.
    pub fn describe(&self, name: &str) -> Option<Description> {
        self.entries.get(name).map(|entry| entry.describe())
    }

    /// Loads a dataset, outside of any run.
    ///
    /// ```
    /// use entourage::{Catalog, Data};
    ///
    /// const TOP: Data<usize> = Data::parameter("routes.top");
    /// let catalog = Catalog::builder().parameter(&TOP, 20).build()?;
    /// assert_eq!(*catalog.load(&TOP)?, 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the name is not bound, or to something of another type, or the load
    /// fails.
    pub fn load<T: DataType + ?Sized>(
        &self,
        data: &Data<T>,
    ) -> Result<Arc<T::Owned>, DatasetError> {
        let name = data.name();
        let access = Access::of(data, &name);
        let value = self.bound(&name, Doing::Load)?.load(&access)?;
        value.downcast().map_err(|_| {
            let what = access.wrong_type("value of another type");
            DatasetError::new(&name, Doing::Load, None, what)
        })
    }

    /// Saves a dataset, outside of any run.
    ///
    /// # Errors
    ///
    /// If the name is not bound, or to something that cannot be written, or the
    /// save fails.
    pub fn save<T: DataType + ?Sized>(
        &self,
        data: &Data<T>,
        value: T::Owned,
    ) -> Result<(), DatasetError> {
        let name = data.name();
        let access = Access { is_written: true, ..Access::of(data, &name) };
        let value: Value = Arc::new(value);
        self.bound(&name, Doing::Save)?.save(&access, &value)
    }

    /// Whether there is something to load under a name. `false` where the name
    /// is not bound.
    ///
    /// # Errors
    ///
    /// If that cannot be found out.
    pub fn exists(&self, name: &str) -> Result<bool, DatasetError> {
        self.entry(name).map_or(Ok(false), |entry| entry.exists(&Access::untyped(name)))
    }

    /// Lets go of what a dataset keeps in memory only to be quicker.
    ///
    /// # Errors
    ///
    /// If the name is not bound, or the dataset's own `release` fails.
    pub fn release(&self, name: &str) -> Result<(), DatasetError> {
        self.bound(name, Doing::Release)?.release(name)
    }

    /// Tells a dataset that what was made of it is saved.
    ///
    /// # Errors
    ///
    /// If the name is not bound, or the dataset's own `confirm` fails.
    pub fn confirm(&self, name: &str) -> Result<(), DatasetError> {
        self.bound(name, Doing::Confirm)?.confirm(name)
    }

    fn bound(&self, name: &str, doing: Doing) -> Result<Arc<Entry>, DatasetError> {
        self.entry(name).ok_or_else(|| {
            let hint = did_you_mean(name, self.names());
            let what = format!("it is not in the catalog{hint}");
            DatasetError::new(name, doing, None, FormatError::plain(what))
        })
    }

    pub(crate) fn entry(&self, name: &str) -> Option<Arc<Entry>> {
        self.entries.get(name).cloned()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), &**entry))
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.keys()).finish()
    }
}

/// Puts a [`Catalog`] together. What is wrong is said by [`build`](Self::build),
/// all of it at once.
#[derive(Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CatalogBuilder {
    entries: Vec<(String, Entry)>,
    catalog_files: Vec<PathBuf>,
    parameter_files: Vec<PathBuf>,
    parameters: Vec<(String, serde_json::Value)>,
    variables: Variables,
    problems: Vec<String>,
}

impl CatalogBuilder {
    /// Reads entries from a YAML file: a map from name to `type` and options.
    ///
    /// ```yaml
    /// flights:
    ///   type: csv                      # csv, json, jsonl, msgpack, text, bytes or memory
    ///   path: ${data}/flights.csv.gz   # compressed with gzip where it ends in .gz
    ///   missing: [NA]                  # csv: texts that stand for a missing value
    ///   delimiter: ";"                 # csv: a comma by default
    /// model:
    ///   type: json
    ///   path: ${out}/model.json
    /// ```
    ///
    /// Paths are relative to the working directory. Names that begin with an
    /// underscore are left out, so that anchors may live there, to be taken up
    /// with `*anchor` or, a whole map of them, with `<<: *anchor`.
    pub fn yaml_file(mut self, path: impl AsRef<Path>) -> Self {
        self.catalog_files.push(path.as_ref().to_owned());
        self
    }

    /// Gives a value to `${name}` in catalog files.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.set(name.into(), value.into());
        self
    }

    /// Reads parameters from a YAML file: a map of any depth.
    pub fn parameters_file(mut self, path: impl AsRef<Path>) -> Self {
        self.parameter_files.push(path.as_ref().to_owned());
        self
    }

    /// Sets one parameter; it takes the place of one read from a file, and its
    /// place in a map around it.
    pub fn parameter<T>(mut self, data: &Data<T>, value: T::Owned) -> Self
    where
        T: DataType<Owned: Serialize> + ?Sized,
    {
        let name = data.name();
        match (name.strip_prefix(PARAMETER_PREFIX), serde_json::to_value(value)) {
            (None, _) => self.problems.push(format!("dataset `{name}` is no parameter")),
            (Some(path), Ok(value)) => self.parameters.push((path.to_owned(), value)),
            (Some(path), Err(error)) => self.problems.push(format!("parameter `{path}`: {error}")),
        }
        self
    }

    /// Binds a name to a file.
    pub fn file(mut self, name: impl Into<String>, file: FileDataset) -> Self {
        let name = name.into();
        if let Format::Csv(options) = file.format()
            && let Err(problem) = options.check()
        {
            self.problems.push(format!("dataset `{name}`: {problem}"));
        }
        self.insert(name, file);
        self
    }

    /// Binds a name to memory, with a value in it from the start.
    pub fn value<T: DataType + ?Sized>(mut self, data: &Data<T>, value: T::Owned) -> Self {
        let slot = MemorySlot::holding::<T>(value);
        self.insert(data.name().into_owned(), slot);
        self
    }

    /// Binds a name to memory. What a run writes there stays in the catalog.
    pub fn memory(mut self, name: impl Into<String>) -> Self {
        self.insert(name.into(), MemorySlot::default());
        self
    }

    /// Binds a name to storage of your own making.
    pub fn dataset<T, D>(mut self, data: &Data<T>, dataset: D) -> Self
    where
        T: DataType + ?Sized,
        D: Dataset<T>,
    {
        let kind = std::any::type_name::<D>();
        self.insert(data.name().into_owned(), Typed::<T, D>::new(dataset, kind));
        self
    }

    fn insert(&mut self, name: String, stored: impl StoredDataset + 'static) {
        self.entries.push((name, Entry::new(stored, None)));
    }

    /// Reads the files and makes the catalog.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is not YAML, an unknown key, type or
    /// variable, a missing option, a name bound twice: everything at once, each
    /// with file and line.
    pub fn build(self) -> Result<Catalog, CatalogError> {
        let Self { catalog_files, parameter_files, variables, mut problems, .. } = self;
        let mut read = Vec::new();
        for path in &catalog_files {
            read.extend(config::read_entries(path, &variables, &mut problems));
        }
        let mut parameters = Parameters::default();
        for path in &parameter_files {
            config::read_parameters(path, &mut parameters, &mut problems);
        }
        for (path, value) in self.parameters {
            parameters.set(&path, value);
        }
        let mut entries: BTreeMap<String, Arc<Entry>> = BTreeMap::new();
        for (name, entry) in read.into_iter().chain(parameters.into_entries()).chain(self.entries) {
            match entries.get(&name) {
                Some(first) => {
                    let (first, second) = (first.place(), entry.place());
                    problems.push(format!("`{name}` is bound twice: in {first} and in {second}"));
                }
                None => drop(entries.insert(name, Arc::new(entry))),
            }
        }
        CatalogError::check(problems)?;
        Ok(Catalog { entries: Arc::new(entries) })
    }
}

impl fmt::Debug for CatalogBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatalogBuilder")
            .field("catalog_files", &self.catalog_files)
            .field("parameter_files", &self.parameter_files)
            .finish_non_exhaustive()
    }
}
