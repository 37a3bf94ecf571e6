//! How a catalog is put together.

use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::assemble;
use super::config::{Makers, Source, Variables};
use super::data::{Data, DataType};
use super::dataset::{Dataset, Typed};
use super::entry::{Entry, PARAMETER_PREFIX};
use super::error::{BoxError, CatalogError};
use super::file::FileDataset;
use super::format::Format;
use super::lookup::Catalog;
use super::memory::MemorySlot;
use super::place::Stores;
use super::stored::StoredDataset;
use super::types::{DatasetType, Made};
use super::validator::{ByFunction, Validator};
use super::version::Version;

/// Puts a [`Catalog`] together. What is wrong is said by [`build`](Self::build),
/// all of it at once.
#[derive(Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CatalogBuilder {
    /// The base; and what lies over it, once an environment is begun.
    pub(super) base: Layer,
    pub(super) over: Option<(String, Layer)>,
    pub(super) parameters: Vec<(String, serde_json::Value)>,
    pub(super) variables: Variables,
    pub(super) stores: Stores,
    pub(super) types: BTreeMap<String, Arc<dyn DatasetType>>,
    pub(super) validators: Vec<(String, Arc<dyn Validator>)>,
    pub(super) cached: Vec<String>,
    pub(super) load_versions: Vec<(String, Version)>,
    pub(super) problems: Vec<String>,
}

/// What one environment consists of.
#[derive(Default)]
pub(super) struct Layer {
    pub(super) entries: Vec<(String, Entry)>,
    pub(super) catalog_files: Vec<Source>,
    pub(super) parameter_files: Vec<Source>,
    pub(super) credential_files: Vec<PathBuf>,
    pub(super) credentials: Vec<(String, serde_json::Value)>,
}

impl CatalogBuilder {
    /// Reads entries from a YAML file: a map from name to `type` and options.
    ///
    /// ```yaml
    /// flights:
    ///   type: csv                      # csv, json, jsonl, msgpack, text, bytes or memory;
    ///                                  # with the feature polars also parquet and arrow
    ///   path: ${data}/flights.csv.gz   # compressed with gzip where it ends in .gz
    ///   missing: [NA]                  # csv: texts that stand for a missing value
    ///   delimiter: ";"                 # csv: a comma by default
    /// model:
    ///   type: json
    ///   path: ${out}/model.json
    ///   versioned: true                # every version is kept; see FileDataset::versioned
    /// prices:
    ///   type: jsonl
    ///   path: s3://lake/prices.jsonl   # with the feature aws
    ///   storage_options: {aws_region: eu-west-1}
    ///   credentials: lake              # by name; see credentials_file
    /// ```
    ///
    /// `storage_options` and `credentials` are what the object store of the path is
    /// told: maps, of which the entries are put together. A path of the local file
    /// system takes neither.
    ///
    /// Paths are relative to the working directory. Names that begin with an
    /// underscore are left out, so that anchors may live there, to be taken up
    /// with `*anchor` or, a whole map of them, with `<<: *anchor`.
    ///
    /// A name with placeholders stands for every name of that form, unless one is
    /// bound itself; they may stand in every text of the options. Of several
    /// forms that of the most literal characters counts, then of the most
    /// placeholders, then the first in the alphabet.
    ///
    /// ```yaml
    /// "{namespace}.{name}_csv":
    ///   type: csv
    ///   path: ${data}/{namespace}/{name}.csv
    /// raw_model:
    ///   type: cached                   # loaded once, until it is released
    ///   dataset: {type: json, path: raw.json}
    /// "{anything_else}":               # one such pattern at most
    ///   type: memory
    /// ```
    ///
    /// What is made of a pattern is made for each run that uses it, so that what
    /// a run writes to memory in this way is gone with the run.
    pub fn yaml_file(mut self, path: impl AsRef<Path>) -> Self {
        self.layer().catalog_files.push(Source::File(path.as_ref().to_owned()));
        self
    }

