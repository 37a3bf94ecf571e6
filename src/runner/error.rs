//! Why a run, or a node of it, did not succeed.

use std::error::Error;
use std::fmt;
use std::process::ExitStatus;
use std::time::Duration;

use super::control::{Cancelled, INTERRUPTED};
use super::hooks::HookError;
use super::plan::{Resume, Unfinished};
use super::report::{Fate, RunReport};
use crate::catalog::{DatasetError, listed};
use crate::context::{Payload, discard};
use crate::executor::{Place, message_of, place_of};
use crate::pipeline::{NodeIndex, Pipeline};

type BoxError = Box<dyn Error + Send + Sync>;

/// How a node failed.
pub struct NodeFailure {
    pipeline: Pipeline,
    at: NodeIndex,
    pub(super) kind: FailureKind,
    /// Of those that were told of it.
    hooks: Vec<HookError>,
}

pub(super) enum FailureKind {
    Error(BoxError),
    Panic {
        message: String,
        place: Option<Place>,
        thread: String,
    },
    Load(DatasetError),
    Save(DatasetError),
    Hook(HookError),
    Confirm(DatasetError),
    /// The process that it was to run in is not, or is no more.
    Died {
        status: Option<ExitStatus>,
        what: String,
    },
    Timeout(Duration),
}

impl FailureKind {
    pub(super) fn panic(payload: Payload) -> Self {
        let (message, place) = (message_of(&*payload), place_of(&*payload));
        discard(payload);
        Self::Panic { message, place, thread: thread_name() }
    }
}

/// What the current thread is called, in a message.
pub(super) fn thread_name() -> String {
    let thread = std::thread::current();
    thread.name().map_or_else(|| format!("{:?}", thread.id()), str::to_owned)
}

impl NodeFailure {
    pub(super) fn new(pipeline: &Pipeline, at: NodeIndex, kind: FailureKind) -> Self {
        Self { pipeline: pipeline.clone(), at, kind, hooks: Vec::new() }
    }

    /// Tells besides of hooks that failed when they were told of it.
    pub(super) fn besides(&mut self, hooks: Vec<HookError>) {
        self.hooks.extend(hooks);
    }

    /// The node.
    pub fn node(&self) -> &str {
        self.pipeline.name_of(self.at)
    }

    /// The node's tags, in order.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.pipeline.tags_of(self.at)
    }

    /// What the node reads, as its function has it.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.pipeline.reads(self.at).iter().map(|dataset| self.pipeline.slot(*dataset).name)
    }

    /// Whether the node's function returned an error. It is the
    /// [`source`](Error::source), unchanged, and can be downcast.
    pub fn is_error(&self) -> bool {
        matches!(self.kind, FailureKind::Error(_))
    }

    /// Whether the node panicked: in its function, or in a load or a save.
    pub fn is_panic(&self) -> bool {
        matches!(self.kind, FailureKind::Panic { .. })
    }

    /// Whether an input could not be loaded.
    pub fn is_load(&self) -> bool {
        matches!(self.kind, FailureKind::Load(_))
    }

    /// Whether an output could not be saved.
    pub fn is_save(&self) -> bool {
        matches!(self.kind, FailureKind::Save(_))
    }

    /// Whether a dataset could not be confirmed. All that the node wrote is saved
    /// then, and none of it is given to other nodes.
    pub fn is_confirm(&self) -> bool {
        matches!(self.kind, FailureKind::Confirm(_))
    }

    /// Whether the node's process died of it, or there was none for it: in a run
    /// of a [`ProcessRunner`](crate::ProcessRunner).
    pub fn is_died(&self) -> bool {
        matches!(self.kind, FailureKind::Died { .. })
    }

    /// How the node's process ended, where it died and the system said how.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        match &self.kind {
            FailureKind::Died { status, .. } => *status,
            _ => None,
        }
    }

    /// Whether the node took longer than it was given.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, FailureKind::Timeout(_))
    }

    /// Whether a hook failed or panicked, and the node with it. It is the
    /// [`source`](Error::source), a [`HookError`].
    pub fn is_hook(&self) -> bool {
        matches!(self.kind, FailureKind::Hook(_))
    }

    /// What hooks did wrong that were told of this failure, in the order in which
    /// they were told.
    pub fn hook_errors(&self) -> &[HookError] {
        &self.hooks
    }

    /// Where the node, or a hook of it, panicked, if it did and the panic hook saw
    /// it.
    pub fn place(&self) -> Option<&Place> {
        match &self.kind {
            FailureKind::Panic { place, .. } => place.as_ref(),
            FailureKind::Hook(error) => error.place(),
            _ => None,
        }
    }
}

