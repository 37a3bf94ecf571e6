//! What is kept of runs on disk: a folder a run, written as the run goes.

mod collector;
mod desk;
mod folder;
mod journal;
mod log;
mod notes;
mod pieces;
mod reserve;
mod run;
mod summary;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use collector::RunCollector;
use desk::Desk;
use run::RecordedRun;

use crate::context::RunId;
use crate::events::{Listener, RunListener};
use crate::telemetry::limits::LogLimits;

/// Writes down what happens in runs, each in a folder of its own under one folder:
/// as it happens, so that the story of a run is there when its process is not any
/// more. [`RunRecord::read`](crate::RunRecord::read) reads it back.
///
/// The folder of a run is called by the run's id. A byte of it that is not an ASCII
/// letter or digit, `_`, `-` or a dot between others is there as `%` and two digits,
/// and of a very long one the beginning and a hash. The second run with one id has
/// its folder `<id>~2`, the third `<id>~3`: two runs are never mixed, be it of two
/// processes at the same moment. In the folder are
///
/// | file | what |
/// | --- | --- |
/// | `pipeline.json` | the nodes and datasets, as [`Pipeline::to_json`](crate::Pipeline::to_json) has them, on one line |
/// | `events.jsonl` | every [event](crate::events), one a line, appended as the run goes |
/// | `nodes/<node>.<attempt>.jsonl` | what was said in that attempt at that node, one message a line |
/// | `run.jsonl` | what was said in the run outside of its nodes |
/// | `summary.json` | at the end of the run: how it ended, and what became of each node |
/// | `report.html` | at the end, where [`report`](Self::report) asks for it: the run for people |
/// | `trace.json` | at the end, where [`trace`](Self::trace) asks for it: the run for Perfetto |
///
/// Messages come to the log by [`RunLogLayer`](crate::RunLogLayer) or
/// [`logger`](crate::logger), and have lines as [`JsonLines`](crate::JsonLines) writes
/// them. A node's name is made that of a file as the run's id is; on a file system that
/// does not tell `a` from `A`, two such nodes have one file, whose lines say of which
/// node they are.
///
/// A recorder is a [`Listener`](crate::events::Listener). It may be cloned, and
/// serves many runs at once with one thread, which ends with the last of the clones.
///
/// # When it is on file
///
/// All of a run when its runner returns; before that all events but those of the last
/// hundredth of a second, and all messages but those of the last quarter, of which an
/// `ERROR` and the end of an attempt wait for nothing. A process that is killed leaves a last line that may be torn, and no
/// `summary.json`. The kernel has the bytes then; to have them survive a loss of power
/// is not tried.
///
/// # What cannot be written
///
/// A run whose folder cannot be made is refused, unless the recorder is
/// [`optional`](Self::optional). After that no failure of the disk has any effect on
/// the run. Events that cannot be written are kept, some MiB of them, and tried again
/// with the next ones, so that a disk that is full for a while costs nothing; those
/// beyond are lost, and counted. So that what is said in a run cannot take the room
/// from its events, a quarter of a MiB is set aside for these while the run goes on, as
/// `events.reserve`. What went wrong is told by a `tracing` event, in
/// `summary.json` if that can be written, and by [`problems`](Self::problems). A disk
/// that is slower than the run makes the run wait, with some MiB in memory.
///
/// # Events
///
/// A line of `events.jsonl` is an object with the event's number, its time in
/// nanoseconds since the run began, what happened, the thread, and what
/// [`EventKind`](crate::events::EventKind) has for it. What is not known is left out.
///
/// ```json
/// {"seq":12,"at_ns":1234567,"event":"node_started","worker":"entourage-0","node":"clean","attempt":1,"queued_ns":1200}
/// ```
///
/// Numbers count from 0 without a gap. Two lines of two threads may be in either order
/// where neither event made the other possible.
///
/// # Summary
///
/// ```json
/// {
///   "schema": 1, "entourage": "0.1.0", "run_id": "nightly-42", "end": "failed",
///   "started": "2026-11-21T20:30:00.123456789Z", "took_ns": 5123456, "runner": "thread",
///   "workers": 2, "states": {"done": 1, "failed": 1}, "efficiency": 0.93,
///   "critical_path": [{"node": "clean", "before_ns": 0, "queued_ns": 1200, "ran_ns": 4000000}],
///   "error": "1 of 2 nodes failed", "refused": [],
///   "resume": {"nodes": ["fit"], "from_nodes": ["fit"], "is_exact": true, "is_whole": false},
///   "save_version": "2026-11-21T20.30.00.123Z", "load_versions": {}, "parameters": {"params:rate": 0.3},
///   "events": {"written": 9, "lost": 0}, "problems": [],
///   "logs": {"lines": 12, "bytes": 3456, "truncated": 0, "collapsed": 0, "dropped": 0, "lost": 0},
///   "nodes": [{
///     "name": "clean", "state": "done", "queued_ns": 1200, "ran_ns": 4000000, "attempts": 1,
///     "rows": 26346, "bytes_loaded": 131072, "bytes_saved": 4096,
///     "logs": [{"attempt": 1, "lines": 12, "bytes": 3456}]
///   }, {
///     "name": "fit", "state": "failed", "queued_ns": 900, "ran_ns": 31000, "attempts": 1,
///     "failure": {"kind": "panic", "message": "…", "causes": ["…"], "place": "src/main.rs:3:4"}
///   }]
/// }
/// ```
///
/// A `failure` is that of the last attempt that failed, so that a node which is done may
/// have one; a node may also be `skipped_by` another. What is not known of a node is left
/// out, and so are states without a node. What is not known of the run is null: in one
/// that was refused all that its beginning would have told. `schema` changes when the
/// meaning of a key does; keys may be added without.
///
/// Of `logs`, `lines` and `bytes` are what is in the files. `truncated` messages are not
/// whole, `collapsed` ones are counted by a line with `repeated`, `dropped` ones were
/// beyond the [limits](Self::log_limits), and `lost` ones could not be written.
///
/// ```
/// use entourage::{Catalog, Data, Executor, Pipeline, RunOptions, RunRecorder, ThreadRunner, node};
///
/// const ANSWER: Data<u64> = Data::memory("answer");
/// let pipeline = Pipeline::new([node(|| 42).reads(()).writes(ANSWER).named("think")])?;
/// # let folder = tempfile::tempdir()?;
/// # let runs = folder.path().join("runs");
/// let pool = Executor::builder().num_threads(2).build()?;
/// let recorder = RunRecorder::new(&runs);
/// let options = RunOptions::new().run_id("nightly-42").listener(recorder.clone());
/// ThreadRunner::new(&pool).run(&pipeline, &Catalog::empty(), options)?;
///
/// let summary = std::fs::read_to_string(runs.join("nightly-42/summary.json"))?;
/// let summary: serde_json::Value = serde_json::from_str(&summary)?;
/// assert_eq!(summary["end"], "done");
/// assert_eq!(summary["nodes"][0]["name"], "think");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "a recorder does nothing until a run's options are given it"]
pub struct RunRecorder {
    settings: Settings,
    shared: Arc<Shared>,
}

