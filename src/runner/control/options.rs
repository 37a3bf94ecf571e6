//! What a run's options say of cancelling, time, retries and limits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::limit::Limit;
use super::token::CancelToken;
use crate::catalog::did_you_mean;
use crate::pipeline::{Pipeline, Retry, timeout_problem};
use crate::runner::options::RunOptions;

#[derive(Clone, Debug, Default)]
pub(in crate::runner) struct Controls {
    pub(super) token: Option<CancelToken>,
    pub(super) on_ctrl_c: bool,
    pub(super) retry: Option<Retry>,
    pub(super) timeout: Option<Duration>,
    pub(super) limits: BTreeMap<String, Limit>,
}

impl RunOptions {
    /// Lets `token` call the run off: no further node is started, and every node
    /// that runs can see it by [`CancelToken::current`]. The run ends when those
    /// have ended, with an [error that says so](crate::RunError::is_cancelled).
    ///
    /// A run that is started inside a node of another is called off with that
    /// one, with a token of its own and without.
    ///
    /// ```
    /// use entourage::{CancelToken, Catalog, Data, Pipeline, RunOptions, SequentialRunner, node};
    ///
    /// const FIRST: Data<u8> = Data::memory("first");
    /// const SECOND: Data<u8> = Data::memory("second");
    ///
    /// let token = CancelToken::new();
    /// let cancel = token.clone();
    /// let pipeline = Pipeline::new([
    ///     node(move || { cancel.cancel(); 1 }).reads(()).writes(FIRST).named("first"),
    ///     node(|first: &u8| first + 1).reads(FIRST).writes(SECOND).named("second"),
    /// ])?;
    /// let options = RunOptions::new().cancel_token(token);
    /// let error = SequentialRunner::new().run(&pipeline, &Catalog::empty(), options).unwrap_err();
    /// assert!(error.is_cancelled() && !error.is_failed());
    /// assert_eq!(error.report().unwrap().node("first").unwrap().fate.to_string(), "done");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cancel_token(mut self, token: CancelToken) -> Self {
        self.controls.token = Some(token);
        self
    }

    /// Calls the run off at Ctrl-C (SIGINT). At the second the program ends at
    /// once, with exit code 130; with that it should also end after the first, see
    /// [`RunError::exit_code`](crate::RunError::exit_code). A run that had no node
    /// left to start ends as one that was called off, too, with all its nodes done:
    /// who pressed the keys wants the program to end.
    ///
    /// The first such run of a process takes SIGINT over, for as long as the
    /// process lives: while no run listens, it ends the program as it would have.
    /// A program that has its own plans for the signal cancels a
    /// [token](Self::cancel_token) in them instead.
    #[cfg(unix)]
    pub fn cancel_on_ctrl_c(mut self) -> Self {
        self.controls.on_ctrl_c = true;
        self
    }

    /// Tries every node again that fails and says nothing of
    /// [its own](crate::Node::retry) on that.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.controls.retry = Some(retry);
        self
    }

    /// Gives up every node that takes longer and says nothing of
    /// [its own](crate::Node::timeout) on that.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.controls.timeout = Some(timeout);
        self
    }

    /// Runs no more nodes with this tag at once than `limit` says: a number for
    /// this run alone, or a [`Limit`] that several runs share.
    ///
    /// A node with several such tags starts when there is room for each, and
    /// holds none while it waits. It does not count any more once it was given up
    /// for its [timeout](crate::Node::timeout), though its thread may still be at
    /// it.
    ///
    /// ```
    /// use entourage::{Catalog, Data, Pipeline, RunOptions, node};
    ///
    /// const MODEL: Data<f64> = Data::memory("model");
    /// let train = node(|| 0.5).reads(()).writes(MODEL).named("train").tag("gpu");
    /// let options = RunOptions::new().limit("gpus", 2);
    /// let error = options.check(&Pipeline::new([train])?, &Catalog::empty()).unwrap_err();
    /// let told = "the limit of tag `gpus`: no node has that tag; did you mean `gpu`?";
    /// assert_eq!(error.problems(), [told]);
    /// # Ok::<(), entourage::PipelineError>(())
    /// ```
    pub fn limit(mut self, tag: impl Into<String>, limit: impl Into<Limit>) -> Self {
        self.controls.limits.insert(tag.into(), limit.into());
        self
    }
}

impl Controls {
    /// What makes no sense of it, with this pipeline.
    pub(in crate::runner) fn problems(&self, pipeline: &Pipeline) -> Vec<String> {
        let mut problems = Vec::new();
        let retry = self.retry.iter().flat_map(Retry::problems);
        problems.extend(retry.map(|problem| format!("the run's retry is told {problem}")));
        let timeout = self.timeout.and_then(timeout_problem);
        problems.extend(timeout.map(|problem| format!("the run is told {problem}")));
        if self.limits.is_empty() {
            return problems;
        }
        let tags: BTreeSet<&str> =
            pipeline.node_indices().flat_map(|at| pipeline.tags_of(at)).collect();
        for (tag, limit) in &self.limits {
            if limit.at_most() == 0 {
                problems.push(format!("the limit of tag `{tag}`: with 0 no node of it can start"));
            }
            if !tags.contains(&**tag) {
                let hint = did_you_mean(tag, tags.iter().copied());
                problems.push(format!("the limit of tag `{tag}`: no node has that tag{hint}"));
            }
        }
        problems
    }
}
