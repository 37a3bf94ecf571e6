//! A pipeline bound to a catalog.

use std::sync::Arc;

use crate::catalog::{Catalog, Codec, DatasetError, Doing, Entry, FormatError, Storage, Value};
use crate::pipeline::{DatasetIndex, Pipeline};

pub(super) struct Bindings {
    pub(super) pipeline: Pipeline,
    /// One a dataset, in the pipeline's order.
    pub(super) bindings: Vec<Binding>,
}

/// Where a dataset lives during a run.
pub(super) enum Binding {
    /// Bound to nothing: in memory, for as long as somebody will read it.
    Unbound,
    Bound(Arc<Entry>),
    /// A parameter, read before the run.
    Ready(Value),
}

impl Bindings {
    pub(super) fn new(pipeline: &Pipeline, catalog: &Catalog) -> Self {
        let bind = |name: &str| catalog.entry(name).map_or(Binding::Unbound, Binding::Bound);
        let datasets = pipeline.dataset_indices();
        let bindings = datasets.map(|dataset| bind(&pipeline.slot(dataset).name)).collect();
        Self { pipeline: pipeline.clone(), bindings }
    }

    pub(super) fn name(&self, dataset: DatasetIndex) -> &Arc<str> {
        &self.pipeline.slot(dataset).name
    }

    pub(super) fn codec(&self, dataset: DatasetIndex) -> Option<&'static dyn Codec> {
        self.pipeline.slot(dataset).codec
    }

    /// Loads a dataset from where the catalog keeps it.
    pub(super) fn load(&self, dataset: DatasetIndex) -> Result<Value, DatasetError> {
        let name = &**self.name(dataset);
        let plain =
            |what: String| DatasetError::new(name, Doing::Load, None, FormatError::plain(what));
        let entry = match &self.bindings[dataset as usize] {
            Binding::Ready(value) => return Ok(value.clone()),
            Binding::Bound(entry) => entry,
            Binding::Unbound => return Err(plain("nothing has written it".to_owned())),
        };
        let value = match &entry.storage {
            Storage::File(file) => {
                let codec = self.codec(dataset).ok_or_else(|| plain(UNDECLARED.to_owned()))?;
                file.load(codec).map_err(|error| {
                    DatasetError::new(name, Doing::Load, Some(file.describe()), error)
                })?
            }
            Storage::Memory(slot) => slot.get().ok_or_else(|| {
                plain("it is in memory, and nothing has been saved there".to_owned())
            })?,
            Storage::Custom(custom) => {
                custom.load().map_err(|error| DatasetError::custom(name, Doing::Load, error))?
            }
            Storage::Parameter(_) => {
                return Err(plain("a parameter is read before the run".to_owned()));
            }
        };
        Ok(value)
    }

    /// Saves a dataset that the catalog keeps.
    pub(super) fn save(
        &self,
        dataset: DatasetIndex,
        entry: &Entry,
        value: &Value,
    ) -> Result<(), DatasetError> {
        let slot = self.pipeline.slot(dataset);
        let name = &*slot.name;
        let plain =
            |what: &str| DatasetError::new(name, Doing::Save, None, FormatError::plain(what));
        match &entry.storage {
            Storage::File(file) => {
                let codec = slot.codec.ok_or_else(|| plain(UNDECLARED))?;
                file.save(codec, value).map_err(|error| {
                    DatasetError::new(name, Doing::Save, Some(file.describe()), error)
                })
            }
            Storage::Memory(held) => {
                held.set(value.clone(), slot.type_id, slot.type_name);
                Ok(())
            }
            Storage::Custom(custom) => {
                custom.save(value).map_err(|error| DatasetError::custom(name, Doing::Save, error))
            }
            Storage::Parameter(_) => Err(plain("a parameter cannot be written")),
        }
    }
}

pub(super) const UNDECLARED: &str = "its nodes name it by string only, so its format cannot be \
     chosen: declare it with `Pipeline::declare`, or use a typed name";
