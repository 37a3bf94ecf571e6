//! What one run is told.

use crate::context::{Propagation, RunId, RunLogger};

/// What one run is told; everything has a default.
///
/// ```
/// use entourage::{Propagation, RunOptions};
/// let quick = RunOptions::new().run_id("nightly-42").propagation(Propagation::off());
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing until a runner is given them"]
pub struct RunOptions {
    pub(super) run_id: Option<RunId>,
    pub(super) run_logger: Option<RunLogger>,
    pub(super) propagation: Option<Propagation>,
    pub(super) keep_going: bool,
    pub(super) deny_unused: bool,
}

impl RunOptions {
    /// A run id made up for the run, the caller's run logger, the executor's
    /// propagation, and an end at the first failure.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the run; by default it is given a UUID, version 7.
    pub fn run_id(mut self, run_id: impl Into<RunId>) -> Self {
        self.run_id = Some(run_id.into());
        self
    }

    /// Where the run's messages are filed; by default where the caller's are, if
    /// the propagation carries `RUN_LOGGER`.
    pub fn run_logger(mut self, logger: RunLogger) -> Self {
        self.run_logger = Some(logger);
        self
    }

    /// What of the caller's context every node sees.
    ///
    /// The run's own keys and span (`RUN_ID`, `RUN_LOGGER`, `NODE`) are set in
    /// every node whatever the list says, except under
    /// [`Propagation::off`], where nothing is set, nothing is recorded and
    /// nothing is paid.
    pub fn propagation(mut self, propagation: Propagation) -> Self {
        self.propagation = Some(propagation);
        self
    }

    /// Finishes whatever does not depend on a failed node, instead of starting
    /// nothing after the first failure.
    pub fn keep_going(mut self) -> Self {
        self.keep_going = true;
        self
    }

    /// Refuses to run if the catalog binds a name, or holds a parameter, that
    /// the pipeline does not use: most often a misspelt one.
    pub fn deny_unused(mut self) -> Self {
        self.deny_unused = true;
        self
    }
}
