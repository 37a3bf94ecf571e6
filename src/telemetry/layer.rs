//! From a `tracing` event to the log of its run.

use std::fmt;
use std::sync::Arc;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::fields::Fields;
use super::origin::Origin;
use super::spans::{Around, SpanNotes, record_later};
use crate::context::{LogRecord, LogSink, RunLogger};

/// A [`Layer`] that files each `tracing` event with the logger of the run it
/// happened in, under that run and its node, with the event's own fields.
///
/// The library that emits the event need know of neither. Where an event belongs
/// is what the keys [`RUN_LOGGER`](crate::RUN_LOGGER), [`RUN_ID`](crate::RUN_ID)
/// and [`NODE`](crate::NODE) hold where it happens; they travel with the work,
/// so an event in a nested parallel iterator or join is filed like its caller's,
/// and of several runs in one process each keeps to its own log.
///
/// Where a key is not set, as in work that only its span went along with, the
/// event's spans say it, the innermost first. A span says what the keys held when
/// it was made, or else its own fields `run_id` and `node`, also those recorded
/// later. A span whose field names another run than the keys did is of that
/// other run, and no span lends its node or its logger to an event of another
/// run. A span does not keep the sink of its run alive: an event in a span that
/// outlived it is one without a run logger.
///
/// An event without a run logger goes to the [`fallback`](Self::fallback), or
/// nowhere. An event that a sink emits while it takes another goes nowhere, as
/// [`LogSink::log`] says; the other layers of the subscriber see it.
///
/// An event that came by way of the `log` crate, which `tracing-log` gives the
/// target `log`, is filed under the target that it had there.
///
/// The layer has no level of its own: give it a filter with
/// [`with_filter`](Layer::with_filter). A span that the filter hides says
/// nothing.
///
/// # Examples
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use entourage::{Executor, LogRecord, LogSink, NODE, RUN_LOGGER, RunLogLayer, RunLogger};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// #[derive(Default)]
/// struct Lines(Mutex<Vec<String>>);
/// impl LogSink for Lines {
///     fn log(&self, record: &LogRecord<'_>) {
///         let node = record.node.as_ref().map_or("-", |node| node.as_str());
///         let (name, value) = &record.fields[0];
///         self.0.lock().unwrap().push(format!("{node}: {} {name}={value}", record.message));
///     }
/// }
///
/// let subscriber = tracing_subscriber::registry().with(RunLogLayer::new());
/// tracing::subscriber::with_default(subscriber, || {
///     let pool = Executor::builder().num_threads(2).build()?;
///     let log = Arc::new(Lines::default());
///     RUN_LOGGER.scope(RunLogger::new(log.clone()), || {
///         NODE.scope("clean".into(), || {
///             pool.join(|| tracing::info!(rows = 3, "mended"), || tracing::info!(rows = 3, "mended"))
///         })
///     });
///     assert_eq!(*log.0.lock().unwrap(), ["clean: mended rows=3"; 2]);
///     # Ok::<(), entourage::BuildError>(())
/// })?;
/// # Ok::<(), entourage::BuildError>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "a layer does nothing until it is part of a subscriber"]
pub struct RunLogLayer {
    fallback: Option<RunLogger>,
}

impl RunLogLayer {
    /// A layer that drops the events outside of any run.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the events outside of any run go.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    /// use entourage::{JsonLines, RunLogLayer};
    /// let layer = RunLogLayer::new().fallback(Arc::new(JsonLines::new(std::io::stderr())));
    /// ```
    pub fn fallback(mut self, sink: Arc<dyn LogSink>) -> Self {
        self.fallback = Some(RunLogger::new(sink));
        self
    }
}

impl<S> Layer<S> for RunLogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        // Read before the span's extensions are locked: a value's `Debug` is
        // foreign code.
        let notes = SpanNotes::at_birth(attributes.metadata(), |visit| attributes.record(visit));
        if let (Some(notes), Some(span)) = (notes, context.span(id)) {
            // Not `insert`, which panics where a second layer of this type was
            // here first.
            span.extensions_mut().replace(notes);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            record_later(&span, |visit| values.record(visit));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if RunLogger::is_silenced() {
            return;
        }
        let Origin { run_id, node, attempt, logger } = Origin::of_event(event, &context);
        let Some(logger) = logger.as_ref().or(self.fallback.as_ref()) else { return };
        let fields = Fields::of(event, logger.longest_text());
        let around = Around::event(event, &context);
        logger.deliver(&LogRecord {
            target: fields.target(),
            whole_message: fields.whole_message(),
            fields: fields.values(),
            run_id,
            node,
            attempt,
            spans: &around.as_spans(),
            spans_left_out: around.left_out,
            ..LogRecord::new(*event.metadata().level(), fields.message())
        });
    }
}

impl fmt::Debug for RunLogLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunLogLayer").field("fallback", &self.fallback.is_some()).finish()
    }
}
