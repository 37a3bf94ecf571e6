//! A run whose nodes run in worker processes.
//!
//! To the engine its nodes are functions from tokens to tokens, each of which
//! stands for what the catalog keeps, or for a file in the folder of the run. So
//! the order of the nodes, their fates, and when a dataset is let go of are the
//! engine's as in any run, and no value passes through this process but the free
//! outputs.

use std::io::{self, PipeReader};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use super::super::control::{CancelToken, Cancelled, Listening};
use super::super::elsewhere::{Aside, Called, Elsewhere, MovedThere, Until};
use super::super::error::FailureKind;
use super::super::events;
use super::super::release::release;
use super::super::versions::Versions;
use super::failures::{from_worker, hook_error};
use super::launch::Wanted;
use super::protocol::{Execute, KeptFile, Log, Moved, Outcome, Request};
use super::scratch::{Kept, Scratch, file_of};
use super::storable;
use super::worker::{Ran, Watch, Worker};
use super::workers::Workers;
use crate::catalog::{Catalog, DatasetError, Doing, FileDataset, FormatError, Value, sweep};
use crate::context::{RUN_LOGGER, RunId};
use crate::pipeline::{DatasetIndex, NodeIndex};
use crate::sync::atomic::{AtomicU64, Ordering};

pub(super) struct Remote {
    pub(super) workers: Arc<Workers>,
    pub(super) catalog: Catalog,
    pub(super) wanted: Arc<Wanted>,
    /// By dataset, where it is in the folder of the run, the task that has written
    /// it.
    pub(super) kept: Vec<Option<AtomicU64>>,
    pub(super) scratch: Arc<Scratch>,
    /// What its workers know the run by.
    pub(super) run: u64,
    pub(super) run_id: RunId,
    pub(super) versions: Versions,
    pub(super) context: Option<Vec<(String, String)>>,
    pub(super) grace: Duration,
}

/// How often a task is given to another worker because the one before was gone
/// before it began.
const TRIES: usize = 3;

impl Remote {
    fn request(
        &self,
        node: NodeIndex,
        pipeline: u32,
        task: u64,
        attempt: Option<u32>,
        longest_text: Option<u64>,
        has_listener: bool,
    ) -> Request {
        let all = &self.wanted.pipeline;
        let file = |dataset, task| KeptFile {
            dataset: all.slot(dataset).name.to_string(),
            file: file_of(dataset, task),
        };
        let written_by = |dataset| self.kept_in(dataset).map(|by| by.load(Ordering::Acquire));
        let read = all.reads_once(node).filter_map(|at| Some(file(at, written_by(at)?)));
        let written = all.writes(node).iter().copied().filter(|at| self.kept_in(*at).is_some());
        let kept = read.chain(written.map(|at| file(at, task)));
        let stored = all.reads_once(node).filter(|dataset| self.kept_in(*dataset).is_none());
        let load_version = |dataset| {
            let name = all.slot(dataset).name;
            // To the worker, whose pipeline is this node, what another node of
            // the run writes comes from outside.
            let written = all.producer(dataset).map(|_| &self.versions.save);
            let version = self.versions.loads.get(name).or(written)?;
            Some((name.to_owned(), version.to_string()))
        };
        let parameter = |dataset| {
            let name = all.slot(dataset).name;
            let value = self.catalog.entry(name)?.as_json()?.to_string();
            Some((name.to_owned(), value))
        };
        Request::Execute(Box::new(Execute {
            parameters: all.reads_once(node).filter_map(parameter).collect(),
            save_version: self.versions.save.to_string(),
            load_versions: stored.filter_map(load_version).collect(),
            task,
            run: self.run,
            pipeline,
            node: all.name_of(node).to_string(),
            run_id: self.run_id.to_string(),
            context: self.context.clone(),
            attempt,
            longest_text,
            has_listener,
            folder: self.scratch.bytes(),
            kept: kept.collect(),
        }))
    }

    fn kept_in(&self, dataset: DatasetIndex) -> Option<&AtomicU64> {
        self.kept[dataset as usize].as_ref()
    }

