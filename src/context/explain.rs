//! Why a key is not here.

use std::fmt;
use std::panic::Location;

use super::key::KeyPolicy;
use super::propagation::Propagation;

/// What became of a key on its way here; made by
/// [`Context::explain`](crate::Context::explain) and
/// [`Key::explain`](crate::Key::explain). Its `Display` is a sentence.
///
/// Nothing of a value is in it, and a context that was told to leave a value
/// behind does not keep it alive to say so.
///
/// ```
/// use entourage::{Executor, Propagation};
/// entourage::context_key! {
///     static TENANT: String = propagate;
///     static TOKEN: String = clear;
/// }
///
/// let pool = Executor::builder().num_threads(1).build()?;
/// let why = TOKEN.scope("secret".into(), || pool.spawn(|| TOKEN.explain())).join().unwrap();
/// assert!(why.is_held_back());
/// assert!(why.to_string().contains("it is declared `clear`"), "{why}");
///
/// let narrow = pool.with_propagation(Propagation::only([&TOKEN])).unwrap();
/// let snapshot = TENANT.scope("acme".into(), || narrow.snapshot());
/// let why = snapshot.scope(|| TENANT.explain());
/// assert!(why.to_string().contains("is not on the allowlist"), "{why}");
/// assert_eq!(why.place().map(|place| place.line()), Some(line!() - 3));
/// # Ok::<(), entourage::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Explanation {
    name: &'static str,
    fate: Fate,
}

type At = &'static Location<'static>;

#[derive(Clone, Debug)]
enum Fate {
    Set(At),
    HeldBack(Option<At>, Reason),
    Removed(At),
    NeverSet,
}

/// Who held something back.
#[derive(Clone, Debug)]
pub(crate) enum Reason {
    /// The key itself.
    Key(KeyPolicy),
    Allowlist(Propagation),
    Denylist(Propagation),
    Off,
}

impl Explanation {
    pub(super) fn set(name: &'static str, at: At) -> Self {
        Self { name, fate: Fate::Set(at) }
    }

    pub(super) fn held_back(name: &'static str, at: Option<At>, reason: Reason) -> Self {
        Self { name, fate: Fate::HeldBack(at, reason) }
    }

    pub(super) fn removed(name: &'static str, at: At) -> Self {
        Self { name, fate: Fate::Removed(at) }
    }

    pub(super) fn never_set(name: &'static str) -> Self {
        Self { name, fate: Fate::NeverSet }
    }

    /// The name of what was asked for.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it is here.
    pub fn is_set(&self) -> bool {
        matches!(self.fate, Fate::Set(_))
    }

    /// Whether a policy kept it from coming along: the key's own, or a list.
    pub fn is_held_back(&self) -> bool {
        matches!(self.fate, Fate::HeldBack(..))
    }

    /// Whether it was set, and then removed by `cleared` or `without`.
    pub fn is_removed(&self) -> bool {
        matches!(self.fate, Fate::Removed(_))
    }

    /// Whether there is no trace of its ever having been set.
    pub fn is_never_set(&self) -> bool {
        matches!(self.fate, Fate::NeverSet)
    }

    /// Where it was set, or removed if it was; `None` where it was never set.
    pub fn place(&self) -> Option<&'static Location<'static>> {
        match self.fate {
            Fate::Set(at) | Fate::Removed(at) | Fate::HeldBack(Some(at), _) => Some(at),
            _ => None,
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ", self.name)?;
        match &self.fate {
            Fate::Set(at) => write!(f, "is set, at {at}"),
            Fate::HeldBack(Some(at), reason) => {
                write!(f, "was set at {at}, and held back: {reason}")
            }
            Fate::HeldBack(None, reason) => write!(f, "was not carried: {reason}"),
            Fate::Removed(at) => write!(f, "was removed at {at}"),
            Fate::NeverSet => f.write_str("was never set"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(KeyPolicy::Never) => {
                f.write_str("it is declared `never`, so it stays on its thread")
            }
            Self::Key(_) => f.write_str("it is declared `clear`, and no allowlist names it"),
            Self::Allowlist(list) => write!(f, "it is not on the allowlist, {}", list.names()),
            Self::Denylist(list) => write!(f, "it is on the denylist, {}", list.names()),
            Self::Off => f.write_str("propagation was off"),
        }
    }
}
