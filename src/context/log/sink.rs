//! Where a run's messages end up.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
#[cfg(feature = "telemetry")]
use std::sync::Weak;

use super::super::unwind::discard;
use super::record::LogRecord;
use super::value::Words;
use crate::sync::thread_local;

/// Where a run's messages end up.
pub trait LogSink: Send + Sync + 'static {
    /// Takes one message. Called on the thread that says it; must not block on
    /// the work of the run, and has no way to fail: a sink that cannot write
    /// keeps count and says so at its end.
    ///
    /// What a sink itself says while it takes a message, by
    /// [`logger`](crate::logger) or as a `tracing` event, goes to no run's log: it
    /// would come back to the sink without end. Its panic goes no further than
    /// the panic hook, so that a message cannot fail the work that says it.
    fn log(&self, record: &LogRecord<'_>);

    /// How many bytes of a message, or of a field that is not a number, are of use:
    /// 16 KiB where the sink does not say otherwise. Of a longer one it is given the
    /// beginning, as [`LogValue::Cut`](crate::LogValue::Cut); of as many bytes as the
    /// most that one of the run's sinks has a use for.
    fn longest_text(&self) -> usize {
        Words::LIMIT
    }
}

/// A [`LogSink`] as a run has it: what `RunOptions::run_logger` takes and the key
/// [`RUN_LOGGER`](crate::RUN_LOGGER) holds. To say something use
/// [`logger`](crate::logger), which knows of run and node as well.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use entourage::{LogRecord, LogSink, NODE, RUN_LOGGER, RunLogger, logger};
///
/// #[derive(Default)]
/// struct Lines(Mutex<Vec<String>>);
/// impl LogSink for Lines {
///     fn log(&self, record: &LogRecord<'_>) {
///         let node = record.node.as_ref().map_or("-", |node| node.as_str());
///         self.0.lock().unwrap().push(format!("{node}: {}", record.message));
///     }
/// }
///
/// let lines = Arc::new(Lines::default());
/// RUN_LOGGER.scope(RunLogger::new(lines.clone()), || {
///     NODE.scope("clean".into(), || logger().unwrap().info("three rows mended"));
/// });
/// assert_eq!(*lines.0.lock().unwrap(), ["clean: three rows mended"]);
/// ```
#[derive(Clone)]
pub struct RunLogger(Arc<dyn LogSink>);

thread_local! {
    /// Whether this thread is inside a sink.
    static IN_SINK: Cell<bool> = const { Cell::new(false) };
}

impl RunLogger {
    /// A logger that files into `sink`.
    pub fn new(sink: Arc<dyn LogSink>) -> Self {
        Self(sink)
    }

    /// One that files with each of these; `None` where there are none.
    #[cfg(feature = "pipeline")]
    pub(crate) fn all(loggers: impl IntoIterator<Item = Self>) -> Option<Self> {
        struct All(Vec<RunLogger>);
        impl LogSink for All {
            fn log(&self, record: &LogRecord<'_>) {
                // The panic of one costs the others nothing.
                let log = |logger: &RunLogger| {
                    catch_unwind(AssertUnwindSafe(|| logger.log(record))).unwrap_or_else(discard);
                };
                self.0.iter().for_each(log);
            }

            fn longest_text(&self) -> usize {
                let longest =
                    |logger: &RunLogger| catch_unwind(AssertUnwindSafe(|| logger.0.longest_text()));
                let longest = |logger| longest(logger).map_err(discard).ok();
                self.0.iter().filter_map(longest).max().unwrap_or(Words::LIMIT)
            }
        }
        let mut loggers: Vec<_> = loggers.into_iter().collect();
        match loggers.len() {
            0 | 1 => loggers.pop(),
            _ => Some(Self::new(Arc::new(All(loggers)))),
        }
    }

    /// Files `record` as it is.
    pub fn log(&self, record: &LogRecord<'_>) {
        self.0.log(record);
    }

    /// Files a record that came about by itself rather than by the hand of a
    /// sink: never from inside one, and without its panic.
    pub(crate) fn deliver(&self, record: &LogRecord<'_>) {
        self.uncaught(|| self.log(record));
    }

    /// How much of a text the sink has a use for.
    pub(crate) fn longest_text(&self) -> usize {
        self.uncaught(|| self.0.longest_text()).unwrap_or(Words::LIMIT)
    }

    /// Calls the sink, unless this is inside of one.
    fn uncaught<R>(&self, call: impl FnOnce() -> R) -> Option<R> {
        if Self::is_silenced() {
            return None;
        }
        catch_unwind(AssertUnwindSafe(|| Self::silenced(call))).map_err(discard).ok()
    }

    /// Whether what is said here goes to no run's log.
    pub(crate) fn is_silenced() -> bool {
        IN_SINK.get()
    }

    /// Runs `f`, whose own messages go to no run's log. Whoever holds a lock
    /// that filing a message needs calls foreign code in this.
    pub(crate) fn silenced<R>(f: impl FnOnce() -> R) -> R {
        struct Restore(bool);
        impl Drop for Restore {
            fn drop(&mut self) {
                IN_SINK.set(self.0);
            }
        }
        let _restore = Restore(IN_SINK.replace(true));
        f()
    }

    /// The sink, without keeping it from its end.
    #[cfg(feature = "telemetry")]
    pub(crate) fn downgrade(&self) -> Weak<dyn LogSink> {
        Arc::downgrade(&self.0)
    }
}

impl fmt::Debug for RunLogger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunLogger")
    }
}
