//! The policy: what goes along when work crosses a thread.

use std::fmt;
use std::sync::Arc;

use super::carried::{Carried, Identity, SPAN};
use super::explain::Reason;
use super::key::KeyPolicy;
use super::values::Context;

type List = Arc<[&'static dyn Carried]>;

#[derive(Clone)]
enum Mode {
    All,
    Only(List),
    Except(List),
    Off,
}

/// Which keys, spans and foreign thread-locals go along with submitted work.
///
/// A key's own [`KeyPolicy`] is the default; a list is explicit and beats it,
/// except that nothing makes a `never` key travel.
///
/// ```
/// use entourage::{Propagation, SPAN};
/// entourage::context_key! {
///     static TENANT: String = propagate;
///     static TOKEN: String = clear;
/// }
///
/// assert!(Propagation::all().carries(&TENANT));
/// assert!(!Propagation::all().carries(&TOKEN));
/// assert!(Propagation::only([&TOKEN, &SPAN]).carries(&TOKEN));
/// assert!(!Propagation::except([&TENANT]).carries(&TENANT));
/// assert!(!Propagation::off().carries(&TENANT));
/// ```
#[derive(Clone)]
pub struct Propagation(Mode);

impl Propagation {
    /// Everything whose own policy is to propagate. The default.
    pub const fn all() -> Self {
        Self(Mode::All)
    }

    /// An allowlist: these and nothing else.
    pub fn only<const N: usize>(items: [&'static dyn Carried; N]) -> Self {
        Self(Mode::Only(Arc::new(items)))
    }

    /// As [`only`](Self::only), for a list that is made at run time. (`only` takes
    /// an array, so that the compiler sees that items of many types are meant.)
    ///
    /// ```
    /// use entourage::{Carried, Propagation, RUN_ID, SPAN};
    /// let with_spans = true;
    /// let mut list: Vec<&'static dyn Carried> = vec![&RUN_ID];
    /// list.extend(with_spans.then_some(&SPAN as &dyn Carried));
    /// assert!(Propagation::only_of(list).carries(&SPAN));
    /// ```
    pub fn only_of(items: impl IntoIterator<Item = &'static dyn Carried>) -> Self {
        Self(Mode::Only(items.into_iter().collect()))
    }

    /// A denylist: everything that propagates, but not these.
    pub fn except<const N: usize>(items: [&'static dyn Carried; N]) -> Self {
        Self(Mode::Except(Arc::new(items)))
    }

    /// As [`except`](Self::except), for a list that is made at run time.
    pub fn except_of(items: impl IntoIterator<Item = &'static dyn Carried>) -> Self {
        Self(Mode::Except(items.into_iter().collect()))
    }

    /// Nothing, at no cost: no snapshot is taken and no thread-local written
    /// beyond one flag.
    pub const fn off() -> Self {
        Self(Mode::Off)
    }

    /// Whether this is [`off`](Self::off).
    #[inline]
    pub fn is_off(&self) -> bool {
        matches!(self.0, Mode::Off)
    }

    /// Whether `item` goes along.
    pub fn carries(&self, item: &'static dyn Carried) -> bool {
        self.holds_back(item).is_none()
    }

    /// Why `item` does not go along; `None` where it does.
    pub(crate) fn holds_back(&self, item: &'static dyn Carried) -> Option<Reason> {
        self.decide(item.identity(), item.policy())
    }

    /// Looks for what can never work: a `never` key on an allowlist, an item
    /// listed twice, two items of one name.
    ///
    /// # Errors
    ///
    /// Names every such item.
    pub fn validate(&self) -> Result<(), PropagationError> {
        let mut problems = Vec::new();
        self.find_problems(&mut problems);
        PropagationError::of(problems)
    }

    pub(super) fn find_problems(&self, problems: &mut Vec<String>) {
        let list = self.list();
        for (at, item) in list.iter().enumerate() {
            if matches!(self.0, Mode::Only(_)) && item.policy() == KeyPolicy::Never {
                problems.push(format!(
                    "`{}` is declared `never`, so an allowlist cannot carry it: \
                     take it off the list or declare it `clear`",
                    item.name()
                ));
            }
            if let Some(earlier) = list[..at].iter().find(|earlier| earlier.name() == item.name()) {
                let twice = earlier.identity() == item.identity();
                let what =
                    if twice { "is listed twice" } else { "is the name of two different items" };
                problems.push(format!("`{}` {what}", item.name()));
            }
        }
    }

    pub(super) fn list(&self) -> &[&'static dyn Carried] {
        match &self.0 {
            Mode::Only(list) | Mode::Except(list) => list,
            Mode::All | Mode::Off => &[],
        }
    }

    pub(crate) fn carries_span(&self) -> bool {
        self.carries(&SPAN)
    }

    /// What of `context` goes along; `context` itself where all of it does.
    pub(crate) fn filter(&self, context: &Context) -> Context {
        match &self.0 {
            Mode::Off => Context::EMPTY,
            Mode::All if !context.has_homebound() => context.clone(),
            _ => context.filtered(|meta| self.decide(Identity::of_key(meta), meta.policy)),
        }
    }

    fn decide(&self, item: Identity, policy: KeyPolicy) -> Option<Reason> {
        let listed = |list: &List| list.iter().any(|other| other.identity() == item);
        match &self.0 {
            Mode::Off => Some(Reason::Off),
            _ if policy == KeyPolicy::Never => Some(Reason::Key(policy)),
            Mode::Only(list) => (!listed(list)).then(|| Reason::Allowlist(self.clone())),
            Mode::Except(list) if listed(list) => Some(Reason::Denylist(self.clone())),
            Mode::All | Mode::Except(_) => {
                (policy != KeyPolicy::Propagate).then_some(Reason::Key(policy))
            }
        }
    }

    /// The names on the list, as a message shows them.
    pub(crate) fn names(&self) -> String {
        let names: Vec<_> = self.list().iter().map(|item| format!("`{}`", item.name())).collect();
        if names.is_empty() { "which is empty".to_owned() } else { names.join(", ") }
    }
}

impl Default for Propagation {
    fn default() -> Self {
        Self::all()
    }
}

impl fmt::Debug for Propagation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, list) = match &self.0 {
            Mode::All => return f.write_str("all"),
            Mode::Off => return f.write_str("off"),
            Mode::Only(list) => ("only", list),
            Mode::Except(list) => ("except", list),
        };
        let names: Vec<_> = list.iter().map(|item| item.name()).collect();
        f.debug_tuple(word).field(&names).finish()
    }
}

/// A propagation policy that cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[error("the propagation policy cannot be carried out: {}", problems.join("; "))]
pub struct PropagationError {
    problems: Vec<String>,
}

impl PropagationError {
    pub(super) fn of(problems: Vec<String>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self { problems }) }
    }
}
