//! *Your context travels with the work.*
//!
//! An [`Executor`] runs tasks on a rayon pool in the context of whoever
//! submitted them (keys of yours, the run's id and logger, the `tracing` span
//! with its dispatcher, thread-locals of other libraries), and leaves none of it
//! behind on the worker. A [`Propagation`] says what goes along: all of it, an
//! allowlist, a denylist, or nothing, at no cost.
//!
//! On it stands a pipeline runner in the tradition of Kedro: plain functions
//! wired by typed names, a catalog that binds the names to storage, and runners
//! that tell every node's fate and file every message under its run and node.
//!
//! ```
//! use entourage::{Executor, context_key};
//!
//! context_key! {
//!     /// Who the work is for.
//!     pub static TENANT: String = propagate;
//! }
//!
//! let pool = Executor::builder().num_threads(2).build()?;
//! TENANT.scope("acme".into(), || {
//!     let (left, right) = pool.join(|| TENANT.get(), || TENANT.get());
//!     assert_eq!(left, right);
//!     assert_eq!(pool.spawn(|| TENANT.get()).join().unwrap(), left);
//! });
//! assert_eq!(pool.spawn(|| TENANT.get()).join().unwrap(), None);
//! # Ok::<(), entourage::BuildError>(())
//! ```
//!
//! # Where to begin
//!
//! | to … | see |
//! | --- | --- |
//! | declare a key, set it, read it | [`context_key!`], [`Key`], [`Context`] |
//! | run work with the caller's context | [`Executor`], [`Scope`], [`JoinHandle`], [`ParallelIteratorExt::in_context`] |
//! | poll futures on the pool | [`Executor::spawn_future`], [`FutureHandle`] |
//! | carry context through async code | [`FutureContextExt`], [`StreamContextExt`], [`Instrumented`] |
//! | bound the queue, shut down, look inside | [`ExecutorBuilder::queue_capacity`], [`Executor::shutdown`], [`Executor::stats`] |
//! | carry context by hand | [`Snapshot`] |
//! | choose what is carried | [`Propagation`], [`SPAN`], [`TaskBuilder::propagation`], [`suppress`], [`SuppressGuard`] |
//! | ask why a key is not here, or what was left behind | [`Key::explain`], [`Snapshot::explain`], [`ExecutorBuilder::on_leak`] |
//! | carry a thread-local of another library | [`accessors`], [`Accessor`], [`accessor_conformance!`] |
//! | carry keys to another process and back | [`Wire`], [`Codec`], [`Carrier`], [`TraceParent`], [`TraceState`], [`Baggage`] |
//! | have tasks in spans at their quickest | [`SpanWatch`] |
#![cfg_attr(
    feature = "pipeline",
    doc = "| write a pipeline and run it | [`node`], [`Data`], [`Pipeline`], [`Catalog`], [`ThreadRunner`], [`SequentialRunner`] |
| take a pipeline apart, put several together | [`Selection`], [`Namespace`], [`Pipeline::sum`], [`NodeView`] |
| keep nodes apart in processes | [`ProcessRunner`], [`serve_worker`], [`RemoteError`] |
| take part in a run | [`Hooks`], [`hooks`] |
| be told of a run as it goes on | [`events`], [`RunOptions::listener`] |
| call a run off, bound and retry its nodes | [`CancelToken`], [`Retry`], [`Limit`], [`RunOptions`] |
| know what would run, and what is left | [`RunOptions::plan`], [`RunOptions::only_missing`], [`RunError::resume`] |"
)]
#![cfg_attr(
    feature = "telemetry",
    doc = "| log by run and node | [`logger`], [`try_logger`], [`RunLogLayer`], [`JsonLines`], [`LogLimits`] |"
)]
#![cfg_attr(
    all(feature = "pipeline", feature = "telemetry"),
    doc = "| keep runs on file, and read them back after a crash | [`RunRecorder`], [`RunRecord`], [`RunCollector`] |
