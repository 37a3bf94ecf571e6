//! The keys that come with the crate: which run, which node, and where to file
//! what they say.

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;
use std::sync::Arc;
#[cfg(feature = "telemetry")]
use std::sync::Weak;

use super::key::{Key, KeyPolicy};
use super::unwind::discard;
use crate::sync::thread_local;

/// The run that the current work belongs to.
pub static RUN_ID: Key<RunId> = Key::new("entourage::RUN_ID", KeyPolicy::Propagate).shown();

/// The node that the current work belongs to.
pub static NODE: Key<NodeName> = Key::new("entourage::NODE", KeyPolicy::Propagate).shown();

/// Which attempt at the node the current work belongs to, the first being 1; set
/// in the nodes that may be tried several times.
pub static ATTEMPT: Key<u32> = Key::new("entourage::ATTEMPT", KeyPolicy::Propagate).shown();

/// Where the current run files its messages.
pub static RUN_LOGGER: Key<RunLogger> =
    Key::new("entourage::RUN_LOGGER", KeyPolicy::Propagate).shown();

macro_rules! name_type {
    ($(#[$attr:meta])* $name:ident) => {
        $(#[$attr])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text of it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<Arc<str>> for $name {
            fn from(text: Arc<str>) -> Self {
                Self(text)
            }
        }

        impl FromStr for $name {
            type Err = Infallible;

            fn from_str(text: &str) -> Result<Self, Infallible> {
                Ok(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name_type! {
    /// The name of one run: any text an outside orchestrator may want, or one
    /// that the runner makes up.
    ///
    /// ```
    /// use entourage::{RUN_ID, RunId};
    /// RUN_ID.scope(RunId::from("nightly-42"), || {
    ///     assert_eq!(RUN_ID.get().unwrap().as_str(), "nightly-42");
    /// });
    /// ```
    RunId
}

name_type! {
    /// The full name of a node.
    NodeName
}

/// One message on its way to a run's log.
#[derive(Debug)]
pub struct LogRecord<'a> {
    /// How grave it is.
    pub level: tracing::Level,
    /// Who says it: a module path.
    pub target: &'a str,
    /// What is said.
    pub message: &'a str,
    /// Further named values, in the order in which they were given.
    pub fields: &'a [(&'a str, LogValue)],
    /// The run it is filed under.
    pub run_id: Option<RunId>,
    /// The node it is filed under.
    pub node: Option<NodeName>,
}

/// The value of one field of a message.
///
/// ```
/// use entourage::LogValue;
/// assert_eq!(LogValue::Signed(-3).to_string(), "-3");
/// assert_eq!(LogValue::Text("three rows".into()).to_string(), "three rows");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LogValue {
    /// True or false.
    Bool(bool),
    /// An integer of a signed type.
    Signed(i128),
    /// An integer of an unsigned type.
    Unsigned(u128),
    /// A floating-point number, infinities and NaN among them.
    Float(f64),
    /// A text, an error with its causes, or what `Debug` or `Display` makes of
    /// any other value.
    Text(String),
}

impl fmt::Display for LogValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Signed(value) => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// Where a run's messages end up.
pub trait LogSink: Send + Sync + 'static {
    /// Takes one message. Called on the thread that says it; must not block on
    /// the work of the run, and has no way to fail: a sink that cannot write
    /// keeps count and says so at its end.
    ///
    /// What a sink itself says while it takes a message, by
    /// [`RunLogger::say`] or as a `tracing` event, goes to no run's log: it
    /// would come back to the sink without end. Its panic goes no further than
    /// the panic hook, so that a message cannot fail the work that says it.
    fn log(&self, record: &LogRecord<'_>);
}

/// The handle that files a message under run and node, also from a library that
/// knows neither.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use entourage::{LogRecord, LogSink, NODE, RUN_LOGGER, RunLogger};
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
///     NODE.scope("clean".into(), || RunLogger::say(tracing::Level::INFO, "three rows mended"));
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
        }
        let mut loggers: Vec<_> = loggers.into_iter().collect();
        match loggers.len() {
            0 | 1 => loggers.pop(),
            _ => Some(Self::new(Arc::new(All(loggers)))),
        }
    }

    /// Files a message with the current run's logger, under the current run and
    /// node. Without a run logger it goes nowhere.
    pub fn say(level: tracing::Level, message: &str) {
        if let Some(logger) = RUN_LOGGER.get() {
            let (run_id, node) = (RUN_ID.get(), NODE.get());
            let target = "entourage::run";
            let attempt = ATTEMPT.get().map(|attempt| LogValue::Unsigned(attempt.into()));
            let attempt = attempt.map(|attempt| [("attempt", attempt)]);
            let fields = attempt.as_ref().map_or(&[][..], |attempt| attempt);
            logger.deliver(&LogRecord { level, target, message, fields, run_id, node });
        }
    }

    /// Files `record` as it is.
    pub fn log(&self, record: &LogRecord<'_>) {
        self.0.log(record);
    }

    /// Files a record that came about by itself rather than by the hand of a
    /// sink: never from inside one, and without its panic.
    pub(crate) fn deliver(&self, record: &LogRecord<'_>) {
        if IN_SINK.get() {
            return;
        }
        let log = AssertUnwindSafe(|| Self::silenced(|| self.log(record)));
        if let Err(payload) = catch_unwind(log) {
            discard(payload);
        }
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
