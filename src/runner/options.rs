//! What one run is told.

use super::error::RunError;
use super::prepare::checked;
use crate::catalog::Catalog;
use crate::context::{Propagation, RunId, RunLogger};
use crate::pipeline::Pipeline;

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

    /// Says now what a run with these options would be refused for, without
    /// running: every problem at once.
    ///
    /// ```
    /// use entourage::{Catalog, Data, Pipeline, RunOptions, node};
    ///
    /// const RAW: Data<[u64]> = Data::memory("raw");
    /// const SUM: Data<u64> = Data::memory("sum");
    ///
    /// let sum = node(|raw: &[u64]| raw.iter().sum::<u64>()).reads(RAW).writes(SUM).named("sum");
    /// let pipeline = Pipeline::new([sum])?;
    /// let error = RunOptions::new().check(&pipeline, &Catalog::empty()).unwrap_err();
    /// assert!(error.is_refused() && error.problems()[0].contains("`raw`"));
    /// # Ok::<(), entourage::PipelineError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The error that the run would end with.
    pub fn check(&self, pipeline: &Pipeline, catalog: &Catalog) -> Result<(), RunError> {
        let refused = self.propagation.as_ref().and_then(|policy| policy.validate().err());
        checked(pipeline, catalog, self, refused.as_ref()).map(drop)
    }

    /// Refuses to run if the catalog binds a name, or holds a parameter, that
    /// the pipeline does not use: most often a misspelt one.
    pub fn deny_unused(mut self) -> Self {
        self.deny_unused = true;
        self
    }
}
