//! Which trace, and which operation of it, the work belongs to.

use std::fmt;
use std::str::FromStr;

use super::error::{Excerpt, WireError};
use super::text::trimmed;
use crate::context::key::{Key, KeyPolicy};

/// The trace that the current work belongs to, as the W3C's `traceparent`.
///
/// A [`Wire`](crate::Wire) with
/// [`trace_context`](crate::WireBuilder::trace_context) reads and writes it.
/// Nothing in this crate sets it by itself: whoever takes part in the trace
/// sets the [`child`](TraceParent::child) of what it was given; whoever does
/// not passes it on as it came.
pub static TRACE_PARENT: Key<TraceParent> =
    Key::new("entourage::TRACE_PARENT", KeyPolicy::Propagate).shown();

/// The W3C's `traceparent`: the trace's id, the id of the operation that the
/// work was called from, and flags.
///
/// Written in version `00` of [Trace Context]; read in any version, by the
/// specification's rules for later ones.
///
/// ```
/// use entourage::TraceParent;
///
/// let given: TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse()?;
/// assert!(given.is_sampled());
/// let own = given.child(0xb7ad_6b71_6920_3331, true).unwrap();
/// assert_eq!(own.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01");
/// # Ok::<(), entourage::WireError>(())
/// ```
///
/// [Trace Context]: https://www.w3.org/TR/trace-context/#traceparent-header
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
}

/// The caller may have recorded the trace.
const SAMPLED: u8 = 0b01;
/// The trace's id is random in its lower half (Trace Context, level 2).
const RANDOM: u8 = 0b10;
/// The length of version `00`, and the least of any later one.
const LENGTH: usize = 55;

impl TraceParent {
    /// One operation of a trace; `None` where an id is zero, which the
    /// specification forbids.
    pub const fn new(trace_id: u128, parent_id: u64, sampled: bool) -> Option<Self> {
        if trace_id == 0 || parent_id == 0 {
            return None;
        }
        Some(Self { trace_id, parent_id, flags: if sampled { SAMPLED } else { 0 } })
    }

    /// The same trace, seen from one of its operations: what to give to those
    /// that `parent_id` calls. `None` where `parent_id` is zero.
    ///
    /// The one way in which a participant may change a `traceparent`, so the
    /// flag can be changed in no other. Flags that nobody has defined yet are
    /// not passed on.
    pub const fn child(self, parent_id: u64, sampled: bool) -> Option<Self> {
        match Self::new(self.trace_id, parent_id, sampled) {
            Some(child) => Some(Self { flags: child.flags | (self.flags & RANDOM), ..child }),
            None => None,
        }
    }

    /// The trace's id, never zero.
    pub const fn trace_id(self) -> u128 {
        self.trace_id
    }

    /// The id of the operation that the work was called from, never zero.
    pub const fn parent_id(self) -> u64 {
        self.parent_id
    }

    /// All flags. The lowest bit is [`is_sampled`](Self::is_sampled).
    pub const fn flags(self) -> u8 {
        self.flags
    }

    #[cfg(feature = "opentelemetry")]
    pub(super) const fn with_flags(self, flags: u8) -> Self {
        Self { flags, ..self }
    }

    /// Whether the caller may have recorded the trace.
    pub const fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }
}

impl FromStr for TraceParent {
    type Err = WireError;

    /// # Errors
    ///
    /// [`WireError::is_malformed`]. The specification's answer to it is a new
    /// trace: the text must not be passed on.
    fn from_str(text: &str) -> Result<Self, WireError> {
        let text = trimmed(text);
        parse(text).map_err(|wrong| {
            WireError::malformed(format!(
                "{wrong}; found `{}`; allowed is a version, a trace's id of 32 digits, a \
                 parent's of 16 and flags of 2, each in lower-case hexadecimal, joined by `-`",
                Excerpt(text),
            ))
            .at("traceparent")
        })
    }
}

fn parse(text: &str) -> Result<TraceParent, &'static str> {
    // By bytes: `text` may hold anything, and a slice of it at some place need
    // not be text.
    let bytes = text.as_bytes();
    let field = |from: usize, digits: usize| number(bytes.get(from..from + digits)?);
    let is_dash = |at: usize| bytes.get(at) == Some(&b'-');
    let version = field(0, 2).filter(|_| is_dash(2)).ok_or("it has no version")?;
    match (version, bytes.len()) {
        (0xff, _) => return Err("version `ff` is forbidden"),
        (_, ..LENGTH) => return Err("it is shorter than 55 characters"),
        (0, LENGTH) => {}
        (0, _) => return Err("it is longer than the 55 characters of version `00`"),
        // What later versions add is behind another dash, and not looked at.
        (_, LENGTH) => {}
        _ if is_dash(LENGTH) => {}
        _ => return Err("its flags have more than 2 digits"),
    }
    let trace_id = field(3, 32).filter(|_| is_dash(35)).ok_or("its trace id is malformed")?;
    let parent_id = field(36, 16).filter(|_| is_dash(52)).ok_or("its parent id is malformed")?;
    let flags = field(53, 2).ok_or("its flags are malformed")?;
    if trace_id == 0 {
        return Err("its trace id is zero");
    }
    let parent_id = u64::try_from(parent_id).ok().filter(|&id| id != 0);
    let parent_id = parent_id.ok_or("its parent id is zero")?;
    let flags = u8::try_from(flags).unwrap_or_default();
    // Of a later version only this flag is known to mean what it means here.
    let flags = if version == 0 { flags } else { flags & SAMPLED };
    Ok(TraceParent { trace_id, parent_id, flags })
}

/// A number in lower-case hexadecimal.
fn number(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, &digit| match digit {
        b'0'..=b'9' => Some(number << 4 | u128::from(digit - b'0')),
        b'a'..=b'f' => Some(number << 4 | u128::from(digit - b'a' + 10)),
        _ => None,
    })
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.parent_id, self.flags)
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceParent({self})")
    }
}
