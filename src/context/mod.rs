//! What travels: keys, the context they live in, the foreign thread-locals
//! that go with it, and the snapshot that carries all of them to a worker.

mod accessor;
pub mod accessors;
mod builtin;
mod capture;
mod carried;
mod current;
mod explain;
mod follow;
mod frame;
mod innermost;
mod instrument;
mod key;
mod leaks;
mod log;
mod policy;
mod propagation;
pub(crate) mod recent;
mod snapshot;
mod trace;
mod unwind;
mod values;
mod wire;

pub use accessor::Accessor;
pub use builtin::{ATTEMPT, NODE, NodeName, RUN_ID, RUN_LOGGER, RunId};
pub use carried::{Carried, SPAN, SpanKey};
pub use current::{SuppressGuard, suppress};
pub use explain::Explanation;
pub use instrument::{FutureContextExt, Instrumented, StreamContextExt};
pub use key::{Key, KeyPolicy};
pub use leaks::{Leak, LiveSnapshot};
pub use log::{
    LogRecord, LogSink, LogSpan, LogValue, Logger, NoRunLogger, RunLogger, logger, try_logger,
};
pub use propagation::{Propagation, PropagationError};
pub use snapshot::Snapshot;
pub use trace::SpanWatch;
pub use values::Context;
pub use wire::{
    AsEnv, BAGGAGE, Baggage, Carrier, CarrierMut, Codec, EnvCarrier, Naming, TRACE_PARENT,
    TRACE_STATE, TraceParent, TraceState, Unknown, WIRE_UNKNOWN, Wire, WireBuildError, WireBuilder,
    WireError, WireUnknown,
};

pub(crate) use accessor::ErasedAccessor;
pub(crate) use capture::Capture;
pub(crate) use current::{is_in_task, leave_tasks, resume_frame, thread_token};
pub(crate) use frame::{Frame, drop_clean, run_clean};
pub(crate) use innermost::{lend, within};
pub(crate) use leaks::{LeakHandler, LeakWatch};
#[cfg(feature = "telemetry")]
pub(crate) use log::{Words, current_attempt};
pub(crate) use policy::CarryPolicy;
pub(crate) use trace::note_dispatcher;
pub(crate) use unwind::{Payload, discard, keep_first, quietly, sum_up, swallow};
