//! A worker's way to its parent.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use super::super::events::{Event, RunListener};
use super::protocol::{FrameError, Log, Moved, Reply, framed};
use crate::context::{LogRecord, LogSink};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

pub(super) struct Channel {
    pub(super) incoming: UnixStream,
    pub(super) outgoing: Arc<Outgoing>,
}

/// The half that several threads write to.
pub(super) struct Outgoing {
    stream: Mutex<UnixStream>,
    /// The task that is being run.
    task: AtomicU64,
}

/// While no task is.
const IDLE: u64 = u64::MAX;

impl Channel {
    pub(super) fn new(stream: UnixStream) -> io::Result<Self> {
        let outgoing =
            Outgoing { stream: Mutex::new(stream.try_clone()?), task: AtomicU64::new(IDLE) };
        Ok(Self { incoming: stream, outgoing: Arc::new(outgoing) })
    }
}

impl Outgoing {
    /// Says `reply`. That nobody is there to read it is for whoever reads from
    /// the parent to find out, at once.
    pub(super) fn say(&self, reply: &Reply) -> Result<(), FrameError> {
        let frame = framed(reply)?;
        _ = self.stream.lock().write_all(&frame);
        Ok(())
    }

    pub(super) fn begin(&self, task: u64) {
        self.task.store(task, Ordering::Relaxed);
    }

    pub(super) fn end(&self) {
        self.task.store(IDLE, Ordering::Relaxed);
    }
}

/// Sends what is said in the run's log to the parent, which has the log, and the loads
/// and saves, which it tells of.
pub(super) struct Forward {
    pub(super) to: Arc<Outgoing>,
    pub(super) task: u64,
    /// How much of a text is of use to the run's log.
    pub(super) longest_text: u64,
}

impl Forward {
    /// Of a task that is over nobody reads anything: it would fill the channel.
    fn is_heard(&self) -> bool {
        self.to.task.load(Ordering::Relaxed) == self.task
    }
}

impl RunListener for Forward {
    fn event(&self, event: &Event<'_>) {
        if let Some(moved) = Moved::of(&event.kind).filter(|_| self.is_heard()) {
            // Its texts are cut so that it fits into a frame.
            _ = self.to.say(&Reply::Moved { task: self.task, moved });
        }
    }
}

impl LogSink for Forward {
    fn log(&self, record: &LogRecord<'_>) {
        if !self.is_heard() {
            return;
        }
        let say = |record: &LogRecord<'_>| {
            self.to.say(&Reply::Log { task: self.task, log: Log::of(record) })
        };
        if say(record).is_err() {
            // More than a frame takes: the message goes without its fields and spans.
            let fields_left_out = record.fields_left_out + record.fields.len();
            let spans_left_out = record.spans_left_out + record.spans.len();
            let (fields, spans) = (&[][..], &[][..]);
            _ = say(&LogRecord {
                fields,
                fields_left_out,
                spans,
                spans_left_out,
                ..record.clone()
            });
        }
    }

    fn longest_text(&self) -> usize {
        usize::try_from(self.longest_text).unwrap_or(usize::MAX)
    }
}
