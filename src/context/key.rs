//! Keys: what a value is filed under, and whether it may cross a thread.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::current;
use super::explain::Explanation;
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

pub(crate) type Erased = dyn Any + Send + Sync;
pub(crate) type Value = Arc<Erased>;

/// What a context has to know of a key once its type is gone.
#[derive(Debug)]
pub(crate) struct KeyMeta {
    pub(crate) name: &'static str,
    pub(crate) policy: KeyPolicy,
    pub(crate) show: Option<fn(&Erased, &mut fmt::Formatter<'_>) -> fmt::Result>,
    /// Makes the value that a task is given of the one its submitter has.
    pub(crate) fork: Option<fn(&Erased) -> Value>,
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
        let meta = KeyMeta { name, policy, show: None, fork: None };
        Self { meta, _value: PhantomData }
    }

    /// Lets `Debug` of a context show this key's value, which it otherwise
    /// redacts.
    #[doc(hidden)]
    pub const fn shown(mut self) -> Self
    where
        T: fmt::Debug,
    {
        self.meta.show = Some(show::<T>);
        self
    }

    /// Has `fork` make the value of each task.
    #[doc(hidden)]
    pub const fn forking(mut self, fork: fn(&Erased) -> Value) -> Self {
        assert!(
            !matches!(self.meta.policy, KeyPolicy::Never),
            "a key declared `never` crosses no thread, so there is no copy to `fork`"
        );
        assert!(self.meta.fork.is_none(), "a key has one `fork`");
        self.meta.fork = Some(fork);
        self
    }

    /// What `fork` makes of a value whose type is gone.
    #[doc(hidden)]
    pub fn fork(parent: &Erased, fork: fn(&T) -> T) -> Value {
        let Some(parent) = parent.downcast_ref() else {
            unreachable!("a key is given values of its own type alone");
        };
        Arc::new(fork(parent))
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

    /// Where the key's current value was set, or why there is none: asked inside a
    /// task, also what kept it from coming along.
    ///
    /// ```
    /// # use entourage::Executor;
    /// entourage::context_key! { static TOKEN: String = clear; }
    ///
    /// let pool = Executor::builder().num_threads(1).build()?;
    /// let (value, why) = TOKEN.scope("secret".into(), || {
    ///     pool.spawn(|| (TOKEN.get(), TOKEN.explain())).join().unwrap()
    /// });
    /// assert!(value.is_none() && why.is_held_back());
    /// assert_eq!(why.place().unwrap().line(), line!() - 4);
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    pub fn explain(&'static self) -> Explanation {
        current::explain(&self.meta)
    }

    /// Runs `f` with the key set to `value` on this thread, and in all work
    /// that is submitted meanwhile; then restores what was there, also when
    /// `f` panics.
    #[track_caller]
    pub fn scope<R>(&'static self, value: T, f: impl FnOnce() -> R) -> R {
        Context::current().with(self, value).scope(f)
    }

    /// Runs `f` with the key not set, as if it had never been.
    #[track_caller]
    pub fn cleared<R>(&'static self, f: impl FnOnce() -> R) -> R {
        Context::current().without(self).scope(f)
    }
}

fn show<T: fmt::Debug + 'static>(value: &Erased, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
/// (see [`KeyPolicy`](crate::KeyPolicy)), and after that, in any order:
///
/// - `shown` where `Debug` may print the values, which are redacted otherwise;
/// - `fork = f` where a task is to be given not its submitter's value, but what
///   `f` makes of it.
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
///
/// # Fork
///
/// A fork is for values that count, number or branch: a task's share of a
/// budget, a child of a cancellation token, the path of tasks that led here.
///
/// ```
/// use entourage::{Executor, context_key};
///
/// context_key! {
///     /// How many tasks lie between the root and here.
///     pub static DEPTH: u32 = propagate, fork = |parent| parent + 1;
/// }
///
/// let pool = Executor::builder().num_threads(2).build()?;
/// DEPTH.scope(0, || {
///     let nested = pool.clone();
///     let task = pool.spawn(move || (DEPTH.get(), nested.spawn(|| DEPTH.get()).join().unwrap()));
///     assert_eq!(task.join().unwrap(), (Some(1), Some(2)));
///     assert_eq!(DEPTH.get(), Some(0));
/// });
/// # Ok::<(), entourage::BuildError>(())
/// ```
///
/// It is called on the submitting thread, in the submitter's context, once for
///
/// - each task of `spawn` and its kin, and each task spawned in a scope;
/// - each worker of a `broadcast`;
/// - each [`Snapshot`](crate::Snapshot) captured by hand, however often it is
///   then entered;
/// - each parallel iterator put `in_context`: its leaves, whose number is the
///   scheduler's whim, share one value;
/// - the second half of a `join` if another worker takes it over. Only then is
///   that known, so this one is made on that worker, while the first half may
///   still be running.
///
/// It is not called for a closure that stays on its thread, nor for `install`
/// or the body of a `scope`: those are the caller itself, moved to a worker,
/// and see the caller's own value.
///
/// Its panic is the submitter's, and nothing is then submitted (that of a `join`'s
/// second half comes out of the `join`). Work that a fork itself submits carries
/// nothing, or it would fork without end.
#[macro_export]
macro_rules! context_key {
    ($(
        $(#[$attr:meta])*
        $vis:vis static $name:ident : $type:ty =
            $policy:ident $(, $option:ident $(= $value:expr)?)* $(,)? ;
    )*) => {
        $(
            $(#[$attr])*
            $vis static $name: $crate::Key<$type> = $crate::context_key!(
                @options [$type]
                [$crate::Key::new(
                    concat!(module_path!(), "::", stringify!($name)),
                    $crate::context_key!(@policy $policy),
                )]
                $($option $(= $value)?,)*
            );
        )*
    };

    (@policy propagate) => { $crate::KeyPolicy::Propagate };
    (@policy clear) => { $crate::KeyPolicy::Clear };
    (@policy never) => { $crate::KeyPolicy::Never };
    (@policy $other:ident) => {
        compile_error!(concat!(
            "a key's policy is `propagate`, `clear` or `never`, not `", stringify!($other), "`"
        ))
    };

    // One option after the other is put on the key in the brackets.
    (@options [$type:ty] [$key:expr]) => { $key };
    (@options [$type:ty] [$key:expr] shown, $($rest:tt)*) => {
        $crate::context_key!(@options [$type] [$key.shown()] $($rest)*)
    };
    (@options [$type:ty] [$key:expr] fork = $fork:expr, $($rest:tt)*) => {
        $crate::context_key!(
            @options [$type]
            [$key.forking(|parent| $crate::Key::<$type>::fork(parent, $fork))]
            $($rest)*
        )
    };
    (@options [$type:ty] [$key:expr] fork, $($rest:tt)*) => {
        compile_error!("`fork` needs to be told how: `fork = |parent| ...`")
    };
    (@options [$type:ty] [$key:expr] shown = $value:expr, $($rest:tt)*) => {
        compile_error!("`shown` takes no value: a key is declared `shown`, or it is not")
    };
    (@options [$type:ty] [$key:expr] $other:ident $($rest:tt)*) => {
        compile_error!(concat!(
            "besides its policy, a key is told `shown` or `fork = |parent| ...`, not `",
            stringify!($other), "`"
        ))
    };
}
