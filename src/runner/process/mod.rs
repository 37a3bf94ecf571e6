//! Nodes in processes of their own: what one of them does to its process it does
//! to no other.
//!
//! The program is started again as a worker, which builds the same pipeline and
//! the same catalog and then serves: it is named a node, runs it as a sequential
//! run would, and says what became of it. Parent and worker talk over a socket
//! that is the worker's standard input. Data do not go that way: they are where
//! the catalog keeps them, or else in a folder of the run.

mod builder;
mod failures;
mod runner;
mod serving;

#[cfg(unix)]
mod channel;
#[cfg(unix)]
mod digest;
#[cfg(unix)]
mod held;
#[cfg(unix)]
mod labour;
#[cfg(unix)]
mod launch;
#[cfg(unix)]
mod part;
#[cfg(unix)]
mod protocol;
#[cfg(unix)]
mod remote;
#[cfg(unix)]
mod scratch;
#[cfg(unix)]
mod serve;
#[cfg(unix)]
mod storable;
#[cfg(unix)]
mod worker;
#[cfg(unix)]
mod workers;

pub use builder::{ProcessBuildError, ProcessRunnerBuilder};
pub use failures::RemoteError;
pub use runner::ProcessRunner;
pub use serving::{ServeWorker, serve_worker};

#[cfg(all(fuzzing, unix))]
pub(crate) use protocol::read_anything;
