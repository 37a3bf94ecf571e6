//! What one submit takes along.

use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::Arc;

use super::accessor::{Captured, ErasedAccessor};
use super::current;
use super::frame::{Frame, run_clean};
use super::leaks::{LeakWatch, Watched};
use super::policy::{CarryPolicy, PolicyId};
use super::propagation::Propagation;
use super::trace::Trace;
use super::unwind::{Payload, first_panic, keep_first, quietly};
use super::values::Context;

pub(super) type Accessors = Arc<[&'static dyn ErasedAccessor]>;

/// The context, the span with its dispatcher, and the foreign thread-locals that
/// were current when it was taken. A [`Snapshot`](super::Snapshot) shares one; a
/// task that shares with nobody has one of its own.
#[derive(Default)]
pub(crate) struct Capture {
    /// By which policy it was taken.
    policy: PolicyId,
    context: Context,
    trace: Trace,
    foreign: Option<Foreign>,
    /// The policy, if it held back the span or an accessor. (What it held back of
    /// the keys, the context knows.)
    held_back_by: Option<Box<Propagation>>,
    /// Who is to be told of what is left behind by what runs in it.
    watched: Option<Box<Watched>>,
}

/// Accessors, and what was captured of each, in their order.
pub(super) struct Foreign {
    pub(super) accessors: Accessors,
    pub(super) values: Box<[Captured]>,
}

impl Capture {
    pub(super) const EMPTY: Self = Self {
        policy: PolicyId::NONE,
        context: Context::EMPTY,
        trace: Trace::NONE,
        foreign: None,
        held_back_by: None,
        watched: None,
    };

    /// As [`EMPTY`](Self::EMPTY), and it can say that propagation was off.
    pub(super) const OFF: Self = Self { context: Context::OFF, ..Self::EMPTY };

    const SUPPRESSED: Self = Self { context: Context::SUPPRESSED, ..Self::EMPTY };

    /// Of nothing, and what `accessors` are for is cleared.
    pub(crate) fn clearing(accessors: &Accessors) -> Self {
        let foreign = (!accessors.is_empty()).then(|| Foreign {
            accessors: accessors.clone(),
            values: accessors.iter().map(|_| None).collect(),
        });
        Self { foreign, ..Self::OFF }
    }

    /// Takes what is current for a task that is submitted now, for which values
    /// may fork; or, where it is none, for the caller itself, who waits while a
    /// closure of it runs elsewhere.
    pub(crate) fn take(policy: &CarryPolicy, is_task: bool) -> Self {
        let propagation = &policy.propagation;
        if propagation.is_off() {
            return Self::OFF;
        }
        if current::is_suppressed() {
            return Self::SUPPRESSED;
        }
        let mut context = current::with_context(|context| propagation.filter(context));
        if is_task && context.has_forks() {
            context = forked(&context);
        }
        let trace = if policy.carries_span { Trace::capture() } else { Trace::NONE };
        // Without one to hold back, known without a look, nothing is.
        let holds_span_back = !policy.carries_span && Trace::may_be();
        let holds_back = holds_span_back || !policy.carries_accessors;
        let held_back_by = holds_back.then(|| Box::new(propagation.clone()));
        let accessors = &policy.accessors;
        let foreign = (!accessors.is_empty()).then(|| Foreign {
            accessors: accessors.clone(),
            values: captured_by(accessors, propagation),
        });
        Self { policy: policy.id, context, trace, foreign, held_back_by, watched: None }
    }

    /// This capture with `watch` on what runs in it, and on how long it lives.
    #[cold]
    pub(crate) fn watched_by(
        self,
        watch: &Arc<LeakWatch>,
        task: Option<&str>,
        at: &'static Location<'static>,
        is_by_hand: bool,
    ) -> Self {
        Self { watched: Some(Box::new(watch.watch(task, at, is_by_hand))), ..self }
    }

    /// Whether it is plain, without a look at all there may be, that one taken by
    /// `policy` now would be blank.
    #[inline]
    pub(super) fn is_plainly_blank(policy: &CarryPolicy) -> bool {
        policy.accessors.is_empty()
            && Trace::is_plainly_none()
            && (policy.carries_span || !Trace::may_be())
            && !current::is_suppressed()
            && current::with_context(|now| now.has_no_entries() && !now.is_barred())
    }

    /// This capture with `context` in the place of its own. The policy by which it
    /// was taken would carry all of that, too, if `is_carried`. Gives the context
    /// back where there is more to the capture than is quickly copied.
    #[cfg(feature = "pipeline")]
    #[inline]
    pub(crate) fn with_context(&self, context: Context, is_carried: bool) -> Result<Self, Context> {
        if self.foreign.is_some() || self.held_back_by.is_some() || self.watched.is_some() {
            return Err(context);
        }
        let policy = if is_carried { self.policy } else { PolicyId::NONE };
        Ok(Self { policy, context, trace: self.trace.clone(), ..Self::EMPTY })
    }

    /// A context alone, from elsewhere than this thread.
    pub(super) fn of_context(context: Context) -> Self {
        Self { context, ..Self::EMPTY }
    }

    /// A context from elsewhere than this thread, with this thread's span and
    /// dispatcher.
    #[cfg(feature = "pipeline")]
    pub(super) fn of_context_here(context: Context) -> Self {
        Self { context, trace: Trace::capture(), ..Self::EMPTY }
    }

    /// Whether nothing is in it, not even a word on why.
    #[inline]
    pub(crate) fn is_blank(&self) -> bool {
        self.context.has_no_entries()
            && !self.context.is_barred()
            && self.trace.is_none()
            && self.foreign.is_none()
            && self.held_back_by.is_none()
            && self.watched.is_none()
    }

    /// Whether nothing was captured.
    pub(crate) fn is_empty(&self) -> bool {
        self.context.is_empty() && self.trace.is_none() && self.foreign.is_none()
    }

    /// Whether one taken now, by `policy`, would be this one again. Where the
    /// policy held something back the answer is no: to compare with the source we
    /// should have to carry it, and what it holds back.
    #[inline]
    pub(crate) fn is_unchanged(&self, policy: &CarryPolicy) -> bool {
        self.policy.is(policy.id)
            && !current::is_suppressed()
            && current::with_context(|now| now.is_same(&self.context) && !now.has_forks())
            && (!policy.carries_span || self.trace.is_unchanged())
            && self.foreign.as_ref().is_none_or(|foreign| foreign.is_unchanged(policy))
    }

    /// Runs `f` in this capture. Panics with `f`'s payload, or an accessor's.
    pub(crate) fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        Frame::run(self, f).unwrap_or_else(|payload| resume_unwind(payload))
    }

    /// Runs `f` in this capture, of which only now is known that it is a task of
    /// its own, since another worker took it over.
    pub(crate) fn scope_forking<R>(&self, f: impl FnOnce() -> R) -> R {
        if self.context.has_forks() {
            self.scope(|| forked(&self.context).scope(f))
        } else {
            self.scope(f)
        }
    }

    /// The contexts of `count` tasks that share this capture and nothing that
    /// forks; none where nothing forks.
    pub(crate) fn forks(&self, count: usize) -> Vec<Context> {
        let count = if self.context.has_forks() { count } else { 0 };
        (0..count).map(|_| forked(&self.context)).collect()
    }

    /// Ends a capture's life on the worker that ran its task. The `Drop` of its
    /// values runs here: it must see nothing of a task that waits beneath, and its
    /// panic, returned, must not unwind into the pool.
    #[inline]
    pub(crate) fn retire(self) -> Result<(), Payload> {
        if self.is_blank() { Ok(()) } else { self.end() }
    }

    fn end(self) -> Result<(), Payload> {
        let Self { context, trace, foreign, .. } = self;
        let (mut outcome, mut ended) = (Ok(()), Ok(()));
        // One by one: a second panic, out of the drop of what the first left,
        // would abort.
        first_panic(&mut outcome, || {
            run_clean(|| {
                first_panic(&mut ended, || drop(context));
                first_panic(&mut ended, || drop(trace));
                for value in foreign.into_iter().flat_map(|foreign| foreign.values) {
                    first_panic(&mut ended, || drop(value));
                }
            });
        });
        keep_first(&mut outcome, ended);
        outcome
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    #[cfg(feature = "pipeline")]
    pub(crate) fn into_context(self) -> Context {
        self.context
    }

    pub(super) fn trace(&self) -> &Trace {
        &self.trace
    }

    #[inline]
    pub(super) fn watched(&self) -> Option<&Watched> {
        self.watched.as_deref()
    }

    /// The policy, if it held back the span or an accessor.
    pub(super) fn held_back_by(&self) -> Option<&Propagation> {
        self.held_back_by.as_deref()
    }

    pub(super) fn foreign(&self) -> Option<&Foreign> {
        self.foreign.as_ref()
    }
}

/// What each accessor captures. After a panic of one the values of those before
/// end one by one, since their `Drop` may panic as well.
fn captured_by(accessors: &Accessors, propagation: &Propagation) -> Box<[Captured]> {
    let mut values = Vec::with_capacity(accessors.len());
    for accessor in accessors.iter() {
        let capture = || accessor.is_carried(propagation).then(|| accessor.capture()).flatten();
        match catch_unwind(AssertUnwindSafe(capture)) {
            Ok(value) => values.push(value),
            Err(payload) => {
                values.into_iter().for_each(|value| quietly(|| drop(value)));
                resume_unwind(payload);
            }
        }
    }
    values.into()
}

impl Foreign {
    fn is_unchanged(&self, policy: &CarryPolicy) -> bool {
        self.accessors.iter().zip(&self.values).all(|(accessor, captured)| {
            !accessor.is_carried(&policy.propagation) || accessor.is_unchanged(captured)
        })
    }
}

/// Lets what forks fork. Work that is submitted out of a fork carries nothing, or
/// there would be no end.
#[cold]
fn forked(context: &Context) -> Context {
    current::suppress(|| context.forked())
}
