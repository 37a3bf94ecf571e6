//! Where the chunks go that a node yields.

use std::mem;
use std::sync::Arc;

use super::bindings::Bindings;
use crate::catalog::{DatasetError, Doing, FormatError, Value};
use crate::pipeline::{ChunkError, Collector, DatasetIndex, NodeIndex, Sink};
use crate::sync::Mutex;

/// One an output of a node that yields chunks; of any other node none, for which
/// nothing is allocated.
pub(super) struct Sinks {
    sinks: Vec<Arc<OutputSink>>,
    given: Vec<Arc<dyn Sink>>,
}

/// Takes the chunks of one output.
struct OutputSink {
    name: Arc<str>,
    collector: &'static dyn Collector,
    state: Mutex<State>,
}

enum State {
    /// Waits for the next chunk.
    Open(Option<Value>),
    /// A chunk is being added, not under the lock since that runs code of the
    /// user's. It stays so if that panics.
    Adding,
    Failed(DatasetError),
    /// The call is over, or was given up.
    Closed,
}

impl Sinks {
    pub(super) fn new(
        bound: &Bindings,
        at: NodeIndex,
        collectors: &'static [&'static dyn Collector],
    ) -> Self {
        let sink = |(&dataset, &collector): (&DatasetIndex, &&'static dyn Collector)| {
            let (name, state) = (bound.name(dataset).clone(), Mutex::new(State::Open(None)));
            Arc::new(OutputSink { name, collector, state })
        };
        let written = bound.pipeline.writes(at);
        let sinks: Vec<_> = written.iter().zip(collectors).map(sink).collect();
        let given = sinks.iter().map(|sink| sink.clone() as Arc<dyn Sink>).collect();
        Self { sinks, given }
    }

    /// What the node's function is given.
    pub(super) fn given(&self) -> &[Arc<dyn Sink>] {
        &self.given
    }

    /// The error of the first output that could not take a chunk.
    pub(super) fn failure(&self) -> Option<DatasetError> {
        self.sinks.iter().find_map(|sink| sink.failure())
    }

    /// Takes no more chunks, and adds what was collected to `outputs`.
    pub(super) fn end(&self, outputs: &mut Vec<Value>) -> Result<(), DatasetError> {
        self.sinks.iter().try_for_each(|sink| {
            outputs.push(sink.end()?);
            Ok(())
        })
    }
}

/// However the call came to its end, whoever still has a sink can do no more
/// with it.
impl Drop for Sinks {
    fn drop(&mut self) {
        for sink in &self.sinks {
            drop(sink.close());
        }
    }
}

impl OutputSink {
    fn close(&self) -> State {
        mem::replace(&mut *self.state.lock(), State::Closed)
    }

    fn end(&self) -> Result<Value, DatasetError> {
        match self.close() {
            State::Open(collected) => Ok(collected.unwrap_or_else(|| self.collector.empty())),
            State::Failed(error) => Err(error),
            State::Adding => Err(self.error("adding a chunk panicked")),
            State::Closed => Err(self.error("it was given up")),
        }
    }

    fn failure(&self) -> Option<DatasetError> {
        let is_open = matches!(*self.state.lock(), State::Open(_));
        if is_open { None } else { self.end().err() }
    }

    fn add(&self, collected: Option<Value>, chunk: Value) -> Result<Value, DatasetError> {
        let Some(mut collected) = collected else { return Ok(chunk) };
        self.collector.add(&mut collected, chunk).map_err(|problem| self.error(problem))?;
        Ok(collected)
    }

    fn error(&self, problem: &str) -> DatasetError {
        DatasetError::new(&self.name, Doing::Save, None, FormatError::plain(problem))
    }
}

impl Sink for OutputSink {
    fn push(&self, chunk: Value) -> Result<(), ChunkError> {
        let closed = || ChunkError::from(&self.error("it takes no more chunks"));
        let collected = {
            let mut state = self.state.lock();
            let State::Open(collected) = &mut *state else { return Err(closed()) };
            let collected = collected.take();
            *state = State::Adding;
            collected
        };
        let added = self.add(collected, chunk);
        let told = added.as_ref().err().map(ChunkError::from);
        let next = added.map_or_else(State::Failed, |collected| State::Open(Some(collected)));
        let mut state = self.state.lock();
        if !matches!(*state, State::Adding) {
            // Closed meanwhile. What was collected is dropped outside the lock.
            drop(state);
            drop(next);
            return Err(closed());
        }
        *state = next;
        told.map_or(Ok(()), Err)
    }
}
