//! Why there is no logger.

use std::fmt;

use super::super::builtin::{RUN_ID, RUN_LOGGER};
use super::super::explain::Explanation;

/// Why [`try_logger`](crate::try_logger) has none to give. Its message says it in a
/// sentence.
///
/// ```
/// use entourage::{Executor, RUN_ID, try_logger};
///
/// let no_logger = RUN_ID.scope("nightly-42".into(), || try_logger().unwrap_err());
/// assert!(no_logger.is_run_without_logger());
/// ```
#[derive(Clone, Debug)]
pub struct NoRunLogger {
    /// What became of the logger's key.
    logger: Explanation,
    /// What became of the run's.
    run: Explanation,
}

impl NoRunLogger {
    #[cold]
    pub(super) fn here() -> Self {
        Self { logger: RUN_LOGGER.explain(), run: RUN_ID.explain() }
    }

    /// Whether nothing here is part of a run: on a thread that was started by hand,
    /// say, to which no context goes along.
    pub fn is_outside_of_run(&self) -> bool {
        self.run.is_never_set() && !self.is_held_back()
    }

    /// Whether this is part of a run, and the run has no logger.
    pub fn is_run_without_logger(&self) -> bool {
        !self.is_held_back() && !self.is_outside_of_run()
    }

    /// Whether the logger was kept from coming along: by a list, or since nothing
    /// was carried at all.
    pub fn is_held_back(&self) -> bool {
        self.logger.is_held_back()
    }

    /// Whether it was held back since propagation was off.
    pub fn is_propagation_off(&self) -> bool {
        self.logger.is_off()
    }

    /// Whether it was held back by [`suppress`](crate::suppress) or a
    /// [`SuppressGuard`](crate::SuppressGuard).
    pub fn is_suppressed(&self) -> bool {
        self.logger.is_by_suppression()
    }
}

impl fmt::Display for NoRunLogger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_held_back() || self.logger.is_removed() {
            write!(f, "no run logger: {}", self.logger)
        } else if self.is_outside_of_run() {
            f.write_str(
                "no run logger: this is outside of any run (to a thread that was started by hand \
                 a logger has to be moved, or a snapshot)",
            )
        } else {
            f.write_str("no run logger: the run has none (`RunOptions::run_logger` or a `RunRecorder` gives it one)")
        }
    }
}

impl std::error::Error for NoRunLogger {}
