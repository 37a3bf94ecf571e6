//! What each dataset and node is called in a namespace.

use std::cell::RefCell;
use std::collections::HashMap;

use smol_str::SmolStr;

use super::super::error::{Doing, PipelineError, Problem};
use super::super::graph::{DatasetIndex, NodeIndex, Pipeline};
use super::super::names::{PARAMETERS, base, is_form, is_parameter, is_word};
use super::super::node::Node;
use super::{Kind, Mapping, Namespace};
use crate::catalog::{Hints, PARAMETER_PREFIX, did_you_mean_namespaced};

/// The full name of a parameter.
pub(super) fn parameter(name: String) -> String {
    match is_parameter(&name) {
        true => name,
        false => format!("{PARAMETER_PREFIX}{name}"),
    }
}

/// The new names of everything.
pub(super) struct Names<'a> {
    pipeline: &'a Pipeline,
    namespace: &'a Namespace,
    mapped: HashMap<&'a str, &'a str>,
    datasets: Vec<SmolStr>,
}

impl<'a> Names<'a> {
    /// Names everything, or says all that is wrong with the mappings.
    pub(super) fn new(
        pipeline: &'a Pipeline,
        namespace: &'a Namespace,
    ) -> Result<Self, PipelineError> {
        let mut problems = Vec::new();
        if !namespace.prefix.is_empty() && !is_word(&namespace.prefix) {
            let name = namespace.prefix.clone();
            problems.push(Problem::BadName { what: "namespace", name });
        }
        let mut mapped: HashMap<&'a str, &'a str> = HashMap::new();
        let found = Found::new(pipeline, namespace);
        for mapping in &namespace.mappings {
            if let Some(problem) = found.problem(mapping) {
                problems.push(Problem::Mapping(problem));
            }
            let Mapping { from, to, .. } = mapping;
            if let Some(first) = mapped.insert(from, to).filter(|first| first != to) {
                let problem = format!("`{from}` is mapped twice, to `{first}` and to `{to}`");
                problems.push(Problem::Mapping(problem));
            }
        }
        let rename = |at| renamed(pipeline.slot(at).name, &mapped, namespace);
        let datasets: Vec<_> = pipeline.dataset_indices().map(rename).collect();
        let names = Self { pipeline, namespace, mapped, datasets };
        names.find_merged(&mut problems);
        match problems.is_empty() {
            true => Ok(names),
            false => Err(PipelineError::new(Doing::Namespace, problems)),
        }
    }

    /// Finds datasets that become one, though not both were mapped to it.
    fn find_merged(&self, problems: &mut Vec<Problem>) {
        let mapped = &self.mapped;
        let old = |at: u32| self.pipeline.slot(at).name;
        let is_mapped = |name: &str| mapped.contains_key(name) || mapped.contains_key(base(name));
        let mut first: HashMap<&str, DatasetIndex> = HashMap::new();
        for (at, new) in (0..).zip(&self.datasets) {
            let first = *first.entry(new).or_insert(at);
            if first != at && !(is_mapped(old(first)) && is_mapped(old(at))) {
                let (first, second) = (old(first), old(at));
                problems.push(Problem::Mapping(format!(
                    "`{first}` and `{second}` would both be named `{new}`"
                )));
            }
        }
    }

    /// Node `at` under its new name, with what it reads and writes under theirs.
    pub(super) fn renamed(&self, at: NodeIndex) -> Node {
        let mut node = self.pipeline.node(at);
        let datasets = self.pipeline.reads(at).iter().chain(self.pipeline.writes(at));
        for (slot, dataset) in node.slots.iter_mut().zip(datasets) {
            slot.name = self.datasets[*dataset as usize].clone();
        }
        if self.pipeline.confirms(at).next().is_some() {
            let new = |name: &SmolStr| renamed(name, &self.mapped, self.namespace);
            let confirms = &mut node.extras_mut().confirms;
            *confirms = confirms.iter().map(new).collect();
        }
        let prefix = &self.namespace.prefix;
        if !prefix.is_empty() {
            let name = node.name.unwrap_or_default();
            node.name = Some(smol_str::format_smolstr!("{prefix}.{name}"));
            // With the dot between the two, where there was one before.
            let before = node.namespace_len + u32::from(node.namespace_len > 0);
            node.namespace_len = before + prefix.len() as u32;
        }
        node
    }
}

fn renamed(name: &str, mapped: &HashMap<&str, &str>, namespace: &Namespace) -> SmolStr {
    if let Some(new) = mapped.get(name) {
        return (*new).into();
    }
    if name == PARAMETERS {
        return name.into();
    }
    if let Some(new) = mapped.get(base(name)) {
        return smol_str::format_smolstr!("{new}{}", &name[base(name).len()..]);
    }
    let prefix = &namespace.prefix;
    if prefix.is_empty() || !namespace.prefixes_datasets {
        return name.into();
    }
    match name.strip_prefix(PARAMETER_PREFIX) {
        Some(path) => smol_str::format_smolstr!("{PARAMETER_PREFIX}{prefix}.{path}"),
        None => smol_str::format_smolstr!("{prefix}.{name}"),
    }
}

/// The datasets that mappings name.
struct Found<'a> {
    pipeline: &'a Pipeline,
    /// One of the forms, where a dataset has several.
    places: HashMap<&'a str, DatasetIndex>,
    hints: RefCell<Hints>,
}

impl<'a> Found<'a> {
    fn new(pipeline: &'a Pipeline, namespace: &Namespace) -> Self {
        let mut places = HashMap::new();
        if !namespace.mappings.is_empty() {
            for at in pipeline.dataset_indices() {
                let name = pipeline.slot(at).name;
                places.insert(base(name), at);
                places.insert(name, at);
            }
        }
        Self { pipeline, places, hints: RefCell::default() }
    }

    /// Why a mapping cannot be, if it cannot.
    fn problem(&self, mapping: &Mapping) -> Option<String> {
        let Mapping { kind, from, to } = mapping;
        let what = match kind {
            Kind::Input => "input",
            Kind::Output => "output",
            Kind::Parameter => "parameter",
        };
        if *kind != Kind::Parameter && is_parameter(from) {
            return Some(format!("`{from}` is a parameter and no {what}: map it with `parameter`"));
        }
        if *kind != Kind::Parameter && is_parameter(to) {
            return Some(format!("the {what} `{from}` cannot become the parameter `{to}`"));
        }
        if is_form(to) && !is_form(from) {
            return Some(format!("the {what} `{from}` has no form, and so cannot become `{to}`"));
        }
        if !is_form(to) && is_form(from) {
            let (base, form) = (base(from), &from[base(from).len()..]);
            return Some(format!(
                "the {what} `{from}` is a form of `{base}`, and so cannot become `{to}`: \
                 map `{base}`, or to `{to}{form}`"
            ));
        }
        let Some(&at) = self.places.get(&**from) else {
            let names = || self.pipeline.dataset_names();
            let hint = self.hints.borrow_mut().next(|| did_you_mean_namespaced(from, names()));
            return Some(format!("no node uses the {what} `{from}`{hint}"));
        };
        let producer = self.pipeline.producer(at).map(|node| self.pipeline.name_of(node));
        match (kind, producer) {
            (Kind::Input, Some(node)) => Some(format!(
                "`{from}` is no input, since node `{node}` writes it: map it with `output`"
            )),
            (Kind::Output, None) => {
                Some(format!("`{from}` is an input, since no node writes it: map it with `input`"))
            }
            _ => None,
        }
    }
}
