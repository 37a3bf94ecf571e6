//! Which versions a run saves and loads.

use std::collections::BTreeMap;

use super::bindings::{Binding, Bindings};
use super::options::RunOptions;
use crate::catalog::{Catalog, Hints, OwnVersions, Resolution, Version, did_you_mean};

/// The versions of one run.
#[derive(Clone, Debug)]
pub(super) struct Versions {
    /// Of everything that it saves.
    pub(super) save: Version,
    /// By dataset; the latest of the others.
    pub(super) loads: BTreeMap<String, Version>,
    /// What is saved so far.
    pub(super) own: OwnVersions,
}

impl Versions {
    /// Those that the options name; what of that cannot be a version is among the
    /// problems.
    pub(super) fn of(options: &RunOptions, problems: &mut Vec<String>) -> Self {
        let save = match options.save_version.as_deref().map(Version::new) {
            None => Version::now(),
            Some(Ok(version)) => version,
            Some(Err(error)) => {
                problems.push(format!("the version to save: {error}"));
                Version::now()
            }
        };
        let mut loads = BTreeMap::new();
        for (name, version) in &options.load_versions {
            match Version::new(version.as_str()) {
                Ok(version) => drop(loads.insert(name.clone(), version)),
                Err(error) => problems.push(format!("the version of `{name}` to load: {error}")),
            }
        }
        Self { save, loads, own: OwnVersions::default() }
    }
}

/// Says which of the versions to load cannot be, because of what their datasets
/// are.
pub(super) fn check(bound: &Bindings, catalog: &Catalog, problems: &mut Vec<String>) {
    let is_written = |dataset| bound.pipeline.producer(dataset).is_some();
    let written = "a node of the run writes it, and what it writes is what is loaded";
    for (dataset, binding) in bound.pipeline.dataset_indices().zip(&bound.bindings) {
        let name = bound.name(dataset);
        let Binding::Bound(entry) = binding else { continue };
        let version = bound.versions.loads.get(name).or(entry.load_version());
        if let Some(version) = version.filter(|_| is_written(dataset)) {
            problems
                .push(format!("dataset `{name}`: version `{version}` cannot be loaded: {written}"));
        }
    }
    let mut hints = Hints::default();
    for (name, version) in &bound.versions.loads {
        let problem = match catalog.describe(name) {
            Ok(found) if found.is_versioned() => continue,
            _ if catalog.resolve(name) == Resolution::Memory => {
                let hint = hints.next(|| did_you_mean(name, catalog.names()));
                format!("it is not in the catalog{hint}")
            }
            Ok(_) => "it keeps no versions".to_owned(),
            Err(_) => continue,
        };
        problems.push(format!("dataset `{name}`: version `{version}` cannot be loaded: {problem}"));
    }
}
