//! A log as JSON lines.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use self::output::Output;
use super::limits::LogLimits;
use super::line::Line;
use crate::context::{LogRecord, LogSink, RunLogger};
use crate::sync::Mutex;

mod output;

/// A [`LogSink`] that writes each message as one line of JSON: UTF-8, ended by a
/// line feed, in a file that tools such as `jq`, pandas and DuckDB read as it is.
///
/// Every line is an object with these keys, in this order:
///
/// | key | value |
/// | --- | --- |
/// | `time` | when it was said: RFC 3339, UTC, in microseconds |
/// | `level` | `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE` |
/// | `message` | a string, empty where the event has no message |
/// | `run_id` | a string, or `null` outside of any run |
/// | `node` | a string, or `null` outside of any node |
/// | `attempt` | which attempt at the node, from 1; `null` outside of any node |
/// | `thread` | the name of the thread that said it, or its id, as in `ThreadId(7)` |
/// | `target` | a string: as a rule a module path |
/// | `fields` | an object: the event's own fields, in their order |
/// | `spans` | the spans around it, the outermost first: objects with `name` and `fields`, those recorded later included |
/// | `truncated` | only where something was cut or left out: what |
///
/// An event's own fields are in an object of their own so that one called `time`
/// or `node` is neither lost nor taken for the line's. Where an event has two
/// fields of one name, the later is called `name#2`.
///
/// Booleans are booleans and numbers are numbers, except those that JSON, or
/// most of its readers, could not keep: an integer of more than 64 bits is a
/// string of all its digits, and a float that is not finite is the string `NaN`,
/// `inf` or `-inf`. Everything else is a string. Control characters, and the
/// characters that some readers of text take for the end of a line (U+0085,
/// U+2028, U+2029), are escaped wherever they occur.
///
/// A text longer than 16 KiB is cut, and a line has at most 64 KiB; see
/// [`LogLimits`]. The line then says in `truncated` which texts are not whole, each
/// with its number of bytes, and how many fields and spans are left out: as in
/// `{"message":70000,"fields":{"body":10485760},"fields_left_out":3}`. An object in
/// `spans` has a `truncated` of its own.
///
/// Lines of several threads are never mixed. They are collected and written some
/// 64 KiB at a time; with each `ERROR` at once, so that it is on record should
/// the process die of it; on [`flush`](Self::flush) and [`finish`](Self::finish);
/// and on drop. A line's place in the file is the order in which the threads came
/// by, which for two lines a few microseconds apart need not be that of their
/// times.
///
/// A log that cannot be written must not fail the work. The first error of the
/// writer, or its panic, is kept for [`finish`](Self::finish) and
/// [`flush`](Self::flush) to return, every time; nothing is written after it,
/// and the messages from there on are counted as [`lost`](Self::lost). Drop
/// cannot report, so finish a log that matters.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use entourage::{JsonLines, NODE, RUN_ID, RUN_LOGGER, RunLogLayer, RunLogger};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let subscriber = tracing_subscriber::registry().with(RunLogLayer::new());
/// let path = std::env::temp_dir().join(format!("entourage-{}.jsonl", std::process::id()));
/// let log = Arc::new(JsonLines::create(&path)?);
///
/// tracing::subscriber::with_default(subscriber, || {
///     RUN_LOGGER.scope(RunLogger::new(log.clone()), || {
///         RUN_ID.scope("nightly-42".into(), || {
///             NODE.scope("clean".into(), || tracing::info!(rows = 3, "mended"));
///         });
///     });
/// });
///
/// assert_eq!(log.finish()?, 1);
/// let line: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
/// assert_eq!(line["message"], "mended");
/// assert_eq!((&line["run_id"], &line["node"]), (&"nightly-42".into(), &"clean".into()));
/// assert_eq!(line["fields"]["rows"], 3);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct JsonLines {
    output: Mutex<Output>,
    path: Option<PathBuf>,
    limits: LogLimits,
}

