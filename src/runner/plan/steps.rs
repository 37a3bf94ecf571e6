//! A plan, from a pipeline that was found to go together with a catalog.

use super::super::bindings::{Binding, Bindings};
use super::dry_run::{DatasetPlan, NodePlan, Plan, Reason};
use super::kept::{Kept, is_stored};
use super::narrowed::Narrowed;
use crate::catalog::{Description, Entry};
use crate::pipeline::{DatasetIndex, NodeIndex, Pipeline};

impl Plan {
    /// The plan of a run of what is bound.
    pub(in crate::runner) fn of(bound: &Bindings) -> Self {
        let part = bound.narrowed.as_deref();
        Planned { bound: part.map_or(bound, |part| &part.whole), part }.plan()
    }
}

struct Planned<'a> {
    bound: &'a Bindings,
    /// What is left out, if something may be.
    part: Option<&'a Narrowed>,
}

impl Planned<'_> {
    fn plan(&self) -> Plan {
        let pipeline = self.pipeline();
        let mut reasons = self.reasons();
        let groups = self.groups();
        let node = |at: NodeIndex| NodePlan {
            name: pipeline.name_of(at).to_string(),
            group: groups[at as usize],
            reasons: std::mem::take(&mut reasons[at as usize]),
            reads: pipeline.reads_once(at).map(|dataset| self.name(dataset)).collect(),
            writes: pipeline.writes(at).iter().map(|dataset| self.name(*dataset)).collect(),
        };
        let nodes = pipeline.node_indices().map(node).collect();
        let datasets = pipeline.dataset_indices().map(|at| self.dataset(at)).collect();
        Plan { nodes, datasets }
    }

    fn pipeline(&self) -> &Pipeline {
        &self.bound.pipeline
    }

    fn runs(&self, at: NodeIndex) -> bool {
        self.part.is_none_or(|part| part.runs[at as usize])
    }

    fn name(&self, dataset: DatasetIndex) -> String {
        self.bound.name(dataset).to_string()
    }

    /// Why each node runs, by place.
    fn reasons(&self) -> Vec<Vec<Reason>> {
        let pipeline = self.pipeline();
        let Some(part) = self.part else {
            return vec![vec![Reason::EveryNode]; pipeline.len()];
        };
        let kept = |dataset: DatasetIndex| part.kept[dataset as usize];
        let mut reasons = vec![Vec::new(); pipeline.len()];
        for at in pipeline.node_indices().filter(|at| self.runs(*at)) {
            let writes = pipeline.writes(at);
            if writes.is_empty() {
                reasons[at as usize].push(Reason::NoOutputs);
            }
            let missing = writes.iter().filter(|dataset| kept(**dataset) == Kept::Missing);
            let missing = missing.map(|dataset| Reason::Missing { dataset: self.name(*dataset) });
            reasons[at as usize].extend(missing);
            for dataset in pipeline.reads_once(at) {
                // Of what is missing its producer knows itself, if it writes it in
                // this form.
                let is_known = match kept(dataset) {
                    Kept::There => true,
                    Kept::Missing => pipeline.is_written(dataset),
                    Kept::InMemory => false,
                };
                if let Some(producer) = pipeline.producer(dataset)
                    && !is_known
                {
                    let by = pipeline.name_of(at).to_string();
                    let needed = Reason::Needed { dataset: self.name(dataset), by };
                    reasons[producer as usize].push(needed);
                }
            }
        }
        reasons
    }

    /// The group of each node that runs, by place.
    fn groups(&self) -> Vec<Option<usize>> {
        let pipeline = self.pipeline();
        let mut groups = vec![None; pipeline.len()];
        for at in pipeline.node_indices().filter(|at| self.runs(*at)) {
            let producers = pipeline.reads(at).iter().filter_map(|read| pipeline.producer(*read));
            let before = producers.filter_map(|producer| groups[producer as usize]).max();
            groups[at as usize] = Some(before.unwrap_or(0) + 1);
        }
        groups
    }

    fn dataset(&self, at: DatasetIndex) -> DatasetPlan {
        let pipeline = self.pipeline();
        let binding = &self.bound.bindings[at as usize];
        let node = |at: NodeIndex| pipeline.name_of(at).to_string();
        let producer = pipeline.producer(at);
        let writer = producer.filter(|by| self.runs(*by) && pipeline.is_written(at));
        let mut readers = pipeline.consumers(at).iter().copied().filter(|at| self.runs(*at));
        let first = readers.next();
        let last = readers.next_back().or(first);
        // A parameter was read when it was checked.
        let (entry, is_parameter) = match binding {
            Binding::Bound(entry) => (Some(&**entry), entry.is_parameter()),
            Binding::Unbound => (None, false),
            Binding::Ready(_) => (None, true),
        };
        // What a run has in memory its readers have from there.
        let is_memory = entry.is_some_and(Entry::is_memory);
        let is_loaded = entry.is_some() && !is_parameter && !(is_memory && writer.is_some());
        let is_kept = is_memory || is_parameter;
        let is_run = entry.is_none() && !is_parameter;
        let described = entry.map(Entry::describe);
        let told = |what: fn(&Description) -> Option<&str>| {
            described.as_ref().and_then(|found| what(found).map(str::to_owned))
        };
        let kind = told(|found| Some(found.kind()));
        let is_there = self.part.filter(|_| producer.is_some() && is_stored(binding));
        DatasetPlan {
            name: self.name(at),
            kind: kind.or(is_parameter.then(|| "parameter".to_owned())),
            place: told(Description::place),
            origin: told(Description::origin),
            pattern: told(Description::pattern),
            is_versioned: described.as_ref().is_some_and(Description::is_versioned),
            is_there: is_there.map(|part| part.kept[at as usize] == Kept::There),
            loaded_by: first.filter(|_| is_loaded).map(node),
            saved_by: writer.filter(|_| !is_run).map(node),
            released_after: last.filter(|_| !is_kept).map(node),
            is_output: is_run && writer.is_some() && pipeline.is_final(at),
        }
    }
}
