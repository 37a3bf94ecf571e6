//! The listeners that a run's options name.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::listen::{Listener, RunListener};
use crate::context::{RunId, RunLogger, discard};
use crate::runner::RunOptions;

/// Who is told of the runs of one set of options.
#[derive(Clone, Default)]
pub(in crate::runner) struct Listeners(Vec<Arc<dyn Listener>>);

impl RunOptions {
    /// Has `listener` told of everything that happens in the run; see
    /// [`events`](crate::events). May be given several times.
    pub fn listener(mut self, listener: impl Listener) -> Self {
        self.listeners.0.push(Arc::new(listener));
        self
    }
}

impl Listeners {
    /// Those of one run.
    pub(in crate::runner) fn of_run(&self, run_id: &RunId) -> Vec<Arc<dyn RunListener>> {
        let ask = |listener: &Arc<dyn Listener>| {
            let asked =
                catch_unwind(AssertUnwindSafe(|| RunLogger::silenced(|| listener.run(run_id))));
            asked.map_err(discard).ok()
        };
        self.0.iter().filter_map(ask).collect()
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} listeners", self.0.len())
    }
}
