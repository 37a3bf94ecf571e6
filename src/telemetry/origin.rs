//! Where an event belongs: its run, its node, and the logger of its run.
//!
//! The keys say so on the spot. A span keeps what they said when it was made,
//! because work may go where its span goes along and its keys do not.

use std::fmt::{self, Write};
use std::sync::Weak;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use crate::context::{LogSink, NODE, NodeName, RUN_ID, RUN_LOGGER, RunId, RunLogger};

/// Where an event belongs, as far as anything says it.
#[derive(Default)]
pub(super) struct Origin {
    pub(super) run_id: Option<RunId>,
    pub(super) node: Option<NodeName>,
    pub(super) logger: Option<RunLogger>,
}

impl Origin {
    /// What the keys say, and where they are silent the event's spans.
    pub(super) fn of_event<S>(event: &Event<'_>, context: &Context<'_, S>) -> Self
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let keys = Self::of_keys();
        if keys.run_id.is_some() && keys.node.is_some() && keys.logger.is_some() {
            return keys;
        }
        match context.event_scope(event) {
            Some(spans) => keys.completed_by(Self::of_spans(spans)),
            None => keys,
        }
    }

    fn of_keys() -> Self {
        Self { run_id: RUN_ID.get(), node: NODE.get(), logger: RUN_LOGGER.get() }
    }

    fn of_spans<S>(spans: Scope<'_, S>) -> Self
    where
        S: for<'a> LookupSpan<'a>,
    {
        let mut found = Self::default();
        for span in spans {
            let extensions = span.extensions();
            let Some(origin) = extensions.get::<SpanOrigin>() else { continue };
            found.node = found.node.or_else(|| origin.node.clone());
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
        Self {
            run_id: self.run_id.or(other.run_id),
            node: self.node.or(other.node),
            logger: self.logger.or(other.logger),
        }
    }
}

/// What a span says about the events in it; kept in its extensions.
#[derive(Default)]
pub(super) struct SpanOrigin {
    run_id: Option<RunId>,
    node: Option<NodeName>,
    /// Weak, since a span may outlive its run by any length, and a log must
    /// reach its end with the run.
    logger: Option<Weak<dyn LogSink>>,
}

impl SpanOrigin {
    /// What the keys say where a span is made, and its fields beside them.
    pub(super) fn at_birth(names: Names) -> Self {
        let Origin { run_id, node, logger } = Origin::of_keys();
        let mut origin = Self { run_id, node, logger: logger.map(|logger| logger.downgrade()) };
        origin.rename(names);
        origin
    }

    /// Takes over what the span's fields say.
    ///
    /// A field `node` alone may be any library's word for anything, so it does
    /// not beat the key. One beside a field `run_id` is meant.
    pub(super) fn rename(&mut self, names: Names) {
        let Names { run_id, node } = names;
        let Some(run_id) = run_id.map(RunId::from) else {
            self.node = self.node.take().or(node.map(NodeName::from));
            return;
        };
        if self.run_id.as_ref().is_some_and(|mine| *mine != run_id) {
            *self = Self::default();
        }
        self.run_id = Some(run_id);
        self.node = node.map(NodeName::from).or(self.node.take());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.run_id.is_none() && self.node.is_none() && self.logger.is_none()
    }

    fn logger(&self) -> Option<RunLogger> {
        self.logger.as_ref()?.upgrade().map(RunLogger::new)
    }
}

/// A span's own fields `run_id` and `node`.
#[derive(Default)]
pub(super) struct Names {
    run_id: Option<String>,
    node: Option<String>,
}

impl Names {
    pub(super) fn read(record: impl FnOnce(&mut dyn Visit)) -> Self {
        let mut names = Self::default();
        record(&mut names);
        names
    }

    pub(super) fn is_empty(&self) -> bool {
        self.run_id.is_none() && self.node.is_none()
    }

    fn slot(&mut self, field: &Field) -> Option<&mut Option<String>> {
        match field.name() {
            "run_id" => Some(&mut self.run_id),
            "node" => Some(&mut self.node),
            _ => None,
        }
    }
}

impl Visit for Names {
    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(slot) = self.slot(field) {
            *slot = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if let Some(slot) = self.slot(field) {
            let mut text = String::new();
            // A `Debug` that fails names nothing.
            *slot = write!(text, "{value:?}").is_ok().then_some(text);
        }
    }
}
