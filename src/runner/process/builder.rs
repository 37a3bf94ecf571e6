//! How a process runner is set up.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::runner::ProcessRunner;
use crate::catalog::listed;
use crate::context::Wire;

/// Sets up a [`ProcessRunner`]; made by [`ProcessRunner::builder`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct ProcessRunnerBuilder {
    pub(super) workers: Option<usize>,
    pub(super) wire: Option<Wire>,
    pub(super) memory_limit: Option<u64>,
    pub(super) greeting_timeout: Duration,
    pub(super) grace: Duration,
    pub(super) folder: Option<PathBuf>,
    pub(super) command: Option<Arc<dyn Fn() -> Command + Send + Sync>>,
}

impl ProcessRunnerBuilder {
    pub(super) fn new() -> Self {
        Self {
            workers: None,
            wire: None,
            memory_limit: None,
            greeting_timeout: Duration::from_secs(10),
            grace: Duration::from_secs(5),
            folder: None,
            command: None,
        }
    }

    /// How many nodes may run at once, each in a process; by default as many as
    /// the machine runs at once. A process is started when a node needs one, and
    /// kept for the next.
    pub fn workers(self, workers: usize) -> Self {
        Self { workers: Some(workers), ..self }
    }

    /// What of the caller's context the nodes see, besides run, node and log: by
    /// default a trace's place and its baggage. [`serve_worker`](crate::serve_worker)
    /// has to be given the same.
    pub fn wire(self, wire: &Wire) -> Self {
        Self { wire: Some(wire.clone()), ..self }
    }

    /// How much memory a worker may take up, in bytes of address space
    /// (`RLIMIT_AS`): code, stacks and mapped files count. A node that needs more
    /// dies of it, and no other does. By default there is no limit but the
    /// system's.
    pub fn memory_limit(self, bytes: u64) -> Self {
        Self { memory_limit: Some(bytes), ..self }
    }

    /// How long a worker may take from its start to
    /// [`serve_worker`](crate::serve_worker); by default 10 s.
    pub fn greeting_timeout(self, timeout: Duration) -> Self {
        Self { greeting_timeout: timeout, ..self }
    }

    /// How long a node that is called off may take to end by itself before its
    /// process is killed; by default 5 s.
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Where the folder of a run is made, for what the catalog does not bind; by
    /// default where the system keeps temporary files.
    pub fn folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// How a worker is started; by default as this process was: its program, its
    /// arguments, its environment, its working directory. Standard input and the
    /// process group are the runner's to set.
    ///
    /// ```
    /// use std::process::{Command, Stdio};
    /// use entourage::ProcessRunner;
    ///
    /// let runner = ProcessRunner::builder().command(|| {
    ///     let mut command = Command::new("my-pipeline");
    ///     command.args(["--quiet"]).stdout(Stdio::null());
    ///     command
    /// });
    /// ```
    pub fn command(self, command: impl Fn() -> Command + Send + Sync + 'static) -> Self {
        Self { command: Some(Arc::new(command)), ..self }
    }

    /// Builds the runner. No process is started yet.
    ///
    /// # Errors
    ///
    /// Names everything that is wrong: no workers, no memory, no time; a system
    /// that is no Unix, or that gives no threads.
    pub fn build(self) -> Result<ProcessRunner, ProcessBuildError> {
        let mut problems = Vec::new();
        if self.workers == Some(0) {
            problems.push("workers is 0; at least 1 is needed".to_owned());
        }
        if self.memory_limit == Some(0) {
            problems.push("a memory_limit of 0 bytes leaves no room for any node".to_owned());
        }
        if self.greeting_timeout.is_zero() {
            problems.push("a greeting_timeout of 0 s, no worker greets within".to_owned());
        }
        if cfg!(not(unix)) {
            problems.push("nodes run in processes on Unix systems alone".to_owned());
        }
        if !problems.is_empty() {
            return Err(ProcessBuildError { problems });
        }
        ProcessRunner::new(self).map_err(|problem| ProcessBuildError { problems: vec![problem] })
    }
}

impl fmt::Debug for ProcessRunnerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessRunnerBuilder")
            .field("workers", &self.workers)
            .field("wire", &self.wire)
            .field("memory_limit", &self.memory_limit)
            .finish_non_exhaustive()
    }
}

/// A [`ProcessRunner`] that cannot be: says everything that is wrong with it.
#[derive(thiserror::Error)]
#[error("the process runner cannot be built:\n{}", listed(problems))]
pub struct ProcessBuildError {
    problems: Vec<String>,
}

impl ProcessBuildError {
    /// One sentence a problem.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

/// As told to a person, for that is where `unwrap` and `main` bring it.
impl fmt::Debug for ProcessBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProcessBuildError({self})")
    }
}
