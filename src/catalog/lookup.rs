//! The catalog: names, and the storage that they are bound to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::access::Access;
use super::builder::CatalogBuilder;
use super::data::{Data, DataType, Value};
use super::entry::{Description, Entry, PARAMETERS, is_parameter};
use super::error::{CatalogError, DatasetError, Doing, FormatError};
use super::parameters::Parameters;
use super::patterns::{Patterns, Resolution};
use super::suggest::did_you_mean;
use super::validator::Validator;
use super::version::Version;

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
#[derive(Clone, Default)]
pub struct Catalog {
    pub(super) bound: Arc<Bound>,
}

/// What a catalog knows.
pub(super) struct Bound {
    pub(super) entries: BTreeMap<String, Arc<Entry>>,
    /// All of them together.
    pub(super) parameters: Arc<Entry>,
    pub(super) patterns: Patterns,
    /// Of names that belong to patterns.
    pub(super) validators: BTreeMap<String, Vec<Arc<dyn Validator>>>,
    pub(super) load_versions: BTreeMap<String, Version>,
}

impl Default for Bound {
    fn default() -> Self {
        let (parameters, _) = Parameters::default().into_entries();
        let (entries, patterns, validators, load_versions) = Default::default();
        Self { entries, parameters: Arc::new(parameters), patterns, validators, load_versions }
    }
}

impl Catalog {
    /// Puts a catalog together.
    pub fn builder() -> CatalogBuilder {
        CatalogBuilder::default()
    }

    /// The catalog in which nothing is bound, so that everything lives in memory.
    pub fn empty() -> Self {
        Self::default()
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

    /// Whether a name is bound, itself or as one of a pattern; see
    /// [`resolve`](Self::resolve) for which.
    pub fn contains(&self, name: &str) -> bool {
        self.resolve(name) != Resolution::Memory
    }

    /// The bound names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.bound.entries.keys().map(String::as_str)
    }

    /// The file that a name is bound to, where it is bound to one.
    pub fn path(&self, name: &str) -> Option<&Path> {
        self.bound.entries.get(name)?.path()
    }

    /// The patterns, in the order in which they are tried.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("catalog.yml");
    /// # std::fs::write(&path, "'{name}_csv': {type: csv, path: 'data/{name}.csv'}\n\
    /// #     '{space}.{name}_csv': {type: csv, path: 'data/{space}/{name}.csv'}\n\
    /// #     '{any}': {type: memory}\n")?;
    /// use entourage::{Catalog, Resolution};
    /// let catalog = Catalog::from_yaml_file(path)?;
    /// let patterns: Vec<_> = catalog.patterns().collect();
    /// assert_eq!(patterns, ["{space}.{name}_csv", "{name}_csv", "{any}"]);
    /// assert_eq!(catalog.resolve("model"), Resolution::CatchAll("{any}".into()));
    /// assert_eq!(catalog.resolve("raw_csv"), Resolution::Pattern("{name}_csv".into()));
    /// assert_eq!(catalog.describe("raw_csv")?.place(), Some("data/raw.csv"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.bound.patterns.names()
    }

    /// How a name comes to storage: by itself, else by the most telling pattern
    /// that it is of the form of, else in memory. A parameter is of no pattern.
    pub fn resolve(&self, name: &str) -> Resolution {
        match self.entry(name) {
            Some(_) => Resolution::Exact,
            None if is_parameter(name) => Resolution::Memory,
            None => self.bound.patterns.resolve(name),
        }
    }

    /// What a name stands for.
    ///
    /// # Errors
    ///
    /// If it is of a pattern, of which no dataset can be made for this name.
    pub fn describe(&self, name: &str) -> Result<Description, DatasetError> {
        let entry = self.bind(name).map_err(|error| unmade(name, Doing::Look, error))?;
        Ok(entry.map_or_else(Description::unbound, |entry| entry.describe()))
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
        access.typed::<T>(self.wanted(&name, Doing::Load)?.load(&access)?)
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
        self.wanted(&name, Doing::Save)?.save(&access, &value).map(drop)
    }

    /// Whether there is something to load under a name. `false` where the name
    /// is not bound.
    ///
    /// # Errors
    ///
    /// If that cannot be found out.
    pub fn exists(&self, name: &str) -> Result<bool, DatasetError> {
        let entry = self.bind(name).map_err(|error| unmade(name, Doing::Look, error))?;
        entry.map_or(Ok(false), |entry| entry.exists(&Access::untyped(name)))
    }

    /// Lets go of what a dataset keeps in memory only to be quicker.
    ///
    /// # Errors
    ///
    /// If the name is not bound, or the dataset's own `release` fails.
    pub fn release(&self, name: &str) -> Result<(), DatasetError> {
        self.wanted(name, Doing::Release)?.release(name)
    }

    /// Tells a dataset that what was made of it is saved.
    ///
    /// # Errors
    ///
    /// If the name is not bound, or the dataset's own `confirm` fails.
    pub fn confirm(&self, name: &str) -> Result<(), DatasetError> {
        self.wanted(name, Doing::Confirm)?.confirm(name)
    }

    fn wanted(&self, name: &str, doing: Doing) -> Result<Arc<Entry>, DatasetError> {
        self.bind(name).map_err(|error| unmade(name, doing, error))?.ok_or_else(|| {
            let hint = did_you_mean(name, self.names());
            let what = format!("it is not in the catalog{hint}");
            DatasetError::new(name, doing, None, FormatError::plain(what))
        })
    }

    /// What a name is bound to itself.
    pub(crate) fn entry(&self, name: &str) -> Option<Arc<Entry>> {
        match name {
            PARAMETERS => Some(self.bound.parameters.clone()),
            _ => self.bound.entries.get(name).cloned(),
        }
    }

    /// What a name stands for: what it is bound to itself, or one made of a
    /// pattern for the caller alone. `None` if it is to live in memory.
    ///
    /// # Errors
    ///
    /// What is wrong with what the pattern says for this name.
    pub(crate) fn bind(&self, name: &str) -> Result<Option<Arc<Entry>>, Vec<String>> {
        if let Some(entry) = self.entry(name) {
            return Ok(Some(entry));
        }
        if is_parameter(name) {
            return Ok(None);
        }
        let made = self.bound.patterns.make(name)?;
        Ok(made.map(|mut entry| {
            entry.validators = self.bound.validators.get(name).cloned().unwrap_or_default();
            entry.load_version = self.bound.load_versions.get(name).cloned();
            Arc::new(entry)
        }))
    }

    /// What is bound itself.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.bound.entries.iter().map(|(name, entry)| (name.as_str(), &**entry))
    }
}

fn unmade(name: &str, doing: Doing, problems: Vec<String>) -> DatasetError {
    DatasetError::new(name, doing, None, FormatError::plain(problems.join("; ")))
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names().chain(self.patterns())).finish()
    }
}
