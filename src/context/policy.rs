//! An executor's policy: a propagation with the accessors it is applied to.

use std::sync::Arc;

use super::accessor::ErasedAccessor;
#[cfg(feature = "pipeline")]
use super::frame::entered_accessors;
use super::propagation::{Propagation, PropagationError};
use crate::sync::atomic::{AtomicU64, Ordering};

/// A policy with the accessors it is applied to: all that a capture needs.
#[derive(Clone)]
pub(crate) struct CarryPolicy {
    pub(super) id: PolicyId,
    pub(crate) propagation: Propagation,
    pub(crate) accessors: Arc<[&'static dyn ErasedAccessor]>,
    /// What the propagation says of the span, which is asked at every submit.
    pub(super) carries_span: bool,
    /// Whether it carries every accessor.
    pub(super) carries_accessors: bool,
}

/// Tells policies apart: what one of them captured says nothing of another.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PolicyId(u64);

impl PolicyId {
    /// Of a policy that nobody else has, so that nothing is known by it.
    pub(super) const NONE: Self = Self(0);

    fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Whether this is the `other`, and known.
    #[inline]
    pub(super) fn is(self, other: Self) -> bool {
        self.0 == other.0 && self.0 != 0
    }
}

impl CarryPolicy {
    /// An executor's policy.
    pub(crate) fn new(
        propagation: Propagation,
        accessors: Arc<[&'static dyn ErasedAccessor]>,
    ) -> Self {
        let carries_span = propagation.carries_span();
        let carries_accessors = accessors.iter().all(|it| it.is_carried(&propagation));
        let id = PolicyId::next();
        Self { id, propagation, accessors, carries_span, carries_accessors }
    }

    /// The policy of a run on the calling thread: `own`, and before them those of
    /// the tasks on it.
    #[cfg(feature = "pipeline")]
    pub(crate) fn here(propagation: Propagation, own: &[&'static dyn ErasedAccessor]) -> Self {
        let is_own = |other: &&'static dyn ErasedAccessor| {
            own.iter().any(|accessor| accessor.identity() == other.identity())
        };
        let entered = entered_accessors();
        let others = entered.iter().filter(|other| !is_own(other));
        Self::of(propagation, others.chain(own).copied().collect())
    }

    /// The policy of a single capture.
    pub(super) fn of(
        propagation: Propagation,
        accessors: Arc<[&'static dyn ErasedAccessor]>,
    ) -> Self {
        Self { id: PolicyId::NONE, ..Self::new(propagation, accessors) }
    }

    /// As [`Propagation::validate`], and looks for what is wrong with the
    /// accessors: listed without being registered, registered twice, two of one
    /// name.
    pub(crate) fn validate(&self) -> Result<(), PropagationError> {
        let mut problems = Vec::new();
        self.propagation.find_problems(&mut problems);
        for item in self.propagation.list() {
            let is_it =
                |accessor: &&'static dyn ErasedAccessor| accessor.identity() == item.identity();
            if item.is_accessor() && !self.accessors.iter().any(is_it) {
                problems.push(format!(
                    "`{}` is listed but not among the executor's accessors: register it, \
                     or take it off the list",
                    item.name()
                ));
            }
        }
        for (at, accessor) in self.accessors.iter().enumerate() {
            let name = accessor.name();
            if let Some(earlier) = self.accessors[..at].iter().find(|other| other.name() == name) {
                let twice = earlier.identity() == accessor.identity();
                let what =
                    if twice { "is registered twice" } else { "is the name of two accessors" };
                problems.push(format!("`{name}` {what}"));
            }
        }
        PropagationError::of(problems)
    }
}
