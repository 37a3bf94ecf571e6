//! Where context travels: a rayon pool whose every entry point carries it.

mod books;
mod build_error;
mod builder;
mod carrier;
mod detached;
mod error;
mod future;
mod handle;
mod join;
#[cfg(feature = "pipeline")]
mod lost;
mod par_iter;
mod place;
mod pool;
mod scope;
mod shutdown;
mod stats;
mod submission;
mod submit;
mod task;
mod waits;

pub use build_error::BuildError;
pub use builder::ExecutorBuilder;
pub use error::TaskError;
pub use future::FutureHandle;
pub use handle::JoinHandle;
pub use par_iter::{InContext, ParallelIteratorExt};
pub use place::Place;
pub use pool::{Broadcast, Executor};
pub use scope::Scope;
pub use shutdown::{PanicPolicy, Shutdown, ShutdownReport};
pub use stats::ExecutorStats;
pub use submission::TaskBuilder;
pub use submit::{Refused, WhenFull};

#[cfg(feature = "pipeline")]
pub(crate) use place::{message_of, place_of, watch as watch_panics};
