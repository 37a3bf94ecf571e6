//! Records that are kept in memory.

use std::error::Error;
use std::mem;
use std::sync::Arc;

use crate::context::RunId;
use crate::events::{Event, EventKind, Listener, RunListener};
use crate::pipeline::Pipeline;
use crate::sync::Mutex;
use crate::telemetry::record::{Graph, RunRecord};

/// Keeps the records of runs in memory, for tests and for programs that ask at once.
///
/// ```
/// use entourage::{Catalog, Data, Pipeline, RunCollector, RunOptions, SequentialRunner, node};
///
/// const ANSWER: Data<u64> = Data::memory("answer");
/// let pipeline = Pipeline::new([node(|| 42).reads(()).writes(ANSWER).named("think")])?;
/// let collector = RunCollector::new();
/// let options = RunOptions::new().listener(collector.clone());
/// SequentialRunner::new().run(&pipeline, &Catalog::empty(), options)?;
///
/// let [record] = &collector.take()[..] else { panic!("one run") };
/// assert_eq!(record.node("think").unwrap().attempts, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a collector does nothing until a run's options are given it"]
pub struct RunCollector(Arc<Mutex<Vec<RunRecord>>>);

impl RunCollector {
    /// A collector that has nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The records of the runs that have ended since the last call, in the order of
    /// their ends; those that were refused included.
    pub fn take(&self) -> Vec<RunRecord> {
        mem::take(&mut *self.0.lock())
    }
}

impl Listener for RunCollector {
    fn run(&self, run_id: &RunId) -> Arc<dyn RunListener> {
        let mut record = RunRecord::new(Graph::default());
        record.run_id = Some(run_id.as_str().into());
        Arc::new(CollectedRun { collector: self.clone(), record: Mutex::new(Some(record)) })
    }
}

struct CollectedRun {
    collector: RunCollector,
    /// Until the run's end.
    record: Mutex<Option<RunRecord>>,
}

impl RunListener for CollectedRun {
    fn begin(&self, pipeline: &Pipeline) -> Result<(), Box<dyn Error + Send + Sync>> {
        if let Some(record) = &mut *self.record.lock() {
            let run_id = record.run_id.take();
            *record = RunRecord::new(Graph::Pipeline(pipeline.clone()));
            record.run_id = run_id;
        }
        Ok(())
    }

    fn event(&self, event: &Event<'_>) {
        let mut kept = self.record.lock();
        let Some(record) = &mut *kept else { return };
        record.apply(event);
        if matches!(event.kind, EventKind::RunEnded(_)) {
            self.collector.0.lock().extend(kept.take());
        }
    }
}
