//! What a run leaves behind: values in its report, and datasets in the catalog,
//! loaded when somebody asks for them.

use std::fmt;
use std::sync::Arc;

use super::bindings::{Binding, Bindings};
use super::plan::Whole;
use super::report::{Fate, RunReport};
use super::state::{NodeState, Stage};
use crate::catalog::{
    Access, Data, DataType, DatasetError, Description, Doing, Entry, FormatError, Version,
    did_you_mean,
};

/// A final output that is in the catalog.
pub(super) struct Stored {
    name: Arc<str>,
    entry: Arc<Entry>,
    /// Under which the run saved it, if it did and versions are kept.
    version: Option<Version>,
}

/// The final outputs that the catalog keeps, in the order of their names: those of
/// the nodes that are done, or were up to date.
pub(super) fn stored(bound: &Bindings, whole: Option<&Whole>, nodes: &[NodeState]) -> Vec<Stored> {
    let pipeline = &bound.pipeline;
    let finals = pipeline.dataset_indices().filter_map(|dataset| {
        let Binding::Bound(entry) = &bound.bindings[dataset as usize] else { return None };
        let producer = pipeline.producer(dataset)?;
        let place = whole.map_or(Some(producer), |whole| whole.places[producer as usize]);
        let is_there = place.is_none_or(|at| nodes[at as usize].stage() == Stage::Done);
        let is_final = pipeline.is_final(dataset);
        let is_saved = place.is_some() && entry.is_versioned();
        (is_final && is_there).then(|| Stored {
            name: bound.name(dataset).into(),
            entry: entry.clone(),
            version: is_saved.then(|| bound.versions.save.clone()),
        })
    });
    let mut stored: Vec<_> = finals.collect();
    stored.sort_by(|a, b| a.name.cmp(&b.name));
    stored
}

/// A final output of a run: written by a node, and read by none.
#[derive(Clone, Copy)]
pub struct RunOutput<'r> {
    name: &'r str,
    entry: Option<&'r Entry>,
}

impl<'r> RunOutput<'r> {
    /// The dataset's name.
    pub fn name(&self) -> &'r str {
        self.name
    }

    /// Whether it is where the catalog keeps it; else it is a value that the report
    /// holds.
    pub fn is_stored(&self) -> bool {
        self.entry.is_some()
    }

    /// Where the catalog keeps it, if it does.
    pub fn description(&self) -> Option<Description> {
        self.entry.map(Entry::describe)
    }
}

impl fmt::Debug for RunOutput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunOutput")
            .field("name", &self.name)
            .field("is_stored", &self.is_stored())
            .finish()
    }
}

impl RunReport {
    /// The final outputs that there are, in the order of their names: values that
    /// were not taken, and what is in the catalog.
    pub fn outputs(&self) -> impl Iterator<Item = RunOutput<'_>> {
        let values = self.output_names().map(|name| RunOutput { name, entry: None });
        let stored = self.stored.iter();
        let stored =
            stored.map(|stored| RunOutput { name: &stored.name, entry: Some(&stored.entry) });
        let mut outputs: Vec<_> = values.chain(stored).collect();
        outputs.sort_by_key(|output| output.name);
        outputs.into_iter()
    }

    /// A final output, wherever it is: a value of the report, shared, or else loaded
    /// from where the catalog keeps it: where that keeps versions, as this run saved
    /// it. Each call loads it again.
    ///
    /// ```
    /// use entourage::{Catalog, Data, FileDataset, Pipeline, RunOptions, SequentialRunner, node};
    ///
    /// const WORDS: Data<str> = Data::text("words");
    ///
    /// let folder = tempfile::tempdir()?;
    /// let file = FileDataset::text(folder.path().join("words.txt"));
    /// let pipeline = Pipeline::new([node(|| "a b".to_owned()).reads(()).writes(WORDS).named("make")])?;
    /// let catalog = Catalog::builder().file("words", file).build()?;
    /// let report = SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new())?;
    /// assert_eq!(*report.load(&WORDS)?, "a b");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the dataset is no final output of the run, or its node is not done, or it
    /// was taken; or if the load fails.
    ///
    /// # Panics
    ///
    /// If a dataset of your own does in its load.
    pub fn load<T: DataType + ?Sized>(
        &self,
        data: &Data<T>,
    ) -> Result<Arc<T::Owned>, DatasetError> {
        let name = data.name();
        let access = Access::of(data, &name);
        if let Some(value) = self.outputs.get(&self.pipeline, &name) {
            return access.typed::<T>(value.clone());
        }
        match self.stored.binary_search_by(|stored| (*stored.name).cmp(&name)) {
            Ok(at) => {
                let Stored { entry, version, .. } = &self.stored[at];
                let access = Access { load_version: version.as_ref(), ..access };
                access.typed::<T>(entry.load(&access)?)
            }
            Err(_) => {
                let what = FormatError::plain(self.absence(&name));
                Err(DatasetError::new(&name, Doing::Load, None, what))
            }
        }
    }

    /// Why there is no such output.
    fn absence(&self, name: &str) -> String {
        let pipeline = self.all();
        let is_named = |at: &_| *pipeline.slot(*at).name == *name;
        let Some(dataset) = pipeline.dataset_indices().find(is_named) else {
            let hint = did_you_mean(name, self.outputs().map(|output| output.name));
            return format!("no node of the run writes it{hint}");
        };
        match pipeline.producer(dataset) {
            None => "no node of the run writes it".to_owned(),
            Some(_) if !pipeline.consumers(dataset).is_empty() => {
                "it is no final output: another node reads it".to_owned()
            }
            Some(producer) => match self.node_of_all(producer).fate {
                Fate::Done => "it was taken from the report".to_owned(),
                fate => format!("node `{}`, which writes it: {fate}", pipeline.name_of(producer)),
            },
        }
    }
}
