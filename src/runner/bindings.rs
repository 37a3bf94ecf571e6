//! A pipeline bound to a catalog.

use std::sync::Arc;

use super::confirms::{Confirm, confirms};
use super::hooks::Changes;
use super::plan::Narrowed;
use super::versions::Versions;
use crate::catalog::{Access, Catalog, Codec, DatasetError, Doing, Entry, FormatError, Value};
use crate::pipeline::{DatasetIndex, DatasetView, Pipeline};

pub(super) struct Bindings {
    pub(super) pipeline: Pipeline,
    /// One a dataset, in the pipeline's order.
    pub(super) bindings: Vec<Binding>,
    /// What the nodes confirm, in their order.
    pub(super) confirms: Vec<Confirm>,
    /// Where the pipeline is part of another, of which the rest is up to date.
    pub(super) narrowed: Option<Box<Narrowed>>,
    /// Whether the nodes run elsewhere, and load and save there.
    pub(super) is_elsewhere: bool,
    pub(super) versions: Versions,
    /// What is wrong with the datasets of which the catalog can make nothing.
    pub(super) problems: Vec<String>,
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
    pub(super) fn new(
        pipeline: &Pipeline,
        catalog: &Catalog,
        versions: Versions,
        changes: Option<&Changes>,
    ) -> Self {
        let mut problems = Vec::new();
        let found = |name: &str| match changes {
            None => catalog.bind(name),
            Some(changes) => changes.bind(catalog, name),
        };
        let mut bind = |name: &str| match found(name) {
            Ok(Some(entry)) => Binding::Bound(entry),
            Ok(None) => Binding::Unbound,
            Err(wrong) => {
                problems.extend(wrong);
                // A stand-in of which nothing more is to be said: the run will
                // not begin.
                Binding::Ready(Arc::new(()))
            }
        };
        let datasets = pipeline.dataset_indices();
        let bindings: Vec<_> = datasets.map(|dataset| bind(pipeline.slot(dataset).name)).collect();
        let confirms = confirms(pipeline, &bindings, catalog, &mut problems);
        let (pipeline, narrowed) = (pipeline.clone(), None);
        Self { pipeline, bindings, confirms, narrowed, is_elsewhere: false, versions, problems }
    }

    pub(super) fn name(&self, dataset: DatasetIndex) -> &str {
        self.pipeline.slot(dataset).name
    }

    pub(super) fn codec(&self, dataset: DatasetIndex) -> Option<&'static dyn Codec> {
        self.pipeline.slot(dataset).codec
    }

    /// The way from this run to a dataset.
    pub(super) fn access(&self, dataset: DatasetIndex) -> Access<'_> {
        let DatasetView { name, type_id, type_name, codec } = self.pipeline.slot(dataset);
        // In whichever form: it need not be there when the run begins.
        let is_written = self.pipeline.producer(dataset).is_some();
        let Versions { save, loads, own } = &self.versions;
        Access {
            name,
            type_id,
            type_name,
            codec,
            is_written,
            save_version: Some(save),
            load_version: loads.get(name).or(is_written.then_some(save)),
            own_versions: Some(own),
        }
    }

    /// Loads a dataset from where the catalog keeps it, and says how many bytes that
    /// were there, where somebody knows.
    pub(super) fn load(&self, dataset: DatasetIndex) -> Result<(Value, Option<u64>), DatasetError> {
        match &self.bindings[dataset as usize] {
            Binding::Ready(value) => Ok((value.clone(), None)),
            // Stands for what is loaded where the node runs.
            Binding::Bound(_) if self.is_elsewhere => Ok((Arc::new(()), None)),
            Binding::Bound(entry) => entry.load_counted(&self.access(dataset)),
            Binding::Unbound => {
                let what = FormatError::plain("nothing has written it");
                Err(DatasetError::new(self.name(dataset), Doing::Load, None, what))
            }
        }
    }

    /// Saves a dataset that the catalog keeps, and says how many bytes it is there, where
    /// somebody knows.
    pub(super) fn save(
        &self,
        dataset: DatasetIndex,
        entry: &Entry,
        value: &Value,
    ) -> Result<Option<u64>, DatasetError> {
        if self.is_elsewhere {
            return Ok(None);
        }
        entry.save(&self.access(dataset), value)
    }
}
