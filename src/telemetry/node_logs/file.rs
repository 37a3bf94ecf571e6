//! The file of one attempt.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use tracing::Level;

use super::Folder;
use super::disk::Disk;
use super::repeats::Repeats;
use super::totals::LogTotals;
use crate::context::{LogRecord, LogValue, NodeName, RunId};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::telemetry::limits::LogLimits;
use crate::telemetry::line::Line;

/// How many bytes are collected before they are written.
const COLLECTED: usize = 8 << 10;

/// Who says that lines are missing.
const TARGET: &str = "entourage::log";

/// The lines of one attempt, on their way to its file.
pub(super) struct LogFile {
    /// Whose file it is, for what it says itself.
    run_id: Option<RunId>,
    node: Option<NodeName>,
    attempt: u32,
    pending: Mutex<Pending>,
    /// Taken before `pending`.
    disk: Mutex<Disk>,
}

struct Pending {
    lines: Vec<u8>,
    count: u64,
    repeats: Repeats,
    /// How many bytes the file has, as far as is known, with all that is to be written
    /// to it.
    bytes: u64,
    truncated: u64,
    collapsed: u64,
    dropped: u64,
    has_ended: bool,
}

/// What became of a line.
pub(super) enum Pushed {
    /// It is to be written some time.
    Pending,
    /// It is to be written at once.
    Urgent,
    /// Nothing: the attempt is over.
    Ended,
}

impl LogFile {
    /// The file at `path`, which is there already if its attempt has ended before.
    pub(super) fn new(
        folder: Arc<Folder>,
        path: PathBuf,
        first: &LogRecord<'_>,
        attempt: u32,
    ) -> Self {
        let pending = Pending {
            lines: Vec::new(),
            count: 0,
            repeats: Repeats::default(),
            bytes: 0,
            truncated: 0,
            collapsed: 0,
            dropped: 0,
            has_ended: false,
        };
        Self {
            run_id: first.run_id.clone(),
            node: first.node.clone(),
            attempt,
            pending: Mutex::new(pending),
            disk: Mutex::new(Disk::new(folder, path)),
        }
    }

    /// Whether a message is one that has come so often that it is counted.
    pub(super) fn is_collapsed(&self, key: u64, now: SystemTime, in_all: &AtomicUsize) -> bool {
        let mut pending = self.pending.lock();
        if pending.has_ended {
            return false;
        }
        let Some(told) = pending.repeats.count(key, now) else { return false };
        pending.collapsed += 1;
        if let Some(line) = told {
            pending.append(&line, in_all);
        }
        true
    }

    /// Takes a line.
    pub(super) fn push(
        &self,
        key: u64,
        line: &Line,
        now: SystemTime,
        level: Level,
        limits: &LogLimits,
        in_all: &AtomicUsize,
    ) -> Pushed {
        let written = line.at(now);
        let is_grave = level == Level::ERROR;
        let mut pending = self.pending.lock();
        if pending.has_ended {
            return Pushed::Ended;
        }
        let most = limits.attempt_bytes;
        let room = if is_grave { most.saturating_add(most / 10) } else { most };
        if pending.dropped > 0 && !is_grave || pending.bytes + written.len() as u64 > room {
            pending.dropped += 1;
            if pending.dropped == 1 {
                let full =
                    self.own_line("the log is full: lines are dropped from here on", &[], limits);
                pending.append(&full, in_all);
            }
            return Pushed::Pending;
        }
        if let Some(before) = pending.repeats.written(key, line, now) {
            pending.append(&before, in_all);
        }
        pending.append(&written, in_all);
        pending.truncated += u64::from(line.is_truncated);
        match is_grave || pending.lines.len() >= COLLECTED {
            true => Pushed::Urgent,
            false => Pushed::Pending,
        }
    }

    /// Writes what is pending.
    pub(super) fn flush(&self, in_all: &AtomicUsize) {
        let mut disk = self.disk.lock();
        // In its own statement, so that nobody who says something waits for the disk.
        let (lines, count) = self.pending.lock().take(in_all);
        if let Some(before) = disk.write(&lines, count) {
            self.pending.lock().bytes += before;
        }
    }

    /// Writes everything, and what is missing; then takes no more lines.
    pub(super) fn end(
        &self,
        limits: &LogLimits,
        in_all: &AtomicUsize,
    ) -> (LogTotals, Option<String>) {
        let mut disk = self.disk.lock();
        let (lines, count, mut totals) = {
            let mut pending = self.pending.lock();
            pending.has_ended = true;
            for line in pending.repeats.end() {
                pending.append(&line, in_all);
            }
            let (lines, count) = pending.take(in_all);
            let Pending { truncated, collapsed, dropped, .. } = *pending;
            (lines, count, LogTotals { truncated, collapsed, dropped, ..LogTotals::default() })
        };
        disk.write(&lines, count);
        if totals.dropped > 0 || disk.lost() > 0 {
            let fields = [("dropped", totals.dropped.into()), ("lost", disk.lost().into())];
            let message = match totals.dropped {
                0 => "lines could not be written".to_owned(),
                _ => format!("lines were dropped: the limit is {} bytes", limits.attempt_bytes),
            };
            disk.write_note(&self.own_line(&message, &fields, limits));
        }
        (totals.lines, totals.bytes) = disk.written();
        totals.lost = disk.lost();
        (totals, disk.problem())
    }

    /// A line that the log itself says.
    fn own_line(&self, message: &str, fields: &[(&str, LogValue)], limits: &LogLimits) -> Vec<u8> {
        let record = LogRecord {
            run_id: self.run_id.clone(),
            node: self.node.clone(),
            attempt: Some(self.attempt).filter(|attempt| *attempt > 0),
            ..LogRecord::new(Level::WARN, message).with_target(TARGET).with_fields(fields)
        };
        Line::of(&record, limits).at(SystemTime::now())
    }
}

impl Pending {
    fn append(&mut self, line: &[u8], in_all: &AtomicUsize) {
        self.lines.extend_from_slice(line);
        self.count += 1;
        self.bytes += line.len() as u64;
        in_all.fetch_add(line.len(), Ordering::Relaxed);
    }

    fn take(&mut self, in_all: &AtomicUsize) -> (Vec<u8>, u64) {
        let lines = std::mem::take(&mut self.lines);
        in_all.fetch_sub(lines.len(), Ordering::Relaxed);
        (lines, std::mem::take(&mut self.count))
    }
}
