//! The context that a run's nodes see.

use std::panic::Location;

use super::control::{CANCEL, CancelToken};
use crate::context::{
    ATTEMPT, Capture, CarryPolicy, Context, NODE, NodeName, Propagation, RUN_ID, RUN_LOGGER, RunId,
    RunLogger, Snapshot,
};

/// What every node of a run is entered in.
pub(super) enum RunContext {
    /// Nothing, at no cost where the executor has cleared the thread already.
    Off { is_clean: bool, nothing: Snapshot },
    /// The caller's context as far as it is carried, with the run's own keys.
    On(Box<Carried>),
}

/// Where the messages of a run go.
pub(super) struct Loggers {
    /// In the place of the logger that the caller has in its context.
    pub(super) filed: Option<RunLogger>,
    /// Beside it.
    pub(super) shown: Option<RunLogger>,
}

pub(super) struct Carried {
    caller: Snapshot,
    /// The caller's context with the run's id and its logger, which is the
    /// caller's where the options name none and the policy carries it.
    context: Context,
    /// Whether the run's own keys are of those that the policy carries, so that
    /// tasks of a node may share what the node was given.
    is_own_carried: bool,
}

impl RunContext {
    pub(super) fn new(
        propagation: &Propagation,
        is_clean: bool,
        capture: impl FnOnce() -> Snapshot,
        run_id: RunId,
        loggers: Loggers,
        token: Option<&CancelToken>,
    ) -> Self {
        if propagation.is_off() {
            return Self::Off { is_clean, nothing: Snapshot::empty() };
        }
        let is_carried = propagation.carries(&RUN_LOGGER);
        let Loggers { filed, shown } = loggers;
        let filed = filed.or_else(|| RUN_LOGGER.get().filter(|_| is_carried));
        let caller = capture();
        // A run that is started in a node of another one is not in that node.
        let around = caller.as_capture().context().without(&NODE).without(&ATTEMPT);
        let mut context = around.with(&RUN_ID, run_id);
        if let Some(run_logger) = RunLogger::all(filed.into_iter().chain(shown)) {
            context = context.with(&RUN_LOGGER, run_logger);
        }
        if let Some(token) = token {
            context = context.with(&CANCEL, token.clone());
        }
        let is_own_carried = is_carried
            && propagation.carries(&RUN_ID)
            && propagation.carries(&NODE)
            && (token.is_none() || propagation.carries(&CANCEL));
        Self::On(Box::new(Carried { caller, context, is_own_carried }))
    }

    /// For nodes that are all at this attempt, where it is known.
    #[cfg(unix)]
    pub(super) fn of_attempt(mut self, number: Option<u32>) -> Self {
        if let (Self::On(carried), Some(number)) = (&mut self, number) {
            carried.context = carried.context.with(&ATTEMPT, number);
        }
        self
    }

    /// Has nothing be seen, under propagation off, of what the policy's accessors are
    /// for.
    pub(super) fn clearing(self, policy: &CarryPolicy) -> Self {
        match self {
            Self::Off { is_clean, .. } => {
                Self::Off { is_clean, nothing: Capture::clearing(&policy.accessors).into() }
            }
            on => on,
        }
    }

    /// Whether a node sees nothing.
    pub(super) fn is_off(&self) -> bool {
        matches!(self, Self::Off { .. })
    }

    /// Runs `f` as the node named `node`. What `before` holds is used again: the
    /// context of the node before on this thread, if that has let it go.
    #[inline]
    pub(super) fn enter<R>(
        &self,
        node: &str,
        before: &mut Option<Context>,
        f: impl FnOnce() -> R,
    ) -> R {
        match self {
            Self::Off { is_clean: true, .. } => f(),
            Self::Off { is_clean: false, nothing } => nothing.scope(f),
            Self::On(carried) => carried.enter(node, before, f),
        }
    }

    /// Runs `f` as a part of the run that is no node's.
    pub(super) fn enter_run<R>(&self, f: impl FnOnce() -> R) -> R {
        match self {
            // It may be the thread of the caller, which nobody has cleared.
            Self::Off { nothing, .. } => nothing.scope(f),
            Self::On(carried) => carried.enter_run(f),
        }
    }
}

impl Carried {
    fn enter_run<R>(&self, f: impl FnOnce() -> R) -> R {
        let context = self.context.clone();
        match self.caller.as_capture().with_context(context, self.is_own_carried) {
            Ok(capture) => capture.scope(f),
            Err(context) => self.caller.scope(|| context.scope(f)),
        }
    }

    fn enter<R>(&self, node: &str, before: &mut Option<Context>, f: impl FnOnce() -> R) -> R {
        let in_span = || {
            tracing::info_span!(
                target: "entourage::run", "node",
                run_id = RUN_ID.get().map(tracing::field::display), node = %node,
                attempt = tracing::field::Empty
            )
            .in_scope(f)
        };
        let context = self.context_of(node, before.take());
        match self.caller.as_capture().with_context(context, self.is_own_carried) {
            Ok(capture) => {
                let answer = capture.scope(in_span);
                *before = Some(capture.into_context());
                answer
            }
            Err(context) => self.caller.scope(|| context.scope(in_span)),
        }
    }

    fn context_of(&self, node: &str, before: Option<Context>) -> Context {
        let name = NodeName::from(node);
        let new = |name| self.context.with_at(&NODE, name, Location::caller());
        match before {
            None => new(name),
            Some(mut context) => match context.replace(&NODE, name) {
                Ok(()) => context,
                Err(name) => new(name),
            },
        }
    }
}
