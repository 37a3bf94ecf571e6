//! Who is told.

use std::error::Error;
use std::sync::Arc;

use super::event::Event;
use crate::context::{RunId, RunLogger};
use crate::pipeline::Pipeline;

/// Wants to be told of runs: see [`events`](crate::events).
///
/// One value may serve many runs, at once.
pub trait Listener: Send + Sync + 'static {
    /// A run is asked for. Called on the thread that asks for it, which may be one
    /// of an async runtime: what takes time is for [`RunListener::begin`]. Its
    /// panic leaves the run without this listener.
    fn run(&self, run_id: &RunId) -> Arc<dyn RunListener>;
}

/// Is told of one run.
pub trait RunListener: Send + Sync + 'static {
    /// Where the run's messages are to be filed; by default nowhere in particular.
    /// Asked once, before [`begin`](Self::begin). Several listeners' loggers, and
    /// the one of [`RunOptions::run_logger`](crate::RunOptions::run_logger), are
    /// given each message. One that a listener gives takes the place of the logger
    /// that the caller has in its context, unless it [only shows](Self::only_shows)
    /// them.
    fn logger(&self) -> Option<RunLogger> {
        None
    }

    /// Whether what [`logger`](Self::logger) gives files no messages and only shows
    /// them to somebody, so that they go to the caller's logger, too. By default it
    /// does not.
    fn only_shows(&self) -> bool {
        false
    }

    /// The run is about to begin with its checks passed: the first event follows. Only
    /// another listener can still refuse it; the first event is then its end.
    /// `pipeline` is all that the run was asked for; the index of a
    /// [`NodeRef`](super::NodeRef) is a place in its
    /// [`nodes`](Pipeline::nodes). Not called for a run that is refused.
    ///
    /// # Errors
    ///
    /// Any; the run is then refused with it.
    fn begin(&self, pipeline: &Pipeline) -> Result<(), Box<dyn Error + Send + Sync>> {
        let _ = pipeline;
        Ok(())
    }

    /// Something has happened. Called on the thread that it happened on, in the
    /// midst of the run: the run waits as long as this takes. The last event of a
    /// run is [`RunEnded`](super::EventKind::RunEnded), before the run returns.
    fn event(&self, event: &Event<'_>);
}

impl<L: Listener + ?Sized> Listener for Arc<L> {
    fn run(&self, run_id: &RunId) -> Arc<dyn RunListener> {
        (**self).run(run_id)
    }
}
