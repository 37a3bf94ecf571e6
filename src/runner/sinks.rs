//! Where the chunks go that a node yields.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::bindings::Binding;
use super::control::Lease;
use super::error::FailureKind;
use super::execute::Run;
use super::turn::Turn;
use crate::catalog::{ChunkWriter, DatasetError, Doing, FormatError, Value};
use crate::pipeline::{ChunkError, Collector, DatasetIndex, NodeIndex, Sink};
use crate::sync::Mutex;

/// One an output of a node that yields chunks.
pub(super) struct Sinks(Vec<Arc<OutputSink>>);

/// Takes the chunks of one output.
struct OutputSink {
    run: Arc<Run>,
    at: NodeIndex,
    /// Of the attempt: see [`Turn`].
    number: Option<u32>,
    lease: Option<Arc<Lease>>,
    dataset: DatasetIndex,
    collector: &'static dyn Collector,
    state: Mutex<State>,
}

enum State {
    /// Waits for the next chunk.
    Open(Kept),
    /// A chunk is being added, not under the lock since that runs code of the
    /// user's. It stays so if that panics.
    Adding,
    Failed(FailureKind),
    /// The call is over, or was given up.
    Closed,
}

#[derive(Default)]
struct Kept {
    rows: Option<usize>,
    /// How long it took to write them, where somebody is told.
    spent: Duration,
    place: Place,
}

#[derive(Default)]
enum Place {
    /// There was no chunk yet.
    #[default]
    Nowhere,
    /// Put together in memory, where somebody reads it or takes it as a whole.
    Collected(Value),
    /// In a file that nobody sees yet.
    Written(ChunkWriter),
}

/// What a node's chunks came to, beside the values that they were put together to.
#[derive(Default)]
pub(super) struct Drafts {
    pub(super) rows: Option<usize>,
    /// One an output, where it was written chunk by chunk.
    pub(super) files: Vec<Option<Draft>>,
}

/// A file that nobody sees yet.
pub(super) struct Draft {
    pub(super) file: ChunkWriter,
    pub(super) rows: Option<usize>,
    /// How long it took to write so far, where somebody is told.
    pub(super) spent: Duration,
}

impl Sinks {
    pub(super) fn new(
        run: &Arc<Run>,
        turn: Turn<'_>,
        collectors: &'static [&'static dyn Collector],
    ) -> Self {
        let Turn { at, number, lease } = turn;
        let written = run.bound.pipeline.writes(at).iter().copied();
        let sink = |(dataset, &collector): (DatasetIndex, &&'static dyn Collector)| {
            let (run, state) = (run.clone(), Mutex::new(State::Open(Kept::default())));
            let lease = lease.cloned();
            Arc::new(OutputSink { run, at, number, lease, dataset, collector, state })
        };
        Self(written.zip(collectors).map(sink).collect())
    }

    /// What the node's function is given.
    pub(super) fn given(&self) -> Vec<Arc<dyn Sink>> {
        self.0.iter().map(|sink| sink.clone() as Arc<dyn Sink>).collect()
    }

    /// The failure of the first output that could not take a chunk.
    pub(super) fn failure(&self) -> Option<FailureKind> {
        self.0.iter().find_map(|sink| sink.failure())
    }

    /// Takes no more chunks. A value for each output is put into `outputs`, which
    /// for one that is in a file says nothing.
    pub(super) fn end(&self, outputs: &mut Vec<Value>) -> Result<Drafts, FailureKind> {
        let mut drafts = Drafts::default();
        for sink in &self.0 {
            let Kept { rows, spent, place } = sink.end()?;
            drafts.rows = drafts.rows.into_iter().chain(rows).reduce(|a, b| a + b);
            let (value, file) = match place {
                Place::Nowhere => (sink.collector.empty(), None),
                Place::Collected(value) => (value, None),
                Place::Written(file) => (Arc::new(()) as Value, Some(Draft { file, rows, spent })),
            };
            outputs.push(value);
            drafts.files.push(file);
        }
        Ok(drafts)
    }
}

/// However the call came to its end, whoever still has a sink can do no more
/// with it.
impl Drop for Sinks {
    fn drop(&mut self) {
        for sink in &self.0 {
            drop(sink.close());
        }
    }
}

