//! The layer that counts: every event says which run emitted it, and the
//! registry says which run's span is current.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// The target of the events that are counted; all others are not looked at.
pub(crate) const TARGET: &str = "counted";

/// Says an event, which carries the run that emits it, if one does, and the run
/// that the emitter found in its key.
pub(crate) fn say(run: Option<u64>, key: Option<u64>) {
    tracing::info!(target: TARGET, run, key);
}

/// What became of the events, by the span they were filed under and by the key
/// that they were emitted with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) by_span: Count,
    pub(crate) by_key: Count,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// All that were recorded.
    pub(crate) events: u64,
    /// Emitted in one run, filed under another.
    pub(crate) wrong: u64,
    /// Emitted in a run, filed under none.
    pub(crate) missing: u64,
    /// Emitted outside of any run, filed under one.
    pub(crate) leaked: u64,
}

impl Counts {
    /// What came after `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            by_span: self.by_span.since(earlier.by_span),
            by_key: self.by_key.since(earlier.by_key),
        }
    }
}

impl Count {
    fn since(self, earlier: Self) -> Self {
        Self {
            events: self.events - earlier.events,
            wrong: self.wrong - earlier.wrong,
            missing: self.missing - earlier.missing,
            leaked: self.leaked - earlier.leaked,
        }
    }

    /// How many are not where they belong.
    pub(crate) fn misfiled(&self) -> u64 {
        self.wrong + self.missing + self.leaked
    }
}

/// Counts what it is told; a clone counts with it.
#[derive(Clone, Default)]
pub(crate) struct Attribution(Arc<[Tally; 2]>);

#[derive(Default)]
struct Tally {
    events: AtomicU64,
    wrong: AtomicU64,
    missing: AtomicU64,
    leaked: AtomicU64,
}

impl Attribution {
    /// What was counted so far. Exact when nothing is running.
    pub(crate) fn counts(&self) -> Counts {
        let [by_span, by_key] = &*self.0;
        Counts { by_span: by_span.count(), by_key: by_key.count() }
    }
}

impl Tally {
    fn file(&self, emitted: Option<u64>, filed: Option<u64>) {
        let add = |count: &AtomicU64| _ = count.fetch_add(1, Ordering::Relaxed);
        add(&self.events);
        match (emitted, filed) {
            (emitted, filed) if emitted == filed => {}
            (Some(_), Some(_)) => add(&self.wrong),
            (Some(_), None) => add(&self.missing),
            (None, _) => add(&self.leaked),
        }
    }

    fn count(&self) -> Count {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Count {
            events: get(&self.events),
            wrong: get(&self.wrong),
            missing: get(&self.missing),
            leaked: get(&self.leaked),
        }
    }
}

/// The run that a span was made for.
struct RunOf(u64);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Attribution {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Numbers::default();
        attributes.record(&mut fields);
        if let (Some(run), Some(span)) = (fields.run, context.span(id)) {
            span.extensions_mut().insert(RunOf(run));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if event.metadata().target() != TARGET {
            return;
        }
        let mut fields = Numbers::default();
        event.record(&mut fields);
        // From the span that is current outwards, as any log does.
        let filed = context.event_scope(event).and_then(|mut spans| {
            spans.find_map(|span| span.extensions().get::<RunOf>().map(|run| run.0))
        });
        let [by_span, by_key] = &*self.0;
        by_span.file(fields.run, filed);
        by_key.file(fields.run, fields.key);
    }
}

#[derive(Default)]
struct Numbers {
    run: Option<u64>,
    key: Option<u64>,
}

impl Visit for Numbers {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "run" => self.run = Some(value),
            "key" => self.key = Some(value),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