    /// Has a worker run the node; says in which task, and how many records came of it.
    fn run(
        &self,
        node: NodeIndex,
        until: Until<'_>,
        aside: &mut Aside<'_>,
    ) -> Result<(u64, Option<usize>), FailureKind> {
        let bell = Bell::of(until)
            .map_err(|error| died(None, format!("its process cannot be called off: {error}")))?;
        let is_called_off = || until.run.is_some_and(CancelToken::is_cancelled);
        // A node that takes too long is given no more time.
        let grace = || if is_called_off() { self.grace } else { Duration::ZERO };
        let logger = RUN_LOGGER.get();
        let longest_text = logger.as_ref().map(|logger| logger.longest_text() as u64);
        for _ in 0..TRIES {
            let mut worker = self.workers.take().map_err(|what| died(None, what))?;
            let pipeline = self.wanted.of(&mut worker).map_err(|what| died(None, what))?;
            let task = self.workers.next_task();
            let has_listener = aside.moved.is_some();
            let request =
                self.request(node, pipeline, task, until.number, longest_text, has_listener);
            let mut log = |log: Log| {
                if let Some(logger) = &logger {
                    log.tell(|record| logger.deliver(record));
                }
            };
            let mut told = Vec::new();
            let mut moved = |moved: Moved| {
                if let (Some(tell), Some(moved)) =
                    (&mut aside.moved, self.moved(node, moved, &mut told))
                {
                    tell(moved);
                }
            };
            let bell = bell.as_ref().map(Bell::fd);
            let watch = Watch { bell, grace: &grace, log: &mut log, moved: &mut moved };
            match worker.execute(task, &request, watch) {
                Ok(Ran::Ended(outcome)) => {
                    self.workers.put_back(worker);
                    return match outcome {
                        Outcome::Done { rows } => {
                            Ok((task, rows.and_then(|rows| rows.try_into().ok())))
                        }
                        Outcome::Failed(failure) => Err(from_worker(failure)),
                        Outcome::FailedBesides { failure, besides: told } => {
                            aside.besides.extend(told.into_iter().map(hook_error));
                            Err(from_worker(failure))
                        }
                    };
                }
                Ok(Ran::Died { has_begun: false }) => {}
                Ok(Ran::Died { has_begun: true }) => {
                    let status = worker.status();
                    self.sweep(node, &worker);
                    return Err(died(status, self.how(status)));
                }
                Ok(Ran::Killed) if is_called_off() => {
                    self.sweep(node, &worker);
                    return Err(FailureKind::Error(Box::new(Cancelled)));
                }
                Ok(Ran::Killed) => {
                    self.sweep(node, &worker);
                    let what = "its process took too long, and was killed".to_owned();
                    return Err(died(worker.status(), what));
                }
                Err(what) => {
                    worker.kill();
                    self.sweep(node, &worker);
                    return Err(died(None, what));
                }
            }
        }
        Err(died(None, format!("its process was gone before it began, {TRIES} times")))
    }

    /// What a worker says of a load or a save, if it can be: one of a dataset that
    /// the node reads or writes and that the catalog keeps, and of each but one. What
    /// it loads and saves in the folder of the run only stands for memory.
    fn moved(
        &self,
        node: NodeIndex,
        moved: Moved,
        told: &mut Vec<(bool, DatasetIndex)>,
    ) -> Option<MovedThere> {
        let Moved { is_load, dataset, took_ns, rows, bytes, error } = moved;
        let all = &self.wanted.pipeline;
        let its = if is_load { all.reads(node) } else { all.writes(node) };
        let dataset = its.iter().copied().find(|at| all.slot(*at).name == dataset)?;
        if self.kept_in(dataset).is_some() || told.contains(&(is_load, dataset)) {
            return None;
        }
        told.push((is_load, dataset));
        let rows = rows.and_then(|rows| rows.try_into().ok());
        let moved = error.map_or(Ok(events::Moved { rows, bytes }), Err);
        Some(MovedThere { is_load, dataset, took: Duration::from_nanos(took_ns), moved })
    }

