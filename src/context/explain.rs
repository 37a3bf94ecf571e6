//! Why a key is not here.

use std::fmt;
use std::panic::Location;

use super::carried::{Carriage, Carried, SPAN};
use super::key::{KeyMeta, KeyPolicy};
use super::propagation::Propagation;
use super::snapshot::Snapshot;

/// What became of a key, a span or an accessor's value on its way here; made by
/// [`Snapshot::explain`](crate::Snapshot::explain),
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
/// let why = TENANT.scope("acme".into(), || narrow.snapshot()).explain(&TENANT);
/// assert!(why.to_string().contains("is not on the allowlist"), "{why}");
/// assert_eq!(why.place().map(|place| place.line()), Some(line!() - 2));
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
    /// Of what is set elsewhere than in a context, so that nobody knows where.
    Carried,
    HeldBack(Option<At>, Reason),
    Removed(At),
    NeverSet,
    /// An accessor that the executor does not know.
    Unregistered,
}

/// Who held something back.
#[derive(Clone, Debug)]
pub(crate) enum Reason {
    /// The key itself.
    Key(KeyPolicy),
    Allowlist(Propagation),
    Denylist(Propagation),
    Off,
    Suppressed,
}

impl Explanation {
    pub(super) fn set(name: &'static str, at: At) -> Self {
        Self { name, fate: Fate::Set(at) }
    }

    pub(super) fn carried(name: &'static str) -> Self {
        Self { name, fate: Fate::Carried }
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

    pub(super) fn unregistered(name: &'static str) -> Self {
        Self { name, fate: Fate::Unregistered }
    }

    /// The name of what was asked for.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it is here.
    pub fn is_set(&self) -> bool {
        matches!(self.fate, Fate::Set(_) | Fate::Carried)
    }

    /// Whether a policy kept it from coming along: the key's own, a list, or
    /// propagation being off or suppressed.
    pub fn is_held_back(&self) -> bool {
        matches!(self.fate, Fate::HeldBack(..))
    }

    /// Whether it was held back since nothing was carried: propagation was off.
    pub(super) fn is_off(&self) -> bool {
        matches!(self.fate, Fate::HeldBack(_, Reason::Off))
    }

    /// Whether it was held back since nothing was carried: it was suppressed.
    pub(super) fn is_by_suppression(&self) -> bool {
        matches!(self.fate, Fate::HeldBack(_, Reason::Suppressed))
    }

    /// Whether it was set, and then removed by `cleared` or `without`.
    pub fn is_removed(&self) -> bool {
        matches!(self.fate, Fate::Removed(_))
    }

    /// Whether there is no trace of its ever having been set.
    pub fn is_never_set(&self) -> bool {
        matches!(self.fate, Fate::NeverSet | Fate::Unregistered)
    }

    /// Where it was set, or removed if it was; `None` where that is not known: of
    /// a span, an accessor's value, and of all that is held back by propagation
    /// being off or suppressed, since nothing is then looked at.
    pub fn place(&self) -> Option<&'static Location<'static>> {
        match self.fate {
            Fate::Set(at) | Fate::Removed(at) | Fate::HeldBack(Some(at), _) => Some(at),
            _ => None,
        }
    }
}

impl Snapshot {
    /// What became of `item`, a key, [`SPAN`](crate::SPAN) or an accessor, when
    /// this was captured.
    ///
    /// ```
    /// use entourage::{Propagation, SPAN, Snapshot};
    /// entourage::context_key! { static TENANT: u32 = propagate; }
    ///
    /// let denied = Propagation::except([&TENANT]);
    /// let snapshot = TENANT.scope(7, || Snapshot::capture_with(&denied));
    /// let why = snapshot.explain(&TENANT);
    /// assert!(why.is_held_back() && why.to_string().contains("it is on the denylist"));
    /// assert!(snapshot.explain(&SPAN).is_never_set());
    /// ```
    pub fn explain(&self, item: &'static dyn Carried) -> Explanation {
        item.explain(Carriage(self))
    }

    pub(super) fn explain_key(&self, key: &'static KeyMeta) -> Explanation {
        self.context().explain_meta(key)
    }

    pub(super) fn explain_span(&self) -> Explanation {
        self.explain_foreign(&SPAN, !self.as_capture().trace().is_none())
    }

    pub(super) fn explain_accessor(&self, item: &'static dyn Carried) -> Explanation {
        let (identity, foreign) = (item.identity(), self.as_capture().foreign());
        let mut all = foreign.into_iter().flat_map(|foreign| {
            foreign.accessors.iter().map(|accessor| accessor.identity()).zip(&foreign.values)
        });
        match all.find(|(other, _)| *other == identity) {
            Some((_, value)) => self.explain_foreign(item, value.is_some()),
            // Of accessors, too, it has taken nothing.
            None if self.context().is_barred() => self.explain_foreign(item, false),
            None => Explanation::unregistered(item.name()),
        }
    }

    /// Of what is set elsewhere than in a context.
    fn explain_foreign(&self, item: &'static dyn Carried, is_here: bool) -> Explanation {
        if is_here {
            return Explanation::carried(item.name());
        }
        let by_policy = || self.as_capture().held_back_by()?.holds_back(item);
        match self.context().bar().or_else(by_policy) {
            Some(reason) => Explanation::held_back(item.name(), None, reason),
            None => Explanation::never_set(item.name()),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ", self.name)?;
        match &self.fate {
            Fate::Set(at) => write!(f, "is set, at {at}"),
            Fate::Carried => f.write_str("was carried"),
            Fate::HeldBack(Some(at), reason) => {
                write!(f, "was set at {at}, and held back: {reason}")
            }
            Fate::HeldBack(None, reason) => write!(f, "was not carried: {reason}"),
            Fate::Removed(at) => write!(f, "was removed at {at}"),
            Fate::NeverSet => f.write_str("was never set"),
            Fate::Unregistered => f.write_str("is not among the accessors of the executor"),
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
            Self::Allowlist(list) => write!(f, "it is not on the allowlist ({})", list.names()),
            Self::Denylist(list) => write!(f, "it is on the denylist ({})", list.names()),
            Self::Off => f.write_str("propagation was off"),
            Self::Suppressed => f.write_str("propagation was suppressed"),
        }
    }
}
