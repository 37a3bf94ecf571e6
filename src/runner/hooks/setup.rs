//! What hooks change before a run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::error::Mismatch;
use crate::catalog::{Catalog, Data, DataType, Entry, did_you_mean};

/// What is bound otherwise than in the catalog, in one run: a name to nothing, or
/// to a value.
#[derive(Default)]
pub(in crate::runner) struct Changes(BTreeMap<String, Option<Arc<Entry>>>);

impl Changes {
    /// As [`Catalog::bind`], in this run.
    pub(in crate::runner) fn bind(
        &self,
        catalog: &Catalog,
        name: &str,
    ) -> Result<Option<Arc<Entry>>, Vec<String>> {
        self.0.get(name).map_or_else(|| catalog.bind(name), |changed| Ok(changed.clone()))
    }

    /// The names that are bound to a value.
    pub(in crate::runner) fn registered(&self) -> impl Iterator<Item = &str> {
        let names = self.0.iter().filter(|(_, entry)| entry.is_some());
        names.map(|(name, _)| name.as_str())
    }
}

/// Binds datasets otherwise than the catalog does, in this run alone. The catalog
/// itself does not change.
pub struct RunSetup<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) changes: &'a mut Changes,
}

impl RunSetup<'_> {
    /// Binds `name` to nothing: it lives in memory, as long as a node will read
    /// it, and if none does it comes back in the report. A free input must be
    /// bound to something, or the run is refused.
    ///
    /// # Errors
    ///
    /// If `name` is not bound.
    pub fn unregister(&mut self, name: &str) -> Result<(), Mismatch> {
        if matches!(self.changes.bind(self.catalog, name), Ok(None)) {
            let hint = did_you_mean(name, self.catalog.names());
            return Err(Mismatch::new(format!("dataset `{name}` is not in the catalog{hint}")));
        }
        self.changes.0.insert(name.to_owned(), None);
        Ok(())
    }

    /// Binds a name to memory with this value in it, whatever it was bound to.
    ///
    /// # Errors
    ///
    /// If a catalog cannot hold it.
    pub fn register<T>(&mut self, data: &Data<T>, value: T::Owned) -> Result<(), Mismatch>
    where
        T: DataType + ?Sized,
    {
        let catalog = Catalog::builder().value(data, value).build();
        let catalog = catalog.map_err(|error| Mismatch::new(error.to_string()))?;
        let name = data.name().into_owned();
        let entry = catalog.entry(&name);
        self.changes.0.insert(name, entry);
        Ok(())
    }
}

impl fmt::Debug for RunSetup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = self.changes.0.iter().map(|(name, entry)| (name, entry.is_some()));
        f.debug_struct("RunSetup").field("is_bound", &changes.collect::<BTreeMap<_, _>>()).finish()
    }
}