    /// Lets go of what this process keeps of what a node has written elsewhere.
    fn forget(&self, node: NodeIndex) {
        let written = self.wanted.pipeline.writes(node);
        for dataset in written.iter().filter(|dataset| self.kept_in(**dataset).is_none()) {
            let name = &self.wanted.pipeline.slot(*dataset).name;
            if let Some(entry) = self.catalog.entry(name) {
                release(name, &entry);
            }
        }
    }

    /// Removes what a worker that is no more has begun to write for a node.
    fn sweep(&self, node: NodeIndex, worker: &Worker) {
        let written = self.wanted.pipeline.writes(node);
        for dataset in written.iter().filter(|dataset| self.kept_in(**dataset).is_none()) {
            let name = &self.wanted.pipeline.slot(*dataset).name;
            let Ok(Some(entry)) = self.catalog.bind(name) else { continue };
            let Some(path) = entry.path() else { continue };
            sweep(path, worker.id());
            // Where it keeps its versions.
            if let Some(name) = path.file_name() {
                sweep(&path.join(self.versions.save.as_str()).join(name), worker.id());
            }
        }
    }

    /// How a process ended, in words.
    fn how(&self, status: Option<ExitStatus>) -> String {
        use std::os::unix::process::ExitStatusExt;
        let Some(status) = status else { return "its process is gone".to_owned() };
        let limit = self.workers.memory_limit().filter(|_| status.signal().is_some());
        let hint = limit.map(|limit| format!("; its memory is limited to {limit} bytes"));
        format!("its process ended ({status}){}", hint.unwrap_or_default())
    }

    /// What the engine keeps of an output.
    fn output(
        &self,
        dataset: DatasetIndex,
        task: u64,
        token: &Value,
    ) -> Result<Value, FailureKind> {
        let Some(by) = self.kept_in(dataset) else { return Ok(token.clone()) };
        by.store(task, Ordering::Release);
        let kept = Kept::new(&self.scratch, dataset, task);
        match self.wanted.pipeline.consumers(dataset) {
            [] => self.load(dataset, &kept).map_err(FailureKind::Load),
            _ => Ok(Arc::new(kept)),
        }
    }

    /// Takes a free output out of the folder.
    fn load(&self, dataset: DatasetIndex, kept: &Kept) -> Result<Value, DatasetError> {
        let slot = self.wanted.pipeline.slot(dataset);
        let stored =
            slot.codec.and_then(|codec| Some((codec, storable::format_of(codec.family())?)));
        let read = match stored {
            Some((codec, format)) => {
                FileDataset::new(kept.path(), format).read(codec).map(|(value, _)| value)
            }
            None => Err(FormatError::plain("it cannot be stored")),
        };
        read.map_err(|error| DatasetError::new(slot.name, Doing::Load, None, error))
    }
}

impl Elsewhere for Remote {
    fn call(
        &self,
        node: NodeIndex,
        until: Until<'_>,
        aside: &mut Aside<'_>,
    ) -> Result<Called, FailureKind> {
        let ran = self.run(node, until, aside);
        self.forget(node);
        let (task, rows) = ran?;
        let token: Value = Arc::new(());
        let written = self.wanted.pipeline.writes(node);
        let outputs: Result<_, _> =
            written.iter().map(|dataset| self.output(*dataset, task, &token)).collect();
        Ok(Called { outputs: outputs?, rows })
    }
}

fn died(status: Option<ExitStatus>, what: String) -> FailureKind {
    FailureKind::Died { status, what }
}

/// Rung when a node is called off, for a thread that waits for a process and
/// cannot wait for a token as well.
struct Bell {
    reader: PipeReader,
    _listening: Listening,
}

impl Bell {
    /// A bell for whoever may call the node off, if anybody may.
    fn of(until: Until<'_>) -> io::Result<Option<Self>> {
        // An attempt is called off with its run.
        let Some(token) = until.attempt.or(until.run) else { return Ok(None) };
        let (reader, writer) = io::pipe()?;
        // The end of the one end is seen at the other.
        let listening = token.on_cancel(move || drop(writer));
        Ok(Some(Self { reader, _listening: listening }))
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
