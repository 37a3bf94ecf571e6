//! *Your context travels with the work.*
//!
//! placeholder

#[cfg(feature = "pipeline")]
mod catalog;
mod context;
mod executor;
#[cfg(feature = "pipeline")]
mod pipeline;
#[cfg(feature = "pipeline")]
mod runner;
mod sync;
#[cfg(feature = "telemetry")]
mod telemetry;

#[cfg(feature = "pipeline")]
pub use catalog::{
    Catalog, CatalogBuilder, CatalogError, CsvOptions, Data, DataType, Dataset, DatasetError,
    Family, FileDataset, Format,
};
pub use context::{
    Accessor, Carried, Context, Instrumented, Key, KeyPolicy, LogRecord, LogSink, LogValue, NODE,
    NodeName, Propagation, PropagationError, RUN_ID, RUN_LOGGER, RunId, RunLogger, SPAN, Snapshot,
    SpanKey, suppress,
};
pub use executor::{
    Broadcast, BuildError, Executor, ExecutorBuilder, ExecutorStats, InContext, JoinHandle,
    ParallelIteratorExt, Place, Scope, TaskBuilder, TaskError,
};
#[cfg(feature = "pipeline")]
pub use pipeline::{
    Fallible, IntoOutput, NamedReads, NamedWrites, Node, NodeBuilder, NodeFunction, Pipeline,
    PipelineError, Plain, Reads, Writes, node,
};
#[cfg(feature = "pipeline")]
pub use runner::{
    Fate, NodeFailure, NodeReport, RunError, RunOptions, RunReport, SequentialRunner, ThreadRunner,
};
#[cfg(feature = "telemetry")]
pub use telemetry::{JsonLines, RunLogLayer};
