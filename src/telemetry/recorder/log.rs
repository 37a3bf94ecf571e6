//! The log of one run, which nobody writes but its own lines and the desk.

use std::io;
use std::sync::Arc;

use super::desk::Desk;
use super::folder::RunFolder;
use crate::context::{LogRecord, LogSink};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::telemetry::limits::LogLimits;
use crate::telemetry::node_logs::NodeLogs;

/// Where a run's messages go: into its files, and to the desk as often as there are
/// some to be written.
pub(super) struct RunLog {
    log: Arc<Log>,
    desk: Arc<Desk>,
}

pub(super) struct Log {
    files: Arc<NodeLogs>,
    is_listed: AtomicBool,
}

impl RunLog {
    pub(super) fn new(folder: &Arc<RunFolder>, limits: LogLimits, desk: Arc<Desk>) -> Self {
        let folder = folder.clone();
        let path = move || folder.path().map(ToOwned::to_owned).map_err(io::Error::other);
        let files = NodeLogs::new(path, limits);
        Self { log: Arc::new(Log { files, is_listed: AtomicBool::new(false) }), desk }
    }

    pub(super) fn files(&self) -> &NodeLogs {
        &self.log.files
    }
}

impl LogSink for RunLog {
    fn log(&self, record: &LogRecord<'_>) {
        self.log.files.log(record);
        // After the line is there, as the desk looks for lines after it has taken the
        // mark away: either it finds this one, or the mark is not there any more. The
        // line's own lock orders the two.
        if !self.log.is_listed.swap(true, Ordering::AcqRel) {
            self.desk.list_log(&self.log);
        }
    }

    fn longest_text(&self) -> usize {
        self.log.files.longest_text()
    }
}

impl Log {
    /// Writes what is there.
    pub(super) fn write(&self) {
        self.is_listed.store(false, Ordering::Release);
        self.files.flush();
    }
}
