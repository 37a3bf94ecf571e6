//! What is to be done: functions, wired by the names of what they read and
//! write.

mod algebra;
mod argument;
mod body;
mod build;
mod check;
mod chunks;
mod describe;
mod draft;
mod error;
mod forms;
mod function;
mod graph;
#[cfg(feature = "telemetry")]
mod json_text;
mod names;
mod namespace;
mod node;
mod nodes;
mod order;
mod packed;
mod retry;
mod selection;
mod settings;
mod wires;
mod wiring;
mod yields;

pub use argument::Argument;
pub use chunks::{ChunkError, Chunks, Collect};
pub use error::PipelineError;
pub use function::{Fallible, IntoOutput, NodeFunction, Plain};
pub use graph::Pipeline;
pub use namespace::Namespace;
pub use node::{Node, NodeBuilder, node};
pub use nodes::NodeView;
pub use retry::Retry;
pub use selection::Selection;
pub use wiring::{NamedReads, NamedWrites, Reads, Writes};
pub use yields::{NamedYields, Yields};

pub(crate) use body::{Call, NodeBody};
pub(crate) use chunks::{Collector, Sink};
pub(crate) use graph::{DatasetIndex, DatasetView, NodeIndex};
#[cfg(feature = "telemetry")]
pub(crate) use json_text::push_text;
pub(crate) use retry::Failure;
pub(crate) use settings::timeout_problem;
