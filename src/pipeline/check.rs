//! Everything that is wrong with the nodes of a pipeline, as they stand beside
//! each other.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;

use super::draft::Draft;
use super::error::Problem;
use super::forms::{Forms, all_forms};
use super::names::{base, is_dataset, is_form, is_parameter, is_word};
use super::order;
use super::packed::Lists;

/// Looks at the nodes one by one, in their order. What cannot be an output is
/// returned, by its place among all that is written.
pub(super) fn check(
    draft: &Draft,
    forms: Option<&Forms>,
    problems: &mut Vec<Problem>,
) -> HashSet<usize> {
    check_names(draft, problems);
    find_duplicates(draft, problems);
    check_confirms(draft, problems);
    if let Some(forms) = forms {
        check_forms(draft, forms, problems);
    }
    let mut check = Check {
        draft,
        forms,
        uses: vec![None; draft.datasets.len()],
        producers: vec![None; draft.datasets.len()],
        bad: HashSet::new(),
        problems,
    };
    (0..draft.len() as u32).for_each(|at| check.look_at(at));
    check.bad
}

/// Tells of all that is wrong, in the order of the nodes' names, so that it is
/// told alike in whichever order they came.
#[cold]
pub(super) fn told(draft: Draft, problems: &mut Vec<Problem>) {
    let mut by_name: Vec<u32> = (0..draft.len() as u32).collect();
    order::sort_by_name(&mut by_name, &draft.nodes.names);
    let mut draft = draft.ordered(&by_name);
    let forms = draft.has_forms.then(|| Forms::of(&draft.datasets));
    let bad = check(&draft, forms.as_ref(), problems);
    // An output that cannot be is left out, so that the rest can be looked at
    // all the same.
    let mut writes = Lists::default();
    for at in 0..draft.len() as u32 {
        let kept = draft.writes.range(at).filter(|place| !bad.contains(place));
        kept.for_each(|place| writes.push(draft.writes.items()[place]));
        writes.end();
    }
    draft.writes = writes;
    let wires = draft.wires(forms.as_ref());
    for circle in order::topological(&draft, &wires).circles {
        let nodes = circle.iter().map(|at| draft.nodes.names.get(*at).to_owned()).collect();
        problems.push(Problem::Cycle { nodes });
    }
}

fn check_names(draft: &Draft, problems: &mut Vec<Problem>) {
    for (at, name) in (0..).zip(draft.nodes.names.iter()) {
        if !is_word(name) {
            problems.push(Problem::BadName { what: "node", name: name.to_owned() });
        }
        let extras = draft.nodes.extras.get_ref(at).and_then(Option::as_ref);
        for tag in extras.iter().flat_map(|extras| &extras.tags).filter(|tag| !is_word(tag)) {
            problems.push(Problem::BadName { what: "tag", name: tag.to_string() });
        }
    }
    for name in draft.datasets.iter().filter(|name| !is_dataset(name)) {
        problems.push(match name.matches('@').count() {
            0 => Problem::BadName { what: "dataset", name: name.to_owned() },
            _ => Problem::BadForm { dataset: name.to_owned() },
        });
    }
}

/// Finds datasets that two nodes confirm.
fn check_confirms(draft: &Draft, problems: &mut Vec<Problem>) {
    let mut first: HashMap<&str, u32> = HashMap::new();
    for at in 0..draft.len() as u32 {
        let extras = draft.nodes.extras.get_ref(at).and_then(Option::as_ref);
        let told = extras.map(|extras| extras.settings.problems()).unwrap_or_default();
        problems.extend(told.into_iter().map(|problem| {
            let node = draft.nodes.names.get(at).to_owned();
            Problem::Settings { node, problem }
        }));
        for name in extras.iter().flat_map(|extras| &extras.confirms) {
            if !is_dataset(name) {
                problems.push(Problem::BadName { what: "dataset", name: name.to_string() });
            }
            if let Some(first) = first.insert(base(name), at).filter(|first| *first != at) {
                let node = |at: u32| draft.nodes.names.get(at).to_owned();
                let (dataset, first, second) = (name.to_string(), node(first), node(at));
                problems.push(Problem::ConfirmedTwice { dataset, first, second });
            }
        }
    }
}

/// Finds the names that several nodes have.
fn find_duplicates(draft: &Draft, problems: &mut Vec<Problem>) {
    // Two names of one hash are rarely different: then the second look says so.
    let hasher = DefaultHashBuilder::default();
    let mut hashes: Vec<u64> = draft.nodes.names.iter().map(|name| hasher.hash_one(name)).collect();
    hashes.sort_unstable();
    if hashes.windows(2).all(|pair| pair[0] != pair[1]) {
        return;
    }
    let mut by_name: Vec<u32> = (0..draft.len() as u32).collect();
    order::sort_by_name(&mut by_name, &draft.nodes.names);
    let name = |at: u32| draft.nodes.names.get(at);
    for same in by_name.chunk_by(|a, b| name(*a) == name(*b)).filter(|same| same.len() > 1) {
        problems.push(Problem::DuplicateNode {
            name: name(same[0]).to_owned(),
            count: same.len(),
            is_default: same.iter().all(|at| draft.nodes.is_after_function.get(*at)),
        });
    }
}

