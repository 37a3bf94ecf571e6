//! What can be wrong with what crosses a process, and with a wire itself.

use std::error::Error;
use std::fmt;

pub(super) type BoxError = Box<dyn Error + Send + Sync>;

/// Something could not be put on the wire, or what came off it cannot be taken.
///
/// The message says which name, what was found and what is allowed. A value
/// appears in it only where its key is declared `shown`; of all others it says
/// no more than the length, and neither the text nor the chain of a codec's own
/// error is passed on, which might repeat the value.
pub struct WireError {
    kind: Kind,
    name: Option<String>,
    message: String,
    source: Option<BoxError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Malformed,
    Duplicate,
    Version,
    TooLarge,
    Unwritable,
}

impl WireError {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, name: None, message: message.into(), source: None }
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(Kind::Malformed, message)
    }

    pub(super) fn duplicate(message: impl Into<String>) -> Self {
        Self::new(Kind::Duplicate, message)
    }

    pub(super) fn version(message: impl Into<String>) -> Self {
        Self::new(Kind::Version, message)
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self::new(Kind::TooLarge, message)
    }

    pub(super) fn unwritable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unwritable, message)
    }

    /// Says which name it is about. The last to say it, a wire that has a
    /// carrier before it, knows the spelling.
    pub(super) fn at(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    pub(super) fn caused(self, source: Option<BoxError>) -> Self {
        Self { source, ..self }
    }

    /// Whether a value that was read has not the form it must have.
    pub fn is_malformed(&self) -> bool {
        self.kind == Kind::Malformed
    }

    /// Whether a name is there more than once.
    pub fn is_duplicate(&self) -> bool {
        self.kind == Kind::Duplicate
    }

    /// Whether a value was written by a version that the key's codec does not
    /// read.
    pub fn is_version(&self) -> bool {
        self.kind == Kind::Version
    }

    /// Whether a cap was exceeded: the wire's, or that of the W3C on baggage.
    pub fn is_too_large(&self) -> bool {
        self.kind == Kind::TooLarge
    }

    /// Whether a value cannot be put into the form it would travel in.
    pub fn is_unwritable(&self) -> bool {
        self.kind == Kind::Unwritable
    }

    /// The header, or the environment variable, that it is about.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "`{}` on the wire: {}", Excerpt(name), self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// As told to a person, for that is where `unwrap` and `main` bring it.
impl fmt::Debug for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WireError({self})")
    }
}

impl Error for WireError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The beginning of a text from outside, escaped, for a message.
pub(super) struct Excerpt<'a>(pub(super) &'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 80;
        let end = self.0.char_indices().nth(MOST).map_or(self.0.len(), |(at, _)| at);
        write!(f, "{}", self.0[..end].escape_debug())?;
        if end < self.0.len() { write!(f, "… ({} bytes)", self.0.len()) } else { Ok(()) }
    }
}

/// A wire that cannot be: says everything that is wrong with it at once.
#[derive(Debug, thiserror::Error)]
#[error("the wire cannot be built: {}", problems.join("; "))]
pub struct WireBuildError {
    problems: Vec<String>,
}

impl WireBuildError {
    pub(super) fn check(problems: Vec<String>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self { problems }) }
    }

    /// One sentence a problem.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}