| see a run as a page, or in a viewer of traces | [`RunRecord::write_report`], [`RunRecord::write_trace`] |"
)]
#![cfg_attr(feature = "console", doc = "| tell a person how runs go | [`Console`] |")]
//!
//! # Promises
//!
//! - A task sees exactly what its submitter's context propagates, at any depth of
//!   stealing, nesting and waiting.
//! - A worker is clean after every task, whatever the task, an accessor or a
//!   `Drop` did, panics included. (What a task with propagation off leaks on
//!   purpose, by `mem::forget` of a guard of `tracing`, is the exception: to look
//!   for it would cost more than the task.)
//! - With propagation off, a detached task, a scope, a join or a parallel iterator
//!   costs what it costs on the bare pool, and sees nothing of another task.
//! - A panic of a task is a value of its handle, of a node a value of the run's
//!   report; `scope`, `join`, `install` and `broadcast` resume it in their caller,
//!   as rayon's do. Nothing is lost, and the pool lives on unless its
//!   [`PanicPolicy`] says otherwise.
//! - Tasks that join each other's handles in a circle are told so instead of
//!   hanging.
//! - Nothing spins while it waits; one worker is enough for everything.
//!
//! # Crate features
//!
//! - `pipeline` (default): pipelines, catalogs, runners. Costs serde, csv, a YAML
//!   parser, MessagePack, gzip and some small crates.
//! - `telemetry` (default): the run log; runs on file, as reports and as traces.
//!   Costs tracing-subscriber's registry, serde_json, humantime and two small crates.
//! - `console` (default): progress and summaries. Costs indicatif, console and
//!   comfy-table.
//! - `polars`: data frames (`Data::frame`) as Parquet and Arrow IPC files. Costs
//!   some 90 crates and minutes of building.
//! - `object-store`: files in object stores, given in code or as `memory://`. Costs
//!   some 45 crates. `aws`, `azure` and `gcp` add the clouds' own stores, and some
//!   50 crates with an HTTP client.
//! - `opentelemetry`, `tokio`, `tokio-task-local`, `sentry`: accessors for these
//!   libraries, see [`accessors`]. `sentry` costs some fifty crates, the others one
//!   or a few. `tokio-task-local` rests on a field that tokio hides from its
//!   documentation.
//!
//! Without all of them the crate is rayon with context, and nothing else.

#[cfg(feature = "pipeline")]
mod catalog;
#[doc(hidden)]
pub mod conformance;
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
    Description, Family, FileDataset, Format, Resolution, Secret, Taken, Version, VersionError,
};
pub use context::accessors;
pub use context::{
    ATTEMPT, Accessor, Carried, Context, Explanation, FutureContextExt, Instrumented, Key,
    KeyPolicy, Leak, LiveSnapshot, NODE, NodeName, Propagation, PropagationError, RUN_ID,
    RUN_LOGGER, RunId, SPAN, Snapshot, SpanKey, SpanWatch, StreamContextExt, SuppressGuard,
    suppress,
};
pub use context::{
    AsEnv, BAGGAGE, Baggage, Carrier, CarrierMut, Codec, EnvCarrier, Naming, TRACE_PARENT,
    TRACE_STATE, TraceParent, TraceState, Unknown, WIRE_UNKNOWN, Wire, WireBuildError, WireBuilder,
    WireError, WireUnknown,
};
pub use context::{
    LogRecord, LogSink, LogSpan, LogValue, Logger, NoRunLogger, RunLogger, logger, try_logger,
};
pub use executor::{
    Broadcast, BuildError, Executor, ExecutorBuilder, ExecutorStats, FutureHandle, InContext,
    JoinHandle, PanicPolicy, ParallelIteratorExt, Place, Refused, Scope, Shutdown, ShutdownReport,
    TaskBuilder, TaskError, WhenFull,
};
#[cfg(feature = "pipeline")]
pub use pipeline::Retry;
#[cfg(feature = "pipeline")]
pub use pipeline::{
    Argument, ChunkError, Chunks, Collect, Fallible, IntoOutput, NamedReads, NamedWrites,
    NamedYields, Namespace, Node, NodeBuilder, NodeFunction, NodeView, Pipeline, PipelineError,
    Plain, Reads, Selection, Writes, Yields, node,
};
#[cfg(feature = "pipeline")]
pub use runner::{CANCEL, CancelToken, Cancelled, Limit, Listening, UntilCancelled};
#[cfg(feature = "pipeline")]
pub use runner::{DatasetPlan, NodePlan, Plan, Reason, Resume};
#[cfg(feature = "pipeline")]
pub use runner::{
    Fate, Hooks, NodeFailure, NodeReport, ProcessBuildError, ProcessRunner, ProcessRunnerBuilder,
    RemoteError, RunError, RunFuture, RunOptions, RunOutput, RunReport, SequentialRunner,
    ServeWorker, ThreadRunner, events, hooks, serve_worker,
};
#[cfg(feature = "console")]
pub use telemetry::{Console, ConsoleWriter};
#[cfg(feature = "telemetry")]
pub use telemetry::{JsonLines, LogLimits, RunLogLayer};
#[cfg(all(feature = "pipeline", feature = "telemetry"))]
pub use telemetry::{NodeState, NodeSummary, RecordError, RunCollector, RunRecord, RunRecorder};

/// The way in for the fuzzer: reads `bytes` as what a worker process and its
/// parent say, `cut` at a time.
#[cfg(all(fuzzing, feature = "pipeline", unix))]
#[doc(hidden)]
pub fn read_worker_protocol(bytes: &[u8], cut: usize) {
    runner::read_anything(bytes, cut);
}

#[cfg(doc)]
#[doc = include_str!("../DESIGN.md")]
pub mod design {}

/// The README's examples, as tests.
#[cfg(all(doctest, feature = "pipeline", feature = "telemetry"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