/// Finds datasets that some nodes name by a form, and some do not.
fn check_forms(draft: &Draft, forms: &Forms, problems: &mut Vec<Problem>) {
    let name = |at: &u32| draft.datasets.get(*at);
    for group in forms.groups().filter(|group| group.len() > 1) {
        if group.iter().any(|at| !is_form(name(at))) {
            let with = group.iter().map(name).filter(|name| is_form(name));
            let mut with: Vec<_> = with.map(str::to_owned).collect();
            with.sort_unstable();
            problems.push(Problem::MixedForms { dataset: base(name(&group[0])).to_owned(), with });
        }
    }
}

struct Check<'a> {
    draft: &'a Draft,
    forms: Option<&'a Forms>,
    /// The type of each dataset so far, and the node that gave it.
    uses: Vec<Option<(u32, u32)>>,
    /// The node that writes each dataset, and the form that it writes.
    producers: Vec<Option<(u32, u32)>>,
    bad: HashSet<usize>,
    problems: &'a mut Vec<Problem>,
}

impl Check<'_> {
    fn look_at(&mut self, at: u32) {
        let Draft { reads, writes, read_types, write_types, .. } = self.draft;
        if reads.get(at).is_empty() && writes.get(at).is_empty() {
            self.problems.push(Problem::Idle { node: self.node(at) });
        }
        for place in reads.range(at) {
            self.check_type(at, reads.items()[place], read_types[place]);
        }
        for place in writes.range(at) {
            let dataset = writes.items()[place];
            self.check_type(at, dataset, write_types[place]);
            if let Some(problem) = self.output_problem(at, place) {
                self.problems.push(problem);
                self.bad.insert(place);
            } else {
                for &form in all_forms(self.forms, &dataset) {
                    self.producers[form as usize] = Some((at, dataset));
                }
            }
        }
    }

    /// Notes what node `at` takes a dataset for, if others take it for the same.
    fn check_type(&mut self, at: u32, dataset: u32, kind: u32) {
        let Some((known, from)) = self.uses[dataset as usize] else {
            self.uses[dataset as usize] = Some((kind, at));
            return;
        };
        if known == kind {
            return;
        }
        let (first, second) = (self.draft.types[known as usize], self.draft.types[kind as usize]);
        let problem = if first.type_id() != second.type_id() {
            Problem::TypeMismatch {
                dataset: self.dataset(dataset),
                first: self.node(from),
                first_type: first.type_name(),
                second: self.node(at),
                second_type: second.type_name(),
            }
        } else if first.is_declared() && second.is_declared() && first.family() != second.family() {
            Problem::FamilyMismatch {
                dataset: self.dataset(dataset),
                first: self.node(from),
                first_family: first.family(),
                second: self.node(at),
                second_family: second.family(),
            }
        } else {
            if second.is_declared() && !first.is_declared() {
                self.uses[dataset as usize] = Some((kind, at));
            }
            return;
        };
        self.problems.push(problem);
    }

    /// Why node `at` cannot write what is at `place`, if it cannot.
    fn output_problem(&self, at: u32, place: usize) -> Option<Problem> {
        let written = &self.draft.writes.items()[place];
        let name = self.draft.datasets.get(*written);
        let is_same = |other: &&u32| all_forms(self.forms, written).contains(other);
        let before = &self.draft.writes.items()[self.draft.writes.range(at).start..place];
        if let Some(other) = before.iter().find(is_same) {
            let (node, dataset) = (self.node(at), name.to_owned());
            return Some(match other == written {
                true => Problem::OutputTwice { node, dataset },
                false => Problem::TwoForms { node, dataset, other: self.dataset(*other) },
            });
        }
        if let Some(read) = self.draft.reads.get(at).iter().find(is_same) {
            let (node, dataset) = (self.node(at), name.to_owned());
            return Some(match read == written {
                true => Problem::OwnInput { node, dataset },
                false => Problem::OwnForm { node, dataset, read: self.dataset(*read) },
            });
        }
        if is_parameter(name) {
            return Some(Problem::WritesParameter {
                node: self.node(at),
                dataset: name.to_owned(),
            });
        }
        let (first, form) = self.producers[*written as usize]?;
        let has_forms = all_forms(self.forms, written).len() > 1;
        let of = |form: u32| match has_forms {
            true => format!(" (as `{}`)", self.draft.datasets.get(form)),
            false => String::new(),
        };
        Some(Problem::TwoProducers {
            dataset: if has_forms { base(name) } else { name }.to_owned(),
            first: self.node(first),
            first_form: of(form),
            second: self.node(at),
            second_form: of(*written),
        })
    }

    fn node(&self, at: u32) -> String {
        self.draft.nodes.names.get(at).to_owned()
    }

    fn dataset(&self, at: u32) -> String {
        self.draft.datasets.get(at).to_owned()
    }
}

/// The type of each dataset: the most telling of those that its nodes give it.
pub(super) fn types_of(draft: &Draft) -> Vec<u32> {
    const NONE: u32 = u32::MAX;
    let mut types = vec![NONE; draft.datasets.len()];
    for at in 0..draft.len() as u32 {
        let read = draft.reads.range(at).map(|at| (draft.reads.items()[at], draft.read_types[at]));
        let written =
            draft.writes.range(at).map(|at| (draft.writes.items()[at], draft.write_types[at]));
        for (dataset, kind) in read.chain(written) {
            let known = &mut types[dataset as usize];
            let is_declared = |kind: u32| draft.types[kind as usize].is_declared();
            if *known == NONE || *known != kind && !is_declared(*known) && is_declared(kind) {
                *known = kind;
            }
        }
    }
    types
}