impl OutputSink {
    fn turn(&self) -> Turn<'_> {
        Turn { at: self.at, number: self.number, lease: self.lease.as_ref() }
    }

    fn close(&self) -> State {
        mem::replace(&mut *self.state.lock(), State::Closed)
    }

    fn end(&self) -> Result<Kept, FailureKind> {
        match self.close() {
            State::Open(kept) => Ok(kept),
            State::Failed(kind) => Err(kind),
            State::Adding => Err(FailureKind::Save(self.error("adding a chunk panicked"))),
            State::Closed => Err(FailureKind::Save(self.error("it was given up"))),
        }
    }

    fn failure(&self) -> Option<FailureKind> {
        let is_open = matches!(*self.state.lock(), State::Open(_));
        if is_open { None } else { self.end().err() }
    }

    fn add(&self, kept: &mut Kept, chunk: Value) -> Result<(), FailureKind> {
        // What comes too late is told to nobody.
        self.turn().check()?;
        let bound = &self.run.bound;
        let rows = bound.codec(self.dataset).and_then(|codec| codec.rows(&chunk));
        kept.rows = kept.rows.into_iter().chain(rows).reduce(|a, b| a + b);
        if let (Place::Nowhere, Binding::Bound(entry)) =
            (&kept.place, &bound.bindings[self.dataset as usize])
        {
            let moving = self.run.moving(self.dataset);
            let file = entry.chunks(&bound.access(self.dataset)).map_err(|error| {
                self.run.tell_saved(moving, self.turn(), self.dataset, Err(&error));
                self.run.told_failed_save(self.turn(), self.dataset, &chunk, error)
            })?;
            kept.place = file.map_or(Place::Nowhere, Place::Written);
        }
        match &mut kept.place {
            Place::Nowhere => kept.place = Place::Collected(chunk),
            Place::Written(file) => {
                let spent = &mut kept.spent;
                let push = || {
                    let moving = self.run.moving(self.dataset).map(|moving| moving.after(*spent));
                    let pushed = file.push(&chunk);
                    if let Err(error) = &pushed {
                        self.run.tell_saved(moving, self.turn(), self.dataset, Err(error));
                    }
                    *spent = moving.map_or(*spent, |moving| self.run.spent(moving));
                    pushed
                };
                self.run.told_save(self.turn(), self.dataset, &chunk, push)?;
            }
            Place::Collected(value) => {
                self.collector.add(value, chunk).map_err(|error| {
                    let (name, error) = (bound.name(self.dataset), FormatError::own(error));
                    FailureKind::Save(DatasetError::new(name, Doing::Save, None, error))
                })?;
            }
        }
        Ok(())
    }

    fn error(&self, problem: &str) -> DatasetError {
        let name = self.run.bound.name(self.dataset);
        DatasetError::new(name, Doing::Save, None, FormatError::plain(problem))
    }
}

impl Sink for OutputSink {
    fn push(&self, chunk: Value) -> Result<(), ChunkError> {
        let closed = || ChunkError::from(&self.error("it takes no more chunks"));
        let mut kept = {
            let mut state = self.state.lock();
            let State::Open(kept) = &mut *state else { return Err(closed()) };
            let kept = mem::take(kept);
            *state = State::Adding;
            kept
        };
        let name = self.run.bound.name(self.dataset);
        let span = tracing::debug_span!(target: "entourage::run", "save", dataset = %name);
        let add = || span.in_scope(|| self.add(&mut kept, chunk));
        // Caught, so that what was collected is not dropped by the panic.
        let added = catch_unwind(AssertUnwindSafe(add)).unwrap_or_else(|payload| {
            drop(mem::take(&mut kept));
            resume_unwind(payload)
        });
        let (next, told) = match added {
            Ok(()) => (State::Open(kept), Ok(())),
            Err(kind) => {
                let told = Err(match &kind {
                    FailureKind::Save(error) => ChunkError::from(error),
                    FailureKind::Hook(error) => ChunkError::new(error.to_string()),
                    FailureKind::Timeout(_) => ChunkError::new("the node took too long"),
                    _ => ChunkError::new("the chunk could not be saved"),
                });
                (State::Failed(kind), told)
            }
        };
        let mut state = self.state.lock();
        if !matches!(*state, State::Adding) {
            // Closed meanwhile. What was kept is dropped outside the lock.
            drop(state);
            drop(next);
            return Err(closed());
        }
        *state = next;
        told
    }
}
