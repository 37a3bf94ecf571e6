//! What a node is told about how it is to be run.

use std::time::Duration;

use super::node::Node;
use super::retry::Retry;

/// What a node says of retries, time and rank; most say nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct NodeSettings {
    pub(crate) retry: Option<Retry>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) priority: i32,
}

impl NodeSettings {
    /// Whether the node is told anything.
    pub(super) fn is_some(&self) -> bool {
        self.retry.is_some() || self.timeout.is_some() || self.priority != 0
    }

    /// What makes no sense of it.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = self.retry.as_ref().map(Retry::problems).unwrap_or_default();
        problems.extend(self.timeout.and_then(timeout_problem));
        problems
    }
}

/// Why no node can be run within `timeout`, if none can.
pub(crate) fn timeout_problem(timeout: Duration) -> Option<String> {
    timeout.is_zero().then(|| "a timeout of 0 s, no node ends within".to_owned())
}

impl Node {
    /// Tries the node again when it fails; beats what the
    /// [run's options](crate::RunOptions::retry) say.
    ///
    /// Its function is called once an attempt, so it should do no harm the second
    /// time. What it reads stays in memory until the last.
    #[must_use = "returns the node"]
    pub fn retry(self, retry: Retry) -> Self {
        self.told(|settings| settings.retry = Some(retry))
    }

    /// Gives up the node when its loads and its function have taken so long in an
    /// attempt; beats what the [run's options](crate::RunOptions::timeout) say.
    ///
    /// Then the node has failed, at once, and what it still comes to is thrown
    /// away: never saved, never seen. Its [`CancelToken`](crate::CancelToken) is
    /// cancelled, so that it may end early. But a thread cannot be killed: a node
    /// that never asks keeps its worker until it ends by itself.
    ///
    /// ```
    /// use std::time::Duration;
    /// use entourage::{
    ///     CancelToken, Cancelled, Catalog, Data, Executor, Pipeline, RunOptions, ThreadRunner, node,
    /// };
    ///
    /// const NEVER: Data<()> = Data::memory("never");
    ///
    /// fn waits() -> Result<(), Cancelled> {
    ///     let token = CancelToken::current();
    ///     token.wait_for(Duration::MAX);
    ///     token.check()
    /// }
    ///
    /// let waits = node(waits).reads(()).writes(NEVER).timeout(Duration::from_millis(20));
    /// let pool = Executor::builder().num_threads(1).build()?;
    /// let error = ThreadRunner::new(&pool)
    ///     .run(&Pipeline::new([waits])?, &Catalog::empty(), RunOptions::new())
    ///     .unwrap_err();
    /// assert!(error.failures().next().unwrap().is_timeout());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// On one thread ([`SequentialRunner`](crate::SequentialRunner)) the run goes on
    /// when the node returns, and what it comes to is thrown away. A save that has
    /// begun is not cut: the time is that of the loads and the function.
    #[must_use = "returns the node"]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.told(|settings| settings.timeout = Some(timeout))
    }

    /// Of the nodes that could start, the one of the highest priority does; among
    /// equals the first in the pipeline's order. By default 0.
    #[must_use = "returns the node"]
    pub fn priority(self, priority: i32) -> Self {
        self.told(|settings| settings.priority = priority)
    }

    fn told(mut self, tell: impl FnOnce(&mut NodeSettings)) -> Self {
        tell(&mut self.extras_mut().settings);
        self
    }
}
