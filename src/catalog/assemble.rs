//! From what a builder was given to a catalog, or all that is wrong with it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::mem;
use std::sync::Arc;

use super::builder::{CatalogBuilder, Layer};
use super::cached::Cached;
use super::config::{self, Blueprint, Credentials, Makers, Source as Text, Variables};
use super::entry::{Entry, PARAMETERS, is_parameter};
use super::error::CatalogError;
use super::lookup::{Bound, Catalog};
use super::memory::MemorySlot;
use super::parameters::Parameters;
use super::patterns::{Patterns, Resolution};

pub(super) fn assemble(builder: CatalogBuilder) -> Result<Catalog, CatalogError> {
    let CatalogBuilder { base, over, parameters, variables, types, stores, .. } = builder;
    let CatalogBuilder { validators, cached, load_versions, problems, .. } = builder;
    let makers = Makers { types, stores, ..Makers::default() };
    let mut assembly = Assembly { variables, problems, makers };
    let layers = [Some(base), over.map(|(_, layer)| layer)];
    let mut layers: Vec<Layer> = layers.into_iter().flatten().collect();
    for layer in &mut layers {
        assembly.add_credentials(layer);
    }
    let mut sources = Sources::default();
    let mut tree = Parameters::default();
    for mut layer in layers {
        let parameter_files = mem::take(&mut layer.parameter_files);
        sources.overlay(assembly.sources(layer));
        tree.overlay(assembly.parameters(&parameter_files));
    }
    for (path, value) in parameters {
        tree.set(&path, value);
    }
    let (mut entries, blueprints) = assembly.entries(sources);
    let (whole, each) = tree.into_entries();
    entries.extend(each);
    let Assembly { makers, mut problems, .. } = assembly;
    let secrets = makers.credentials.secrets();
    for name in cached {
        match entries.get_mut(&name).filter(|entry| !entry.is_parameter()) {
            Some(entry) => {
                let stored = mem::replace(&mut entry.stored, Box::new(MemorySlot::default()));
                entry.stored = Box::new(Cached::new(stored));
            }
            None => {
                problems.push(format!("`{name}` is to be cached, but it is not in the catalog"))
            }
        }
    }
    let patterns = Patterns::new(blueprints, makers, &mut problems);
    let mut bound = Bound { patterns, ..Bound::default() };
    for (name, validator) in validators {
        if let Some(entry) = entries.get_mut(&name) {
            entry.validators.push(validator);
        } else if !is_parameter(&name) && bound.patterns.resolve(&name) != Resolution::Memory {
            bound.validators.entry(name).or_default().push(validator);
        } else {
            problems.push(format!("`{name}` is to be validated, but it is not in the catalog"));
        }
    }
    for (name, version) in load_versions {
        if let Some(entry) = entries.get_mut(&name) {
            match entry.is_versioned() {
                true => entry.load_version = Some(version),
                false => problems.push(format!("dataset `{name}` keeps no versions to load")),
            }
        } else if bound.patterns.resolve(&name) != Resolution::Memory {
            bound.load_versions.insert(name, version);
        } else {
            problems.push(format!(
                "version `{version}` of `{name}` is to be loaded, but it is not in the catalog"
            ));
        }
    }
    CatalogError::check(problems.iter().map(|problem| secrets.hide(problem)).collect())?;
    bound.entries = entries.into_iter().map(|(name, entry)| (name, Arc::new(entry))).collect();
    bound.parameters = Arc::new(whole);
    Ok(Catalog { bound: Arc::new(bound) })
}

struct Assembly {
    variables: Variables,
    makers: Makers,
    problems: Vec<String>,
}

/// What datasets are to be made of, in the order in which it was found.
#[derive(Default)]
struct Sources {
    found: Vec<Option<Source>>,
    by_name: BTreeMap<String, usize>,
}

struct Source {
    name: String,
    from: From,
}

enum From {
    File(Blueprint),
    Program(Entry),
}

impl From {
    fn place(&self) -> String {
        match self {
            Self::File(blueprint) => blueprint.origin(),
            Self::Program(_) => "the program".to_owned(),
        }
    }
}

impl Sources {
    /// Adds one; where the name is taken, says by what.
    fn add(&mut self, name: String, from: From) -> Result<(), String> {
        match self.by_name.entry(name) {
            Slot::Occupied(taken) => {
                let first = self.found[*taken.get()].as_ref();
                let first = first.map_or_else(String::new, |first| first.from.place());
                let (name, second) = (taken.key(), from.place());
                Err(format!("`{name}` is bound twice: in {first} and in {second}"))
            }
            Slot::Vacant(free) => {
                let name = free.key().clone();
                free.insert(self.found.len());
                self.found.push(Some(Source { name, from }));
                Ok(())
            }
        }
    }

    /// Puts those of `over` in the place of these that have the same name.
    fn overlay(&mut self, over: Self) {
        for source in over.found.into_iter().flatten() {
            match self.by_name.get(&source.name) {
                Some(at) => self.found[*at] = Some(source),
                None => {
                    self.by_name.insert(source.name.clone(), self.found.len());
                    self.found.push(Some(source));
                }
            }
        }
    }
}

impl Assembly {
    fn add_credentials(&mut self, layer: &mut Layer) {
        let mut credentials = Credentials::default();
        for path in &layer.credential_files {
            credentials.read(path, &self.variables, &mut self.problems);
        }
        for (name, value) in mem::take(&mut layer.credentials) {
            self.problems.extend(credentials.add(name, value, "the program".to_owned()).err());
        }
        self.makers.credentials.overlay(credentials);
    }

    fn parameters(&mut self, files: &[Text]) -> Parameters {
        let mut parameters = Parameters::default();
        for path in files {
            config::read_parameters(path, &mut parameters, &mut self.problems);
        }
        parameters
    }

    fn sources(&mut self, layer: Layer) -> Sources {
        let mut sources = Sources::default();
        for path in &layer.catalog_files {
            for blueprint in config::read_blueprints(path, &self.variables, &mut self.problems) {
                let added = sources.add(blueprint.name.clone(), From::File(blueprint));
                self.problems.extend(added.err());
            }
        }
        for (name, entry) in layer.entries {
            if let Some(what) = config::refused(&name).filter(|_| name == PARAMETERS) {
                self.problems.push(format!("dataset `{name}`: {what}"));
            }
            self.problems.extend(sources.add(name, From::Program(entry)).err());
        }
        sources
    }

    /// Makes what has a name, and gives back what has a pattern.
    fn entries(&mut self, sources: Sources) -> (BTreeMap<String, Entry>, Vec<Blueprint>) {
        let (mut entries, mut patterns) = (BTreeMap::new(), Vec::new());
        for Source { name, from } in sources.found.into_iter().flatten() {
            match from {
                From::Program(mut entry) => match entry.stored.locate(&self.makers.stores) {
                    Ok(()) => drop(entries.insert(name, entry)),
                    Err(problem) => self.problems.push(format!("dataset `{name}`: {problem}")),
                },
                From::File(blueprint) if blueprint.is_pattern() => patterns.push(blueprint),
                From::File(blueprint) => match blueprint.make(&self.makers) {
                    Ok(made) => drop(entries.insert(name, made.into_entry(blueprint.origin()))),
                    Err(problems) => self.problems.extend(problems),
                },
            }
        }
        (entries, patterns)
    }
}
