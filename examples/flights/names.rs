//! Codes and hours: texts that occur over and over.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::ops::Deref;
use std::str::Utf8Error;
use std::sync::OnceLock;

use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A text that is in memory once, for as long as the program runs. A table of
/// many rows has it as a pointer, which is what is copied, compared for equality
/// and hashed.
#[derive(Clone, Copy)]
pub(crate) struct Name(&'static &'static str);

/// All there are: a hash table that never forgets, so that nobody waits to read.
static NAMES: Table = Table::new();

struct Table {
    slots: [OnceLock<&'static str>; Self::SLOTS],
    /// For what finds no slot here.
    more: OnceLock<Box<Self>>,
}

impl Table {
    const SLOTS: usize = 1 << 14;
    const PROBES: usize = 16;

    const fn new() -> Self {
        Self { slots: [const { OnceLock::new() }; Self::SLOTS], more: OnceLock::new() }
    }

    fn name(&'static self, text: &[u8]) -> Result<Name, Utf8Error> {
        let first = FxBuildHasher.hash_one(text) as usize;
        for at in 0..Self::PROBES {
            let slot = &self.slots[first.wrapping_add(at) % Self::SLOTS];
            let name = match slot.get() {
                Some(name) => name,
                None => {
                    let text = str::from_utf8(text)?;
                    slot.get_or_init(|| Box::leak(text.into()))
                }
            };
            if name.as_bytes() == text {
                return Ok(Name(name));
            }
        }
        self.more.get_or_init(|| Box::new(Self::new())).name(text)
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        self.0
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::hash(self.0, state);
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(other.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E: de::Error>(self, text: &[u8]) -> Result<Name, E> {
                NAMES.name(text).map_err(|_| E::custom("expected text in UTF-8"))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Name, E> {
                self.visit_bytes(text.as_bytes())
            }
        }

        // Bytes, for a text that was met before need not be looked at again.
        deserializer.deserialize_bytes(Visitor)
    }
}
