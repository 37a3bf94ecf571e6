//! Which keys a wire carries, and what may be wrong with the choice.

use std::fmt;
use std::ptr;
use std::sync::Arc;

use super::codec::Codec;
use super::entry::{Entry, Form, TypedEntry};
use super::error::{Excerpt, WireBuildError};
use super::names::{Naming, TOKEN, WireName, header_of_key, is_prefix, is_token};
use super::unknown::{Unknown, WIRE_UNKNOWN};
use super::{BAGGAGE, Inner, TRACE_PARENT, TRACE_STATE, Wire};
use crate::context::carried::Carried;
use crate::context::key::{Key, KeyMeta, KeyPolicy};
use crate::context::propagation::Propagation;

/// Configures a [`Wire`]. What it names is what travels: the names are an
/// allowlist, which beats a key's policy, except that nothing makes a `never`
/// key travel.
#[must_use = "nothing is built until `build` is called"]
pub struct WireBuilder {
    /// In the order of their naming. The prefix may be said after a key.
    keys: Vec<Named>,
    prefix: String,
    trace_context: bool,
    max_trace_state: usize,
    baggage: bool,
    max_bytes: usize,
    unknown: Unknown,
}

/// A key that was named, to be given the wire's prefix.
type Named = Box<dyn FnOnce(&str) -> Box<dyn Entry> + Send + Sync>;

/// Room for the most baggage that everybody must pass on (8,192 bytes), for
/// trace context, and for some keys.
const DEFAULT_MAX_BYTES: usize = 16 * 1024;

impl WireBuilder {
    pub(super) fn new() -> Self {
        Self {
            keys: Vec::new(),
            prefix: "entourage-ctx-".to_owned(),
            trace_context: false,
            max_trace_state: usize::MAX,
            baggage: false,
            max_bytes: DEFAULT_MAX_BYTES,
            unknown: Unknown::default(),
        }
    }

    /// Carries [`TRACE_PARENT`] and [`TRACE_STATE`], as `traceparent` and
    /// `tracestate`.
    pub fn trace_context(self) -> Self {
        Self { trace_context: true, ..self }
    }

    /// Writes no more than this many characters of `tracestate`:
    /// [`TraceState::truncated`](crate::TraceState::truncated) says what goes.
    /// No limit by itself; the specification asks for at least 512.
    pub fn max_trace_state(self, characters: usize) -> Self {
        Self { max_trace_state: characters, ..self }
    }

    /// Carries [`BAGGAGE`], as `baggage`.
    pub fn baggage(self) -> Self {
        Self { baggage: true, ..self }
    }

