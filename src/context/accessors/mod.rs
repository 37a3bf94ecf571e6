//! Accessors for the thread-locals of libraries in wide use, each with its
//! feature.
//!
//! An executor is told of them one by one, and a
//! [`Propagation`](crate::Propagation) names them like keys. The `tracing` span
//! and its dispatcher need no accessor: they go along unless a list leaves them
//! out, by the name of [`SPAN`](crate::SPAN).
//!
//! | feature | accessor | carries |
//! | --- | --- | --- |
//! | `opentelemetry` | `OPENTELEMETRY` | the OpenTelemetry context: span context, baggage, values |
//! | `sentry` | `SENTRY` | the sentry hub, as a fork of each task's own |
//! | `tokio` | `TOKIO` | the handle of the tokio runtime |
//! | `tokio-task-local` | `TaskLocal` | one key of `tokio::task_local!` |
//!
//! An accessor of your own is an implementation of
//! [`Accessor`](crate::Accessor), which
//! [`accessor_conformance!`](crate::accessor_conformance) tests.

#[cfg(feature = "opentelemetry")]
mod opentelemetry;
#[cfg(feature = "sentry")]
mod sentry;
#[cfg(feature = "tokio-task-local")]
mod task_local;
#[cfg(feature = "tokio")]
mod tokio;

#[cfg(feature = "opentelemetry")]
pub use self::opentelemetry::{OPENTELEMETRY, OpenTelemetry};
#[cfg(feature = "sentry")]
pub use self::sentry::{SENTRY, Sentry};
#[cfg(feature = "tokio-task-local")]
pub use self::task_local::TaskLocal;
#[cfg(feature = "tokio")]
pub use self::tokio::{TOKIO, TokioRuntime};

/// Calls `f`, which panics where the thread has lost its thread-locals, as it
/// has in the destructor of another one; there is nothing to carry there.
#[cfg(any(feature = "opentelemetry", feature = "sentry"))]
fn unless_torn_down<R>(f: impl FnOnce() -> R) -> Option<R> {
    let called = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f));
    called.map_err(super::unwind::discard).ok()
}
