//! What a propagation list can name.

use std::any::TypeId;
use std::ptr;

use super::accessor::Accessor;
use super::explain::Explanation;
use super::key::{Key, KeyMeta, KeyPolicy};
use super::snapshot::Snapshot;

/// Something that a [`Propagation`](crate::Propagation) can name: a [`Key`], [`SPAN`], or a static
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

    pub(super) fn of_key(meta: &'static KeyMeta) -> Self {
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
