//! Workers that are at work which was given up.
//!
//! A thread cannot be killed. Who gives up the work of one counts it as lost, and
//! the worker counts itself as found when the work lets go of it: maybe before it
//! was missed, so that there may be less than none for a moment.

use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex};

#[derive(Default)]
pub(crate) struct Lost {
    count: Mutex<isize>,
    changed: Condvar,
}

impl Lost {
    /// A worker is at work that was given up.
    pub(crate) fn lose(&self) {
        *self.count.lock() += 1;
    }

    /// One has come back.
    pub(crate) fn find(&self) {
        *self.count.lock() -= 1;
        self.changed.notify_all();
    }

    /// Whether all of so many workers are lost.
    pub(crate) fn is_all(&self, workers: usize) -> bool {
        is_all(*self.count.lock(), workers)
    }

    /// Waits until one of so many workers is there, and at most for `at_most`;
    /// whether one is.
    pub(crate) fn wait_for_one(&self, workers: usize, at_most: Duration) -> bool {
        let until = Instant::now() + at_most;
        let mut count = self.count.lock();
        while is_all(*count, workers) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.changed.wait_for(&mut count, left);
        }
        true
    }
}

fn is_all(lost: isize, workers: usize) -> bool {
    usize::try_from(lost).is_ok_and(|lost| lost >= workers)
}
