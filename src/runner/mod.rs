//! Doing it: runs a pipeline's nodes in the order of their data, each in its
//! run's context, and tells the fate of every one.

mod bindings;
mod check;
mod conclude;
mod context;
mod error;
mod execute;
mod inputs;
mod options;
mod plan;
mod prepare;
mod report;
mod sequential;
mod sinks;
mod state;
mod thread;

pub use error::{NodeFailure, RunError};
pub use options::RunOptions;
pub use plan::{DatasetPlan, NodePlan, Plan, Reason, Resume};
pub use report::{Fate, NodeReport, RunReport};
pub use sequential::SequentialRunner;
pub use thread::ThreadRunner;
