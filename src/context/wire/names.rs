//! How one name is spelled in a header and in an environment.

/// How a [`Carrier`](super::Carrier) spells names.
///
/// A wire's own name is that of the header. The environment variable is made
/// from it as [OpenTelemetry] has it: ASCII letters in upper case, `_` in place
/// of every other character that is neither letter nor digit, and `_` before a
/// leading digit. So `entourage-ctx-tenant` is `ENTOURAGE_CTX_TENANT`.
///
/// [OpenTelemetry]: https://opentelemetry.io/docs/specs/otel/context/env-carriers/
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Naming {
    /// As headers: in lower case when written, in any case when read.
    Header,
    /// As environment variables: in upper case, and read in no other except on
    /// Windows, where the case of a variable's name means nothing.
    Environment,
}

impl Naming {
    /// Whether `found`, a name in a carrier, is `name`.
    pub(super) fn is(self, found: &str, name: &str) -> bool {
        if self.ignores_case() { found.eq_ignore_ascii_case(name) } else { found == name }
    }

    /// Whether `found`, a name in a carrier, begins with `prefix` and goes on.
    pub(super) fn is_under(self, found: &str, prefix: &str) -> bool {
        match found.split_at_checked(prefix.len()) {
            Some((start, rest)) => !rest.is_empty() && self.is(start, prefix),
            None => false,
        }
    }

    fn ignores_case(self) -> bool {
        match self {
            Self::Header => true,
            Self::Environment => cfg!(windows),
        }
    }
}

/// One name in both spellings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WireName {
    header: String,
    variable: String,
}

impl WireName {
    pub(super) fn of_header(header: &str) -> Self {
        Self { header: header.to_ascii_lowercase(), variable: variable_of(header) }
    }

    pub(super) fn spelled(&self, naming: Naming) -> &str {
        match naming {
            Naming::Header => &self.header,
            Naming::Environment => &self.variable,
        }
    }
}

/// The name under which a key goes by itself: the last part of its path, after
/// the wire's prefix.
pub(super) fn header_of_key(prefix: &str, key: &str) -> String {
    let last = key.rsplit("::").next().unwrap_or(key);
    format!("{prefix}{}", last.to_ascii_lowercase().replace('_', "-"))
}

/// A name that was found in a carrier of one kind, as one of another spells it.
pub(super) fn respelled(name: &str, from: Naming, to: Naming) -> String {
    match (from, to) {
        (Naming::Header, Naming::Environment) => variable_of(name),
        (Naming::Environment, Naming::Header) => name.to_ascii_lowercase().replace('_', "-"),
        _ => name.to_owned(),
    }
}

fn variable_of(header: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let lead = header.starts_with(|c: char| c.is_ascii_digit()).then_some('_');
    lead.into_iter().chain(header.chars().map(safe)).collect()
}

/// What [`is_token`] wants, for a message.
pub(super) const TOKEN: &str = "allowed are only ASCII letters, digits and `!#$%&'*+-.^_`|~`";

/// Whether `text` is a `token` (RFC 9110, section 5.6.2): what the name of a
/// header, and the key of a baggage member, must be.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Whether `text` can set a wire's names apart, in either spelling.
pub(super) fn is_prefix(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