    /// Carries `key` under a name of the wire's own: the [prefix](Self::prefix),
    /// then the last part of the key's path, in lower case and with `-` for `_`.
    /// So `app::REQUEST_ID` goes by `entourage-ctx-request-id`, or
    /// `ENTOURAGE_CTX_REQUEST_ID` in an environment.
    ///
    /// The value is written as `v`, the [version](Codec::version) of the codec, a
    /// colon, and the codec's text, percent-encoded where it is not printable
    /// ASCII.
    pub fn key<T: Send + Sync + 'static>(self, key: &'static Key<T>, codec: Codec<T>) -> Self {
        self.entry(move |prefix| {
            let name = WireName::of_header(&header_of_key(prefix, key.name()));
            Box::new(TypedEntry { key, name, form: Form::Own, codec })
        })
    }

    /// Carries `key` under a name that others have defined, such as
    /// `x-request-id`, with the codec's text and nothing else as its value. A
    /// text that is not printable ASCII cannot be written.
    pub fn key_as<T: Send + Sync + 'static>(
        self,
        name: impl Into<String>,
        key: &'static Key<T>,
        codec: Codec<T>,
    ) -> Self {
        let name = WireName::of_header(&name.into());
        self.entry(move |_| Box::new(TypedEntry { key, name, form: Form::Foreign, codec }))
    }

    fn entry(mut self, entry: impl FnOnce(&str) -> Box<dyn Entry> + Send + Sync + 'static) -> Self {
        self.keys.push(Box::new(entry));
        self
    }

    /// What the wire's own names begin with: lower-case letters, digits and `-`,
    /// from a letter to a `-`. Without it, `entourage-ctx-`.
    ///
    /// All names with the prefix are the wire's: it reads them and, where it
    /// writes, takes away what is not of the snapshot. Two wires over one
    /// carrier need two prefixes.
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// How many bytes of names and values together are written, or read, at the
    /// most. Without it, 16,384.
    pub fn max_bytes(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }

    /// What is done with names that begin with the [prefix](Self::prefix) and are
    /// of no key here. Without it they are dropped.
    pub fn unknown(self, unknown: Unknown) -> Self {
        Self { unknown, ..self }
    }

    /// Builds the wire.
    ///
    /// # Errors
    ///
    /// Names everything that is wrong: a key that is declared `never`, or named
    /// twice; two keys of one name, be it the header's or the environment
    /// variable's; what cannot be the name of a header, or a prefix; versions
    /// that make no sense; no room at all.
    pub fn build(self) -> Result<Wire, WireBuildError> {
        let mut problems = Vec::new();
        if !is_prefix(&self.prefix) {
            problems.push(format!(
                "`{}` is no prefix: allowed are lower-case letters, digits and `-`, \
                 from a letter to a `-`",
                Excerpt(&self.prefix)
            ));
        }
        if self.max_bytes == 0 {
            problems.push("a cap of 0 bytes lets nothing through".to_owned());
        }
        let entries: Vec<_> = self.keys.into_iter().map(|entry| entry(&self.prefix)).collect();
        for (at, entry) in entries.iter().enumerate() {
            problems.extend(problems_of(&**entry));
            for earlier in &entries[..at] {
                problems.extend(clash(&**earlier, &**entry));
            }
        }
        WireBuildError::check(problems)?;
        let trace: [&'static dyn Carried; 2] = [&TRACE_PARENT, &TRACE_STATE];
        let trace = trace.into_iter().filter(|_| self.trace_context);
        let baggage = self.baggage.then_some(&BAGGAGE as &'static dyn Carried);
        let unknown = (self.unknown == Unknown::Keep).then_some(&WIRE_UNKNOWN as _);
        let own = entries.iter().map(|entry| entry.carried());
        let inner = Inner {
            propagation: Propagation::only_of(trace.chain(baggage).chain(unknown).chain(own)),
            entries,
            prefix: WireName::of_header(&self.prefix),
            trace_context: self.trace_context,
            max_trace_state: self.max_trace_state,
            baggage: self.baggage,
            max_bytes: self.max_bytes,
            unknown: self.unknown,
        };
        Ok(Wire { inner: Arc::new(inner) })
    }
}

/// What is wrong with a key by itself.
fn problems_of(entry: &dyn Entry) -> Vec<String> {
    let (key, name) = (entry.meta(), entry.name());
    let header = name.spelled(Naming::Header);
    let mut problems = entry.problems();
    if key.policy == KeyPolicy::Never {
        problems.push(format!(
            "`{}` is declared `never`, so no wire can carry it: \
             take it off the wire or declare it `clear`",
            key.name
        ));
    }
    let built_in: [&'static KeyMeta; 4] =
        [&TRACE_PARENT.meta, &TRACE_STATE.meta, &BAGGAGE.meta, &WIRE_UNKNOWN.meta];
    if built_in.iter().any(|built_in| ptr::eq(*built_in, key)) {
        problems.push(format!(
            "`{}` goes by rules of its own: ask for it by `trace_context`, `baggage` or `unknown`",
            key.name
        ));
    }
    if !is_token(header) {
        problems.push(format!(
            "`{}` of `{}` cannot be the name of a header: {TOKEN}; name it by `key_as`",
            Excerpt(header),
            key.name
        ));
    }
    let variable = name.spelled(Naming::Environment);
    if ["TRACEPARENT", "TRACESTATE", "BAGGAGE"].contains(&variable) {
        problems.push(format!("`{}` of `{}` is a name of the W3C's", Excerpt(header), key.name));
    }
    problems
}

/// What two keys cannot both be.
fn clash(one: &dyn Entry, other: &dyn Entry) -> Option<String> {
    let (key, name) = (one.meta(), one.name());
    if ptr::eq(key, other.meta()) {
        return Some(format!("`{}` is named twice", key.name));
    }
    let of_both = format!("of both `{}` and `{}`", key.name, other.meta().name);
    let same = |naming| name.spelled(naming) == other.name().spelled(naming);
    if same(Naming::Header) {
        let header = Excerpt(name.spelled(Naming::Header));
        Some(format!("`{header}` would be the name {of_both}: name one of them by `key_as`"))
    } else if same(Naming::Environment) {
        let variable = Excerpt(name.spelled(Naming::Environment));
        Some(format!("`{variable}` would be the environment variable {of_both}"))
    } else {
        None
    }
}

impl fmt::Debug for WireBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireBuilder")
            .field("prefix", &self.prefix)
            .field("trace_context", &self.trace_context)
            .field("baggage", &self.baggage)
            .field("keys", &self.keys.len())
            .field("max_bytes", &self.max_bytes)
            .field("unknown", &self.unknown)
            .finish_non_exhaustive()
    }
}
