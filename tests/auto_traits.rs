//! Which types may be sent and shared, all of them in one place: a field that is
//! added somewhere must not change that unseen.

use std::cell::Cell;
use std::marker::PhantomPinned;
use std::rc::Rc;

use entourage::{
    AsEnv, Baggage, Codec, EnvCarrier, Naming, TraceParent, TraceState, Unknown, Wire,
    WireBuildError, WireBuilder, WireError, WireUnknown,
};
use entourage::{
    Broadcast, BuildError, Carried, Context, Executor, ExecutorBuilder, ExecutorStats, Explanation,
    FutureHandle, InContext, Instrumented, JoinHandle, Key, KeyPolicy, Leak, LiveSnapshot,
    LogRecord, LogSpan, LogValue, Logger, NoRunLogger, NodeName, PanicPolicy, Place, Propagation,
    PropagationError, Refused, RunId, RunLogger, Scope, Shutdown, ShutdownReport, Snapshot,
    SpanKey, SuppressGuard, TaskBuilder, TaskError, WhenFull,
};

macro_rules! is {
    ($type:ty: $bound:ident) => {
        const _: fn() = || {
            fn is<T: ?Sized + $bound>() {}
            is::<$type>();
        };
    };
    ($type:ty: not $bound:ident) => {
        const _: fn() = || {
            // Where the type has the trait, both of these apply, and the
            // compiler cannot choose.
            trait IsNot<Which> {
                fn which() {}
            }
            struct Has;
            impl<T: ?Sized> IsNot<()> for T {}
            impl<T: ?Sized + $bound> IsNot<Has> for T {}
            let _ = <$type as IsNot<_>>::which;
        };
    };
}

/// Says of a type whether it is `Send`, `Sync` and `Unpin`, in this order.
macro_rules! auto_traits {
    ($type:ty: yes yes yes) => { is!($type: Send); is!($type: Sync); is!($type: Unpin); };
    ($type:ty: yes no yes) => { is!($type: Send); is!($type: not Sync); is!($type: Unpin); };
    ($type:ty: no no yes) => { is!($type: not Send); is!($type: not Sync); is!($type: Unpin); };
    ($type:ty: yes yes no) => { is!($type: Send); is!($type: Sync); is!($type: not Unpin); };
}

type NoSend = Rc<()>;
type NoSync = Cell<u32>;

