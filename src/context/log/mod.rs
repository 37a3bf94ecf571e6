//! What is said in a run, and where it goes: messages, sinks, and the handle that
//! files a message under run, node and attempt.

mod absent;
mod handle;
mod record;
mod sink;
mod value;

pub use absent::NoRunLogger;
pub use handle::{Logger, logger, try_logger};
pub use record::{LogRecord, LogSpan};
pub use sink::{LogSink, RunLogger};
pub use value::LogValue;

#[cfg(feature = "telemetry")]
pub(crate) use handle::current_attempt;
#[cfg(feature = "telemetry")]
pub(crate) use value::Words;
