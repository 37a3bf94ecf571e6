//! Takes captures by an executor's policy, and counts them.

use std::sync::Arc;

use crate::context::{Capture, CarryPolicy, Propagation, PropagationError, Snapshot, recent};
use crate::sync::atomic::{AtomicU64, Ordering};

pub(super) struct Carrier {
    policy: CarryPolicy,
    /// Shared with the executor's clones of other policies.
    captures: Arc<AtomicU64>,
}

impl Carrier {
    pub(super) fn new(policy: CarryPolicy) -> Self {
        Self { policy, captures: Arc::default() }
    }

    /// The same with another policy.
    pub(super) fn with_propagation(
        &self,
        propagation: Propagation,
    ) -> Result<Self, PropagationError> {
        let policy = CarryPolicy::new(propagation, self.policy.accessors.clone());
        policy.validate()?;
        Ok(Self { policy, captures: self.captures.clone() })
    }

    pub(super) fn propagation(&self) -> &Propagation {
        &self.policy.propagation
    }

    /// How many captures were taken, those of nothing aside.
    pub(super) fn captures(&self) -> u64 {
        self.captures.load(Ordering::Relaxed)
    }

    /// Takes what a task is to be given that is submitted now.
    #[inline]
    pub(super) fn capture(&self) -> Capture {
        self.counted(Capture::take(&self.policy, true))
    }

    /// As [`capture`](Self::capture), and shared with the tasks this thread
    /// submitted just before, where nothing changed since and one is left of them.
    #[inline]
    pub(super) fn capture_shared(&self) -> Snapshot {
        recent::capture(&self.policy, || self.capture())
    }

    /// Takes what is current for the caller's own closure, which is to run
    /// elsewhere while the caller waits.
    #[inline]
    pub(super) fn capture_to_move(&self) -> Capture {
        self.counted(Capture::take(&self.policy, false))
    }

    /// Whether a capture taken now would be this one again.
    #[inline]
    pub(super) fn is_current(&self, capture: &Capture) -> bool {
        capture.is_unchanged(&self.policy)
    }

    fn counted(&self, taken: Capture) -> Capture {
        if !taken.is_empty() {
            self.captures.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }
}