auto_traits!(Broadcast: yes yes yes);
auto_traits!(BuildError: yes yes yes);
auto_traits!(Context: yes yes yes);
auto_traits!(Executor: yes yes yes);
auto_traits!(ExecutorBuilder: yes yes yes);
auto_traits!(ExecutorStats: yes yes yes);
auto_traits!(Explanation: yes yes yes);
auto_traits!(InContext<rayon::range::Iter<u32>>: yes yes yes);
auto_traits!(InContext<NoSend>: no no yes);
auto_traits!(Instrumented<u32>: yes yes yes);
auto_traits!(Instrumented<NoSend>: no no yes);
auto_traits!(Instrumented<NoSync>: yes no yes);
auto_traits!(Instrumented<PhantomPinned>: yes yes no);
auto_traits!(KeyPolicy: yes yes yes);
auto_traits!(Leak: yes yes yes);
auto_traits!(LiveSnapshot: yes yes yes);
auto_traits!(LogRecord<'_>: yes yes yes);
auto_traits!(LogSpan<'_>: yes yes yes);
auto_traits!(LogValue: yes yes yes);
auto_traits!(Logger: yes yes yes);
auto_traits!(NoRunLogger: yes yes yes);
auto_traits!(NodeName: yes yes yes);
auto_traits!(Place: yes yes yes);
auto_traits!(Propagation: yes yes yes);
auto_traits!(PropagationError: yes yes yes);
auto_traits!(RunId: yes yes yes);
auto_traits!(RunLogger: yes yes yes);
auto_traits!(Scope<'_, '_>: yes yes yes);
auto_traits!(Snapshot: yes yes yes);
auto_traits!(SpanKey: yes yes yes);
auto_traits!(PanicPolicy: yes yes yes);
auto_traits!(Refused<u32>: yes yes yes);
auto_traits!(Refused<NoSync>: yes no yes);
auto_traits!(Shutdown: yes yes yes);
auto_traits!(ShutdownReport: yes yes yes);
auto_traits!(SuppressGuard: no no yes);
auto_traits!(TaskBuilder<'_>: yes yes yes);
auto_traits!(TaskError: yes yes yes);
auto_traits!(WhenFull: yes yes yes);

auto_traits!(AsEnv<u32>: yes yes yes);
auto_traits!(AsEnv<NoSend>: no no yes);
auto_traits!(Baggage: yes yes yes);
auto_traits!(Codec<u32>: yes yes yes);
auto_traits!(Codec<NoSend>: yes yes yes);
auto_traits!(EnvCarrier: yes yes yes);
auto_traits!(Naming: yes yes yes);
auto_traits!(TraceParent: yes yes yes);
auto_traits!(TraceState: yes yes yes);
auto_traits!(Unknown: yes yes yes);
auto_traits!(Wire: yes yes yes);
auto_traits!(WireBuildError: yes yes yes);
auto_traits!(WireBuilder: yes yes yes);
auto_traits!(WireError: yes yes yes);
auto_traits!(WireUnknown: yes yes yes);

// What lists are made of.
auto_traits!(&'static dyn Carried: yes yes yes);

// A key is a name: it can be shared whatever its values are.
auto_traits!(Key<String>: yes yes yes);
auto_traits!(Key<NoSend>: yes yes yes);

// A handle gives its value to one thread only, so that need not be shareable.
auto_traits!(FutureHandle<u32>: yes yes yes);
auto_traits!(FutureHandle<NoSync>: yes yes yes);
auto_traits!(FutureHandle<PhantomPinned>: yes yes yes);
auto_traits!(JoinHandle<u32>: yes yes yes);
auto_traits!(JoinHandle<NoSync>: yes yes yes);
auto_traits!(JoinHandle<PhantomPinned>: yes yes yes);

#[cfg(feature = "pipeline")]
mod pipeline {
    use entourage::hooks::{
        AfterCatalogCreated, AfterDatasetLoaded, AfterDatasetSaved, AfterNodeRun, AfterPipelineRun,
        BeforeDatasetLoaded, BeforeDatasetSaved, BeforeNodeRun, BeforePipelineRun, DataRef,
        HookError, Mismatch, NodeRun, OnDatasetLoadError, OnDatasetSaveError, OnNodeError,
        OnPipelineError, PipelineRun, RunSetup, Values,
    };
    use entourage::{
        CancelToken, Cancelled, Catalog, CatalogBuilder, CatalogError, ChunkError, Chunks,
        CsvOptions, Data, DatasetError, DatasetPlan, Description, Family, Fate, FileDataset,
        Format, Hooks, Limit, Listening, Namespace, Node, NodeFailure, NodePlan, NodeReport,
        NodeView, Pipeline, PipelineError, Plan, ProcessBuildError, ProcessRunner,
        ProcessRunnerBuilder, Reason, RemoteError, Resolution, Resume, Retry, RunError, RunFuture,
        RunOptions, RunOutput, RunReport, Secret, Selection, SequentialRunner, ServeWorker, Taken,
        ThreadRunner, UntilCancelled, Version, VersionError,
    };

    auto_traits!(CancelToken: yes yes yes);
    auto_traits!(Cancelled: yes yes yes);
    auto_traits!(Catalog: yes yes yes);
    auto_traits!(CatalogBuilder: yes yes yes);
    auto_traits!(CatalogError: yes yes yes);
    auto_traits!(ChunkError: yes yes yes);
    auto_traits!(Chunks<[u32]>: yes yes yes);
    auto_traits!(CsvOptions: yes yes yes);
    auto_traits!(Data<u32>: yes yes yes);
    auto_traits!(DatasetError: yes yes yes);
    auto_traits!(DatasetPlan: yes yes yes);
    auto_traits!(Description: yes yes yes);
    auto_traits!(Family: yes yes yes);
    auto_traits!(Fate<'_>: yes yes yes);
    auto_traits!(FileDataset: yes yes yes);
    auto_traits!(Format: yes yes yes);
    auto_traits!(dyn Hooks: yes yes no);
    auto_traits!(Limit: yes yes yes);
    auto_traits!(Listening: yes yes yes);
    auto_traits!(Namespace: yes yes yes);
    auto_traits!(Node: yes yes yes);
    auto_traits!(NodeFailure: yes yes yes);
    auto_traits!(NodePlan: yes yes yes);
    auto_traits!(NodeReport<'_>: yes yes yes);
    auto_traits!(NodeView<'_>: yes yes yes);
    auto_traits!(Pipeline: yes yes yes);
    auto_traits!(PipelineError: yes yes yes);
    auto_traits!(Plan: yes yes yes);
    auto_traits!(ProcessBuildError: yes yes yes);
    auto_traits!(ProcessRunner: yes yes yes);
    auto_traits!(ProcessRunnerBuilder: yes yes yes);
    auto_traits!(Reason: yes yes yes);
    auto_traits!(RemoteError: yes yes yes);
    auto_traits!(Resolution: yes yes yes);
    auto_traits!(Resume: yes yes yes);
    auto_traits!(Retry: yes yes yes);
    auto_traits!(RunError: yes yes yes);
    auto_traits!(RunFuture: yes yes yes);
    auto_traits!(RunOptions: yes yes yes);
    auto_traits!(RunOutput<'_>: yes yes yes);
    auto_traits!(RunReport: yes yes yes);
    #[cfg(feature = "telemetry")]
    mod recorded {
        use entourage::{NodeSummary, RecordError, RunCollector, RunRecord, RunRecorder};

        auto_traits!(NodeSummary<'_>: yes yes yes);
        auto_traits!(RecordError: yes yes yes);
        auto_traits!(RunCollector: yes yes yes);
        auto_traits!(RunRecord: yes yes yes);
        auto_traits!(RunRecorder: yes yes yes);
    }
    auto_traits!(Secret: yes yes yes);
    auto_traits!(Selection: yes yes yes);
    auto_traits!(SequentialRunner: yes yes yes);
    auto_traits!(ServeWorker: yes yes yes);
    auto_traits!(Taken<u32>: yes yes yes);
    auto_traits!(ThreadRunner: yes yes yes);
    auto_traits!(UntilCancelled: yes yes yes);
    auto_traits!(Version: yes yes yes);
    auto_traits!(VersionError: yes yes yes);

    // What hooks are called with, on whichever worker.
    auto_traits!(AfterCatalogCreated<'_>: yes yes yes);
    auto_traits!(AfterDatasetLoaded<'_>: yes yes yes);
    auto_traits!(AfterDatasetSaved<'_>: yes yes yes);
    auto_traits!(AfterNodeRun<'_>: yes yes yes);
    auto_traits!(AfterPipelineRun<'_>: yes yes yes);
    auto_traits!(BeforeDatasetLoaded<'_>: yes yes yes);
    auto_traits!(BeforeDatasetSaved<'_>: yes yes yes);
    auto_traits!(BeforeNodeRun<'_>: yes yes yes);
    auto_traits!(BeforePipelineRun<'_>: yes yes yes);
    auto_traits!(DataRef<'_>: yes yes yes);
    auto_traits!(HookError: yes yes yes);
    auto_traits!(Mismatch: yes yes yes);
    auto_traits!(NodeRun<'_>: yes yes yes);
    auto_traits!(OnDatasetLoadError<'_>: yes yes yes);
    auto_traits!(OnDatasetSaveError<'_>: yes yes yes);
    auto_traits!(OnNodeError<'_>: yes yes yes);
    auto_traits!(OnPipelineError<'_>: yes yes yes);
    auto_traits!(PipelineRun<'_>: yes yes yes);
    auto_traits!(RunSetup<'_>: yes yes yes);
    auto_traits!(Values<'_>: yes yes yes);
}

#[cfg(feature = "console")]
auto_traits!(entourage::Console: yes yes yes);
#[cfg(feature = "console")]
auto_traits!(entourage::ConsoleWriter: yes yes yes);
#[cfg(feature = "opentelemetry")]
auto_traits!(entourage::accessors::OpenTelemetry: yes yes yes);
#[cfg(feature = "sentry")]
auto_traits!(entourage::accessors::Sentry: yes yes yes);
#[cfg(feature = "tokio")]
auto_traits!(entourage::accessors::TokioRuntime: yes yes yes);
#[cfg(feature = "tokio-task-local")]
auto_traits!(entourage::accessors::TaskLocal<NoSend>: yes yes yes);

#[test]
fn types_are_what_is_said_of_them() {
    // To be compiled is all there is to it.
}
