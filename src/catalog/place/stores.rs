//! Which place a path leads to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "object-store")]
use super::object::ObjectStores;
use super::{Local, Place};

/// What a store is to be told: a region, keys. Its values may be secret.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::catalog) struct StorageOptions(BTreeMap<String, String>);

impl StorageOptions {
    pub(in crate::catalog) fn set(&mut self, name: String, value: String) {
        self.0.insert(name, value);
    }

    #[cfg(feature = "object-store")]
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Says that there may be none.
    pub(super) fn none_for(&self, what: &str) -> Result<(), String> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(format!("{what} takes no storage options, nor credentials, found `{name}`"))
            }
        }
    }
}

/// The names alone.
impl fmt::Debug for StorageOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The places that a catalog's paths may lead to. Its clones share them.
#[derive(Clone, Debug, Default)]
pub(in crate::catalog) struct Stores {
    #[cfg(feature = "object-store")]
    pub(in crate::catalog) object: ObjectStores,
}

impl Stores {
    /// The place of `path`, and the path as that place knows it.
    pub(in crate::catalog) fn locate(
        &self,
        path: &Path,
        options: &StorageOptions,
    ) -> Result<(Arc<dyn Place>, PathBuf), String> {
        match path.to_str().and_then(scheme_of) {
            Some(scheme) => self.locate_url(path, scheme, options),
            None => {
                options.none_for(LOCAL)?;
                Ok((Arc::new(Local), path.to_owned()))
            }
        }
    }

    /// Says what is wrong with paths of which only the beginning is known.
    pub(in crate::catalog) fn check_start(
        &self,
        start: &str,
        options: &StorageOptions,
    ) -> Result<(), String> {
        // Else what comes may still make a URL of it.
        let scheme = start.strip_suffix(":/").or(start.strip_suffix(':')).unwrap_or(start);
        let may_be_url = start.is_empty() || start.contains("://") || is_scheme(scheme);
        if may_be_url { Ok(()) } else { options.none_for(LOCAL) }
    }

    #[cfg(feature = "object-store")]
    fn locate_url(
        &self,
        path: &Path,
        scheme: &str,
        options: &StorageOptions,
    ) -> Result<(Arc<dyn Place>, PathBuf), String> {
        self.object.locate(path, scheme, options)
    }

    #[cfg(not(feature = "object-store"))]
    fn locate_url(
        &self,
        _: &Path,
        scheme: &str,
        _: &StorageOptions,
    ) -> Result<(Arc<dyn Place>, PathBuf), String> {
        Err(format!(
            "the path begins with `{scheme}://`, and the crate is built without its feature \
             `object-store`"
        ))
    }
}

/// What takes no options.
pub(super) const LOCAL: &str = "a path of the local file system";

/// What a URL begins with; `None` of a path of the file system.
pub(super) fn scheme_of(path: &str) -> Option<&str> {
    let (scheme, _) = path.split_once("://")?;
    is_scheme(scheme).then_some(scheme)
}

/// Whether something may stand before `://`.
pub(super) fn is_scheme(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'))
}
