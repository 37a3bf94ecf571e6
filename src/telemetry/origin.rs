//! Where an event belongs: its run, its node, and the logger of its run.
//!
//! The keys say so on the spot. A span keeps what they said when it was made,
//! because work may go where its span goes along and its keys do not.

use std::sync::Weak;

use tracing::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::spans::SpanNotes;
use crate::context::{
    LogSink, NODE, NodeName, RUN_ID, RUN_LOGGER, RunId, RunLogger, current_attempt,
};

/// Where an event belongs, as far as anything says it.
#[derive(Default)]
pub(super) struct Origin {
    pub(super) run_id: Option<RunId>,
    pub(super) node: Option<NodeName>,
    /// Which attempt at the node.
    pub(super) attempt: Option<u32>,
    pub(super) logger: Option<RunLogger>,
}

impl Origin {
    /// What the keys say, and where they are silent the event's spans.
    pub(super) fn of_event<S>(event: &Event<'_>, context: &Context<'_, S>) -> Self
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let keys = Self::of_keys();
        if keys.is_whole() {
            return keys;
        }
        match context.event_scope(event) {
            Some(spans) => keys.completed_by(Self::of_spans(spans)),
            None => keys,
        }
    }

    fn of_keys() -> Self {
        Self {
            run_id: RUN_ID.get(),
            node: NODE.get(),
            attempt: current_attempt(),
            logger: RUN_LOGGER.get(),
        }
    }

    fn is_whole(&self) -> bool {
        self.run_id.is_some()
            && self.node.is_some()
            && self.attempt.is_some()
            && self.logger.is_some()
    }

    fn of_spans<S>(spans: Scope<'_, S>) -> Self
    where
        S: for<'a> LookupSpan<'a>,
    {
        let mut found = Self::default();
        for span in spans {
            let extensions = span.extensions();
            let Some(SpanNotes { origin, .. }) = extensions.get() else { continue };
            if found.node.is_none() {
                found.node.clone_from(&origin.node);
                found.attempt = origin.attempt;
            }
            found.logger = found.logger.or_else(|| origin.logger());
            if origin.run_id.is_some() {
                found.run_id.clone_from(&origin.run_id);
                // What lies around a run's span is around the run: a run that
                // was started in a node of another run is not in that node.
                break;
            }
        }
        found
    }

    /// Fills the gaps, but never with what belongs to another run.
    fn completed_by(self, other: Self) -> Self {
        if let (Some(run), Some(others)) = (&self.run_id, &other.run_id)
            && run != others
        {
            return self;
        }
        let is_same_node = self.node.is_none() || self.node == other.node;
        Self {
            run_id: self.run_id.or(other.run_id),
            attempt: self.attempt.or(other.attempt.filter(|_| is_same_node)),
            node: self.node.or(other.node),
            logger: self.logger.or(other.logger),
        }
    }
}

/// What a span says of where the events in it belong.
#[derive(Default)]
pub(super) struct SpanOrigin {
    run_id: Option<RunId>,
    node: Option<NodeName>,
    attempt: Option<u32>,
    /// Weak, since a span may outlive its run by any length, and a log must
    /// reach its end with the run.
    logger: Option<Weak<dyn LogSink>>,
}

/// A span's own fields `run_id`, `node` and `attempt`.
#[derive(Default)]
pub(super) struct Names {
    pub(super) run_id: Option<String>,
    pub(super) node: Option<String>,
    pub(super) attempt: Option<u32>,
}

impl SpanOrigin {
    /// What the keys say where a span is made, and its fields beside them.
    pub(super) fn at_birth(names: Names) -> Self {
        let Origin { run_id, node, attempt, logger } = Origin::of_keys();
        let logger = logger.map(|logger| logger.downgrade());
        let mut origin = Self { run_id, node, attempt, logger };
        origin.rename(names);
        origin
    }

    /// Takes over what the span's fields say.
    ///
    /// A field `node` alone may be any library's word for anything, so it does
    /// not beat the key. One beside a field `run_id` is meant, and so is an
    /// `attempt` beside that.
    pub(super) fn rename(&mut self, names: Names) {
        let Names { run_id, node, attempt } = names;
        let Some(run_id) = run_id.map(RunId::from) else {
            if self.node.is_none() {
                self.node = node.map(NodeName::from);
            }
            return;
        };
        if self.run_id.as_ref().is_some_and(|mine| *mine != run_id) {
            *self = Self::default();
        }
        self.run_id = Some(run_id);
        let node = node.map(NodeName::from);
        if node.is_some() && node != self.node {
            (self.node, self.attempt) = (node, None);
        }
        self.attempt = attempt.or(self.attempt);
    }

    /// Takes the attempt at its node that a span of the runner's says.
    pub(super) fn set_attempt(&mut self, attempt: Option<u32>) {
        self.attempt = attempt.or(self.attempt);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.run_id.is_none() && self.node.is_none() && self.logger.is_none()
    }

    fn logger(&self) -> Option<RunLogger> {
        self.logger.as_ref()?.upgrade().map(RunLogger::new)
    }
}
