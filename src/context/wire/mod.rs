//! What travels further than a thread: a snapshot's keys to and from headers or
//! environment variables.

mod baggage;
mod builder;
mod carrier;
mod codec;
mod entry;
mod error;
mod extract;
mod inject;
mod names;
#[cfg(feature = "opentelemetry")]
mod opentelemetry;
mod text;
mod trace_parent;
mod trace_state;
mod unknown;

use std::fmt;
use std::sync::Arc;

pub use baggage::{BAGGAGE, Baggage};
pub use builder::WireBuilder;
pub use carrier::{AsEnv, Carrier, CarrierMut, EnvCarrier};
pub use codec::Codec;
pub use error::{WireBuildError, WireError};
pub use names::Naming;
pub use trace_parent::{TRACE_PARENT, TraceParent};
pub use trace_state::{TRACE_STATE, TraceState};
pub use unknown::{Unknown, WIRE_UNKNOWN, WireUnknown};

use super::propagation::Propagation;
use super::snapshot::Snapshot;
use entry::Entry;
use names::WireName;

/// Carries named keys of a [`Snapshot`] to another process: into headers or
/// environment variables, and out of them.
///
/// Keys of the application travel by a [`Codec`] each; a trace's place and
/// baggage by the rules of the W3C. A clone is one reference count.
///
/// ```
/// use std::collections::HashMap;
/// use entourage::{Codec, RUN_ID, TRACE_PARENT, Wire};
/// entourage::context_key! {
///     static TENANT: String = propagate;
///     static ATTEMPT: u32 = propagate;
/// }
///
/// let wire = Wire::builder()
///     .trace_context()
///     .key(&TENANT, Codec::text())
///     .key(&RUN_ID, Codec::text())
///     .key_as("x-attempt", &ATTEMPT, Codec::text())
///     .build()?;
///
/// // The caller:
/// let mut headers = HashMap::new();
/// let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse()?;
/// TRACE_PARENT.scope(caller, || TENANT.scope("acme".into(), || ATTEMPT.scope(2, || {
///     wire.inject(&wire.capture(), &mut headers)
/// })))?;
/// assert_eq!(headers["entourage-ctx-tenant"], "v1:acme");
/// assert_eq!(headers["x-attempt"], "2");
///
/// // The callee:
/// wire.extract(&headers)?.scope(|| {
///     assert_eq!(TENANT.get().as_deref(), Some("acme"));
///     assert_eq!(TRACE_PARENT.get(), Some(caller));
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// To a child process, by its environment:
///
/// ```
/// # #[cfg(unix)] {
/// use std::process::Command;
/// use entourage::{Codec, Wire};
/// entourage::context_key! { static TENANT: String = propagate; }
///
/// let wire = Wire::builder().key(&TENANT, Codec::text()).build()?;
/// let mut child = Command::new("sh");
/// child.args(["-c", "echo $ENTOURAGE_CTX_TENANT"]);
/// TENANT.scope("acme".into(), || wire.inject(&wire.capture(), &mut child))?;
/// assert_eq!(child.output()?.stdout, b"v1:acme\n");
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Wire {
    inner: Arc<Inner>,
}

struct Inner {
    entries: Vec<Box<dyn Entry>>,
    /// All the keys it carries.
    propagation: Propagation,
    prefix: WireName,
    trace_context: bool,
    max_trace_state: usize,
    baggage: bool,
    max_bytes: usize,
    unknown: Unknown,
}

/// What of a wire a name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    TraceParent,
    TraceState,
    Baggage,
    /// An entry, by its place in the list.
    Key(usize),
    /// A name with the wire's prefix, and of none of its keys.
    Unknown,
}

impl Wire {
    /// Begins a wire that carries nothing yet.
    pub fn builder() -> WireBuilder {
        WireBuilder::new()
    }

    /// Takes of what is current on this thread exactly the keys that this wire
    /// carries, those declared `clear` among them, and no span: an allowlist of
    /// them.
    pub fn capture(&self) -> Snapshot {
        Snapshot::capture_with(&self.inner.propagation)
    }

    /// The names that it reads and writes, as a carrier of that kind spells
    /// them; without those of unknown keys.
    pub fn names(&self, naming: Naming) -> impl Iterator<Item = &str> {
        self.slots().filter_map(move |slot| self.name_of(slot, naming))
    }

    /// All but the unknown.
    fn slots(&self) -> impl Iterator<Item = Slot> + use<'_> {
        let trace = [Slot::TraceParent, Slot::TraceState];
        let trace = trace.into_iter().filter(|_| self.inner.trace_context);
        let baggage = self.inner.baggage.then_some(Slot::Baggage);
        trace.chain(baggage).chain((0..self.inner.entries.len()).map(Slot::Key))
    }

    fn name_of(&self, slot: Slot, naming: Naming) -> Option<&str> {
        let fixed = |header, variable| match naming {
            Naming::Header => Some(header),
            Naming::Environment => Some(variable),
        };
        match slot {
            Slot::TraceParent => fixed("traceparent", "TRACEPARENT"),
            Slot::TraceState => fixed("tracestate", "TRACESTATE"),
            Slot::Baggage => fixed("baggage", "BAGGAGE"),
            Slot::Key(at) => Some(self.inner.entries[at].name().spelled(naming)),
            Slot::Unknown => None,
        }
    }

    /// What `name`, found in a carrier, is to this wire, if anything.
    fn slot_of(&self, name: &str, naming: Naming) -> Option<Slot> {
        let is = |slot: &Slot| self.name_of(*slot, naming).is_some_and(|own| naming.is(name, own));
        let own = self.slots().find(is);
        let prefix = self.inner.prefix.spelled(naming);
        own.or_else(|| naming.is_under(name, prefix).then_some(Slot::Unknown))
    }

    fn check_size(&self, bytes: usize) -> Result<(), WireError> {
        let most = self.inner.max_bytes;
        if bytes <= most {
            return Ok(());
        }
        let what = "names and values on the wire are larger than its cap";
        Err(WireError::too_large(format!("{what}: found {bytes} bytes; allowed are {most}")))
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.names(Naming::Header).collect();
        f.debug_struct("Wire")
            .field("names", &names)
            .field("prefix", &self.inner.prefix.spelled(Naming::Header))
            .field("max_bytes", &self.inner.max_bytes)
            .field("unknown", &self.inner.unknown)
            .finish_non_exhaustive()
    }
}
