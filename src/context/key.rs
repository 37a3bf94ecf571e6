//! Keys: what a value is filed under, and whether it may cross a thread.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::current;
use super::values::Context;

/// Whether a key's value goes along when work crosses to another thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyPolicy {
    /// Carried, unless a [`Propagation`](crate::Propagation) leaves it out.
    Propagate,
    /// Left behind, unless an allowlist names it.
    Clear,
    /// Never leaves its thread. An allowlist that names it is refused.
    Never,
}

pub(crate) type Value = Arc<dyn Any + Send + Sync>;

/// What a context has to know of a key once its type is gone.
#[derive(Debug)]
pub(crate) struct KeyMeta {
    pub(crate) name: &'static str,
    pub(crate) policy: KeyPolicy,
    pub(crate) show: Option<fn(&(dyn Any + Send + Sync), &mut fmt::Formatter<'_>) -> fmt::Result>,
}

/// A name for one value of type `T` in the [`Context`].
///
/// Keys are statics, declared with [`context_key!`](crate::context_key), and
/// are told apart by their address: two keys of one name are two keys.
///
/// A value is set for the length of a closure and can be set in no other way,
/// so nothing a task sets can outlive the task.
///
/// ```
/// entourage::context_key! {
///     /// Who the work is for.
///     pub static TENANT: String = propagate;
/// }
///
/// assert_eq!(TENANT.get(), None);
/// TENANT.scope("acme".into(), || {
///     assert_eq!(TENANT.get().as_deref(), Some("acme"));
/// });
/// assert_eq!(TENANT.get(), None);
/// ```
pub struct Key<T: 'static> {
    pub(crate) meta: KeyMeta,
    _value: PhantomData<fn() -> T>,
}

impl<T: Send + Sync + 'static> Key<T> {
    /// Used by [`context_key!`](crate::context_key); a key must be a static.
    #[doc(hidden)]
    pub const fn new(name: &'static str, policy: KeyPolicy) -> Self {
        let meta = KeyMeta { name, policy, show: None };
        Self { meta, _value: PhantomData }
    }

    /// Lets `Debug` of a context show this key's value, which it otherwise
    /// redacts.
    #[doc(hidden)]
    pub const fn shown(name: &'static str, policy: KeyPolicy) -> Self
    where
        T: fmt::Debug,
    {
        let meta = KeyMeta { name, policy, show: Some(show::<T>) };
        Self { meta, _value: PhantomData }
    }

    /// The key's name: the path of its static.
    pub fn name(&self) -> &'static str {
        self.meta.name
    }

    /// Whether the key's value may cross a thread.
    pub fn policy(&self) -> KeyPolicy {
        self.meta.policy
    }

    /// The current value, or `None` where none is set.
    #[inline]
    pub fn get(&'static self) -> Option<T>
    where
        T: Clone,
    {
        self.with(|value| value.cloned())
    }

    /// Calls `f` with the current value, without cloning it.
    ///
    /// ```
    /// # entourage::context_key! { static TENANT: String = propagate; }
    /// let length = TENANT.scope("acme".into(), || TENANT.with(|t| t.map_or(0, String::len)));
    /// assert_eq!(length, 4);
    /// ```
    pub fn with<R>(&'static self, f: impl FnOnce(Option<&T>) -> R) -> R {
        // The value is kept alive by a count of its own, not by a borrow of the
        // thread's context, so `f` may set keys.
        let value = current::with_context(|context| context.find(&self.meta));
        f(value.as_deref().and_then(|value| value.downcast_ref()))
    }

    /// Runs `f` with the key set to `value` on this thread, and in all work
    /// that is submitted meanwhile; then restores what was there, also when
    /// `f` panics.
    pub fn scope<R>(&'static self, value: T, f: impl FnOnce() -> R) -> R {
        Context::current().with(self, value).scope(f)
    }

    /// Runs `f` with the key not set, as if it had never been.
    pub fn cleared<R>(&'static self, f: impl FnOnce() -> R) -> R {
        Context::current().without(self).scope(f)
    }
}

fn show<T: fmt::Debug + 'static>(
    value: &(dyn Any + Send + Sync),
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match value.downcast_ref::<T>() {
        Some(value) => value.fmt(f),
        None => f.write_str("<value of another type>"),
    }
}

impl<T: 'static> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("name", &self.meta.name)
            .field("policy", &self.meta.policy)
            .finish()
    }
}

/// Declares context keys, each a `static` of type [`Key`](crate::Key).
///
/// After the type comes the key's own policy, `propagate`, `clear` or `never`
/// (see [`KeyPolicy`](crate::KeyPolicy)), and, after a comma, `shown` where
/// `Debug` may print the values (they are redacted otherwise).
///
/// ```
/// entourage::context_key! {
///     /// Goes along with the work.
///     pub static TENANT: String = propagate, shown;
///     /// Goes along only where an allowlist names it.
///     pub static TOKEN: String = clear;
///     /// Stays on its thread.
///     static SCRATCH: Vec<u8> = never;
/// }
/// # assert!(TENANT.name().ends_with("::TENANT"));
/// # assert_eq!(TOKEN.policy(), entourage::KeyPolicy::Clear);
/// # assert_eq!(SCRATCH.policy(), entourage::KeyPolicy::Never);
/// ```
#[macro_export]
macro_rules! context_key {
    () => {};
    ($(#[$attr:meta])* $vis:vis static $name:ident : $type:ty = $policy:ident; $($rest:tt)*) => {
        $(#[$attr])*
        $vis static $name: $crate::Key<$type> = $crate::Key::new(
            concat!(module_path!(), "::", stringify!($name)),
            $crate::context_key!(@policy $policy),
        );
        $crate::context_key! { $($rest)* }
    };
    ($(#[$attr:meta])* $vis:vis static $name:ident : $type:ty = $policy:ident, shown; $($rest:tt)*) => {
        $(#[$attr])*
        $vis static $name: $crate::Key<$type> = $crate::Key::shown(
            concat!(module_path!(), "::", stringify!($name)),
            $crate::context_key!(@policy $policy),
        );
        $crate::context_key! { $($rest)* }
    };
    (@policy propagate) => { $crate::KeyPolicy::Propagate };
    (@policy clear) => { $crate::KeyPolicy::Clear };
    (@policy never) => { $crate::KeyPolicy::Never };
    (@policy $other:ident) => {
        compile_error!(concat!(
            "a key's policy is `propagate`, `clear` or `never`, not `", stringify!($other), "`"
        ))
    };
}
