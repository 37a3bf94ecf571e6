//! What is to be done: functions, wired by the names of what they read and
//! write.

mod check;
mod error;
mod function;
mod graph;
mod names;
mod node;
mod order;
mod wiring;

pub use error::PipelineError;
pub use function::{Fallible, IntoOutput, NodeFunction, Plain};
pub use graph::Pipeline;
pub use node::{Node, NodeBuilder, node};
pub use wiring::{NamedReads, NamedWrites, Reads, Writes};

pub(crate) use graph::{DatasetIndex, NodeIndex};
pub(crate) use node::Slot;
