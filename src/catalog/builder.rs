//! The catalog, and how it is put together.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::config::{self, Variables};
use super::data::{Data, DataType};
use super::dataset::{Dataset, Typed};
use super::entry::{Entry, PARAMETER_PREFIX, Storage};
use super::error::CatalogError;
use super::file::FileDataset;
use super::format::Format;
use super::memory::MemorySlot;
use super::parameters::Parameters;

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
        match &self.entries.get(name)?.storage {
            Storage::File(file) => Some(file.path()),
            _ => None,
        }
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
    ///   type: csv                      # csv, json, jsonl, text, bytes or memory
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
        self.insert(name, Storage::File(file));
        self
    }

    /// Binds a name to memory, with a value in it from the start.
    pub fn value<T: DataType + ?Sized>(mut self, data: &Data<T>, value: T::Owned) -> Self {
        let slot = MemorySlot::holding::<T>(value);
        self.insert(data.name().into_owned(), Storage::Memory(slot));
        self
    }

    /// Binds a name to memory. What a run writes there stays in the catalog.
    pub fn memory(mut self, name: impl Into<String>) -> Self {
        self.insert(name.into(), Storage::Memory(MemorySlot::default()));
        self
    }

    /// Binds a name to storage of your own making.
    pub fn dataset<T, D>(mut self, data: &Data<T>, dataset: D) -> Self
    where
        T: DataType + ?Sized,
        D: Dataset<T>,
    {
        let custom = Arc::new(Typed::<T, D>::new(dataset));
        self.insert(data.name().into_owned(), Storage::Custom(custom));
        self
    }

    fn insert(&mut self, name: String, storage: Storage) {
        self.entries.push((name, Entry { storage, origin: None }));
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
