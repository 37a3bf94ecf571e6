//! One run that a console is told of.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use super::live::Live;
use super::settings::Settings;
use super::shared::Shared;
use super::text;
use crate::RunId;
use crate::context::{LogRecord, LogSink, RunLogger};
use crate::events::{Event, EventKind, RunListener};
use crate::pipeline::Pipeline;
use crate::telemetry::OF_A_NODE;
use crate::telemetry::record::{Graph, WrittenGraph};

pub(super) struct ConsoleRun(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    settings: Arc<Settings>,
    run_id: RunId,
    /// The number of the run, from its beginning on.
    number: OnceLock<u64>,
}

impl ConsoleRun {
    pub(super) fn new(shared: Arc<Shared>, settings: Arc<Settings>, run_id: RunId) -> Self {
        Self(Arc::new(Inner { shared, settings, run_id, number: OnceLock::new() }))
    }
}

impl Inner {
    /// The number of the run, which begins with its graph, or with its first event
    /// where it was refused and has none.
    fn number(&self, graph: impl FnOnce() -> Graph) -> u64 {
        let begin = || {
            let (run_id, settings) = (self.run_id.clone(), self.settings.clone());
            self.shared.begin(|now| Live::new(run_id, graph(), settings, now))
        };
        *self.number.get_or_init(begin)
    }
}

impl RunListener for ConsoleRun {
    fn logger(&self) -> Option<RunLogger> {
        let shows_none = self.0.settings.log_level == tracing::level_filters::LevelFilter::OFF;
        (!shows_none).then(|| RunLogger::new(self.0.clone()))
    }

    fn only_shows(&self) -> bool {
        true
    }

    fn begin(&self, pipeline: &Pipeline) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.0.number(|| Graph::Pipeline(pipeline.clone()));
        Ok(())
    }

    fn event(&self, event: &Event<'_>) {
        let number = self.0.number(|| Graph::Written(WrittenGraph::default()));
        let shared = &self.0.shared;
        shared.note(number, |live, budget, is_drawn| live.note(event, budget, is_drawn));
        if let EventKind::RunEnded(_) = &event.kind {
            shared.end(number);
        }
    }
}

impl Drop for ConsoleRun {
    fn drop(&mut self) {
        if let Some(number) = self.0.number.get() {
            self.0.shared.abandon(*number);
        }
    }
}

impl LogSink for Inner {
    fn log(&self, record: &LogRecord<'_>) {
        // What became of a node is told by the events.
        if record.level > self.settings.log_level || record.target == OF_A_NODE {
            return;
        }
        let is_grave = record.level <= tracing::Level::WARN;
        self.shared.say_of(self.number.get().copied(), is_grave, |saying| {
            let palette = saying.palette;
            let level = palette.level(record.level, &format!("{:<5}", record.level.as_str()));
            let mut line = format!("{level} ");
            let node = record.node.as_ref().map(|node| node.as_str());
            let run = (saying.has_others || node.is_none()).then(|| self.run_id.as_str());
            for name in [run, node].into_iter().flatten() {
                line.push_str(&text::ends_of(name, text::NAME));
                line.push(' ');
            }
            line.truncate(line.trim_end().len());
            if let Some(attempt) = record.attempt.filter(|attempt| *attempt > 1) {
                // A string takes all that is written to it.
                let _ = write!(line, ", attempt {attempt}");
            }
            line.push_str(": ");
            line.push_str(&text::start_of(record.message, text::MESSAGE));
            // Where the `log` crate's records were made is no news for a person.
            let fields = record.fields.iter().filter(|(name, _)| !name.starts_with("log."));
            for (name, value) in fields.take(FIELDS) {
                let value = text::start_of(&value.to_string(), FIELD);
                let name = text::start_of(name, FIELD);
                // As above.
                let _ = write!(line, " {}", palette.dim(&format!("{name}={value}")));
            }
            line.push('\n');
            line
        });
    }
}

/// How many fields of a message are shown, and how much of each.
const FIELDS: usize = 20;
const FIELD: usize = 100;
