//! What is kept of a span for the events in it: where it belongs, and its fields.

use std::fmt::Display;
use std::sync::Arc;

use tracing::field::Visit;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::fields::{Reader, Visitor};
use super::origin::{Names, SpanOrigin};
use crate::context::{LogSpan, LogValue, NODE, RUN_ID, RUN_LOGGER, Words};

/// The target of the runner's own spans.
const OWN_TARGET: &str = "entourage::run";

/// What the runner's own spans have of what each line says by itself.
const OWN_FIELDS: [&str; 3] = ["run_id", "node", "attempt"];

/// How many spans go with a message: the innermost ones.
const MOST: usize = 64;

/// Kept in the extensions of a span.
#[derive(Default)]
pub(super) struct SpanNotes {
    pub(super) origin: SpanOrigin,
    /// Shared with the events that are being filed.
    fields: Arc<SpanFields>,
}

/// The fields of a span that its events carry, the last value of each.
#[derive(Clone, Debug, Default)]
pub(super) struct SpanFields(Vec<(&'static str, LogValue)>);

impl SpanNotes {
    /// What there is to keep of a span that is made now; `None` where that is
    /// nothing.
    pub(super) fn at_birth(
        metadata: &Metadata<'_>,
        record: impl FnOnce(&mut dyn Visit),
    ) -> Option<Self> {
        let is_of_node = metadata.target() == OWN_TARGET && metadata.name() == "node";
        if is_of_node && RUN_ID.get().is_some() && NODE.get().is_some() {
            // The keys say what it says, and there is one for each node: it is not to
            // cost its texts.
            let origin = SpanOrigin::at_birth(Names::default());
            return Some(Self { origin, fields: Arc::default() });
        }
        let read = SpanFields::read(room(), record);
        let origin = SpanOrigin::at_birth(read.names());
        let fields = Arc::new(read.for_lines(metadata));
        (!origin.is_empty() || !fields.0.is_empty()).then_some(Self { origin, fields })
    }

    /// Takes what was recorded later.
    fn update(&mut self, metadata: &Metadata<'_>, later: SpanFields) {
        let names = later.names();
        if metadata.target() == OWN_TARGET {
            self.origin.set_attempt(names.attempt);
        }
        self.origin.rename(names);
        let later = later.for_lines(metadata);
        if !later.0.is_empty() {
            Arc::make_mut(&mut self.fields).replace(later);
        }
    }
}

/// Takes what is recorded of `span` after it was made.
pub(super) fn record_later<S>(span: &SpanRef<'_, S>, record: impl FnOnce(&mut dyn Visit))
where
    S: for<'a> LookupSpan<'a>,
{
    let kept = span.extensions().get::<SpanNotes>().map_or(0, |notes| notes.fields.text_bytes());
    // While the extensions are not locked: a value's `Debug` is foreign code.
    let later = SpanFields::read(room().saturating_sub(kept), record);
    let mut extensions = span.extensions_mut();
    let mut notes = extensions.remove::<SpanNotes>().unwrap_or_default();
    notes.update(span.metadata(), later);
    extensions.insert(notes);
}

/// How many bytes of text are kept of a span.
fn room() -> usize {
    RUN_LOGGER.get().map_or(Words::LIMIT, |logger| logger.longest_text())
}

impl SpanFields {
    /// Reads fields, with at most `room` bytes of text in all: a span may live
    /// long, and there may be many.
    fn read(room: usize, record: impl FnOnce(&mut dyn Visit)) -> Self {
        struct Reading(usize, SpanFields);
        impl Reader for Reading {
            fn plain(&mut self, name: &'static str, value: LogValue) {
                self.1.0.push((name, value));
            }

            fn text(&mut self, name: &'static str, value: &dyn Display) {
                let value = Words::new(self.0).and(value).into_value();
                self.0 = self.0.saturating_sub(text_bytes(&value));
                self.1.0.push((name, value));
            }
        }
        let mut reading = Reading(room, Self::default());
        record(&mut Visitor(&mut reading));
        reading.1
    }

    fn names(&self) -> Names {
        let name = |name| self.0.iter().find(|(other, _)| *other == name).map(|(_, value)| value);
        let text = |wanted| match name(wanted)? {
            // Half a name is nobody's.
            LogValue::Cut { .. } => None,
            value => Some(value.to_string()),
        };
        let attempt = match name("attempt") {
            Some(LogValue::Unsigned(number)) => u32::try_from(*number).ok(),
            _ => None,
        };
        Names { run_id: text("run_id"), node: text("node"), attempt }
    }

    /// Without what the line of an event says by itself.
    fn for_lines(mut self, metadata: &Metadata<'_>) -> Self {
        if metadata.target() == OWN_TARGET {
            self.0.retain(|(name, _)| !OWN_FIELDS.contains(name));
        }
        self
    }

    fn replace(&mut self, later: Self) {
        for (name, value) in later.0 {
            match self.0.iter_mut().find(|(other, _)| *other == name) {
                Some((_, place)) => *place = value,
                None => self.0.push((name, value)),
            }
        }
    }

    fn text_bytes(&self) -> usize {
        self.0.iter().map(|(_, value)| text_bytes(value)).sum()
    }
}

fn text_bytes(value: &LogValue) -> usize {
    match value {
        LogValue::Text(text) | LogValue::Cut { text, .. } => text.len(),
        _ => 0,
    }
}

/// The spans around an event.
pub(super) struct Around {
    /// The innermost first.
    spans: Vec<(&'static str, Arc<SpanFields>)>,
    pub(super) left_out: usize,
}

impl Around {
    pub(super) fn event<S>(event: &Event<'_>, context: &Context<'_, S>) -> Self
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let mut around = Self { spans: Vec::new(), left_out: 0 };
        for span in context.event_scope(event).into_iter().flatten() {
            let fields = span.extensions().get::<SpanNotes>().map(|notes| notes.fields.clone());
            let fields = fields.unwrap_or_default();
            let metadata = span.metadata();
            if metadata.target() == OWN_TARGET && fields.0.is_empty() {
                continue;
            }
            match around.spans.len() {
                MOST => around.left_out += 1,
                _ => around.spans.push((metadata.name(), fields)),
            }
        }
        around
    }

    /// The outermost first.
    pub(super) fn as_spans(&self) -> Vec<LogSpan<'_>> {
        self.spans.iter().rev().map(|(name, fields)| LogSpan::new(name, &fields.0)).collect()
    }
}
