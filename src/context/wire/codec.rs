//! How a key's value becomes text, and text a value again.

use std::any::type_name;
use std::fmt::{self, Display, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;

use super::error::BoxError;
use crate::context::unwind::Payload;

/// How a value of type `T` travels: as what text, in which version.
///
/// A codec need not care which characters a carrier can hold: what is not
/// printable ASCII travels percent-encoded. It may meet any text when it decodes,
/// from whoever can write to the carrier; its panic there is an error like any
/// other.
///
/// ```
/// use entourage::Codec;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Caller { name: String, rank: u32 }
///
/// // Version 1 was the bare name.
/// let codec = Codec::<Caller>::fallible(
///     |caller| serde_json::to_string(caller),
///     |text| serde_json::from_str(text),
/// )
/// .version(2)
/// .accepting(1, |name| Ok::<_, std::convert::Infallible>(Caller { name: name.into(), rank: 0 }));
/// # let _ = codec;
/// ```
#[must_use = "a codec does nothing until a wire's builder is given it with a key"]
pub struct Codec<T> {
    pub(super) version: u32,
    encode: Encode<T>,
    pub(super) decode: Decoder<T>,
    pub(super) older: Vec<(u32, Decoder<T>)>,
}

type Encode<T> = Box<dyn Fn(&T) -> Result<String, Refusal> + Send + Sync>;
type Decode<T> = Box<dyn Fn(&str) -> Result<T, Refusal> + Send + Sync>;

pub(super) struct Decoder<T>(Decode<T>);

/// Why a codec has no answer.
pub(super) enum Refusal {
    /// Its own error, and the type of that, which may be told of a value that
    /// may not.
    Failed(BoxError, &'static str),
    Panicked(Payload),
}

impl Refusal {
    fn of<E: Into<BoxError>>(error: E) -> Self {
        Self::Failed(error.into(), type_name::<E>())
    }
}

impl<T: 'static> Codec<T> {
    /// Version 1 of what `Display` writes and `FromStr` reads.
    pub fn text() -> Self
    where
        T: Display + FromStr,
        T::Err: Into<BoxError>,
    {
        let encode = |value: &T| {
            let mut text = String::new();
            write!(text, "{value}").map(|()| text)
        };
        Self::fallible(encode, T::from_str)
    }

    /// Version 1 of what `encode` writes and `decode` reads.
    pub fn new<E: Into<BoxError>>(
        encode: impl Fn(&T) -> String + Send + Sync + 'static,
        decode: impl Fn(&str) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        Self {
            version: 1,
            encode: Box::new(move |value| Ok(encode(value))),
            decode: Decoder::new(decode),
            older: Vec::new(),
        }
    }

    /// As [`new`](Self::new), where not every value can be written.
    pub fn fallible<E: Into<BoxError>, F: Into<BoxError>>(
        encode: impl Fn(&T) -> Result<String, E> + Send + Sync + 'static,
        decode: impl Fn(&str) -> Result<T, F> + Send + Sync + 'static,
    ) -> Self {
        let encode = move |value: &T| encode(value).map_err(Refusal::of);
        Self { encode: Box::new(encode), ..Self::new(|_| String::new(), decode) }
    }

    /// The version that it writes, 1 unless it is said here.
    ///
    /// A value travels as `v`, the version, a colon and the text: `v2:acme`.
    pub fn version(self, version: u32) -> Self {
        Self { version, ..self }
    }

    /// Reads what version `older` wrote, by `decode`. A version that is not
    /// named so is refused.
    pub fn accepting<E: Into<BoxError>>(
        mut self,
        older: u32,
        decode: impl Fn(&str) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        self.older.push((older, Decoder::new(decode)));
        self
    }

    pub(super) fn encode(&self, value: &T) -> Result<String, Refusal> {
        guarded(|| (self.encode)(value))
    }
}

impl<T: 'static> Decoder<T> {
    fn new<E: Into<BoxError>>(
        decode: impl Fn(&str) -> Result<T, E> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(move |text| decode(text).map_err(Refusal::of)))
    }

    pub(super) fn decode(&self, text: &str) -> Result<T, Refusal> {
        guarded(|| (self.0)(text))
    }
}

/// Foreign code, which may have been given what a stranger wrote.
fn guarded<R>(f: impl FnOnce() -> Result<R, Refusal>) -> Result<R, Refusal> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| Err(Refusal::Panicked(payload)))
}

impl<T> fmt::Debug for Codec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let older: Vec<u32> = self.older.iter().map(|(version, _)| *version).collect();
        f.debug_struct("Codec")
            .field("type", &type_name::<T>())
            .field("version", &self.version)
            .field("accepting", &older)
            .finish()
    }
}
