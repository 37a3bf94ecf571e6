//! What is to be done: functions, wired by the names of what they read and
//! write.

mod argument;
mod body;
mod check;
mod chunks;
mod error;
mod function;
mod graph;
mod names;
mod node;
mod order;
mod wiring;
mod yields;

pub use argument::Argument;
pub use chunks::{ChunkError, Chunks, Collect};
pub use error::PipelineError;
pub use function::{Fallible, IntoOutput, NodeFunction, Plain};
pub use graph::Pipeline;
pub use node::{Node, NodeBuilder, node};
pub use wiring::{NamedReads, NamedWrites, Reads, Writes};
pub use yields::{NamedYields, Yields};

pub(crate) use body::{Call, NodeBody};
pub(crate) use chunks::{Collector, Sink};
pub(crate) use graph::{DatasetIndex, NodeIndex};
pub(crate) use node::Slot;