#[derive(Clone, Copy, Default)]
struct Settings {
    is_optional: bool,
    has_report: bool,
    has_trace: bool,
    limits: LogLimits,
}

/// What all clones have together.
struct Shared {
    runs: PathBuf,
    desk: Arc<Desk>,
}

impl RunRecorder {
    /// A recorder that keeps each run in a folder under `runs`. That is made with the
    /// first run, and nothing before.
    pub fn new(runs: impl Into<PathBuf>) -> Self {
        let shared = Arc::new(Shared { runs: runs.into(), desk: Arc::default() });
        Self { settings: Settings::default(), shared }
    }

    /// A run whose folder cannot be made goes on without a record, and that is told as
    /// a [problem](Self::problems). By default it is refused.
    ///
    /// ```
    /// use entourage::RunRecorder;
    /// let recorder = RunRecorder::new("/proc/no/such/place").optional();
    /// ```
    pub fn optional(mut self) -> Self {
        self.settings.is_optional = true;
        self
    }

    /// Writes the report of each run as `report.html` at its end: see
    /// [`RunRecord::write_report`](crate::RunRecord::write_report).
    ///
    /// ```
    /// use entourage::RunRecorder;
    /// let recorder = RunRecorder::new("runs").report().trace();
    /// ```
    pub fn report(mut self) -> Self {
        self.settings.has_report = true;
        self
    }

    /// Draws each run as `trace.json` at its end, for Perfetto: see
    /// [`RunRecord::write_trace`](crate::RunRecord::write_trace).
    pub fn trace(mut self) -> Self {
        self.settings.has_trace = true;
        self
    }

    /// How much of what is said is kept: see [`LogLimits`].
    ///
    /// ```
    /// use entourage::{LogLimits, RunRecorder};
    /// let recorder = RunRecorder::new("runs").log_limits(LogLimits::new().attempt_bytes(1 << 20));
    /// ```
    pub fn log_limits(mut self, limits: LogLimits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// The folder under which the runs are.
    pub fn runs(&self) -> &Path {
        &self.shared.runs
    }

    /// The folder of the run with that id: of the last one, if there were several,
    /// among the thousand that began last. `None` before it begins, and where its
    /// folder could not be made.
    ///
    /// ```
    /// use entourage::{RunId, RunRecorder};
    /// let recorder = RunRecorder::new("runs");
    /// assert_eq!(recorder.folder_of(&RunId::from("nightly-42")), None);
    /// ```
    pub fn folder_of(&self, run_id: &RunId) -> Option<PathBuf> {
        self.shared.desk.notes.folder_of(run_id)
    }

    /// What went wrong with the recording of any run so far, each with its run; of
    /// very many the latest hundred.
    ///
    /// ```
    /// use entourage::RunRecorder;
    /// assert_eq!(RunRecorder::new("runs").problems(), [""; 0]);
    /// ```
    pub fn problems(&self) -> Vec<String> {
        self.shared.desk.notes.problems()
    }
}

impl Listener for RunRecorder {
    fn run(&self, run_id: &RunId) -> Arc<dyn RunListener> {
        Arc::new(RecordedRun::new(self.settings, self.shared.clone(), run_id.clone()))
    }
}

impl fmt::Debug for RunRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunRecorder").field("runs", &self.shared.runs).finish_non_exhaustive()
    }
}

/// The thread has the desk alone, so that it does not keep itself at work.
impl Drop for Shared {
    fn drop(&mut self) {
        self.desk.close();
    }
}