impl fmt::Display for NodeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node `{}` ", self.node())?;
        match &self.kind {
            FailureKind::Error(error) => write!(f, "failed: {error}"),
            FailureKind::Panic { message, place, thread } => {
                f.write_str("panicked")?;
                if let Some(place) = place {
                    write!(f, " at {place}")?;
                }
                write!(f, " on thread `{thread}`: {message}")
            }
            FailureKind::Hook(error) => write!(f, "failed: {error}"),
            FailureKind::Load(error) | FailureKind::Save(error) | FailureKind::Confirm(error) => {
                write!(f, "failed: {error}")
            }
            FailureKind::Died { what, .. } => write!(f, "died: {what}"),
            FailureKind::Timeout(timeout) => write!(f, "took longer than {timeout:?}"),
        }?;
        self.hooks.iter().try_for_each(|error| write!(f, "; besides, {error}"))
    }
}

impl fmt::Debug for NodeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeFailure({self})")
    }
}

impl Error for NodeFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            FailureKind::Error(error) => Some(&**error),
            FailureKind::Hook(error) => Some(error),
            FailureKind::Load(error) | FailureKind::Save(error) | FailureKind::Confirm(error) => {
                Some(error)
            }
            FailureKind::Panic { .. } | FailureKind::Died { .. } | FailureKind::Timeout(_) => None,
        }
    }
}

/// A run that did not succeed: refused before the first node, failed on the way,
/// called off, or spoilt by a hook of its own.
pub struct RunError {
    kind: Kind,
    /// Those that spoilt it, and then those that were told of it.
    hooks: Vec<HookError>,
}

enum Kind {
    Refused(Vec<String>),
    Failed(Box<(RunReport, Unfinished)>),
    /// Before the first node, or when all were done.
    Spoilt(Option<Box<RunReport>>),
    Cancelled(Box<(RunReport, Unfinished)>),
}

impl RunError {
    pub(super) fn refused(problems: Vec<String>) -> Self {
        Self { kind: Kind::Refused(problems), hooks: Vec::new() }
    }

    pub(super) fn failed(report: RunReport, unfinished: Unfinished) -> Self {
        Self { kind: Kind::Failed(Box::new((report, unfinished))), hooks: Vec::new() }
    }

    /// By hooks, before the first node or when all were done.
    pub(super) fn spoilt(hooks: Vec<HookError>, report: Option<RunReport>) -> Self {
        Self { kind: Kind::Spoilt(report.map(Box::new)), hooks }
    }

    /// Tells besides of hooks that failed when they were told of it.
    pub(super) fn besides(mut self, hooks: Vec<HookError>) -> Self {
        self.hooks.extend(hooks);
        self
    }

    pub(super) fn cancelled(report: RunReport, unfinished: Unfinished) -> Self {
        Self { kind: Kind::Cancelled(Box::new((report, unfinished))), hooks: Vec::new() }
    }

    /// Whether no node was started, because the pipeline, the catalog and the
    /// options do not go together.
    pub fn is_refused(&self) -> bool {
        matches!(self.kind, Kind::Refused(_))
    }

    /// Whether all that went wrong is a hook of the run, by an error or a panic:
    /// before the first node, so that there is no report, or when every node was
    /// done, so that there is one, with the outputs.
    pub fn is_hook(&self) -> bool {
        matches!(self.kind, Kind::Spoilt(_))
    }

    /// What hooks of the run did wrong: first those that spoilt it, then those that
    /// were told of it. Hooks of nodes are in the [`failures`](Self::failures).
    pub fn hook_errors(&self) -> &[HookError] {
        &self.hooks
    }

