//! The policy: what goes along when work crosses a thread.

use std::any::TypeId;
use std::fmt;
use std::ptr;
use std::sync::Arc;

use super::accessor::{Accessor, ErasedAccessor};
use super::explain::{Explanation, Reason};
use super::key::{Key, KeyMeta, KeyPolicy};
use super::snapshot::Snapshot;
use super::values::Context;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Something that a [`Propagation`] can name: a [`Key`], [`SPAN`], or a static
/// of any type that is an [`Accessor`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing that a propagation list can name",
    label = "neither a key, nor `SPAN`, nor an accessor",
    note = "a list names keys declared with `context_key!`, `SPAN`, and statics of a type that is an `Accessor`"
)]
pub trait Carried: sealed::Sealed + Send + Sync + 'static {
    /// The name used in messages.
    fn name(&'static self) -> &'static str;

    /// Whether it may cross a thread.
    fn policy(&'static self) -> KeyPolicy {
        KeyPolicy::Propagate
    }

    #[doc(hidden)]
    fn identity(&'static self) -> Identity;

    #[doc(hidden)]
    fn is_accessor(&'static self) -> bool {
        false
    }

    #[doc(hidden)]
    fn explain(&'static self, carried: Carriage<'_>) -> Explanation;
}

/// Tells carried things apart.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity(What);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A key, by its address.
    Key(usize),
    /// Anything else, by its type too: it may lie at the start of another.
    Static(TypeId, usize),
    /// A static of no size, by its type alone. Such statics may share an address,
    /// with each other or with a key, or may not, as the linker likes; and where
    /// there is no state, two of one type do the same thing.
    Sizeless(TypeId),
}

impl Identity {
    pub(crate) fn of<T: 'static>(item: &'static T) -> Self {
        Self(match size_of::<T>() {
            0 => What::Sizeless(TypeId::of::<T>()),
            _ => What::Static(TypeId::of::<T>(), ptr::from_ref(item).addr()),
        })
    }

    fn of_key(meta: &'static KeyMeta) -> Self {
        Self(What::Key(ptr::from_ref(meta).addr()))
    }
}

mod sealed {
    pub trait Sealed {}
    impl<T: Send + Sync + 'static> Sealed for super::Key<T> {}
    impl Sealed for super::SpanKey {}
    impl<A: super::Accessor> Sealed for A {}
}

/// What a snapshot shows of itself to whoever is asked to explain what is in it.
#[doc(hidden)]
#[derive(Debug)]
pub struct Carriage<'s>(pub(super) &'s Snapshot);

impl<T: Send + Sync + 'static> Carried for Key<T> {
    fn name(&'static self) -> &'static str {
        self.meta.name
    }
    fn policy(&'static self) -> KeyPolicy {
        self.meta.policy
    }
    fn identity(&'static self) -> Identity {
        Identity::of_key(&self.meta)
    }
    fn explain(&'static self, carried: Carriage<'_>) -> Explanation {
        carried.0.explain_key(&self.meta)
    }
}

/// The type of [`SPAN`].
#[derive(Debug)]
pub struct SpanKey {
    _private: u8,
}

/// The current `tracing` span together with its dispatcher, as a propagation
/// list names it.
///
/// ```
/// use entourage::{Propagation, RUN_ID, SPAN};
/// let policy = Propagation::only([&SPAN, &RUN_ID]);
/// assert!(policy.carries(&SPAN));
/// ```
pub static SPAN: SpanKey = SpanKey { _private: 0 };

impl Carried for SpanKey {
    fn name(&'static self) -> &'static str {
        "entourage::SPAN"
    }
    fn identity(&'static self) -> Identity {
        Identity::of(self)
    }
    fn explain(&'static self, carried: Carriage<'_>) -> Explanation {
        carried.0.explain_span()
    }
}

impl<A: Accessor> Carried for A {
    fn name(&'static self) -> &'static str {
        Accessor::name(self)
    }
    fn identity(&'static self) -> Identity {
        Identity::of(self)
    }
    fn is_accessor(&'static self) -> bool {
        true
    }
    fn explain(&'static self, carried: Carriage<'_>) -> Explanation {
        carried.0.explain_accessor(self)
    }
}

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

    fn find_problems(&self, problems: &mut Vec<String>) {
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

    fn list(&self) -> &[&'static dyn Carried] {
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
    fn of(problems: Vec<String>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self { problems }) }
    }
}

/// A policy with the accessors it is applied to: all that a capture needs.
#[derive(Clone)]
pub(crate) struct CarryPolicy {
    pub(super) id: PolicyId,
    pub(crate) propagation: Propagation,
    pub(crate) accessors: Arc<[&'static dyn ErasedAccessor]>,
    /// What the propagation says of the span, which is asked at every submit.
    pub(super) carries_span: bool,
    /// Whether it carries every accessor.
    pub(super) carries_accessors: bool,
}

/// Tells policies apart: what one of them captured says nothing of another.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PolicyId(u64);

impl PolicyId {
    /// Of a policy that nobody else has, so that nothing is known by it.
    pub(super) const NONE: Self = Self(0);

    fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Whether this is the `other`, and known.
    #[inline]
    pub(super) fn is(self, other: Self) -> bool {
        self.0 == other.0 && self.0 != 0
    }
}

impl CarryPolicy {
    /// An executor's policy.
    pub(crate) fn new(
        propagation: Propagation,
        accessors: Arc<[&'static dyn ErasedAccessor]>,
    ) -> Self {
        let carries_span = propagation.carries_span();
        let carries_accessors = accessors.iter().all(|it| it.is_carried(&propagation));
        let id = PolicyId::next();
        Self { id, propagation, accessors, carries_span, carries_accessors }
    }

    /// The policy of a single capture.
    pub(super) fn of(propagation: Propagation) -> Self {
        Self { id: PolicyId::NONE, ..Self::new(propagation, Arc::default()) }
    }

    /// As [`Propagation::validate`], and looks for what is wrong with the
    /// accessors: listed without being registered, registered twice, two of one
    /// name.
    pub(crate) fn validate(&self) -> Result<(), PropagationError> {
        let mut problems = Vec::new();
        self.propagation.find_problems(&mut problems);
        for item in self.propagation.list() {
            let is_it =
                |accessor: &&'static dyn ErasedAccessor| accessor.identity() == item.identity();
            if item.is_accessor() && !self.accessors.iter().any(is_it) {
                problems.push(format!(
                    "`{}` is listed but not among the executor's accessors: register it, \
                     or take it off the list",
                    item.name()
                ));
            }
        }
        for (at, accessor) in self.accessors.iter().enumerate() {
            let name = accessor.name();
            if let Some(earlier) = self.accessors[..at].iter().find(|other| other.name() == name) {
                let twice = earlier.identity() == accessor.identity();
                let what =
                    if twice { "is registered twice" } else { "is the name of two accessors" };
                problems.push(format!("`{name}` {what}"));
            }
        }
        PropagationError::of(problems)
    }
}
