//! What a task leaves behind, and which snapshots live on.
//!
//! Nothing here cleans up: frames do that, watched or not. A watched capture is
//! run between two looks at the thread, and is entered in a register for as long
//! as it lives. Whoever asks for neither pays for one look at a null pointer a
//! task.

mod mark;
mod register;

use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::Arc;

use tracing::Metadata;

use self::mark::{AccessorMarks, TraceMark};
use self::register::Entry;
pub(crate) use self::register::{LeakHandler, LeakWatch};
use super::capture::Capture;
use super::frame::Frame;
use super::unwind::Payload;

/// Something that a task left behind on its worker, or a snapshot that outlived
/// its executor; told to
/// [`ExecutorBuilder::on_leak`](crate::ExecutorBuilder::on_leak). Its `Display`
/// is a sentence with file and line.
#[derive(Clone, Debug)]
pub struct Leak {
    kind: Kind,
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Kind {
    Span(&'static Metadata<'static>),
    Dispatcher,
    Accessor(&'static str),
    Snapshot,
}

/// Where a capture comes from.
#[derive(Clone, Debug)]
struct Origin {
    task: Option<String>,
    at: &'static Location<'static>,
}

/// A snapshot that has not ended; see
/// [`Executor::live_snapshots`](crate::Executor::live_snapshots).
#[derive(Clone, Debug)]
pub struct LiveSnapshot {
    origin: Origin,
    is_by_hand: bool,
}

impl Leak {
    /// Whether it is a span that a task entered and never exited. It has been
    /// exited.
    pub fn is_span(&self) -> bool {
        matches!(self.kind, Kind::Span(_))
    }

    /// Whether it is a dispatcher that a task set as its thread's default and never
    /// reset. `tracing` has no way to reset it; tasks with propagation on do not
    /// see it.
    pub fn is_dispatcher(&self) -> bool {
        matches!(self.kind, Kind::Dispatcher)
    }

    /// Whether it is an accessor's thread-local which, after the accessor's guard
    /// was dropped, was not what it was before the task.
    pub fn is_accessor(&self) -> bool {
        matches!(self.kind, Kind::Accessor(_))
    }

    /// Whether it is a snapshot, taken by hand, that lives longer than the executor
    /// that took it. It keeps its span open, and its values alive.
    pub fn is_snapshot(&self) -> bool {
        matches!(self.kind, Kind::Snapshot)
    }

    /// The name of the span or the accessor.
    pub fn name(&self) -> Option<&'static str> {
        match self.kind {
            Kind::Span(metadata) => Some(metadata.name()),
            Kind::Accessor(name) => Some(name),
            Kind::Dispatcher | Kind::Snapshot => None,
        }
    }

    /// The name of the task, if it was given one.
    pub fn task(&self) -> Option<&str> {
        self.origin.task.as_deref()
    }

    /// Where the task was submitted, or the snapshot taken.
    pub fn place(&self) -> &'static Location<'static> {
        self.origin.at
    }
}

impl LiveSnapshot {
    /// The name of the task it was taken for, if that was given one.
    pub fn task(&self) -> Option<&str> {
        self.origin.task.as_deref()
    }

    /// Where it was taken: where the task was submitted, or where
    /// [`Executor::snapshot`](crate::Executor::snapshot) was called.
    pub fn place(&self) -> &'static Location<'static> {
        self.origin.at
    }

    /// Whether it was taken by hand, rather than for a task that has not ended.
    pub fn is_by_hand(&self) -> bool {
        self.is_by_hand
    }
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, origin } = self;
        match kind {
            Kind::Span(metadata) => {
                write!(f, "{origin} left the span `{}`", metadata.name())?;
                if let (Some(file), Some(line)) = (metadata.file(), metadata.line()) {
                    write!(f, " of {file}:{line}")?;
                }
                f.write_str(" entered on its worker")
            }
            Kind::Dispatcher => write!(f, "{origin} left a dispatcher set on its worker"),
            Kind::Accessor(name) => {
                write!(f, "{origin} left behind what the accessor `{name}` did not restore")
            }
            Kind::Snapshot => {
                write!(f, "the snapshot taken at {} outlives its executor", origin.at)
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.task {
            Some(task) => write!(f, "task `{task}`, submitted at {},", self.at),
            None => write!(f, "the task submitted at {}", self.at),
        }
    }
}

impl fmt::Display for LiveSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin.task, self.is_by_hand) {
            (_, true) => write!(f, "the snapshot taken at {}", self.origin.at),
            (_, false) => write!(f, "the snapshot of {}", self.origin),
        }
    }
}

/// Who watches a capture; entered in the register until dropped.
pub(super) struct Watched {
    watch: Arc<LeakWatch>,
    entry: Entry,
}

impl Watched {
    /// Runs `f` in `capture`, as [`Frame::run_apart`] does, and tells of what it
    /// left behind.
    pub(super) fn run_apart<R>(
        &self,
        capture: &Capture,
        f: impl FnOnce() -> R,
    ) -> (Result<R, Payload>, Result<(), Payload>) {
        let mut found = Vec::new();
        let accessors = AccessorMarks::set(capture);
        let ended = Frame::run_unwatched(capture, || {
            let mark = TraceMark::set();
            let answer = catch_unwind(AssertUnwindSafe(f));
            mark.compare(&mut found);
            answer.unwrap_or_else(|payload| resume_unwind(payload))
        });
        accessors.compare(&mut found);
        for kind in found {
            self.watch.tell(Leak { kind, origin: self.entry.origin().clone() });
        }
        ended
    }
}
