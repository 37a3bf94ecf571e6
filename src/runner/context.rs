//! The context that a run's nodes see.

use crate::context::{Context, NODE, Propagation, RUN_ID, RUN_LOGGER, RunId, RunLogger, Snapshot};

/// What every node of a run is entered in.
pub(super) enum RunContext {
    /// Nothing, at no cost where the executor has cleared the thread already.
    Off { is_clean: bool },
    /// The caller's context as far as it is carried, with the run's own keys.
    On { caller: Snapshot, own: OwnKeys },
}

/// The run's own keys, set in every node: its id, and its logger, which is the
/// caller's where the options name none and the policy carries it.
pub(super) struct OwnKeys {
    run_id: RunId,
    run_logger: Option<RunLogger>,
}

impl RunContext {
    pub(super) fn new(
        propagation: &Propagation,
        is_clean: bool,
        capture: impl FnOnce() -> Snapshot,
        run_id: RunId,
        run_logger: Option<RunLogger>,
    ) -> Self {
        if propagation.is_off() {
            return Self::Off { is_clean };
        }
        let is_carried = propagation.carries(&RUN_LOGGER);
        let run_logger = run_logger.or_else(|| RUN_LOGGER.get().filter(|_| is_carried));
        Self::On { caller: capture(), own: OwnKeys { run_id, run_logger } }
    }

    /// Runs `f` as the node named `node`.
    pub(super) fn enter<R>(&self, node: &str, f: impl FnOnce() -> R) -> R {
        let (caller, own) = match self {
            Self::Off { is_clean: true } => return f(),
            Self::Off { is_clean: false } => return Snapshot::empty().scope(f),
            Self::On { caller, own } => (caller, own),
        };
        caller.scope(|| {
            let OwnKeys { run_id, run_logger } = own;
            let mut context =
                Context::current().with(&RUN_ID, run_id.clone()).with(&NODE, node.into());
            if let Some(run_logger) = run_logger {
                context = context.with(&RUN_LOGGER, run_logger.clone());
            }
            context.scope(|| {
                let span = tracing::info_span!(
                    target: "entourage::run", "node", run_id = %run_id, node = %node
                );
                span.in_scope(f)
            })
        })
    }
}
