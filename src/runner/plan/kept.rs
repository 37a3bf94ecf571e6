//! What of the datasets between nodes outlives a run, and what of that is there.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::bindings::{Binding, Bindings};
use crate::catalog::{Access, Entry};
use crate::context::discard;
use crate::executor::message_of;
use crate::pipeline::DatasetIndex;

/// How a dataset that a node writes is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// In memory, for the run or for the process: its readers need its producer.
    InMemory,
    /// Stored, and there.
    There,
    /// Stored, and not there yet.
    Missing,
}

/// Whether what is written there outlives the run.
pub(super) fn is_stored(binding: &Binding) -> bool {
    matches!(binding, Binding::Bound(entry) if entry.is_persistent())
}

/// Asks every stored dataset that a node writes whether it is there.
///
/// # Errors
///
/// Every dataset of which that cannot be found out.
pub(super) fn look(bound: &Bindings) -> Result<Vec<Kept>, Vec<String>> {
    let mut problems = Vec::new();
    let mut look_at = |at: DatasetIndex| {
        let binding = &bound.bindings[at as usize];
        // What comes from outside no node can make: the run's own check asks.
        if bound.pipeline.producer(at).is_none() || !is_stored(binding) {
            return Kept::InMemory;
        }
        let Binding::Bound(entry) = binding else { return Kept::InMemory };
        match exists(entry, &bound.access(at)) {
            Ok(true) => Kept::There,
            Ok(false) => Kept::Missing,
            Err(problem) => {
                let (name, origin) = (bound.name(at), entry.origin());
                problems.push(format!(
                    "dataset `{name}`{origin}: whether it is there cannot be found out: {problem}"
                ));
                Kept::Missing
            }
        }
    };
    let kept = bound.pipeline.dataset_indices().map(&mut look_at).collect();
    if problems.is_empty() { Ok(kept) } else { Err(problems) }
}

/// Makes a panic of the user's dataset a problem.
fn exists(entry: &Entry, access: &Access<'_>) -> Result<bool, String> {
    let asked = catch_unwind(AssertUnwindSafe(|| entry.exists(access)));
    match asked {
        Ok(answer) => answer.map_err(|error| error.what().to_owned()),
        Err(payload) => {
            let message = message_of(&*payload);
            discard(payload);
            Err(format!("the question panicked: {message}"))
        }
    }
}
