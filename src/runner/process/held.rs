//! What a worker's datasets may keep in memory only to be quicker.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::super::bindings::{Binding, Bindings};
use crate::catalog::Entry;
use crate::context::discard;
use crate::executor::message_of;

/// The datasets that the nodes of one run have touched in this worker. They are
/// released with the run: what they keep is of no use afterwards, since any other
/// process may write them.
#[derive(Default)]
pub(super) struct Held {
    run: u64,
    entries: BTreeMap<(u32, String), Arc<Entry>>,
}

impl Held {
    /// A task of `run` begins. Of another run nothing may be left.
    pub(super) fn begin(&mut self, run: u64) {
        if self.run != run {
            self.release();
            self.run = run;
        }
    }

    /// Notes what a node of one of the worker's pipelines is bound to.
    pub(super) fn hold(&mut self, pipeline: u32, bound: &Bindings) {
        for dataset in bound.pipeline.dataset_indices() {
            if let Binding::Bound(entry) = &bound.bindings[dataset as usize] {
                let name = bound.name(dataset).to_owned();
                self.entries.insert((pipeline, name), entry.clone());
            }
        }
    }

    pub(super) fn release(&mut self) {
        for ((_, name), entry) in std::mem::take(&mut self.entries) {
            release(&name, &entry);
        }
    }
}

/// Tells a dataset to let go. Whatever comes of it is nobody's failure.
pub(super) fn release(name: &str, entry: &Entry) {
    let told = match catch_unwind(AssertUnwindSafe(|| entry.release(name))) {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(payload) => {
            let message = message_of(&*payload);
            discard(payload);
            format!("releasing dataset `{name}` panicked: {message}")
        }
    };
    // A subscriber is user code, too.
    let tell = || tracing::warn!(target: "entourage::run", "{told}");
    if let Err(payload) = catch_unwind(AssertUnwindSafe(tell)) {
        discard(payload);
    }
}
