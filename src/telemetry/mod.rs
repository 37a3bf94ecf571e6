//! Telling it: every `tracing` event of any library filed under the run and the
//! node that it happened in.

#[cfg(feature = "console")]
mod console;
mod fields;
#[cfg(feature = "pipeline")]
mod folder_name;
mod json_lines;
mod layer;
mod origin;
#[cfg(feature = "pipeline")]
mod record;
#[cfg(feature = "pipeline")]
mod trace;
#[cfg(feature = "pipeline")]
mod whole_file;

#[cfg(feature = "console")]
pub use console::{Console, ConsoleWriter};
pub use json_lines::JsonLines;
pub use layer::RunLogLayer;
#[cfg(feature = "pipeline")]
pub use record::{NodeState, RunRecord};
