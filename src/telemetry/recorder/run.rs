//! One run, as it is recorded.

use std::cell::Cell;
use std::error::Error;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::desk::{Desk, Events};
use super::folder::{RunFolder, Unmade};
use super::journal::{Journal, Outcome};
use super::log::RunLog;
use super::reserve::Reserved;
use super::summary::{self, Recording};
use super::{Settings, Shared};
use crate::context::{RunId, RunLogger, discard};
use crate::events::{Event, EventKind, NodeEnd, RunListener};
use crate::pipeline::Pipeline;
use crate::sync::{Mutex, thread_local};
use crate::telemetry::event_json::write_line;
use crate::telemetry::node_logs::LogTotals;
use crate::telemetry::record::{EVENTS, Graph, PIPELINE, RunRecord, SUMMARY};
use crate::telemetry::whole_file;

const REPORT: &str = "report.html";
const TRACE: &str = "trace.json";

/// A line that needed more is not paid for until the thread's end.
const KEPT_LINE: usize = 64 * 1024;

thread_local! {
    /// The line under way, so that it is not made anew for each.
    static LINE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

pub(super) struct RecordedRun {
    settings: Settings,
    shared: Arc<Shared>,
    run_id: RunId,
    folder: Arc<RunFolder>,
    log: Arc<RunLog>,
    begun: OnceLock<Begun>,
}

struct Begun {
    events: Arc<Events>,
    /// Until the end of the run.
    record: Mutex<Option<Box<RunRecord>>>,
    /// What the attempts have said, those that said something: by node and attempt.
    said: Mutex<Vec<(u32, u32, LogTotals)>>,
}

impl RecordedRun {
    pub(super) fn new(settings: Settings, shared: Arc<Shared>, run_id: RunId) -> Self {
        let folder = Arc::new(RunFolder::new(shared.runs.clone(), run_id.as_str()));
        let log = Arc::new(RunLog::new(&folder, settings.limits, shared.desk.clone()));
        Self { settings, shared, run_id, folder, log, begun: OnceLock::new() }
    }

    fn desk(&self) -> &Arc<Desk> {
        &self.shared.desk
    }

    fn problem(&self, problem: &str) {
        self.desk().notes.problem(&self.run_id, problem);
    }

    /// Makes the folder and the files that are there from the beginning.
    fn open(&self, pipeline: Option<&Pipeline>) -> Result<Begun, CannotRecord> {
        let folder = self.folder.path()?;
        let file = RunFolder::create(folder, EVENTS)
            .map_err(|error| CannotRecord::File(folder.display().to_string(), error))?;
        let mut problems = Vec::new();
        if let Some(problem) = self.elsewhere(folder) {
            problems.push(problem);
        }
        if let Some(pipeline) = pipeline {
            let write = |file: &mut dyn io::Write| pipeline.write_json(file);
            let written = whole_file::write("pipeline", &folder.join(PIPELINE), write);
            problems.extend(written.err().map(|error| error.to_string()));
        }
        problems.iter().for_each(|problem| self.problem(problem));
        self.desk().notes.folder(&self.run_id, folder);
        let graph =
            pipeline.map_or_else(Graph::default, |pipeline| Graph::Pipeline(pipeline.clone()));
        let mut record = RunRecord::new(graph);
        record.run_id = Some(self.run_id.as_str().into());
        record.folder = Some(folder.to_owned());
        record.problems = problems;
        let file = Reserved::new(file, folder);
        let (journal, run_id) = (Journal::new(Box::new(file)), self.run_id.clone());
        Ok(Begun {
            events: Arc::new(Events { journal, run_id }),
            record: Mutex::new(Some(Box::new(record))),
            said: Mutex::default(),
        })
    }

    /// Says so where the folder has another name than one would look for.
    fn elsewhere(&self, folder: &Path) -> Option<String> {
        let first = self.folder.first_name();
        (!folder.ends_with(&first)).then(|| {
            format!("`{first}` is of another run of that id: this one is in `{}`", folder.display())
        })
    }

    fn take(&self, begun: &Begun, event: &Event<'_>) {
        with_line(event, |line| self.desk().take(&begun.events, line));
        if let Some(record) = &mut *begun.record.lock() {
            record.apply(event);
        }
        match &event.kind {
            EventKind::NodeDone(end) | EventKind::NodeCancelled(end) => self.end_log(begun, end),
            EventKind::NodeFailed { end, .. } | EventKind::NodeRetried { end, .. } => {
                self.end_log(begun, end);
            }
            _ => {}
        }
    }

    fn end_log(&self, begun: &Begun, end: &NodeEnd<'_>) {
        let totals = self.log.files().end_attempt(&end.node.name, end.attempt);
        if totals != LogTotals::default() {
            begun.said.lock().push((end.node.index, end.attempt, totals));
        }
    }

    fn end(&self, begun: &Begun, event: &Event<'_>) {
        // What comes now is nobody's any more: of a run nothing is told after its end.
        let Some(mut record) = begun.record.lock().take() else { return };
        record.apply(event);
        let Outcome { lost, error } = with_line(event, |line| begun.events.journal.finish(line));
        if let Some(error) = error {
            let problem = match lost {
                0 => format!("{EVENTS} could not be written for a while: {error}; nothing is lost"),
                1 => format!("{EVENTS} could not be written: {error}; one event is lost"),
                lost => format!("{EVENTS} could not be written: {error}; {lost} events are lost"),
            };
            self.problem(&problem);
            record.problems.push(problem);
        }
        let is_gone = self.folder.made().is_some_and(|folder| !folder.join(EVENTS).is_file());
        let lost = if is_gone { record.events } else { lost };
        if is_gone {
            let problem =
                format!("{EVENTS} was removed while the run went on; {lost} events are lost");
            self.problem(&problem);
            record.problems.push(problem);
        }
        let logs = self.log.files().finish();
        for problem in &logs.problems {
            self.problem(problem);
        }
        record.problems.extend(logs.problems);
        if let more @ 1.. = logs.more_problems {
            record.problems.push(format!("and {more} more log files could not be written"));
        }
        let Some(folder) = self.folder.made() else { return };
        // Before the summary, so that this can tell what went wrong with them.
        let Settings { has_report, has_trace, .. } = self.settings;
        let drawings: [(bool, &str, Draw); 2] = [
            (has_report, REPORT, |record, path| record.write_report(path)),
            (has_trace, TRACE, |record, path| record.write_trace(path)),
        ];
        for (_, name, draw) in drawings.into_iter().filter(|(is_wanted, ..)| *is_wanted) {
            let path = folder.join(name);
            clear_the_way(&path);
            if let Err(error) = drawn(&record, &path, draw) {
                self.problem(&error.to_string());
                record.problems.push(error.to_string());
            }
        }
        let said = std::mem::take(&mut *begun.said.lock());
        let recording = Recording::new(lost, logs.totals, said);
        let write = |file: &mut dyn io::Write| summary::write(&record, &recording, file);
        let path = folder.join(SUMMARY);
        clear_the_way(&path);
        if let Err(error) = whole_file::write("summary", &path, write) {
            self.problem(&error.to_string());
        }
    }
}

impl RunListener for RecordedRun {
    fn logger(&self) -> Option<RunLogger> {
        Some(RunLogger::new(self.log.clone()))
    }

    fn begin(&self, pipeline: &Pipeline) -> Result<(), Box<dyn Error + Send + Sync>> {
        match self.open(Some(pipeline)) {
            Ok(begun) => {
                let _ = self.begun.set(begun);
                Ok(())
            }
            Err(error) if self.settings.is_optional => {
                self.problem(&format!("{error}; the run goes on without"));
                Ok(())
            }
            Err(error) => {
                self.problem(&error.to_string());
                Err(error.into())
            }
        }
    }

    fn event(&self, event: &Event<'_>) {
        let EventKind::RunEnded(_) = &event.kind else {
            return self.begun.get().into_iter().for_each(|begun| self.take(begun, event));
        };
        if let Some(begun) = self.begun.get() {
            return self.end(begun, event);
        }
        // A run that was refused is recorded with why; unless it is for the very
        // reason that it cannot be recorded, which was told.
        if self.folder.has_failed() {
            return;
        }
        match self.open(None) {
            Ok(begun) => self.end(&begun, event),
            Err(error) => self.problem(&error.to_string()),
        }
    }
}

/// A run that ends without its end, by a panic of the runner's: what was told of it is
/// on file all the same.
impl Drop for RecordedRun {
    fn drop(&mut self) {
        if let Some(begun) = self.begun.get()
            && begun.record.lock().is_some()
        {
            begun.events.journal.finish(&[]);
        }
    }
}

/// Why a run cannot be recorded.
#[derive(Debug, thiserror::Error)]
enum CannotRecord {
    #[error("the run cannot be recorded: {0}")]
    Folder(#[from] Unmade),
    #[error("the run cannot be recorded in `{0}`: {1}")]
    File(String, io::Error),
}

/// Removes what somebody has put in the place of a file of the run's own: a pipe would
/// be waited for, and a link may lead anywhere.
fn clear_the_way(path: &Path) {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        let _ = fs::remove_file(path);
    }
}

type Draw = fn(&RunRecord, &Path) -> io::Result<()>;

/// Whatever goes wrong with a drawing, the run has its summary.
fn drawn(record: &RunRecord, path: &Path, draw: Draw) -> io::Result<()> {
    catch_unwind(AssertUnwindSafe(|| draw(record, path))).unwrap_or_else(|payload| {
        discard(payload);
        Err(io::Error::other(format!("a panic kept `{}` from being written", path.display())))
    })
}

/// Calls `f` with the line of `event`.
fn with_line<R>(event: &Event<'_>, f: impl FnOnce(&[u8]) -> R) -> R {
    // At the end of a thread there may be none.
    let mut line = LINE.try_with(Cell::take).unwrap_or_default();
    line.clear();
    write_line(event, &mut line);
    let outcome = f(&line);
    if line.capacity() <= KEPT_LINE {
        let _ = LINE.try_with(|kept| kept.set(line));
    }
    outcome
}
