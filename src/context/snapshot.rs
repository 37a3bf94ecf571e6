//! What was captured at submit.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;

use super::accessor::{Captured, ErasedAccessor, Payload, first_panic, keep_first};
use super::current;
use super::frame::{Frame, run_clean};
use super::instrument::Instrumented;
use super::propagation::{CarryPolicy, Propagation};
use super::trace::Trace;
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
    inner: Option<Arc<Inner>>,
}

pub(super) type Accessors = Arc<[&'static dyn ErasedAccessor]>;

/// Accessors, and what was captured of each.
pub(super) type CapturedRef<'s> = (&'s Accessors, &'s [Captured]);

struct Inner {
    context: Context,
    trace: Trace,
    accessors: Accessors,
    /// One an accessor, in its order.
    captured: Box<[Captured]>,
}

impl Snapshot {
    /// The snapshot of nothing: work run in it sees no key and no span.
    pub const fn empty() -> Self {
        Self { inner: None }
    }

    /// Takes what is current on this thread, as far as it propagates.
    pub fn capture() -> Self {
        Self::capture_with(&Propagation::all())
    }

    /// Takes what is current on this thread, as far as `propagation` carries it.
    pub fn capture_with(propagation: &Propagation) -> Self {
        Self::capture_for(&CarryPolicy {
            propagation: propagation.clone(),
            ..CarryPolicy::default()
        })
    }

    /// Takes what a task is to be given that is submitted now.
    pub(crate) fn capture_for(policy: &CarryPolicy) -> Self {
        Self::take(policy, true)
    }

    /// Takes what is current for a closure that is to run elsewhere while this
    /// thread waits for it: the caller itself rather than a task of its, for which
    /// no value forks.
    pub(crate) fn capture_unforked(policy: &CarryPolicy) -> Self {
        Self::take(policy, false)
    }

    fn take(policy: &CarryPolicy, is_task: bool) -> Self {
        let propagation = &policy.propagation;
        if propagation.is_off() || current::is_suppressed() {
            return Self::empty();
        }
        let mut context = propagation.filter(&Context::current());
        if is_task && context.has_forks() {
            context = forked(&context);
        }
        let trace = if propagation.carries_span() { Trace::capture() } else { Trace::NONE };
        let accessors = &policy.accessors;
        if context.has_no_entries() && trace.is_none() && accessors.is_empty() {
            return Self::empty();
        }
        let captured = accessors
            .iter()
            .map(|accessor| accessor.is_carried(propagation).then(|| accessor.capture()).flatten());
        let captured = captured.collect();
        let inner = Inner { context, trace, accessors: accessors.clone(), captured };
        Self { inner: Some(Arc::new(inner)) }
    }

    /// Runs `f` with what was captured, and nothing else, current on this
    /// thread; then restores what was.
    ///
    /// # Panics
    ///
    /// With `f`'s payload, or that of an accessor, after everything is restored.
    pub fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        Frame::run(self, f).unwrap_or_else(|payload| resume_unwind(payload))
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

    /// As [`scope`](Self::scope), for a closure of which only now is known that it
    /// is a task of its own, since another worker took it over.
    pub(crate) fn scope_forking<R>(&self, f: impl FnOnce() -> R) -> R {
        if !self.context().has_forks() {
            return self.scope(f);
        }
        self.scope(|| forked(self.context()).scope(f))
    }

    /// The contexts of `count` tasks that share this snapshot and nothing that
    /// forks; none where nothing forks.
    pub(crate) fn forks(&self, count: usize) -> Vec<Context> {
        let count = if self.context().has_forks() { count } else { 0 };
        (0..count).map(|_| forked(self.context())).collect()
    }

    /// Whether nothing was captured.
    pub fn is_empty(&self) -> bool {
        self.inner.as_ref().is_none_or(|inner| {
            inner.context.is_empty() && inner.trace.is_none() && inner.accessors.is_empty()
        })
    }

    /// Whether a capture made now, under the same `policy`, would be this one
    /// again. Where the policy held something back the answer is no: to compare
    /// with the source we should have to carry it, and what it holds back.
    pub(crate) fn is_unchanged(&self, policy: &CarryPolicy) -> bool {
        let Some(inner) = &self.inner else { return false };
        !current::is_suppressed()
            && current::with_context(|now| now.is_same(&inner.context) && !now.has_forks())
            && (!policy.propagation.carries_span() || inner.trace.is_unchanged())
            && inner.accessors.iter().zip(&inner.captured).all(|(accessor, captured)| {
                !accessor.is_carried(&policy.propagation) || accessor.is_unchanged(captured)
            })
    }

    /// Ends a snapshot's life on the worker that ran its task. If no other task
    /// shares it, the `Drop` of its values runs here: it must see nothing of a
    /// task that waits beneath, and its panic, returned, must not unwind into
    /// the pool.
    pub(crate) fn retire(self) -> Result<(), Payload> {
        let mut outcome = Ok(());
        let Some(Inner { context, trace, captured, .. }) = self.inner.and_then(Arc::into_inner)
        else {
            return outcome;
        };
        let mut ended = Ok(());
        // One by one: a second panic, out of the drop of what the first left,
        // would abort.
        first_panic(&mut outcome, || {
            run_clean(|| {
                first_panic(&mut ended, || drop(context));
                first_panic(&mut ended, || drop(trace));
                for value in captured {
                    first_panic(&mut ended, || drop(value));
                }
            });
        });
        keep_first(&mut outcome, ended);
        outcome
    }

    /// A context alone, from elsewhere than this thread.
    pub(super) fn of_context(context: Context) -> Self {
        if context.is_empty() {
            return Self::empty();
        }
        let (accessors, captured) = (Accessors::default(), Box::default());
        Self { inner: Some(Arc::new(Inner { context, trace: Trace::NONE, accessors, captured })) }
    }

    pub(super) fn context(&self) -> &Context {
        self.inner.as_ref().map_or(&Context::EMPTY, |inner| &inner.context)
    }

    pub(super) fn trace(&self) -> &Trace {
        self.inner.as_ref().map_or(&Trace::NONE, |inner| &inner.trace)
    }

    pub(super) fn captured(&self) -> Option<CapturedRef<'_>> {
        let inner = self.inner.as_ref()?;
        (!inner.accessors.is_empty()).then_some((&inner.accessors, &*inner.captured))
    }
}

/// Lets what forks fork. Work that is submitted out of a fork carries nothing, or
/// there would be no end.
#[cold]
fn forked(context: &Context) -> Context {
    current::suppress(|| context.forked())
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("context", self.context())
            .field("trace", self.trace())
            .finish_non_exhaustive()
    }
}
