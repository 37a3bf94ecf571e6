//! What the application itself wants to be known all the way down.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::str::FromStr;
use std::sync::Arc;

use super::error::WireError;
use super::names::is_token;
use super::text::{percent_decoded, percent_encoded, trimmed};
use crate::context::key::{Key, KeyPolicy};

/// The W3C's `baggage` of the current work.
pub static BAGGAGE: Key<Baggage> = Key::new("entourage::BAGGAGE", KeyPolicy::Propagate);

/// The W3C's `baggage`: keys of the application with their values, and
/// properties of those. Immutable, and a clone is one reference count.
///
/// What came from elsewhere goes on as it came, percent signs included; a value
/// is decoded when it is asked for. By the limits of the [specification] there
/// are at most 64 members, and 8,192 bytes of them with their commas: what it
/// demands that everybody passes on, and no more.
///
/// ```
/// use entourage::Baggage;
///
/// let baggage: Baggage = "userId=alice, serverNode=DF%2028;ttl=1".parse()?;
/// assert_eq!(baggage.get("serverNode").as_deref(), Some("DF 28"));
/// let baggage = baggage.set("userId", "Amélie")?;
/// assert_eq!(baggage.to_string(), "userId=Am%C3%A9lie,serverNode=DF%2028;ttl=1");
/// # Ok::<(), entourage::WireError>(())
/// ```
///
/// [specification]: https://www.w3.org/TR/baggage/
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Baggage {
    members: Arc<[Member]>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Member {
    key: Box<str>,
    /// As it travels.
    value: Box<str>,
    properties: Box<[Property]>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Property {
    key: Box<str>,
    /// As it travels.
    value: Option<Box<str>>,
}

const BAD_KEY: &str = "a key has only ASCII letters, digits and `!#$%&'*+-.^_`|~`";
const MOST_MEMBERS: usize = 64;
const MOST_BYTES: usize = 8192;

impl Baggage {
    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The value of `key`, decoded. Bytes that are no UTF-8 come as U+FFFD. Of a
    /// key that is there several times, as the specification allows, the last.
    pub fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        self.members.iter().rev().find(|member| *member.key == *key).map(|it| decoded(&it.value))
    }

    /// The properties of `key`'s value, decoded. Their meaning is up to those
    /// who write and read them.
    pub fn properties(&self, key: &str) -> impl Iterator<Item = (&str, Option<Cow<'_, str>>)> {
        let member = self.members.iter().rev().find(|member| *member.key == *key);
        let properties = member.map_or(&[][..], |member| &member.properties);
        properties.iter().map(|it| (&*it.key, it.value.as_deref().map(decoded)))
    }

    /// Each key with its value, decoded, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.members.iter().map(|member| (&*member.key, decoded(&member.value)))
    }

    /// This baggage with `key` set to `value`, any text, and without properties:
    /// in its old place, or else at the end.
    ///
    /// # Errors
    ///
    /// [`WireError::is_unwritable`] where `key` is not made of the characters
    /// that the name of a header is made of; [`WireError::is_too_large`] where
    /// there would be more than 64 members, or 8,192 bytes.
    pub fn set(&self, key: &str, value: &str) -> Result<Self, WireError> {
        self.set_with(key, value, [])
    }

    /// As [`set`](Self::set), with properties.
    ///
    /// ```
    /// # use entourage::Baggage;
    /// let baggage = Baggage::default();
    /// let baggage = baggage.set_with("user", "alice", [("internal", None), ("ttl", Some("1"))])?;
    /// assert_eq!(baggage.to_string(), "user=alice;internal;ttl=1");
    /// # Ok::<(), entourage::WireError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set), and where a property's key is not of such
    /// characters either.
    pub fn set_with<'p>(
        &self,
        key: &str,
        value: &str,
        properties: impl IntoIterator<Item = (&'p str, Option<&'p str>)>,
    ) -> Result<Self, WireError> {
        let properties: Box<[Property]> = properties
            .into_iter()
            .map(|(key, value)| Property { key: key.into(), value: value.map(encoded) })
            .collect();
        if !std::iter::once(key).chain(properties.iter().map(|it| &*it.key)).all(is_token) {
            return Err(WireError::unwritable(BAD_KEY).at("baggage"));
        }
        let mut members = self.members.to_vec();
        let place = members.iter().position(|member| *member.key == *key);
        members.retain(|member| *member.key != *key);
        let member = Member { key: key.into(), value: encoded(value), properties };
        members.insert(place.unwrap_or(members.len()), member);
        Self::checked(members)
    }

    /// This baggage without `key`.
    #[must_use = "a baggage is immutable: `remove` returns the changed one"]
    pub fn remove(&self, key: &str) -> Self {
        let others = self.members.iter().filter(|member| *member.key != *key);
        Self { members: others.cloned().collect() }
    }

    fn checked(members: Vec<Member>) -> Result<Self, WireError> {
        let too_large = |what| Err(WireError::too_large(what).at("baggage"));
        if members.len() > MOST_MEMBERS {
            let found = members.len();
            return too_large(format!("found {found} members; allowed are {MOST_MEMBERS}"));
        }
        let baggage = Self { members: members.into() };
        let bytes = baggage.bytes();
        if bytes > MOST_BYTES {
            return too_large(format!("found {bytes} bytes; allowed are {MOST_BYTES}"));
        }
        Ok(baggage)
    }

    fn bytes(&self) -> usize {
        struct Count(usize);
        impl Write for Count {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0 += text.len();
                Ok(())
            }
        }
        let mut count = Count(0);
        let _ = write!(count, "{self}");
        count.0
    }
}

