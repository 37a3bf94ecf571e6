//! Everything that can be known to be wrong before the first node runs.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use super::bindings::{Binding, Bindings};
use crate::catalog::{Catalog, Hints, PARAMETERS, Unfit, did_you_mean};
use crate::context::discard;
use crate::executor::message_of;
use crate::pipeline::DatasetIndex;

/// Reads the parameters into the bindings, and looks at every dataset that the
/// pipeline takes from outside or leaves there.
pub(super) fn check(bound: &mut Bindings, catalog: &Catalog, deny_unused: bool) -> Vec<String> {
    let mut problems = mem::take(&mut bound.problems);
    let (mut missing, mut parameters) = (Missing::default(), Vec::new());
    for at in bound.pipeline.dataset_indices() {
        match checked(bound, catalog, at, &mut missing) {
            Ok(None) => {}
            Ok(Some(ready)) => parameters.push((at, ready)),
            Err(problem) => problems.push(problem),
        }
    }
    for (at, ready) in parameters {
        bound.bindings[at as usize] = ready;
    }
    check_shared_files(bound, &mut problems);
    if deny_unused {
        check_unused(bound, catalog, &mut problems);
    }
    problems
}

/// Makes a panic of the user's code (a dataset, a `Deserialize`) a problem.
fn checked<'a>(
    bound: &'a Bindings,
    catalog: &'a Catalog,
    at: DatasetIndex,
    missing: &mut Missing<'a>,
) -> Result<Option<Binding>, String> {
    let check = AssertUnwindSafe(|| check_dataset(bound, catalog, at, missing));
    catch_unwind(check).unwrap_or_else(|payload| {
        let (name, message) = (bound.name(at), message_of(&*payload));
        discard(payload);
        Err(format!("dataset `{name}`: the look at it panicked: {message}"))
    })
}

fn check_dataset<'a>(
    bound: &'a Bindings,
    catalog: &'a Catalog,
    at: DatasetIndex,
    missing: &mut Missing<'a>,
) -> Result<Option<Binding>, String> {
    let slot = bound.pipeline.slot(at);
    let producer = bound.pipeline.producer(at);
    let entry = match &bound.bindings[at as usize] {
        Binding::Bound(entry) => entry,
        Binding::Unbound if producer.is_none() => return Err(missing.told(bound, catalog, at)),
        Binding::Unbound => return check_unbound_form(bound, at).map(|()| None),
        Binding::Ready(_) => return Ok(None),
    };
    let access = bound.access(at);
    let checked = match entry.is_parameter() {
        true => match entry.load(&access) {
            Ok(value) => return Ok(Some(Binding::Ready(value))),
            Err(error) => Err(error.what().to_owned()),
        },
        false if entry.is_memory() && producer.is_some() && !bound.pipeline.is_written(at) => {
            Err(format!(
                "it is in memory, and what is written as {} never comes there",
                written_form(bound, at)
            ))
        }
        false => entry.check(&access).map_err(|unfit| {
            let (what, is_absent) = match unfit {
                Unfit::Absent(what) => (what, true),
                Unfit::Wrong(error) => {
                    let is_absent =
                        producer.is_none() && matches!(entry.exists(&access), Ok(false));
                    (error.to_string(), is_absent)
                }
            };
            match is_absent {
                true => format!("{what}; it is wanted by {}", wanted_by(bound, at)),
                false => what,
            }
        }),
    };
    checked.map(|()| None).map_err(|problem| {
        let what = if slot.is_parameter() { "parameter" } else { "dataset" };
        let (name, origin) = (slot.bare_name(), entry.origin());
        format!("{what} `{name}`{origin}: {problem}")
    })
}

/// A dataset that is read in another form than it is written in goes from the
/// one to the other through storage alone: both have to be bound.
fn check_unbound_form(bound: &Bindings, at: DatasetIndex) -> Result<(), String> {
    let (pipeline, name) = (&bound.pipeline, bound.name(at));
    if !pipeline.is_written(at) {
        let (written, wanted) = (written_form(bound, at), wanted_by(bound, at));
        return Err(format!(
            "dataset `{name}` is not in the catalog; what is written as {written} can be read \
             under this name where both are; it is wanted by {wanted}"
        ));
    }
    let is_other = |form: &&DatasetIndex| **form != at;
    match pipeline.forms(&at).iter().find(is_other) {
        Some(form) => Err(format!(
            "dataset `{name}` is not in the catalog; it can be read as `{}` where both are",
            bound.name(*form)
        )),
        None => Ok(()),
    }
}

