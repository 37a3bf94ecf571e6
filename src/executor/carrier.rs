//! Takes captures by an executor's policy, and counts them.

use std::panic::Location;
use std::sync::Arc;

use crate::context::{
    Capture, CarryPolicy, LeakHandler, LeakWatch, LiveSnapshot, Propagation, PropagationError,
    Snapshot, recent,
};
use crate::sync::atomic::{AtomicU64, Ordering};

pub(super) struct Carrier {
    policy: CarryPolicy,
    /// Shared with the executor's clones of other policies.
    captures: Arc<AtomicU64>,
    /// Shared likewise, and with nobody else: gone with the last of the executors.
    leaks: Option<Arc<Leaks>>,
}

type At = &'static Location<'static>;

/// Who is told of leaks; at the end, of the snapshots that live on.
struct Leaks(Arc<LeakWatch>);

impl Drop for Leaks {
    fn drop(&mut self) {
        self.0.tell_of_survivors();
    }
}

impl Carrier {
    pub(super) fn new(policy: CarryPolicy, on_leak: Option<LeakHandler>) -> Self {
        let leaks = on_leak.map(|on_leak| Arc::new(Leaks(LeakWatch::new(on_leak))));
        Self { policy, captures: Arc::default(), leaks }
    }

    /// The same with another policy.
    pub(super) fn with_propagation(
        &self,
        propagation: Propagation,
    ) -> Result<Self, PropagationError> {
        let policy = CarryPolicy::new(propagation, self.policy.accessors.clone());
        policy.validate()?;
        Ok(Self { policy, captures: self.captures.clone(), leaks: self.leaks.clone() })
    }

    pub(super) fn propagation(&self) -> &Propagation {
        &self.policy.propagation
    }

    /// How many captures were taken, those of nothing aside.
    pub(super) fn captures(&self) -> u64 {
        self.captures.load(Ordering::Relaxed)
    }

    /// Takes what a task is to be given that is submitted now, at that place.
    #[inline]
    pub(super) fn capture(&self, task: Option<&str>, at: At) -> Capture {
        self.watched(self.counted(Capture::take(&self.policy, true)), task, at, false)
    }

    /// As [`capture`](Self::capture), and shared with the tasks this thread
    /// submitted just before, where nothing changed since and one is left of them.
    #[inline]
    pub(super) fn capture_shared(&self, task: Option<&str>, at: At) -> Snapshot {
        if self.is_watched() {
            return self.capture(task, at).into();
        }
        recent::capture(&self.policy, || self.capture(task, at))
    }

    /// Takes what is current for the tasks of a scope to share, as far as they may.
    pub(super) fn capture_to_share(&self, at: At) -> Snapshot {
        if self.is_watched() {
            return Snapshot::empty();
        }
        self.capture_to_move(at).into()
    }

    /// Takes what is current for the caller's own closure, which is to run
    /// elsewhere while the caller waits.
    #[inline]
    pub(super) fn capture_to_move(&self, at: At) -> Capture {
        self.watched(self.counted(Capture::take(&self.policy, false)), None, at, false)
    }

    /// As [`capture`](Self::capture), for whoever will do with it as they like.
    pub(super) fn capture_by_hand(&self, at: At) -> Capture {
        self.watched(self.counted(Capture::take(&self.policy, true)), None, at, true)
    }

    /// Whether a capture taken now would be this one again, so that it can be
    /// shared. Where leaks are looked for none is: a report names one task.
    #[inline]
    pub(super) fn is_current(&self, capture: &Capture) -> bool {
        !self.is_watched() && capture.is_unchanged(&self.policy)
    }

    /// Whether leaks are looked for.
    #[inline]
    pub(super) fn is_watched(&self) -> bool {
        self.leaks.is_some()
    }

    /// What is alive of the captures, where leaks are looked for.
    pub(super) fn live_snapshots(&self) -> Vec<LiveSnapshot> {
        self.leaks.as_ref().map_or_else(Vec::new, |leaks| leaks.0.live())
    }

    #[inline]
    fn watched(&self, taken: Capture, task: Option<&str>, at: At, is_by_hand: bool) -> Capture {
        match &self.leaks {
            None => taken,
            Some(leaks) => taken.watched_by(&leaks.0, task, at, is_by_hand),
        }
    }

    fn counted(&self, taken: Capture) -> Capture {
        if !taken.is_empty() {
            self.captures.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }
}
