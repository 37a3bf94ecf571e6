//! What a hook did wrong.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::listen::Hooks;
use crate::context::discard;
use crate::executor::{Place, message_of, place_of};
use crate::runner::error::thread_name;

type BoxError = Box<dyn Error + Send + Sync>;

/// A hook failed or panicked: which one, and in which method.
pub struct HookError {
    hook: String,
    method: Cow<'static, str>,
    cause: Box<HookCause>,
}

pub(in crate::runner) enum HookCause {
    Error(BoxError),
    /// The place in a box, so that an error is small enough to be returned.
    Panic {
        message: String,
        place: Option<Box<Place>>,
        thread: String,
    },
}

impl HookError {
    pub(super) fn failed(hook: &dyn Hooks, method: &'static str, error: BoxError) -> Self {
        Self {
            hook: name_of(hook),
            method: method.into(),
            cause: Box::new(HookCause::Error(error)),
        }
    }

    pub(super) fn panicked(
        hook: &dyn Hooks,
        method: &'static str,
        payload: Box<dyn Any + Send>,
    ) -> Self {
        // Before anything else of the hook's is called, which may panic again.
        let (message, place) = (message_of(&*payload), place_of(&*payload).map(Box::new));
        discard(payload);
        let thread = thread_name();
        Self {
            hook: name_of(hook),
            method: method.into(),
            cause: Box::new(HookCause::Panic { message, place, thread }),
        }
    }

    /// As another process told of it.
    #[cfg(unix)]
    pub(in crate::runner) fn told(hook: String, method: String, cause: HookCause) -> Self {
        Self { hook, method: method.into(), cause: Box::new(cause) }
    }

    /// What the hook calls itself: its type's name, unless it has another.
    pub fn hook(&self) -> &str {
        &self.hook
    }

    /// The method of [`Hooks`] that failed.
    pub fn method(&self) -> &str {
        &self.method
    }

    pub(in crate::runner) fn cause(&self) -> &HookCause {
        &self.cause
    }

    /// Whether it panicked.
    pub fn is_panic(&self) -> bool {
        matches!(*self.cause, HookCause::Panic { .. })
    }

    /// Where it panicked, if it did and the panic hook saw it.
    pub fn place(&self) -> Option<&Place> {
        match &*self.cause {
            HookCause::Error(_) => None,
            HookCause::Panic { place, .. } => place.as_deref(),
        }
    }
}

pub(super) fn name_of(hook: &dyn Hooks) -> String {
    catch_unwind(AssertUnwindSafe(|| hook.name().to_owned())).unwrap_or_else(|payload| {
        discard(payload);
        "?, whose name panicked".to_owned()
    })
}

impl fmt::Display for HookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hook, method, cause } = self;
        match &**cause {
            HookCause::Error(error) => write!(f, "hook `{hook}` failed in `{method}`: {error}"),
            HookCause::Panic { message, place, thread } => {
                write!(f, "hook `{hook}` panicked in `{method}`")?;
                if let Some(place) = place {
                    write!(f, " at {place}")?;
                }
                write!(f, " on thread `{thread}`: {message}")
            }
        }
    }
}

impl fmt::Debug for HookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HookError({self})")
    }
}

impl Error for HookError {
    /// What the hook returned, unchanged.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &*self.cause {
            HookCause::Error(error) => Some(&**error),
            HookCause::Panic { .. } => None,
        }
    }
}

/// What a hook asked for does not fit the run: no such dataset, or another type.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Mismatch {
    message: String,
}

impl Mismatch {
    pub(super) fn new(message: String) -> Self {
        Self { message }
    }
}
