//! The names of a selection, and the nodes they mean.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::error::Problem;
use super::super::graph::{DatasetIndex, NodeIndex, Pipeline};
use super::super::names::{base, is_within};
use super::Filter;
use super::reach;
use crate::catalog::{Hints, did_you_mean_namespaced};

/// Finds nodes by names, and notes the names that mean nothing.
pub(super) struct Lookup<'a> {
    pipeline: &'a Pipeline,
    pub(super) problems: Vec<Problem>,
    hints: Hints,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(pipeline: &'a Pipeline) -> Self {
        Self { pipeline, problems: Vec::new(), hints: Hints::default() }
    }

    /// Of each node, whether it passes.
    pub(super) fn passes(&mut self, filter: Filter, names: &[String]) -> Vec<bool> {
        let pipeline = self.pipeline;
        match filter {
            Filter::FromNodes => reach::downstream(pipeline, self.nodes(names)),
            Filter::ToNodes => reach::upstream(pipeline, self.nodes(names)),
            Filter::FromInputs => reach::downstream(pipeline, self.readers(names)),
            Filter::ToOutputs => reach::upstream(pipeline, self.writers(names)),
            Filter::Nodes => reach::alone(pipeline, self.nodes(names)),
            Filter::WithInputs => reach::alone(pipeline, self.readers(names)),
            Filter::WithOutputs => reach::alone(pipeline, self.writers(names)),
            Filter::Tags => self.tagged(names),
            Filter::Namespaces => self.within(names),
        }
    }

    fn nodes(&mut self, names: &[String]) -> Vec<NodeIndex> {
        let mut wanted = Wanted::new(names);
        let pipeline = self.pipeline;
        let found = pipeline.node_indices().filter(|at| wanted.is(pipeline.name_of(*at))).collect();
        self.note("node", wanted, || pipeline.node_names());
        found
    }

    /// The datasets by name; a name without a form is any form's.
    fn datasets(&mut self, names: &[String]) -> Vec<DatasetIndex> {
        let mut wanted = Wanted::new(names);
        let pipeline = self.pipeline;
        let mut is_wanted = |at: &DatasetIndex| {
            let name = pipeline.slot(*at).name;
            // Both are asked, so that both are known to be found.
            let (by_name, by_base) = (wanted.is(name), wanted.is(base(name)));
            by_name || by_base
        };
        let found = pipeline.dataset_indices().filter(|at| is_wanted(at)).collect();
        self.note("dataset", wanted, || pipeline.dataset_names());
        found
    }

    fn readers(&mut self, names: &[String]) -> Vec<NodeIndex> {
        let datasets = self.datasets(names);
        datasets.iter().flat_map(|at| self.pipeline.consumers(*at)).copied().collect()
    }

    fn writers(&mut self, names: &[String]) -> Vec<NodeIndex> {
        let datasets = self.datasets(names);
        let written = datasets.into_iter().filter(|at| self.pipeline.is_written(*at));
        written.filter_map(|at| self.pipeline.producer(at)).collect()
    }

    fn tagged(&mut self, names: &[String]) -> Vec<bool> {
        let mut wanted = Wanted::new(names);
        // Every tag is asked for, so that each that is found is known to be.
        let mut passes = |node: super::super::NodeView<'_>| {
            node.tags().fold(false, |passes, tag| passes | wanted.is(tag))
        };
        let passing = self.pipeline.nodes().map(&mut passes).collect();
        let all = || self.pipeline.nodes().flat_map(|node| node.tags());
        let all: BTreeSet<&str> = if wanted.is_found() { BTreeSet::new() } else { all().collect() };
        self.note("tag", wanted, || all.iter().copied());
        passing
    }

    fn within(&mut self, names: &[String]) -> Vec<bool> {
        let mut wanted = Wanted::new(names);
        let mut passes = |namespace: &str| {
            let within = names.iter().filter(|name| is_within(namespace, name));
            within.fold(false, |_, name| wanted.is(name))
        };
        let nodes = self.pipeline.nodes();
        let passing = nodes.map(|node| node.namespace().is_some_and(&mut passes)).collect();
        let mut all: BTreeSet<&str> = BTreeSet::new();
        if !wanted.is_found() {
            for namespace in self.pipeline.nodes().filter_map(|node| node.namespace()) {
                let above = namespace.match_indices('.').map(|(dot, _)| &namespace[..dot]);
                all.extend(above.chain([namespace]));
            }
        }
        self.note("namespace", wanted, || all.iter().copied());
        passing
    }

    /// Notes the names that were not found.
    fn note<'n, I: Iterator<Item = &'n str> + Clone>(
        &mut self,
        what: &'static str,
        wanted: Wanted<'_>,
        known: impl Fn() -> I,
    ) {
        let hints = &mut self.hints;
        self.problems.extend(wanted.missing().map(|name| Problem::Unknown {
            what,
            name: name.to_owned(),
            hint: hints.next(|| did_you_mean_namespaced(name, known())),
        }));
    }
}

/// Names that are looked for, and whether they were found.
struct Wanted<'a> {
    names: &'a [String],
    places: HashMap<&'a str, usize>,
    found: Vec<bool>,
}

impl<'a> Wanted<'a> {
    fn new(names: &'a [String]) -> Self {
        let places = names.iter().enumerate().map(|(at, name)| (&**name, at)).collect();
        Self { names, places, found: vec![false; names.len()] }
    }

    /// Whether the name is wanted. It is then found.
    fn is(&mut self, name: &str) -> bool {
        let place = self.places.get(name);
        place.inspect(|at| self.found[**at] = true).is_some()
    }

    fn is_found(&self) -> bool {
        self.missing().next().is_none()
    }

    /// Those that were not found, in their order, each once.
    fn missing(&self) -> impl Iterator<Item = &'a str> {
        let mut told = HashSet::new();
        let names = self.names.iter().map(String::as_str);
        names.filter(move |name| !self.found[self.places[name]] && told.insert(*name))
    }
}
