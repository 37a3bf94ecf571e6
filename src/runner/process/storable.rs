//! Which datasets can pass from one process to another.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::bindings::{Binding, Bindings};
use crate::catalog::{Family, Format};
use crate::context::discard;
use crate::executor::message_of;
use crate::pipeline::DatasetIndex;

/// How a dataset that the catalog does not bind is kept in the folder of the run,
/// if it can be.
pub(super) fn format_of(family: Family) -> Option<Format> {
    match family {
        Family::Records | Family::Value => Some(Format::MessagePack),
        // An Arrow file is the quicker one; nobody keeps it.
        #[cfg(feature = "polars")]
        Family::Frame => Some(Format::Arrow),
        Family::Text => Some(Format::Text),
        Family::Bytes => Some(Format::Bytes),
        Family::Parameter | Family::Memory => None,
    }
}

/// Whether a dataset is one of those that are kept in the folder of the run.
pub(super) fn is_kept(bound: &Bindings, dataset: DatasetIndex) -> bool {
    matches!(bound.bindings[dataset as usize], Binding::Unbound)
}

/// Every dataset that a node writes where no other process finds it.
pub(super) fn offenders(bound: &Bindings) -> Vec<String> {
    let pipeline = &bound.pipeline;
    let written = pipeline.dataset_indices().filter_map(|at| Some((at, pipeline.producer(at)?)));
    let problem = |(dataset, producer): (DatasetIndex, _)| {
        let why = match &bound.bindings[dataset as usize] {
            Binding::Bound(entry) if entry.is_memory() => format!(
                "it is bound to memory{}, which each process has for itself; bind it to a file",
                entry.origin()
            ),
            Binding::Bound(entry) => match catch_unwind(AssertUnwindSafe(|| entry.is_persistent()))
            {
                Ok(true) => return None,
                Ok(false) => format!(
                    "what is saved there{} does not outlive its process; bind it to a file",
                    entry.origin()
                ),
                Err(payload) => {
                    let message = message_of(&*payload);
                    discard(payload);
                    format!("the question whether it does so panicked: {message}")
                }
            },
            Binding::Ready(_) => return None,
            Binding::Unbound => match bound.codec(dataset).map(|codec| codec.family()) {
                Some(family) if format_of(family).is_some() => return None,
                Some(family) => format!(
                    "it is of the {family} family, which cannot be stored; \
                     make it one of records, value, text or bytes"
                ),
                None => {
                    "its nodes name it by string only, so that it cannot be stored; declare it \
                         with `Pipeline::declare`, or use a typed name"
                        .to_owned()
                }
            },
        };
        let (name, producer) = (bound.name(dataset), pipeline.name_of(producer));
        Some(format!(
            "dataset `{name}`, which node `{producer}` writes, stays in its process: {why}"
        ))
    };
    written.filter_map(problem).collect()
}
