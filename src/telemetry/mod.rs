//! Telling it: runs recorded and drawn, and every `tracing` event of any library filed
//! under the run and the node that it happened in.

#[cfg(feature = "console")]
mod console;
#[cfg(feature = "pipeline")]
mod event_json;
mod fields;
#[cfg(feature = "pipeline")]
mod folder_name;
mod json_lines;
mod layer;
mod limits;
mod line;
#[cfg(feature = "pipeline")]
mod node_logs;
mod origin;
#[cfg(feature = "pipeline")]
mod record;
#[cfg(feature = "pipeline")]
mod recorder;
#[cfg(feature = "pipeline")]
mod report;
mod spans;
#[cfg(feature = "pipeline")]
mod trace;
#[cfg(feature = "pipeline")]
mod whole_file;

#[cfg(feature = "console")]
pub use console::{Console, ConsoleWriter};
pub use json_lines::JsonLines;
pub use layer::RunLogLayer;
pub use limits::LogLimits;
#[cfg(feature = "pipeline")]
pub use record::{NodeState, NodeSummary, RecordError, RunRecord};
#[cfg(feature = "pipeline")]
pub use recorder::{RunCollector, RunRecorder};

/// The target of the runner's own words about a node.
#[cfg(feature = "pipeline")]
const OF_A_NODE: &str = "entourage::run::node";
