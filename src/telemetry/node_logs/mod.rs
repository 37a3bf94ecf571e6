//! The log of a run as files: one for each attempt at a node, and one for what is
//! said outside of nodes.
//!
//! # Who waits for whom
//!
//! A line takes the lock of the table of files, for as long as it takes to find one,
//! and then the lock of what is pending for that file, to be put there. Neither is
//! held over a call to the system. Whoever writes a file takes what is pending out
//! of it while it holds the lock of that file's place on disk, which it takes first.
//! So a line waits for the disk only if it is itself to be written, and then for the
//! lines of its own attempt alone.
//!
//! # Files
//!
//! A file is open for as long as it takes to write to it: lines are collected and
//! written some 8 KiB at a time, with each `ERROR` at once, at the end of the
//! attempt, and at each [`flush`](NodeLogs::flush), which the owner calls a few
//! times a second. A run of ten thousand nodes has no more files open than there are
//! threads that write. What is pending takes 4 MiB at most, all files together:
//! beyond that each line is written at once.

use std::hash::RandomState;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use hashbrown::{Equivalent, HashMap};

use self::file::{LogFile, Pushed};
pub(crate) use self::totals::LogTotals;
use super::OF_A_NODE;
use super::folder_name::folder_name;
use super::limits::LogLimits;
use super::line::Line;
use crate::context::{LogRecord, LogSink, NodeName};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

mod disk;
mod file;
mod repeats;
mod totals;

/// How many bytes are pending at most, all files together.
const MOST_PENDING: usize = 4 << 20;

/// How many files that could not be written are told one by one.
const MOST_PROBLEMS: usize = 16;

/// The files of a run's log.
pub(crate) struct NodeLogs {
    folder: Arc<Folder>,
    limits: LogLimits,
    /// Of the attempts that have said something and are not over.
    files: Mutex<HashMap<Place, Arc<LogFile>>>,
    /// How many bytes are pending, all files together.
    pending: AtomicUsize,
    is_finished: AtomicBool,
    /// What became of the other files.
    ended: Mutex<LogOutcome>,
    hashing: RandomState,
}

/// Where the folder of the run is. Asked by whoever writes, each time.
type Folder = dyn Fn() -> io::Result<PathBuf> + Send + Sync;

/// What became of the log of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogOutcome {
    /// Of all files.
    pub(crate) totals: LogTotals,
    /// Which files could not be written, and why, in words: the first 16.
    pub(crate) problems: Vec<String>,
    /// How many further ones there are.
    pub(crate) more_problems: usize,
}

/// Where a line belongs.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    /// `None` outside of nodes.
    node: Option<NodeName>,
    /// 0 where nobody knows.
    attempt: u32,
}

/// As [`Place`], to look for it.
#[derive(Hash)]
struct Wanted<'a> {
    node: Option<&'a str>,
    attempt: u32,
}

impl Equivalent<Place> for Wanted<'_> {
    fn equivalent(&self, place: &Place) -> bool {
        self.node == place.node.as_ref().map(NodeName::as_str) && self.attempt == place.attempt
    }
}

impl NodeLogs {
    /// The log of the run whose folder is `folder`: asked by whoever writes, the first
    /// time for the first line.
    pub(crate) fn new(
        folder: impl Fn() -> io::Result<PathBuf> + Send + Sync + 'static,
        limits: LogLimits,
    ) -> Arc<Self> {
        Arc::new(Self {
            folder: Arc::new(folder),
            limits,
            files: Mutex::default(),
            pending: AtomicUsize::new(0),
            is_finished: AtomicBool::new(false),
            ended: Mutex::default(),
            hashing: RandomState::new(),
        })
    }

    /// Where the log of an attempt at a node is, from the folder of the run; of
    /// attempt 0, where it is if nobody knows which attempt it was.
    pub(crate) fn path_of(node: &str, attempt: u32) -> PathBuf {
        PathBuf::from("nodes").join(format!("{}.{attempt}.jsonl", folder_name(node)))
    }

