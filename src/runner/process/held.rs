//! What a worker's datasets may keep in memory only to be quicker.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::bindings::{Binding, Bindings};
use super::super::release::release;
use crate::catalog::Entry;

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
