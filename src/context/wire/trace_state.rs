//! What the tracing systems on the way say of the trace to their own kind.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::error::WireError;
use super::text::{is_blank, trimmed};
use crate::context::key::{Key, KeyPolicy};

/// The companion of [`TRACE_PARENT`](crate::TRACE_PARENT), the W3C's
/// `tracestate`. It goes on no wire without the other.
pub static TRACE_STATE: Key<TraceState> =
    Key::new("entourage::TRACE_STATE", KeyPolicy::Propagate).shown();

/// The W3C's `tracestate`: up to 32 members, one a tracing system, the last to
/// change first. Immutable, and a clone is one reference count.
///
/// Keys and values are checked by the grammar of [Trace Context], level 2. The
/// order of what is not touched is kept.
///
/// ```
/// use entourage::TraceState;
///
/// let state: TraceState = "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE".parse()?;
/// assert_eq!(state.get("congo"), Some("t61rcWkgMzE"));
/// let state = state.set("congo", "ucfJifl5GOE")?;
/// assert_eq!(state.to_string(), "congo=ucfJifl5GOE,rojo=00f067aa0ba902b7");
/// # Ok::<(), entourage::WireError>(())
/// ```
///
/// [Trace Context]: https://www.w3.org/TR/trace-context-2/#tracestate-header
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct TraceState {
    members: Arc<[Member]>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Member {
    key: Box<str>,
    value: Box<str>,
}

impl Member {
    /// In characters, each of which is one byte.
    fn len(&self) -> usize {
        self.key.len() + "=".len() + self.value.len()
    }
}

const MOST_MEMBERS: usize = 32;
const LONGEST: usize = 256;
/// A member of more than this goes first when there is not room for all.
const LONG: usize = 128;

impl TraceState {
    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.members.iter().find(|member| *member.key == *key).map(|member| &*member.value)
    }

    /// Each key with its value, the last to change first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members.iter().map(|member| (&*member.key, &*member.value))
    }

    /// This state with `key` set to `value`, as its first member. Where there
    /// were 32 others already the last of them goes.
    ///
    /// # Errors
    ///
    /// [`WireError::is_unwritable`] where key or value is not of the
    /// specification's grammar.
    pub fn set(&self, key: &str, value: &str) -> Result<Self, WireError> {
        let unwritable = |what| WireError::unwritable(what).at("tracestate");
        check_key(key).map_err(unwritable)?;
        check_value(value).map_err(unwritable)?;
        let first = Member { key: key.into(), value: value.into() };
        let others = self.members.iter().filter(|member| *member.key != *key);
        let members = std::iter::once(first).chain(others.take(MOST_MEMBERS - 1).cloned());
        Ok(Self { members: members.collect() })
    }

    /// This state without `key`.
    #[must_use = "a trace state is immutable: `remove` returns the changed one"]
    pub fn remove(&self, key: &str) -> Self {
        let others = self.members.iter().filter(|member| *member.key != *key);
        Self { members: others.cloned().collect() }
    }

    /// As much of this state as `most` characters can hold, by the rule of the
    /// specification: whole members go, those of more than 128 characters
    /// first, and from the end.
    #[must_use = "a trace state is immutable: `truncated` returns the shorter one"]
    pub fn truncated(&self, most: usize) -> Self {
        let mut members = self.members.to_vec();
        let length = |members: &[Member]| {
            let commas = members.len().saturating_sub(1);
            members.iter().map(Member::len).sum::<usize>() + commas
        };
        while length(&members) > most {
            let long = members.iter().rposition(|member| member.len() > LONG);
            members.remove(long.unwrap_or(members.len() - 1));
        }
        Self { members: members.into() }
    }
}

impl FromStr for TraceState {
    type Err = WireError;

    /// Reads one header, or several joined by commas. Empty members, which the
    /// joining may leave, are skipped.
    ///
    /// # Errors
    ///
    /// [`WireError::is_malformed`] on a member that is not of the grammar, a key
    /// that is there twice, or more than 32 members.
    fn from_str(text: &str) -> Result<Self, WireError> {
        let mut members: Vec<Member> = Vec::new();
        let given = text.split(',').map(trimmed).filter(|member| !member.is_empty());
        for (at, member) in given.enumerate() {
            let wrong = |what: &str| {
                WireError::malformed(format!("its member {}: {what}", at + 1)).at("tracestate")
            };
            if at == MOST_MEMBERS {
                return Err(wrong("no more than 32 are allowed"));
            }
            let (key, value) = member.split_once('=').ok_or_else(|| wrong("it has no `=`"))?;
            check_key(key).map_err(wrong)?;
            check_value(value).map_err(wrong)?;
            if members.iter().any(|earlier| *earlier.key == *key) {
                return Err(wrong("its key is there already"));
            }
            members.push(Member { key: key.into(), value: value.into() });
        }
        Ok(Self { members: members.into() })
    }
}

fn check_key(key: &str) -> Result<(), &'static str> {
    let is_first = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if key.is_empty() || key.len() > LONGEST {
        Err("a key has 1 to 256 characters")
    } else if !is_first(key.as_bytes()[0]) {
        Err("a key begins with a lower-case letter or a digit")
    } else if !key.bytes().all(|b| is_first(b) || b"_-*/@".contains(&b)) {
        Err("a key has only lower-case letters, digits and `_-*/@`")
    } else {
        Ok(())
    }
}

fn check_value(value: &str) -> Result<(), &'static str> {
    if value.is_empty() || value.len() > LONGEST {
        Err("a value has 1 to 256 characters")
    } else if !value.bytes().all(|b| (0x20..=0x7e).contains(&b) && b != b',' && b != b'=') {
        Err("a value has only printable ASCII, without `,` and `=`")
    } else if value.ends_with(is_blank) {
        Err("a value ends with no blank")
    } else {
        Ok(())
    }
}

impl fmt::Display for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (key, value)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{key}={value}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceState({self})")
    }
}