    /// Where the log outside of nodes is, from the folder of the run.
    pub(crate) const RUN: &str = "run.jsonl";

    /// Writes what is pending. To be called a few times a second, by a thread that
    /// may wait for the disk.
    pub(crate) fn flush(&self) {
        // Asks each file, and not `pending` whether there is anything: whoever has put a
        // line there before the call finds it written, by the order of the locks.
        let files: Vec<_> = self.files.lock().values().cloned().collect();
        files.iter().for_each(|file| file.flush(&self.pending));
    }

    /// Writes what an attempt that is over has said, and tells how much that was. A
    /// line that comes later still goes to the attempt's file; it counts for the run
    /// alone.
    pub(crate) fn end_attempt(&self, node: &str, attempt: u32) -> LogTotals {
        self.end(&Wanted { node: Some(node), attempt })
    }

    /// Writes everything. From here on each line is written as it comes.
    pub(crate) fn finish(&self) -> LogOutcome {
        self.is_finished.store(true, Ordering::SeqCst);
        let files = std::mem::take(&mut *self.files.lock());
        files.values().for_each(|file| _ = self.close(file));
        self.ended.lock().clone()
    }

    fn end(&self, wanted: &Wanted<'_>) -> LogTotals {
        let file = self.files.lock().remove(wanted);
        file.map_or_else(LogTotals::default, |file| self.close(&file))
    }

    fn close(&self, file: &LogFile) -> LogTotals {
        let (totals, problem) = file.end(&self.limits, &self.pending);
        let mut ended = self.ended.lock();
        ended.totals += totals;
        if let Some(problem) = problem {
            match ended.problems.len() {
                MOST_PROBLEMS => ended.more_problems += 1,
                _ => ended.problems.push(problem),
            }
        }
        totals
    }

    fn file_of(&self, record: &LogRecord<'_>, wanted: &Wanted<'_>) -> Arc<LogFile> {
        let mut files = self.files.lock();
        if let Some(file) = files.get(wanted) {
            return file.clone();
        }
        let path = match wanted.node {
            Some(node) => Self::path_of(node, wanted.attempt),
            None => Self::RUN.into(),
        };
        let new = Arc::new(LogFile::new(self.folder.clone(), path, record, wanted.attempt));
        let place = Place { node: record.node.clone(), attempt: wanted.attempt };
        files.insert(place, new.clone());
        new
    }
}

impl LogSink for NodeLogs {
    fn log(&self, record: &LogRecord<'_>) {
        // That a node is done, the run's events say. It is to have no file for that
        // alone.
        if record.target == OF_A_NODE && record.level > tracing::Level::INFO {
            return;
        }
        let node = record.node.as_ref().map(NodeName::as_str);
        let attempt = record.attempt.filter(|_| node.is_some()).unwrap_or(0);
        let wanted = Wanted { node, attempt };
        let (key, now) = (repeats::key(record, &self.hashing), SystemTime::now());
        // Made once, if at all.
        let mut line = None;
        loop {
            let file = self.file_of(record, &wanted);
            if file.is_collapsed(key, now, &self.pending) {
                break;
            }
            let line = line.get_or_insert_with(|| Line::of(record, &self.limits));
            match file.push(key, line, now, record.level, &self.limits, &self.pending) {
                // Its attempt has ended meanwhile: another file object takes it.
                Pushed::Ended => {}
                Pushed::Pending if self.pending.load(Ordering::Relaxed) <= MOST_PENDING => break,
                Pushed::Pending | Pushed::Urgent => {
                    file.flush(&self.pending);
                    break;
                }
            }
        }
        // Nobody will end it any more.
        if self.is_finished.load(Ordering::SeqCst) {
            self.end(&wanted);
        }
    }

    fn longest_text(&self) -> usize {
        self.limits.text_bytes
    }
}

impl Drop for NodeLogs {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests;