impl JsonLines {
    /// A log in the file at `path`, which is created, or emptied where it
    /// exists. Its folder must exist.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = entourage::JsonLines::create("no/such/folder/run.jsonl").unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    /// assert!(error.to_string().contains("no/such/folder/run.jsonl"));
    /// ```
    ///
    /// # Errors
    ///
    /// That of opening the file, with the path in its message.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let file = File::create(path).map_err(|error| {
            let message = format!("cannot create the run log `{}`: {error}", path.display());
            io::Error::new(error.kind(), message)
        })?;
        Ok(Self::with(Box::new(file), Some(path.to_owned())))
    }

    /// A log that goes to `writer`, which need not buffer. It is called under
    /// the log's lock, on whichever thread fills the buffer.
    ///
    /// # Examples
    ///
    /// ```
    /// let log = entourage::JsonLines::new(std::io::sink());
    /// assert_eq!(log.finish()?, 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self::with(Box::new(writer), None)
    }

    fn with(writer: Box<dyn Write + Send>, path: Option<PathBuf>) -> Self {
        Self { output: Mutex::new(Output::new(writer)), path, limits: LogLimits::new() }
    }

    /// This log, with other limits on a text and on a line. (It has none in all:
    /// [`LogLimits::attempt_bytes`] is for logs that have a file for each attempt.)
    ///
    /// ```
    /// use entourage::{JsonLines, LogLimits};
    /// let log = JsonLines::new(std::io::sink()).limits(LogLimits::new().line_bytes(8192));
    /// ```
    #[must_use = "the limits are those of the log that is returned"]
    pub fn limits(self, limits: LogLimits) -> Self {
        // What drops in the end is the log that is returned.
        let mut this = self;
        this.limits = limits;
        this
    }

    /// Hands every line so far to the writer, and flushes that.
    ///
    /// # Examples
    ///
    /// ```
    /// # let log = entourage::JsonLines::new(std::io::sink());
    /// log.flush()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The first error that the log ever had, each time, with its kind; the
    /// message says which file and how many lines were lost.
    pub fn flush(&self) -> io::Result<()> {
        self.finish().map(drop)
    }

    /// As [`flush`](Self::flush), and returns how many lines were written since
    /// the log was made.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    ///
    /// struct Full;
    /// impl io::Write for Full {
    ///     fn write(&mut self, _: &[u8]) -> io::Result<usize> { Err(io::ErrorKind::StorageFull.into()) }
    ///     fn flush(&mut self) -> io::Result<()> { Ok(()) }
    /// }
    ///
    /// use std::sync::Arc;
    /// use entourage::{JsonLines, RUN_LOGGER, RunLogger, logger};
    /// let log = Arc::new(JsonLines::new(Full));
    /// RUN_LOGGER.scope(RunLogger::new(log.clone()), || {
    ///     logger().unwrap().info("goes nowhere");
    /// });
    /// assert_eq!(log.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    /// assert_eq!(log.lost(), 1);
    /// ```
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub fn finish(&self) -> io::Result<u64> {
        self.with_output(|output| {
            output.flush();
            match output.error() {
                None => Ok(output.written()),
                Some(error) => Err(self.describe(error, output.lost())),
            }
        })
    }

    /// How many lines did not reach the writer whole, because of an error.
    ///
    /// # Examples
    ///
    /// ```
    /// # let log = entourage::JsonLines::new(std::io::sink());
    /// assert_eq!(log.lost(), 0);
    /// ```
    pub fn lost(&self) -> u64 {
        self.with_output(|output| output.lost())
    }

    fn describe(&self, error: &io::Error, lost: u64) -> io::Error {
        let path = self.path.as_ref().map(|path| format!(" `{}`", path.display()));
        let path = path.unwrap_or_default();
        let lines = if lost == 1 { "line" } else { "lines" };
        let message = format!("cannot write the run log{path}: {error} ({lost} {lines} lost)");
        io::Error::new(error.kind(), message)
    }

    /// Calls `f` under the lock. The writer may be such that it emits events,
    /// which would come back here and wait for the lock forever.
    fn with_output<R>(&self, f: impl FnOnce(&mut Output) -> R) -> R {
        RunLogger::silenced(|| f(&mut self.output.lock()))
    }
}

impl LogSink for JsonLines {
    fn log(&self, record: &LogRecord<'_>) {
        // Outside of the lock, which is then held for no more than a copy.
        let line = Line::of(record, &self.limits).at(SystemTime::now());
        let is_grave = record.level == tracing::Level::ERROR;
        self.with_output(|output| {
            output.push(&line);
            if is_grave {
                output.flush();
            }
        });
    }

    fn longest_text(&self) -> usize {
        self.limits.text_bytes
    }
}

impl Drop for JsonLines {
    fn drop(&mut self) {
        self.with_output(Output::flush);
    }
}

impl fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
