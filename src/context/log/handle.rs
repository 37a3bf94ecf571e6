//! The handle that says something in a run.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::super::builtin::{ATTEMPT, NODE, NodeName, RUN_ID, RUN_LOGGER, RunId};
use super::absent::NoRunLogger;
use super::record::LogRecord;
use super::sink::RunLogger;
use super::value::{LogValue, Words};

/// The logger of the run that this code is part of, be it in a node, a dataset, a
/// hook or a library under it; `None` where there is none, of which
/// [`try_logger`] tells the reason.
///
/// ```
/// use entourage::logger;
///
/// /// A library that knows of no run.
/// fn mend(rows: &mut [i64]) {
///     let mended = rows.iter_mut().filter(|row| **row < 0).map(|row| *row = 0).count();
///     if let Some(logger) = logger() {
///         logger.with("rows", mended).info("mended");
///     }
/// }
/// # mend(&mut [1, -1]);
/// ```
pub fn logger() -> Option<Logger> {
    RUN_LOGGER.get().map(Logger::here)
}

/// As [`logger`], and says why there is none.
///
/// ```
/// use entourage::{Executor, try_logger};
///
/// let error = try_logger().unwrap_err();
/// assert!(error.is_outside_of_run());
/// assert!(error.to_string().contains("outside of any run"), "{error}");
/// ```
///
/// # Errors
///
/// Outside of any run, in a run that has no logger, and where the logger's key was
/// kept from coming along.
pub fn try_logger() -> Result<Logger, NoRunLogger> {
    logger().ok_or_else(NoRunLogger::here)
}

/// Files messages under the run, the node and the attempt in which it was made, by
/// [`logger`].
///
/// It remembers them, so it may be moved to a thread of one's own and files rightly
/// from there too. A clone is a few reference counts. What it says goes to the
/// run's log alone, not to the `tracing` subscriber, and whatever its level is: a
/// filter is a layer's. It is said in no span.
///
/// A logger keeps the log of its run from being dropped. After the end of the run
/// its messages still go where the log takes them.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use entourage::{LogRecord, LogSink, NODE, RUN_LOGGER, RunLogger, logger};
///
/// # #[derive(Default)]
/// # struct Lines(Mutex<Vec<String>>);
/// # impl LogSink for Lines {
/// #     fn log(&self, record: &LogRecord<'_>) {
/// #         let node = record.node.as_ref().map_or("-", |node| node.as_str());
/// #         let fields = record.fields.iter().map(|(name, value)| format!(" {name}={value}"));
/// #         let fields: String = fields.collect();
/// #         self.0.lock().unwrap().push(format!("{node}: {}{fields}", record.message));
/// #     }
/// # }
/// # let lines = Arc::new(Lines::default());
/// # let work = || {
/// let logger = logger().unwrap().with("table", "rows");
/// std::thread::spawn(move || {
///     logger.warn("no index");
///     logger.with("seconds", 0.5).info(format_args!("read {} of them", 3));
/// });
/// # };
/// # RUN_LOGGER.scope(RunLogger::new(lines.clone()), || NODE.scope("clean".into(), || {
/// #     let logger = logger().unwrap().with("table", "rows");
/// #     std::thread::spawn(move || {
/// #         logger.warn("no index");
/// #         logger.with("seconds", 0.5).info(format_args!("read {} of them", 3));
/// #     }).join().unwrap();
/// # }));
/// // clean: no index table=rows
/// // clean: read 3 of them table=rows seconds=0.5
/// # let expected = ["clean: no index table=rows", "clean: read 3 of them table=rows seconds=0.5"];
/// # assert_eq!(*lines.0.lock().unwrap(), expected);
/// ```
#[derive(Clone)]
#[must_use = "a logger is silent until it is told to say something"]
pub struct Logger {
    logger: RunLogger,
    run_id: Option<RunId>,
    node: Option<NodeName>,
    attempt: Option<u32>,
    target: Cow<'static, str>,
    fields: Arc<Vec<(Cow<'static, str>, LogValue)>>,
}

impl Logger {
    fn here(logger: RunLogger) -> Self {
        Self {
            logger,
            run_id: RUN_ID.get(),
            node: NODE.get(),
            attempt: current_attempt(),
            target: Cow::Borrowed("entourage::logger"),
            fields: Arc::default(),
        }
    }

