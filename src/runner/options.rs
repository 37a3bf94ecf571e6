//! What one run is told.

use std::collections::BTreeMap;

use super::control::Controls;
use super::error::RunError;
use super::events::Listeners;
use super::hooks::{HookSet, Hooks};
use super::plan::Plan;
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
    pub(super) only_missing: bool,
    pub(super) save_version: Option<String>,
    pub(super) load_versions: BTreeMap<String, String>,
    pub(super) hooks: HookSet,
    pub(super) listeners: Listeners,
    pub(super) controls: Controls,
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

    /// The version under which the run saves what keeps its versions; by default
    /// the time at which the run begins.
    pub fn save_version(mut self, version: impl Into<String>) -> Self {
        self.save_version = Some(version.into());
        self
    }

    /// The version of a dataset that the run loads; by default the one that the
    /// catalog names, or else the latest. What a node of the run writes is loaded
    /// as it was written.
    pub fn load_version(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.load_versions.insert(name.into(), version.into());
        self
    }

    /// Has these told of the run. Given several times, the last one is called
    /// first; see [`hooks`](crate::hooks) for all about them.
    ///
    /// ```
    /// use entourage::hooks::{AfterPipelineRun, HookResult, OnNodeError};
    /// use entourage::{Hooks, RunOptions};
    ///
    /// struct Bell;
    /// impl Hooks for Bell {
    ///     fn on_node_error(&self, call: &OnNodeError<'_>) -> HookResult {
    ///         eprintln!("{}", call.failure);
    ///         Ok(())
    ///     }
    ///
    ///     fn after_pipeline_run(&self, call: &AfterPipelineRun<'_>) -> HookResult {
    ///         eprintln!("{} is done", call.run.run_id());
    ///         Ok(())
    ///     }
    /// }
    /// let options = RunOptions::new().hooks(Bell);
    /// ```
    pub fn hooks(mut self, hooks: impl Hooks) -> Self {
        self.hooks.push(hooks);
        self
    }

    /// Finishes whatever does not depend on a failed node, instead of starting
    /// nothing after the first failure.
    pub fn keep_going(mut self) -> Self {
        self.keep_going = true;
        self
    }

    /// Runs only the nodes whose outputs are missing, and what these need.
    ///
    /// A node runs if it writes nothing; if a stored output of it (a file, or
    /// storage of your own) is not there; or if a node that runs reads what it
    /// writes, and that is in memory alone or not there. The others are
    /// [`UpToDate`](crate::Fate::UpToDate) in the report. What is there is taken
    /// to be right: whether it is older than what it was made of is not asked.
    ///
    /// A free output that is in memory alone is no reason to run the node that
    /// writes it, as in Kedro.
    ///
    /// If it cannot be found out whether an output is there the run is refused.
    /// That is asked on the thread that begins the run.
    ///
    /// ```
    /// use entourage::{Catalog, Data, Fate, FileDataset, Pipeline, RunOptions, SequentialRunner, node};
    ///
    /// const NOTE: Data<str> = Data::text("note");
    ///
    /// let write = node(|| "written once".to_owned()).reads(()).writes(NOTE).named("write");
    /// let pipeline = Pipeline::new([write])?;
    /// let folder = tempfile::tempdir()?;
    /// let note = FileDataset::text(folder.path().join("note.txt"));
    /// let catalog = Catalog::builder().file("note", note).build()?;
    ///
    /// let run = || SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new().only_missing());
    /// assert!(matches!(run()?.node("write").unwrap().fate, Fate::Done));
    /// assert!(matches!(run()?.node("write").unwrap().fate, Fate::UpToDate));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn only_missing(mut self) -> Self {
        self.only_missing = true;
        self
    }

    /// Says what a run with these options would do, and why, without running:
    /// every node, with the reason for which it would run, and every dataset, with
    /// who would load it, save it and be the last to need it. Hooks are not asked.
    ///
    /// The inputs are checked as a run checks them, so that a plan that is made is
    /// of a run that would begin. No node is called and no hook, so that what a
    /// hook would change before the run is not in the plan; and nothing is loaded
    /// beyond the first bytes of a file. Nothing is written: whether a file could
    /// be, is found out as before a run, with an empty file beside it that is gone
    /// at once.
    ///
    /// ```
    /// use entourage::{Catalog, Data, Pipeline, Reason, RunOptions, node};
    ///
    /// const RAW: Data<[u64]> = Data::memory("raw");
    /// const SUM: Data<u64> = Data::memory("sum");
    ///
    /// let sum = node(|raw: &[u64]| raw.iter().sum::<u64>()).reads(RAW).writes(SUM).named("sum");
    /// let pipeline = Pipeline::new([sum])?;
    /// let catalog = Catalog::builder().value(&RAW, vec![1, 2]).build()?;
    /// let plan = RunOptions::new().plan(&pipeline, &catalog)?;
    /// assert_eq!(plan.node("sum").unwrap().reasons, [Reason::EveryNode]);
    /// assert_eq!(plan.dataset("raw").unwrap().loaded_by.as_deref(), Some("sum"));
    /// println!("{plan}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those that the run would be refused with: every problem at once.
    pub fn plan(&self, pipeline: &Pipeline, catalog: &Catalog) -> Result<Plan, RunError> {
        let refused = self.propagation.as_ref().and_then(|policy| policy.validate().err());
        let bound = checked(pipeline, catalog, self, None, refused.as_ref())?;
        Ok(Plan::of(&bound))
    }

    /// Says now what a run with these options would be refused for, without
    /// running: every problem at once. Hooks are not asked, and so nothing is
    /// changed by them.
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
        checked(pipeline, catalog, self, None, refused.as_ref()).map(drop)
    }

    /// Refuses to run if the catalog binds a name, or holds a parameter, that
    /// the pipeline does not use: most often a misspelt one.
    pub fn deny_unused(mut self) -> Self {
        self.deny_unused = true;
        self
    }
}