    /// Reads entries from the text of a YAML file, which is called `name` in what
    /// is said of it.
    ///
    /// ```
    /// use entourage::Catalog;
    /// let text = "flights:\n  type: csv\n  pth: flights.csv\n";
    /// let error = Catalog::builder().yaml_text("catalog.yml", text).build().unwrap_err();
    /// assert!(error.problems()[0].starts_with("catalog.yml:3: dataset `flights`: unknown key"));
    /// ```
    pub fn yaml_text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        let (name, text) = (name.into(), text.into());
        self.layer().catalog_files.push(Source::Text { name, text });
        self
    }

    /// Gives a value to `${name}` in catalog files.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.set(name.into(), value.into());
        self
    }

    /// Reads parameters from a YAML file: a map of any depth.
    pub fn parameters_file(mut self, path: impl AsRef<Path>) -> Self {
        self.layer().parameter_files.push(Source::File(path.as_ref().to_owned()));
        self
    }

    /// Reads parameters from the text of a YAML file, which is called `name` in
    /// what is said of it.
    pub fn parameters_text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        let (name, text) = (name.into(), text.into());
        self.layer().parameter_files.push(Source::Text { name, text });
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

    /// Gives an object store a name: the paths that begin with `name://` lead to it,
    /// and what follows is a key of the store. `memory` may be given, too: another
    /// takes the place of the one that every catalog has.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use entourage::{Catalog, Data, FileDataset};
    /// use object_store::memory::InMemory;
    ///
    /// const NOTE: Data<str> = Data::text("note");
    /// let catalog = Catalog::builder()
    ///     .object_store("lake", Arc::new(InMemory::new()))
    ///     .file("note", FileDataset::text("lake://notes/today.txt.gz"))
    ///     .build()?;
    /// catalog.save(&NOTE, "fair".to_owned())?;
    /// assert_eq!(*catalog.load(&NOTE)?, "fair");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Whoever loads or saves sleeps until the store is done, on a worker as on any
    /// other thread, inside a tokio runtime as outside of one: the store runs on a
    /// runtime of the crate's own, in the context of the node.
    #[cfg(feature = "object-store")]
    pub fn object_store(
        mut self,
        name: impl Into<String>,
        store: Arc<dyn object_store::ObjectStore>,
    ) -> Self {
        let added = self.stores.object.add(name.into(), store);
        self.problems.extend(added.err());
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

    /// Reads credentials from a YAML file: a map from name to what belongs to it.
    ///
    /// ```yaml
    /// warehouse:
    ///   user: reader
    ///   password: correct horse
    /// ```
    ///
    /// Wherever an entry of the catalog says `credentials: warehouse`, at any
    /// depth of its options, it is handed that map in the place of the name. No
    /// message of the crate shows what is in it.
    pub fn credentials_file(mut self, path: impl AsRef<Path>) -> Self {
        self.layer().credential_files.push(path.as_ref().to_owned());
        self
    }

    /// Gives credentials a name; see [`credentials_file`](Self::credentials_file).
    pub fn credentials(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        let name = name.into();
        match serde_json::to_value(value) {
            Ok(value) => self.layer().credentials.push((name, value)),
            // The error may show the value.
            Err(_) => self.problems.push(format!("credentials `{name}`: not what JSON can hold")),
        }
        self
    }

    /// Begins the environment that lies over what was added so far: a dataset,
    /// credentials or a parameter at the top of its file that is added from now
    /// on takes the place of one of the same name, whole. Names given twice
    /// within one of the two remain an error.
    ///
    /// ```no_run
    /// # use entourage::Catalog;
    /// let catalog = Catalog::builder()
    ///     .yaml_file("conf/base/catalog.yml")
    ///     .parameters_file("conf/base/parameters.yml")
    ///     .environment("local")
    ///     .parameters_file("conf/local/parameters.yml")
    ///     .credentials_file("conf/local/credentials.yml")
    ///     .build()?;
    /// # Ok::<(), entourage::CatalogError>(())
    /// ```
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        let name = name.into();
        match &self.over {
            Some((first, _)) => self.problems.push(format!(
                "one environment lies over the base, found two: `{first}` and `{name}`"
            )),
            None => self.over = Some((name, Layer::default())),
        }
        self
    }

    /// Gives a type of your own a name that catalog files may use. What makes it
    /// is given the options of the entry, all but `type`, as whatever serde reads
    /// them into: an option that is unknown, missing or of another type is told
    /// with file and line.
    ///
    /// ```
    /// use std::error::Error;
    /// use entourage::{Catalog, Data, Dataset, Secret};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Options { url: String, credentials: Login }
    /// #[derive(Deserialize)]
    /// struct Login { token: Secret }
    ///
    /// struct Page { url: String, login: Login }
    /// impl Dataset<str> for Page {
    ///     fn load(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
    ///         Ok(format!("{} for {}", self.url, self.login.token.expose()))
    ///     }
    ///     # fn save(&self, _: &str) -> Result<(), Box<dyn Error + Send + Sync>> { Ok(()) }
    ///     # fn exists(&self) -> Result<bool, Box<dyn Error + Send + Sync>> { Ok(true) }
    /// }
    /// fn page(options: Options) -> Result<Page, std::convert::Infallible> {
    ///     Ok(Page { url: options.url, login: options.credentials })
    /// }
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("catalog.yml");
    /// # std::fs::write(&path, "'{name}_page': {type: my.page, url: 'https://example.org/{name}', credentials: web}")?;
    /// let catalog = Catalog::builder()
    ///     .yaml_file(path) // '{name}_page': {type: my.page, url: …/{name}, credentials: web}
    ///     .credentials("web", [("token", "hunter2")].into_iter().collect::<std::collections::BTreeMap<_, _>>())
    ///     .dataset_type("my.page", page)
    ///     .build()?;
    /// let text = catalog.load(&Data::text("news_page"))?;
    /// assert_eq!(*text, "https://example.org/news for hunter2");
    /// # Ok::<(), Box<dyn Error>>(())
    /// ```
    pub fn dataset_type<O, T, D, E>(
        mut self,
        name: impl Into<String>,
        make: impl Fn(O) -> Result<D, E> + Send + Sync + 'static,
    ) -> Self
    where
        O: DeserializeOwned + 'static,
        T: DataType + ?Sized,
        D: Dataset<T>,
        E: Into<BoxError> + 'static,
    {
        let name = name.into();
        if Makers::is_built_in(&name) {
            self.problems.push(format!("the type `{name}` comes with the catalog"));
            return self;
        }
        match self.types.entry(name) {
            btree_map::Entry::Occupied(taken) => {
                self.problems.push(format!("the type `{}` is given twice", taken.key()));
            }
            btree_map::Entry::Vacant(free) => {
                free.insert(Arc::new(Made::<O, T, _>::new(make)));
            }
        }
        self
    }

    /// Has `check` look at every value that is loaded or about to be saved under
    /// a name. What it returns as an error, or panics with, is what the load or
    /// the save fails with; a value that is not valid is not saved.
    ///
    /// ```
    /// use entourage::{Catalog, Data};
    /// const SHARE: Data<f64> = Data::memory("share");
    /// let catalog = Catalog::builder()
    ///     .memory("share")
    ///     .validate(&SHARE, |share| match share {
    ///         0.0..=1.0 => Ok(()),
    ///         _ => Err(format!("{share} is not between 0 and 1")),
    ///     })
    ///     .build()?;
    /// let error = catalog.save(&SHARE, 1.5).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "saving dataset `share`: it is not valid: 1.5 is not between 0 and 1"
    /// );
    /// # Ok::<(), entourage::CatalogError>(())
    /// ```
    pub fn validate<T, E>(
        mut self,
        data: &Data<T>,
        check: impl Fn(&T) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self
    where
        T: DataType + ?Sized,
        E: Into<BoxError> + 'static,
    {
        let validator = Arc::new(ByFunction::<T, _>::new(check));
        self.validators.push((data.name().into_owned(), validator));
        self
    }

    /// Keeps what is loaded or saved under a name in memory, as `type: cached`
    /// does in a catalog file. What a node of a run writes is kept until the last
    /// node of the run has read it; what comes from outside of the pipeline until
    /// somebody [releases](Catalog::release) it, so that the next run finds it
    /// there.
    pub fn cached(mut self, name: impl Into<String>) -> Self {
        self.cached.push(name.into());
        self
    }

    /// Has a version of a dataset loaded that need not be the latest, where a
    /// run's options name no other.
    pub fn load_version(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        let name = name.into();
        match Version::new(version) {
            Ok(version) => self.load_versions.push((name, version)),
            Err(error) => self.problems.push(format!("dataset `{name}`: {error}")),
        }
        self
    }

    /// What is being added to.
    fn layer(&mut self) -> &mut Layer {
        match &mut self.over {
            Some((_, layer)) => layer,
            None => &mut self.base,
        }
    }

    fn insert(&mut self, name: String, stored: impl StoredDataset + 'static) {
        self.layer().entries.push((name, Entry::new(stored, None)));
    }

    /// Reads the files and makes the catalog.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or is not YAML, an unknown key, type, variable
    /// or placeholder, missing credentials or options, a name bound twice:
    /// everything at once, each with file and line.
    pub fn build(self) -> Result<Catalog, CatalogError> {
        assemble::assemble(self)
    }
}

impl fmt::Debug for CatalogBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = |sources: &[Source]| -> Vec<PathBuf> {
            sources.iter().map(|source| source.path().to_owned()).collect()
        };
        f.debug_struct("CatalogBuilder")
            .field("catalog_files", &paths(&self.base.catalog_files))
            .field("parameter_files", &paths(&self.base.parameter_files))
            .field("environment", &self.over.as_ref().map(|(name, _)| name))
            .finish_non_exhaustive()
    }
}