/// The name under which a node writes the dataset.
fn written_form(bound: &Bindings, at: DatasetIndex) -> String {
    let forms = bound.pipeline.forms(&at).iter();
    let written = forms.filter(|form| bound.pipeline.is_written(**form));
    written.map(|form| format!("`{}`", bound.name(*form))).collect()
}

/// Tells of what is neither bound nor written.
#[derive(Default)]
struct Missing<'a> {
    hints: Hints,
    /// What may have been meant, once it was asked for.
    names: Option<BTreeSet<&'a str>>,
}

impl<'a> Missing<'a> {
    fn told(&mut self, bound: &'a Bindings, catalog: &'a Catalog, at: DatasetIndex) -> String {
        let slot = bound.pipeline.slot(at);
        let name = slot.bare_name();
        let wanted = wanted_by(bound, at);
        let Self { hints, names } = self;
        if slot.is_parameter() {
            let parameters = catalog.names().filter_map(|name| name.strip_prefix("params:"));
            let hint = hints.next(|| did_you_mean(name, parameters));
            return format!("parameter `{name}` has no value; it is wanted by {wanted}{hint}");
        }
        let hint = hints.next(|| {
            let names = names.get_or_insert_with(|| {
                // A name that a node writes may be what was meant.
                let datasets = bound.pipeline.dataset_indices();
                let written = datasets.filter(|at| bound.pipeline.is_written(*at));
                catalog.names().chain(written.map(|at| bound.name(at))).collect()
            });
            did_you_mean(name, names.iter().copied())
        });
        format!(
            "dataset `{name}` is not in the catalog, and no node writes it; it is wanted by \
             {wanted}{hint}"
        )
    }
}

fn wanted_by(bound: &Bindings, dataset: DatasetIndex) -> String {
    const MOST: usize = 5;
    let consumers = bound.pipeline.consumers(dataset);
    let names = consumers.iter().map(|at| format!("`{}`", bound.pipeline.name_of(*at)));
    let mut names: Vec<_> = names.take(MOST).collect();
    if let more @ 1.. = consumers.len() - names.len() {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

/// Several names for one file, of which one is written: the run's outcome would
/// hang on who comes first. Forms of one dataset may share one.
fn check_shared_files(bound: &Bindings, problems: &mut Vec<String>) {
    let mut files: BTreeMap<PathBuf, Vec<DatasetIndex>> = BTreeMap::new();
    for (dataset, binding) in bound.pipeline.dataset_indices().zip(&bound.bindings) {
        if let Binding::Bound(entry) = binding
            && let Some(path) = entry.real_path()
        {
            files.entry(path).or_default().push(dataset);
        }
    }
    for (path, datasets) in files {
        let forms = bound.pipeline.forms(&datasets[0]);
        let is_one = datasets.iter().all(|at| forms.contains(at));
        if !is_one && datasets.iter().any(|at| bound.pipeline.producer(*at).is_some()) {
            let names: Vec<_> =
                datasets.iter().map(|at| format!("`{}`", bound.name(*at))).collect();
            let (names, path) = (names.join(" and "), path.display());
            problems.push(format!("datasets {names} are one file, {path}, and a node writes it"));
        }
    }
}

/// A parameter counts as used with what lies above and below it.
fn check_unused(bound: &Bindings, catalog: &Catalog, problems: &mut Vec<String>) {
    // What is up to date uses it, too.
    let whole = bound.narrowed.as_ref().map_or(bound, |narrowed| &narrowed.whole);
    let named = whole.pipeline.dataset_indices().map(|dataset| whole.name(dataset));
    let confirmed = whole.confirms.iter().map(|confirm| &*confirm.name);
    let used: BTreeSet<&str> = named.chain(confirmed).collect();
    let all_parameters = used.contains(PARAMETERS);
    let is_below = |name: &str| {
        let mut above = name.match_indices('.').map(|(dot, _)| &name[..dot]);
        above.any(|above| used.contains(above))
    };
    let is_above = |name: &str| {
        let start = format!("{name}.");
        used.range(&*start..).next().is_some_and(|first| first.starts_with(&start))
    };
    let mut hints = Hints::default();
    for (name, entry) in catalog.entries() {
        let is_parameter = entry.is_parameter();
        let is_read = || all_parameters || is_below(name) || is_above(name);
        if used.contains(name) || is_parameter && is_read() {
            continue;
        }
        let what = if is_parameter { "parameter" } else { "dataset" };
        let bare = name.strip_prefix("params:").unwrap_or(name);
        let candidates = used.iter().map(|used| used.strip_prefix("params:").unwrap_or(used));
        let (origin, hint) = (entry.origin(), hints.next(|| did_you_mean(bare, candidates)));
        problems.push(format!("{what} `{bare}`{origin}: no node of the pipeline uses it{hint}"));
    }
}
