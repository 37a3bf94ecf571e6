//! Object stores: those given in code, one in memory, and those of the clouds.

mod cloud;
mod draft;
mod runtime;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use url::Url;

use self::draft::ObjectDraft;
use super::stores::{LOCAL, StorageOptions, is_scheme};
use super::{Draft, Local, Place, Start};
use crate::catalog::error::FormatError;
use crate::catalog::source::{START, Source};
use crate::catalog::suggest::did_you_mean;
use crate::sync::Mutex;

type Store = Arc<dyn ObjectStore>;

/// What stands before `://` of a file of the local file system.
const FILE: &str = "file";
/// What stands before `://` of the store in memory.
const MEMORY: &str = "memory";

/// The stores of a catalog, by what their paths begin with.
#[derive(Clone)]
pub(in crate::catalog) struct ObjectStores {
    /// Those given in code, and the one in memory.
    named: BTreeMap<String, Store>,
    /// Those of the clouds that have been asked for, so that files with the same
    /// options share a client.
    clouds: Arc<Mutex<BTreeMap<(String, StorageOptions), Store>>>,
    /// The one that is there unasked, and is this process's.
    memory: Store,
}

impl Default for ObjectStores {
    fn default() -> Self {
        let memory: Store = Arc::new(InMemory::new());
        let named = BTreeMap::from([(MEMORY.to_owned(), memory.clone())]);
        Self { named, clouds: Arc::default(), memory }
    }
}

impl fmt::Debug for ObjectStores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.named.keys()).finish()
    }
}

impl ObjectStores {
    /// Adds a store for the paths that begin with `name://`.
    pub(in crate::catalog) fn add(&mut self, name: String, store: Store) -> Result<(), String> {
        if !is_scheme(&name) {
            return Err(format!(
                "object store `{name}`: its name stands before `://` of a path, and is letters, \
                 digits, `+`, `-`, `.` and `_`, a letter first"
            ));
        }
        if name == FILE || cloud::is_known(&name) {
            return Err(format!("object store `{name}`: the name has a meaning of its own"));
        }
        if name != MEMORY && self.named.contains_key(&name) {
            return Err(format!("object store `{name}` is given twice"));
        }
        self.named.insert(name, store);
        Ok(())
    }

    pub(super) fn locate(
        &self,
        path: &Path,
        scheme: &str,
        options: &StorageOptions,
    ) -> Result<(Arc<dyn Place>, PathBuf), String> {
        let url = path.to_str().unwrap_or_default();
        let (store, root) = if let Some(store) = self.named.get(scheme) {
            options.none_for(&format!("the object store `{scheme}`"))?;
            (store.clone(), format!("{scheme}://"))
        } else if scheme == FILE {
            options.none_for(LOCAL)?;
            let local = Url::parse(url).ok().and_then(|url| url.to_file_path().ok());
            let local = local.ok_or_else(|| format!("`{url}` names no file of this machine"))?;
            return Ok((Arc::new(Local), local));
        } else if cloud::is_known(scheme) {
            let root = root_of(url)?;
            (self.cloud(scheme, &root, options)?, root)
        } else {
            let known = || {
                let named = self.named.keys().map(String::as_str);
                named.chain([FILE]).chain(cloud::SCHEMES.iter().copied())
            };
            let hint = did_you_mean(scheme, known());
            let known = known().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            return Err(format!("no object store is called `{scheme}` (known: {known}){hint}"));
        };
        let is_persistent = !Arc::ptr_eq(&store, &self.memory);
        let place = ObjectPlace { store, root, secrets: options.clone(), is_persistent };
        place.key(path).map_err(|error| error.to_string())?;
        Ok((Arc::new(place), path.to_owned()))
    }

    fn cloud(&self, scheme: &str, root: &str, options: &StorageOptions) -> Result<Store, String> {
        let key = (root.to_owned(), options.clone());
        if let Some(store) = self.clouds.lock().get(&key) {
            return Ok(store.clone());
        }
        let opened = cloud::open(scheme, root, options);
        let store = opened.map_err(|what| secrets_hidden(options, &what))?;
        Ok(self.clouds.lock().entry(key).or_insert(store).clone())
    }
}

/// The bucket or container, with a slash after it.
fn root_of(url: &str) -> Result<String, String> {
    let parsed = Url::parse(url).map_err(|error| format!("the path is no URL: {error}"))?;
    if parsed.password().is_some() {
        return Err("the path has a password in it: credentials are given apart".to_owned());
    }
    let start = url.find("://").map_or(0, |at| at + 3);
    let bucket = url[start..].split('/').next().unwrap_or_default();
    if bucket.is_empty() {
        return Err(format!("`{url}` names no bucket"));
    }
    Ok(format!("{}{bucket}/", &url[..start]))
}