fn decoded(value: &str) -> Cow<'_, str> {
    // The specification demands U+FFFD, and says nothing of a lone `%`, which
    // its grammar allows: it stands for itself.
    match percent_decoded(value).0 {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
    }
}

fn encoded(value: &str) -> Box<str> {
    percent_encoded(value, is_baggage_octet).into()
}

fn is_baggage_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)
}

impl FromStr for Baggage {
    type Err = WireError;

    /// Reads one header, or several joined by commas. Empty members, which the
    /// joining may leave, are skipped.
    ///
    /// # Errors
    ///
    /// [`WireError::is_malformed`] on a member that is not of the grammar,
    /// [`WireError::is_too_large`] on more than 64 members, or 8,192 bytes of
    /// them without their white space.
    fn from_str(text: &str) -> Result<Self, WireError> {
        let given = text.split(',').map(trimmed).filter(|member| !member.is_empty());
        let member = |(at, member)| {
            Member::parse(member).map_err(|wrong| {
                WireError::malformed(format!("its member {}: {wrong}", at + 1)).at("baggage")
            })
        };
        Self::checked(given.enumerate().map(member).collect::<Result<_, _>>()?)
    }
}

impl Member {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = text.split(';');
        let (key, value) = pair(parts.next().unwrap_or_default())?;
        let value = value.ok_or("it has no `=`")?;
        let property = |part| pair(part).map(|(key, value)| Property { key, value });
        Ok(Self { key, value, properties: parts.map(property).collect::<Result<_, _>>()? })
    }
}

/// A key and, after the first `=`, its value.
fn pair(text: &str) -> Result<(Box<str>, Option<Box<str>>), &'static str> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (trimmed(key), Some(trimmed(value))),
        None => (trimmed(text), None),
    };
    if !is_token(key) {
        return Err(BAD_KEY);
    }
    if !value.unwrap_or_default().bytes().all(is_baggage_octet) {
        return Err("a value has only printable ASCII, without blanks and `\",;\\`");
    }
    Ok((key.into(), value.map(Into::into)))
}

impl fmt::Display for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Member { key, value, properties }) in self.members.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{key}={value}")?;
            for Property { key, value } in properties {
                match value {
                    Some(value) => write!(f, ";{key}={value}")?,
                    None => write!(f, ";{key}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Baggage {
    /// Names every key, and shows no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.members.iter().map(|member| (&*member.key, format_args!("<redacted>")));
        f.debug_map().entries(keys).finish()
    }
}
