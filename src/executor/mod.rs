//! Where context travels: a rayon pool whose every entry point carries it.

mod builder;
mod error;
mod future;
mod handle;
mod join;
mod par_iter;
mod place;
mod pool;
mod scope;
mod submission;
mod task;
mod waits;

pub use builder::{BuildError, ExecutorBuilder};
pub use error::TaskError;
pub use future::FutureHandle;
pub use handle::JoinHandle;
pub use par_iter::{InContext, ParallelIteratorExt};
pub use place::Place;
pub use pool::{Broadcast, Executor, ExecutorStats, TaskBuilder};
pub use scope::Scope;

#[cfg(feature = "pipeline")]
pub(crate) use place::{message_of, place_of, watch as watch_panics};