/// A store, below a root that stands before all of its keys.
struct ObjectPlace {
    store: Store,
    root: String,
    /// What the store was made with, and no error may show.
    secrets: StorageOptions,
    is_persistent: bool,
}

impl fmt::Debug for ObjectPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObjectPlace").field(&self.root).finish()
    }
}

impl ObjectPlace {
    fn key(&self, path: &Path) -> Result<Key, FormatError> {
        let below = path.to_str().and_then(|path| path.strip_prefix(self.root.as_str()));
        let below = below.unwrap_or_default().trim_start_matches('/');
        if below.is_empty() || below.ends_with('/') {
            return Err(FormatError::plain("the path names no file in its object store"));
        }
        Key::parse(below).map_err(|error| {
            FormatError::caused(format!("the path is none of an object store: {error}"), error)
        })
    }

    /// At most the bytes in `range`, and how many there are in all.
    fn get(&self, key: Key, range: Option<Range<u64>>) -> Result<(Vec<u8>, u64), FormatError> {
        let store = self.store.clone();
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let got = runtime::wait_for(async move {
            let found = store.get_opts(&key, options).await?;
            let size = found.meta.size;
            Ok((found.bytes().await?, size))
        })?;
        let (bytes, size) = got.map_err(|error| self.error(error))?;
        Ok((bytes.into(), size))
    }

    fn error(&self, error: object_store::Error) -> FormatError {
        unhappy(&self.secrets, error)
    }
}

impl Place for ObjectPlace {
    fn open(&self, path: &Path) -> Result<Source, FormatError> {
        self.get(self.key(path)?, None).map(|(bytes, _)| Source::Bytes(bytes))
    }

    fn start(&self, path: &Path) -> Result<Option<Start>, FormatError> {
        let (key, store) = (self.key(path)?, self.store.clone());
        let asked = key.clone();
        let found = runtime::wait_for(async move { store.head(&asked).await })?;
        let size = found.map_err(|error| self.error(error))?.size;
        // Of nothing, no range can be had.
        let (bytes, size) = match size {
            0 => (Vec::new(), 0),
            _ => self.get(key, Some(0..size.min(START)))?,
        };
        Ok(Some(Start { is_whole: bytes.len() as u64 >= size, bytes }))
    }

    fn create(&self, path: &Path) -> Result<Box<dyn Draft>, FormatError> {
        let (store, key) = (self.store.clone(), self.key(path)?);
        Ok(Box::new(ObjectDraft::new(store, key, self.secrets.clone())))
    }

    fn exists(&self, path: &Path) -> Result<bool, FormatError> {
        let (key, store) = (self.key(path)?, self.store.clone());
        match runtime::wait_for(async move { store.head(&key).await })? {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.error(error)),
        }
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, FormatError> {
        let (key, store) = (self.key(folder)?, self.store.clone());
        let listed = runtime::wait_for(async move { store.list_with_delimiter(Some(&key)).await })?;
        let found = match listed {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(self.error(error)),
        };
        let files = found.objects.iter().map(|object| &object.location);
        let keys = found.common_prefixes.iter().chain(files);
        let mut names: Vec<_> = keys.filter_map(|key| key.filename().map(str::to_owned)).collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn check_writable(&self, path: &Path) -> Result<(), FormatError> {
        // Whether it may be written, the store says when it is.
        self.key(path).map(drop)
    }

    fn real_path(&self, path: &Path) -> PathBuf {
        match self.key(path) {
            Ok(key) => PathBuf::from(format!("{}{key}", self.root)),
            Err(_) => path.to_owned(),
        }
    }

    fn is_persistent(&self) -> bool {
        self.is_persistent
    }
}

/// What a store says, without what it was told in confidence.
fn unhappy(secrets: &StorageOptions, error: object_store::Error) -> FormatError {
    if let object_store::Error::NotFound { .. } = error {
        return FormatError::plain("there is no such file");
    }
    let what = error.to_string();
    let all = format!("{what}{error:?}");
    match secrets_hidden(secrets, &all) == all {
        true => FormatError::caused(what, error),
        // The cause would show what the message hides.
        false => FormatError::plain(secrets_hidden(secrets, &what)),
    }
}

/// A message without the values of the options, plain or as a URL has them; but
/// for those that tell where a store is.
fn secrets_hidden(options: &StorageOptions, what: &str) -> String {
    const OPEN: [&str; 6] = ["region", "endpoint", "bucket", "container", "allow_http", "style"];
    let mut hidden = what.to_owned();
    for (name, value) in options.iter() {
        let name = name.to_ascii_lowercase();
        if value.len() < 3 || OPEN.iter().any(|open| name.contains(open)) {
            continue;
        }
        let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        hidden = hidden.replace(value, "…").replace(&encoded, "…");
        hidden = hidden.replace(&value.escape_debug().to_string(), "…");
    }
    hidden
}
