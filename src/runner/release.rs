//! When the storage of a dataset may let go of what it keeps in memory.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::bindings::Binding;
use super::execute::Run;
use super::state::Stage;
use crate::catalog::Entry;
use crate::context::{discard, quietly};
use crate::executor::message_of;
use crate::pipeline::DatasetIndex;

impl Run {
    /// Tells the storage of a dataset that nobody of this run will read it any more.
    /// What comes from outside of the run, or is for outside, is left as it is.
    ///
    /// Whatever comes of it is nobody's failure: the value has been read. It is told
    /// in the context that is current.
    pub(super) fn release(&self, dataset: DatasetIndex) {
        if self.is_released(dataset) {
            // What was never there is not let go of.
            if self.told.is_some() && self.is_made(dataset) {
                self.tell_released(dataset);
            }
            self.release_storage(dataset);
        }
    }

    /// Whether the run has any say over what becomes of it.
    pub(super) fn is_released(&self, dataset: DatasetIndex) -> bool {
        let pipeline = &self.bound.pipeline;
        let is_bound = || matches!(self.bound.bindings[dataset as usize], Binding::Bound(_));
        // What nobody is told of, and nobody stores, needs no further look.
        (self.told.is_some() || is_bound())
            && pipeline.producer(dataset).is_some()
            && !pipeline.consumers(dataset).is_empty()
    }

    fn is_made(&self, dataset: DatasetIndex) -> bool {
        let producer = self.bound.pipeline.producer(dataset);
        producer.is_some_and(|at| self.state.nodes[at as usize].stage() == Stage::Done)
    }

    /// As [`release`](Self::release), of what is released and was told.
    pub(super) fn release_storage(&self, dataset: DatasetIndex) {
        if let Binding::Bound(entry) = &self.bound.bindings[dataset as usize] {
            release(self.bound.name(dataset), entry);
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
    quietly(|| tracing::warn!(target: "entourage::run", "{told}"));
}