    /// A logger like this one, whose messages carry this field as well. One that has
    /// the name already is replaced.
    pub fn with(&self, name: impl Into<Cow<'static, str>>, value: impl Into<LogValue>) -> Self {
        let (name, value) = (name.into(), value.into());
        let mut fields = Vec::with_capacity(self.fields.len() + 1);
        fields.extend(self.fields.iter().cloned());
        match fields.iter_mut().find(|(other, _)| *other == name) {
            Some((_, place)) => *place = value,
            None => fields.push((name, value)),
        }
        Self { fields: Arc::new(fields), ..self.clone() }
    }

    /// A logger like this one, whose messages are told to come from `target`, as a rule
    /// a module path: `logger.with_target(module_path!())`. It is `entourage::logger`
    /// otherwise.
    pub fn with_target(&self, target: impl Into<Cow<'static, str>>) -> Self {
        Self { target: target.into(), ..self.clone() }
    }

    /// Says it at level `ERROR`.
    pub fn error(&self, message: impl fmt::Display) {
        self.log(tracing::Level::ERROR, message, &[]);
    }

    /// Says it at level `WARN`.
    pub fn warn(&self, message: impl fmt::Display) {
        self.log(tracing::Level::WARN, message, &[]);
    }

    /// Says it at level `INFO`.
    pub fn info(&self, message: impl fmt::Display) {
        self.log(tracing::Level::INFO, message, &[]);
    }

    /// Says it at level `DEBUG`.
    pub fn debug(&self, message: impl fmt::Display) {
        self.log(tracing::Level::DEBUG, message, &[]);
    }

    /// Says it at level `TRACE`.
    pub fn trace(&self, message: impl fmt::Display) {
        self.log(tracing::Level::TRACE, message, &[]);
    }

    /// Says it with fields that this message alone carries, after those that all
    /// do.
    ///
    /// ```
    /// # use entourage::{LogValue, logger};
    /// use tracing::Level;
    /// if let Some(logger) = logger() {
    ///     let shape = (3, 4);
    ///     let fields = [("rows", shape.0.into()), ("shape", LogValue::debug(&shape))];
    ///     logger.log(Level::INFO, "mended", &fields);
    /// }
    /// ```
    pub fn log(
        &self,
        level: tracing::Level,
        message: impl fmt::Display,
        fields: &[(&str, LogValue)],
    ) {
        if RunLogger::is_silenced() {
            return;
        }
        let (text, whole_message) =
            Words::new(self.logger.longest_text()).and(&message).into_parts();
        let own = self.fields.iter().map(|(name, value)| (&**name, value.clone()));
        let fields: Vec<_> = own.chain(fields.iter().cloned()).collect();
        self.logger.deliver(&LogRecord {
            target: &self.target,
            whole_message,
            fields: &fields,
            run_id: self.run_id.clone(),
            node: self.node.clone(),
            attempt: self.attempt,
            ..LogRecord::new(level, &text)
        });
    }

    /// The run whose log it is; `None` where the policy has held its id back.
    pub fn run_id(&self) -> Option<&RunId> {
        self.run_id.as_ref()
    }

    /// The node it was made in; `None` in a part of the run that is no node's.
    pub fn node(&self) -> Option<&NodeName> {
        self.node.as_ref()
    }

    /// Which attempt at the node, from 1; `None` outside of nodes, and where the
    /// policy has held [`ATTEMPT`](crate::ATTEMPT) back.
    pub fn attempt(&self) -> Option<u32> {
        self.attempt
    }
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run_id, node, attempt, target, fields, .. } = self;
        f.debug_struct("Logger")
            .field("run_id", run_id)
            .field("node", node)
            .field("attempt", attempt)
            .field("target", target)
            .field("fields", fields)
            .finish_non_exhaustive()
    }
}

/// Which attempt at its node the current work belongs to.
pub(crate) fn current_attempt() -> Option<u32> {
    ATTEMPT.get().or_else(|| {
        // A node that is tried but once has no number; one whose number was held
        // back may be at any.
        let is_first = NODE.with(|node| node.is_some()) && !ATTEMPT.explain().is_held_back();
        is_first.then_some(1)
    })
}
