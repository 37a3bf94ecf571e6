//! One key of a wire: its name, and its value in and out of a context.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};

use super::codec::{Codec, Decoder, Refusal};
use super::error::{BoxError, Excerpt, WireError};
use super::names::WireName;
use super::text::{is_writable, percent_decoded, percent_encoded};
use crate::context::carried::Carried;
use crate::context::key::{Key, KeyMeta};
use crate::context::unwind::{Payload, discard};
use crate::context::values::Context;

/// Where something is said to have been set.
pub(super) type At = &'static Location<'static>;

/// How a value is written around what the codec makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// With its version before it, and percent-encoded.
    Own,
    /// As the codec has it, for a header that others define.
    Foreign,
}

/// A key with its codec, whose type is gone.
pub(super) trait Entry: Send + Sync {
    fn meta(&self) -> &'static KeyMeta;
    fn carried(&self) -> &'static dyn Carried;
    fn name(&self) -> &WireName;
    /// What is wrong with the codec's versions.
    fn problems(&self) -> Vec<String>;
    /// The value as it travels; `None` where `context` has none.
    fn written(&self, context: &Context) -> Result<Option<String>, WireError>;
    /// `context` with what `text` says, set at `at`.
    fn read(&self, text: &str, context: &Context, at: At) -> Result<Context, WireError>;
}

pub(super) struct TypedEntry<T: 'static> {
    pub(super) key: &'static Key<T>,
    pub(super) name: WireName,
    pub(super) form: Form,
    pub(super) codec: Codec<T>,
}

impl<T: Send + Sync + 'static> Entry for TypedEntry<T> {
    fn meta(&self) -> &'static KeyMeta {
        &self.key.meta
    }

    fn carried(&self) -> &'static dyn Carried {
        self.key
    }

    fn name(&self) -> &WireName {
        &self.name
    }

    fn problems(&self) -> Vec<String> {
        let (key, Codec { version, older, .. }) = (self.key.name(), &self.codec);
        let mut problems = Vec::new();
        if self.form == Form::Foreign && (*version != 1 || !older.is_empty()) {
            problems.push(format!(
                "`{key}` goes by a header of others, which carries no version: \
                 take the versions off its codec, or let it go by a name of the wire's own"
            ));
        }
        if *version == 0 || older.iter().any(|(older, _)| *older == 0) {
            problems.push(format!("the codec of `{key}` names version 0: the first is 1"));
        }
        for (at, (accepted, _)) in older.iter().enumerate() {
            if accepted >= version {
                problems.push(format!(
                    "the codec of `{key}` writes version {version} and accepts {accepted}: \
                     only older ones can be accepted"
                ));
            }
            if older[..at].iter().any(|(earlier, _)| earlier == accepted) {
                problems.push(format!("the codec of `{key}` accepts version {accepted} twice"));
            }
        }
        problems
    }

    fn written(&self, context: &Context) -> Result<Option<String>, WireError> {
        let value = context.find(&self.key.meta);
        let Some(value) = value.as_deref().and_then(|value| value.downcast_ref()) else {
            return Ok(None);
        };
        let text = self.codec.encode(value).map_err(|refusal| {
            let (why, source) = self.told(refusal);
            WireError::unwritable(format!("the value of `{}`: {why}", self.key.name()))
                .caused(source)
        })?;
        match self.form {
            Form::Own => {
                let text = percent_encoded(&text, |byte| byte == b' ' || byte.is_ascii_graphic());
                // A blank at the end would be taken for white space around it.
                let kept = text.trim_end_matches(' ');
                let blanks = "%20".repeat(text.len() - kept.len());
                Ok(Some(format!("v{}:{kept}{blanks}", self.codec.version)))
            }
            Form::Foreign if is_writable(&text) => Ok(Some(text)),
            Form::Foreign => Err(WireError::unwritable(format!(
                "the value of `{}`: found {}; allowed is printable ASCII with no blank at \
                 either end, since the header is of others and nothing in it is encoded",
                self.key.name(),
                self.found(&text),
            ))),
        }
    }

    fn read(&self, text: &str, context: &Context, at: At) -> Result<Context, WireError> {
        let key = self.key.name();
        let refused = |refusal| {
            let (why, source) = self.told(refusal);
            let found = self.found(text);
            WireError::malformed(format!("no value of `{key}`: {why}; found {found}"))
                .caused(source)
        };
        if self.form == Form::Foreign {
            let value = self.codec.decode.decode(text).map_err(refused)?;
            return Ok(context.with_at(self.key, value, at));
        }
        let malformed = |what: &str| {
            let found = self.found(text);
            WireError::malformed(format!("no value of `{key}`: {what}; found {found}"))
        };
        let (version, payload) = text
            .strip_prefix('v')
            .and_then(|rest| rest.split_once(':'))
            .filter(|(version, _)| is_number(version))
            .ok_or_else(|| malformed("it begins with no version, such as `v1:`"))?;
        let decoder = self.decoder(version).ok_or_else(|| self.unread(version))?;
        let (bytes, wrong) = percent_decoded(payload);
        if wrong.is_some() {
            return Err(malformed("a `%` in it has not two hexadecimal digits after it"));
        }
        let payload =
            std::str::from_utf8(&bytes).map_err(|_| malformed("what it decodes to is no UTF-8"))?;
        Ok(context.with_at(self.key, decoder.decode(payload).map_err(refused)?, at))
    }
}

impl<T: Send + Sync + 'static> TypedEntry<T> {
    fn decoder(&self, version: &str) -> Option<&Decoder<T>> {
        let version: u32 = version.parse().ok()?;
        if version == self.codec.version {
            return Some(&self.codec.decode);
        }
        let older = self.codec.older.iter().find(|(older, _)| *older == version);
        older.map(|(_, decoder)| decoder)
    }

    fn unread(&self, version: &str) -> WireError {
        let mut read: Vec<u32> = self.codec.older.iter().map(|(version, _)| *version).collect();
        read.push(self.codec.version);
        read.sort_unstable();
        WireError::version(format!(
            "a value of `{}` in version {}; its codec reads {read:?}",
            self.key.name(),
            Excerpt(version),
        ))
    }

    /// What may be told of a value: itself only where its key is `shown`.
    fn found(&self, text: &str) -> String {
        if self.is_shown() {
            format!("`{}`", Excerpt(text))
        } else {
            format!("{} bytes", text.len())
        }
    }

    /// What may be told of a codec's refusal. Its error may repeat the value.
    fn told(&self, refusal: Refusal) -> (String, Option<BoxError>) {
        match refusal {
            Refusal::Panicked(payload) => (panicked(payload), None),
            Refusal::Failed(error, _) if self.is_shown() => {
                let text = catch_unwind(AssertUnwindSafe(|| error.to_string()));
                (text.unwrap_or_else(panicked), Some(error))
            }
            Refusal::Failed(_, type_name) => (format!("its codec says `{type_name}`"), None),
        }
    }

    fn is_shown(&self) -> bool {
        self.key.meta.show.is_some()
    }
}

fn panicked(payload: Payload) -> String {
    discard(payload);
    "its codec panicked".to_owned()
}

/// A version as this crate writes it: one value has one form.
fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.starts_with(|c| c != '0')
}
