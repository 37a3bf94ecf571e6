//! What was on the wire and is of no key here.

use std::fmt;
use std::sync::Arc;

use super::names::Naming;
use crate::context::key::{Key, KeyPolicy};

/// What a wire does with a name that begins with its prefix and is of none of
/// its keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unknown {
    /// It goes no further. The default: what nobody named does not travel.
    #[default]
    Drop,
    /// It is kept, unread, as [`WIRE_UNKNOWN`], and written again by the next
    /// inject, byte for byte: a service passes on what newer ones say to one
    /// another.
    Keep,
}

/// What a [`Wire`](crate::Wire) that [keeps](Unknown::Keep) unknown names
/// has read. A propagation list that is to carry it names it.
pub static WIRE_UNKNOWN: Key<WireUnknown> =
    Key::new("entourage::WIRE_UNKNOWN", KeyPolicy::Propagate);

/// Names and values that a wire passes on without knowing them.
#[derive(Clone, PartialEq, Eq)]
pub struct WireUnknown {
    pub(super) naming: Naming,
    /// Names as they were found, and none twice.
    pub(super) entries: Arc<[(String, String)]>,
}

impl WireUnknown {
    /// How many there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "there is none that is empty")]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The names, as they were found.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }
}

impl fmt::Debug for WireUnknown {
    /// Names all, and shows no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
