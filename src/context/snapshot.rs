//! What was captured at submit.

use std::fmt;
use std::sync::Arc;

use once_cell::sync::Lazy;

use super::capture::Capture;
use super::frame::entered_accessors;
use super::instrument::Instrumented;
use super::policy::CarryPolicy;
use super::propagation::Propagation;
use super::unwind::Payload;
use super::values::Context;

/// The context, the span with its dispatcher, and the foreign thread-locals
/// that were current when it was captured; a clone is one reference count.
///
/// Executors take and enter snapshots by themselves. Use one by hand to carry
/// context to a thread or a callback that no executor knows of.
///
/// ```
/// use entourage::Snapshot;
/// entourage::context_key! { static TENANT: u32 = propagate; }
///
/// let snapshot = TENANT.scope(7, Snapshot::capture);
/// let seen = std::thread::spawn(move || snapshot.scope(|| TENANT.get()));
/// assert_eq!(seen.join().unwrap(), Some(7));
/// ```
#[derive(Clone, Default)]
#[must_use = "a snapshot does nothing until something is run in it"]
pub struct Snapshot {
    /// `None` where there was nothing to capture: the empty snapshot owns no
    /// memory.
    inner: Option<Arc<Capture>>,
}

impl Snapshot {
    /// The snapshot of nothing: work run in it sees no key and no span.
    pub const fn empty() -> Self {
        Self { inner: None }
    }

    /// As [`empty`](Self::empty), and it can say that propagation was off.
    pub(crate) fn off() -> Self {
        static OFF: Lazy<Snapshot> = Lazy::new(|| Capture::OFF.into());
        OFF.clone()
    }

    /// Takes what is current on this thread, as far as it propagates: keys and the
    /// span, and inside a task of an executor with accessors what those carry, too.
    /// An executor's list is not asked; [`Executor::snapshot`](crate::Executor::snapshot)
    /// goes by that.
    pub fn capture() -> Self {
        Self::capture_with(&Propagation::all())
    }

    /// As [`capture`](Self::capture), as far as `propagation` carries it. What can
    /// never be carried is not; [`Propagation::validate`] tells of that.
    pub fn capture_with(propagation: &Propagation) -> Self {
        Self::capture_for(&CarryPolicy::of(propagation.clone(), entered_accessors()))
    }

    /// Takes what a task is to be given that is submitted now.
    pub(crate) fn capture_for(policy: &CarryPolicy) -> Self {
        Capture::take(policy, true).into()
    }

    /// What was captured.
    #[inline]
    pub(crate) fn as_capture(&self) -> &Capture {
        static EMPTY: Capture = Capture::EMPTY;
        self.inner.as_deref().unwrap_or(&EMPTY)
    }

    /// Runs `f` with what was captured, and nothing else, current on this
    /// thread; then restores what was. Of thread-locals that accessors are for,
    /// those are cleared which are not in the snapshot but belong to a task on this
    /// thread; others nobody knows of, and they stay.
    ///
    /// # Panics
    ///
    /// With `f`'s payload, or that of an accessor, after everything is restored.
    pub fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        self.as_capture().scope(f)
    }

    /// Wraps `f` so that it runs in this snapshot wherever it is called.
    ///
    /// ```
    /// # use entourage::Snapshot;
    /// # entourage::context_key! { static TENANT: u32 = propagate; }
    /// let tenant = TENANT.scope(7, || Snapshot::capture().wrap(|| TENANT.get()));
    /// assert_eq!(tenant(), Some(7));
    /// ```
    #[must_use = "a wrapped closure does nothing until it is called"]
    pub fn wrap<R, F: FnOnce() -> R>(&self, f: F) -> impl FnOnce() -> R + use<R, F> {
        let snapshot = self.clone();
        move || snapshot.scope(f)
    }

    /// Wraps a future or a stream so that each poll of it, and its drop, runs in
    /// this snapshot, whichever thread that happens on.
    pub fn instrument<T>(&self, inner: T) -> Instrumented<T> {
        Instrumented::new(self.clone(), inner)
    }

    /// Whether nothing was captured.
    pub fn is_empty(&self) -> bool {
        self.as_capture().is_empty()
    }

    /// Ends a snapshot's life on the worker that ran its task, and with it that of
    /// what was captured, if no other task shares it.
    #[inline]
    pub(crate) fn retire(self) -> Result<(), Payload> {
        self.inner.and_then(Arc::into_inner).map_or(Ok(()), Capture::retire)
    }

    /// A context alone, from elsewhere than this thread.
    pub(super) fn of_context(context: Context) -> Self {
        if context.is_empty() {
            return Self::empty();
        }
        Capture::of_context(context).into()
    }

    /// What `change` makes of the context, and besides it this thread's span and
    /// dispatcher: for what has come from another process.
    #[cfg(feature = "pipeline")]
    pub(crate) fn here(&self, change: impl FnOnce(Context) -> Context) -> Self {
        Capture::of_context_here(change(self.context().clone())).into()
    }

    pub(super) fn context(&self) -> &Context {
        self.as_capture().context()
    }
}

impl From<Arc<Capture>> for Snapshot {
    fn from(capture: Arc<Capture>) -> Self {
        Self { inner: Some(capture) }
    }
}

impl From<Capture> for Snapshot {
    fn from(capture: Capture) -> Self {
        Self { inner: (!capture.is_blank()).then(|| Arc::new(capture)) }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("context", self.as_capture().context())
            .field("trace", self.as_capture().trace())
            .finish_non_exhaustive()
    }
}
