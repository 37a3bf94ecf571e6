//! When the storage of a dataset may let go of what it keeps in memory.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::bindings::Binding;
use super::execute::Run;
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
        let pipeline = &self.bound.pipeline;
        let Binding::Bound(entry) = &self.bound.bindings[dataset as usize] else { return };
        if pipeline.producer(dataset).is_none() || pipeline.consumers(dataset).is_empty() {
            return;
        }
        release(self.bound.name(dataset), entry);
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