    /// Whether the run was called off before its end, by a
    /// [`CancelToken`](crate::CancelToken) or Ctrl-C. Nodes that failed before, in
    /// a run that keeps going, are in [`failures`](Self::failures) all the same.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.kind, Kind::Cancelled(_))
    }

    /// Whether the run ended without its success because nodes failed.
    pub fn is_failed(&self) -> bool {
        matches!(self.kind, Kind::Failed(_))
    }

    /// What a program ends with that could not do more: 2 where the run was
    /// refused, 1 where it failed, and 130, as after a Ctrl-C, where it was called
    /// off.
    ///
    /// ```
    /// use std::process::ExitCode;
    /// use entourage::{Catalog, Pipeline, RunOptions, SequentialRunner};
    ///
    /// fn main() -> ExitCode {
    ///     let pipeline = Pipeline::new([]).unwrap();
    ///     match SequentialRunner::new().run(&pipeline, &Catalog::empty(), RunOptions::new()) {
    ///         Ok(_) => ExitCode::SUCCESS,
    ///         Err(error) => {
    ///             eprintln!("{error}");
    ///             ExitCode::from(error.exit_code())
    ///         }
    ///     }
    /// }
    /// ```
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Refused(_) => 2,
            Kind::Failed(_) | Kind::Spoilt(_) => 1,
            Kind::Cancelled(_) => INTERRUPTED,
        }
    }

    /// Why the run was refused, one sentence a problem: all of them.
    pub fn problems(&self) -> &[String] {
        match &self.kind {
            Kind::Refused(problems) => problems,
            Kind::Failed(_) | Kind::Spoilt(_) | Kind::Cancelled(_) => &[],
        }
    }

    /// Every node's fate, where the run was begun.
    pub fn report(&self) -> Option<&RunReport> {
        match &self.kind {
            Kind::Refused(_) => None,
            Kind::Spoilt(report) => report.as_deref(),
            Kind::Failed(begun) | Kind::Cancelled(begun) => Some(&begun.0),
        }
    }

    /// What is left to do, where the run was begun: the nodes that a second run
    /// has to be of.
    ///
    /// ```
    /// use entourage::{Catalog, Data, Pipeline, RunOptions, SequentialRunner, node};
    ///
    /// const ONE: Data<u64> = Data::memory("one");
    /// const TWO: Data<u64> = Data::memory("two");
    ///
    /// let pipeline = Pipeline::new([
    ///     node(|| 1u64).reads(()).writes(ONE).named("one"),
    ///     node(|_: &u64| Err::<u64, _>("no luck")).reads(ONE).writes(TWO).named("two"),
    /// ])?;
    /// let run = SequentialRunner::new().run(&pipeline, &Catalog::empty(), RunOptions::new());
    /// let resume = run.unwrap_err().resume().unwrap();
    /// // What was in memory has to be made again.
    /// assert_eq!(resume.nodes(), ["one", "two"]);
    /// assert!(resume.is_whole());
    /// # Ok::<(), entourage::PipelineError>(())
    /// ```
    pub fn resume(&self) -> Option<Resume> {
        match &self.kind {
            Kind::Refused(_) | Kind::Spoilt(_) => None,
            Kind::Failed(begun) | Kind::Cancelled(begun) => begun.1.resume(&begun.0),
        }
    }

    /// Every node that failed, with its error.
    pub fn failures(&self) -> impl Iterator<Item = &NodeFailure> {
        self.report().into_iter().flat_map(RunReport::failures)
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = self.problems().to_vec();
        told.extend(self.failures().map(NodeFailure::to_string));
        told.extend(self.hooks.iter().map(HookError::to_string));
        let Some(report) = self.report() else {
            return write!(f, "the run was not started:\n{}", listed(&told));
        };
        let count = |wanted: fn(&Fate<'_>) -> bool| {
            report.nodes().filter(|node| wanted(&node.fate)).count()
        };
        let what = if self.is_cancelled() { "was cancelled" } else { "failed" };
        writeln!(f, "run `{}` {what}:", report.run_id())?;
        if !told.is_empty() {
            writeln!(f, "{}", listed(&told))?;
        }
        let cancelled = count(|fate| matches!(fate, Fate::Cancelled));
        write!(
            f,
            "  {} done, {} failed, {} skipped, {} never started",
            count(|fate| matches!(fate, Fate::Done)),
            count(|fate| matches!(fate, Fate::Failed(_))),
            count(|fate| matches!(fate, Fate::Skipped { .. })),
            count(|fate| matches!(fate, Fate::NeverStarted)),
        )?;
        if cancelled > 0 {
            write!(f, ", {cancelled} cancelled")?;
        }
        if let up_to_date @ 1.. = count(|fate| matches!(fate, Fate::UpToDate)) {
            write!(f, ", {up_to_date} up to date")?;
        }
        match self.resume() {
            Some(resume) => write!(f, "\n  to finish it, {resume}"),
            None => Ok(()),
        }
    }
}

/// As told to a person, for that is where `unwrap` and `main` bring it.
impl fmt::Debug for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunError({self})")
    }
}

impl Error for RunError {
    /// The first node's failure, or else the first hook's error, or that the run was
    /// [`Cancelled`].
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let failure = self.failures().next().map(|failure| failure as _);
        let cancelled = || self.is_cancelled().then_some(&Cancelled as _);
        failure.or_else(|| self.hooks.first().map(|error| error as _)).or_else(cancelled)
    }
}
