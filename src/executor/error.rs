//! Why a task has no value.

use std::any::Any;
use std::fmt;
use std::panic::Location;

use super::place::{Place, message_of, place_of};
use crate::sync::Mutex;

/// A task ended without a value, or its value cannot be waited for.
pub struct TaskError {
    task: TaskName,
    kind: Kind,
}

/// What a task is called: its name if it was given one, and where it was
/// submitted.
#[derive(Clone, Debug, Default)]
pub(super) struct TaskName {
    pub(super) name: Option<String>,
    pub(super) submitted: Option<&'static Location<'static>>,
}

impl TaskName {
    pub(super) fn at(submitted: &'static Location<'static>) -> Self {
        Self { name: None, submitted: Some(submitted) }
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.submitted) {
            (Some(name), Some(submitted)) => write!(f, "task `{name}`, submitted at {submitted},"),
            (Some(name), None) => write!(f, "task `{name}`"),
            (None, Some(submitted)) => write!(f, "the task submitted at {submitted}"),
            (None, None) => f.write_str("a detached task"),
        }
    }
}

enum Kind {
    /// The payload is only `Send`: the lock, which nobody ever waits for, makes
    /// the error `Sync`, as the common error types ask of theirs.
    Panicked {
        payload: Mutex<Box<dyn Any + Send>>,
        place: Option<Place>,
    },
    /// Before what.
    Cancelled(&'static str),
    ShutDown,
    Deadlock,
    Taken,
}

impl TaskError {
    pub(super) fn panicked(task: TaskName, payload: Box<dyn Any + Send>) -> Self {
        let place = place_of(&*payload);
        Self { task, kind: Kind::Panicked { payload: Mutex::new(payload), place } }
    }

    pub(super) fn cancelled(task: TaskName) -> Self {
        Self { task, kind: Kind::Cancelled("it began") }
    }

    pub(super) fn cancelled_future(task: TaskName) -> Self {
        Self { task, kind: Kind::Cancelled("it was done") }
    }

    pub(super) fn shut_down(task: TaskName) -> Self {
        Self { task, kind: Kind::ShutDown }
    }

    pub(super) fn deadlock(task: TaskName) -> Self {
        Self { task, kind: Kind::Deadlock }
    }

    pub(super) fn taken(task: TaskName) -> Self {
        Self { task, kind: Kind::Taken }
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.kind, Kind::Panicked { .. })
    }

    /// Whether the task was cancelled, by its handle: a closure before it began, a
    /// future before it was done.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.kind, Kind::Cancelled(_))
    }

    /// Whether the task did not run, or not to its end, because its executor was
    /// shut down.
    pub fn is_shut_down(&self) -> bool {
        matches!(self.kind, Kind::ShutDown)
    }

    /// Whether waiting would never have ended: the task waits, itself or by way
    /// of others, for the thread that wanted to wait for it.
    pub fn is_deadlock(&self) -> bool {
        matches!(self.kind, Kind::Deadlock)
    }

    /// Whether the value was taken before: the future was polled after it was
    /// ready.
    pub fn is_taken(&self) -> bool {
        matches!(self.kind, Kind::Taken)
    }

    /// The task's name, or else the place it was submitted at.
    pub fn task(&self) -> String {
        match (&self.task.name, self.task.submitted) {
            (Some(name), _) => name.clone(),
            (None, Some(submitted)) => submitted.to_string(),
            (None, None) => self.task.to_string(),
        }
    }

    /// Where the task was submitted. Unknown of a detached task that carried
    /// nothing.
    pub fn submitted_at(&self) -> Option<Place> {
        self.task.submitted.map(Place::from)
    }

    /// Where the task panicked. Unknown where the program replaced the panic
    /// hook after it built its first executor.
    pub fn place(&self) -> Option<&Place> {
        match &self.kind {
            Kind::Panicked { place, .. } => place.as_ref(),
            _ => None,
        }
    }

    /// The panic's payload, to be looked at or resumed.
    ///
    /// # Errors
    ///
    /// The error itself, where it is no panic.
    pub fn into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self.kind {
            Kind::Panicked { payload, .. } => Ok(payload.into_inner()),
            kind => Err(Self { kind, ..self }),
        }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.task)?;
        match &self.kind {
            Kind::Panicked { payload, place: Some(place) } => {
                write!(f, "panicked at {place}: {}", message_of(&**payload.lock()))
            }
            Kind::Panicked { payload, place: None } => {
                write!(f, "panicked: {}", message_of(&**payload.lock()))
            }
            Kind::Cancelled(before) => write!(f, "was cancelled before {before}"),
            Kind::ShutDown => f.write_str("did not run to its end: its executor was shut down"),
            Kind::Deadlock => f.write_str(
                "cannot be waited for here: it is itself waiting for this thread, \
                 so neither would ever go on",
            ),
            Kind::Taken => {
                f.write_str("gave its value before: its future was polled once too often")
            }
        }
    }
}

impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskError({self})")
    }
}

impl std::error::Error for TaskError {}
