//! Doing it: runs a pipeline's nodes in the order of their data, each in its
//! run's context, and tells the fate of every one.

mod attempt;
mod bindings;
mod check;
mod conclude;
mod confirms;
mod context;
mod control;
mod dataset_state;
mod elsewhere;
mod error;
pub mod events;
mod execute;
mod finals;
pub mod hooks;
mod inputs;
mod options;
mod outputs;
mod plan;
mod prepare;
mod process;
mod progress;
mod release;
mod report;
mod sequential;
mod sinks;
mod state;
mod thread;
mod turn;
mod versions;

pub use control::{CANCEL, CancelToken, Cancelled, Limit, Listening, UntilCancelled};
pub use error::{NodeFailure, RunError};
pub use finals::RunOutput;
pub use hooks::Hooks;
pub use options::RunOptions;
pub use plan::{DatasetPlan, NodePlan, Plan, Reason, Resume};
#[cfg(all(fuzzing, unix))]
pub(crate) use process::read_anything;
pub use process::{
    ProcessBuildError, ProcessRunner, ProcessRunnerBuilder, RemoteError, ServeWorker, serve_worker,
};
pub use report::{Fate, NodeReport, RunReport};
pub use sequential::SequentialRunner;
pub use thread::{RunFuture, ThreadRunner};
