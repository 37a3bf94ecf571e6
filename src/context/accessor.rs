//! How a thread-local that another library owns goes along.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::carried::{Carried, Identity};
use super::propagation::Propagation;
use super::unwind::Payload;

/// Captures, enters and clears a thread-local owned by another library.
///
/// Registered with [`ExecutorBuilder::accessor`](crate::ExecutorBuilder::accessor)
/// as a static, which a [`Propagation`](crate::Propagation) may name like a key.
/// Accessors are entered in the order of their registration, after the keys and
/// the span, and restored in reverse.
///
/// ```
/// use std::cell::Cell;
/// use entourage::{Accessor, Executor};
///
/// thread_local! { static LOCALE: Cell<&'static str> = const { Cell::new("") } }
///
/// struct Locale;
/// struct Restore(&'static str);
/// impl Drop for Restore {
///     fn drop(&mut self) {
///         LOCALE.set(self.0);
///     }
/// }
/// impl Accessor for Locale {
///     type Value = &'static str;
///     type Guard = Restore;
///     fn name(&self) -> &'static str { "locale" }
///     fn capture(&self) -> Option<&'static str> { Some(LOCALE.get()).filter(|l| !l.is_empty()) }
///     fn enter(&self, value: Option<&&'static str>) -> Restore {
///         Restore(LOCALE.replace(value.copied().unwrap_or_default()))
///     }
/// }
/// static LOCALE_ACCESSOR: Locale = Locale;
///
/// let pool = Executor::builder().num_threads(1).accessor(&LOCALE_ACCESSOR).build()?;
/// LOCALE.set("fr");
/// assert_eq!(pool.spawn(|| LOCALE.get()).join().unwrap(), "fr");
/// # Ok::<(), entourage::BuildError>(())
/// ```
///
/// [`accessor_conformance!`](crate::accessor_conformance) tests an accessor of
/// yours; those for some libraries in wide use are in
/// [`accessors`](crate::accessors).
///
/// # Panics
///
/// A panic in `capture` reaches the submitter. A panic in `enter` fails the
/// task, which is then not run. A panic in a guard's `Drop` fails the task that
/// ran under it. A panic in `suspend` or `resume` fails the task that was run in the
/// wait of the accessor's. In each case everything else is restored.
pub trait Accessor: Send + Sync + 'static {
    /// What travels.
    type Value: Send + Sync + 'static;
    /// Restores, when dropped, what [`enter`](Self::enter) replaced. Dropped on
    /// the thread that entered.
    type Guard: 'static;

    /// The name used in messages.
    fn name(&self) -> &'static str;

    /// Takes what is current on this thread; `None` where nothing is.
    fn capture(&self) -> Option<Self::Value>;

    /// Makes `value` current on this thread, or clears it where there is none.
    fn enter(&self, value: Option<&Self::Value>) -> Self::Guard;

    /// Whether what is current equals `captured`, so that a scope may share one
    /// capture among its tasks. The default says no, which is always right.
    fn is_unchanged(&self, captured: Option<&Self::Value>) -> bool {
        let _ = captured;
        false
    }

    /// Whether a subscriber may set the same thread-local when a span is entered,
    /// as layers do that bridge `tracing` to the library. The default says no.
    ///
    /// The spans of a task that waits are exited while its thread runs another
    /// task, and entered again afterwards, in which such a layer puts what it sets
    /// above what was entered here. If this says yes, [`suspend`](Self::suspend)
    /// and [`resume`](Self::resume) are called around that.
    fn follows_spans(&self) -> bool {
        false
    }

    /// Puts back what was there before [`enter`](Self::enter), for the time being.
    /// Called before the spans of a waiting task are exited.
    fn suspend(&self, guard: &mut Self::Guard) {
        let _ = guard;
    }

    /// Undoes [`suspend`](Self::suspend). Called right after the span was entered
    /// again in which the thread-local had been.
    fn resume(&self, guard: &mut Self::Guard) {
        let _ = guard;
    }
}

pub(crate) type Captured = Option<Box<dyn Any + Send + Sync>>;

/// An [`Accessor`] whose types are gone, for a list of several.
pub(crate) trait ErasedAccessor: Send + Sync {
    fn name(&self) -> &'static str;
    fn identity(&'static self) -> Identity;
    fn is_carried(&'static self, propagation: &Propagation) -> bool;
    fn capture(&self) -> Captured;
    fn enter(&self, value: &Captured) -> Result<Box<dyn Any>, Payload>;
    fn is_unchanged(&self, captured: &Captured) -> bool;
    fn follows_spans(&self) -> bool;
    fn suspend(&self, guard: &mut dyn Any);
    fn resume(&self, guard: &mut dyn Any);
}

impl<A: Accessor> ErasedAccessor for A {
    fn name(&self) -> &'static str {
        Accessor::name(self)
    }

    fn identity(&'static self) -> Identity {
        Carried::identity(self)
    }

    fn is_carried(&'static self, propagation: &Propagation) -> bool {
        propagation.carries(self as &'static dyn Carried)
    }

    fn capture(&self) -> Captured {
        Accessor::capture(self).map(|value| Box::new(value) as Box<dyn Any + Send + Sync>)
    }

    fn enter(&self, value: &Captured) -> Result<Box<dyn Any>, Payload> {
        let value = typed::<A>(value);
        catch_unwind(AssertUnwindSafe(|| Box::new(Accessor::enter(self, value)) as Box<dyn Any>))
    }

    fn is_unchanged(&self, captured: &Captured) -> bool {
        Accessor::is_unchanged(self, typed::<A>(captured))
    }

    fn follows_spans(&self) -> bool {
        Accessor::follows_spans(self)
    }

    fn suspend(&self, guard: &mut dyn Any) {
        if let Some(guard) = guard.downcast_mut() {
            Accessor::suspend(self, guard);
        }
    }

    fn resume(&self, guard: &mut dyn Any) {
        if let Some(guard) = guard.downcast_mut() {
            Accessor::resume(self, guard);
        }
    }
}

fn typed<A: Accessor>(value: &Captured) -> Option<&A::Value> {
    value.as_ref().and_then(|value| value.downcast_ref())
}
