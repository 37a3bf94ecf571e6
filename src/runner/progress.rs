//! Whether a run is over.
//!
//! Nodes reach the workers as *tickets* in the pool's queue; a ticket that is
//! being worked off runs node after node. A run is over when no ticket is being
//! worked off and none is queued; once the run is stopped, those that are queued
//! do not count, since they will come to nothing. All of it is one word, so that
//! whoever ends a ticket, or stops the run, knows from the one step it takes
//! whether that was the end. It may be seen several times, by tickets that come
//! after a stop; what is done at the end is done once.

use std::time::Duration;

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Condvar, Mutex};

const QUEUED: u64 = 1;
const ACTIVE: u64 = 1 << 32;
const STOPPED: u64 = 1 << 63;

pub(super) struct Progress {
    word: AtomicU64,
    end: Mutex<End>,
    changed: Condvar,
}

#[derive(Default)]
struct End {
    is_over: bool,
    then: Option<Box<dyn FnOnce() + Send>>,
}

/// A ticket that is being worked off.
#[must_use = "the ticket ends when this is dropped"]
pub(super) struct Active<'a>(&'a Progress);

impl Progress {
    pub(super) fn new() -> Self {
        Self { word: AtomicU64::new(0), end: Mutex::default(), changed: Condvar::new() }
    }

    /// Begins the run, which is not over before what this returns is dropped.
    pub(super) fn start(&self) -> Active<'_> {
        self.word.fetch_add(ACTIVE, Ordering::Relaxed);
        Active(self)
    }

    /// Notes that a ticket goes into the queue. To be called by who is active.
    pub(super) fn enqueue(&self) {
        self.word.fetch_add(QUEUED, Ordering::Relaxed);
    }

    /// Notes that a ticket has come out of the queue; says whether it is to be
    /// worked off, which it is not once the run was stopped.
    pub(super) fn begin(&self) -> (Active<'_>, bool) {
        let before = self.word.fetch_add(ACTIVE - QUEUED, Ordering::Acquire);
        (Active(self), before & STOPPED == 0)
    }

    /// Notes that what was queued is no more. To be called by who is active.
    pub(super) fn dequeue(&self) {
        self.word.fetch_sub(QUEUED, Ordering::Relaxed);
    }

    /// Notes the end of what [`begin`](Self::begin) began, where what that returned
    /// was forgotten.
    pub(super) fn end(&self) {
        drop(Active(self));
    }

    /// Notes that what is queued need not be waited for.
    pub(super) fn stop(&self) {
        let before = self.word.fetch_or(STOPPED, Ordering::AcqRel);
        self.look(before | STOPPED);
    }

    pub(super) fn is_over(&self) -> bool {
        self.end.lock().is_over
    }

    /// Sleeps until the run is over, and at most for `at_most`.
    pub(super) fn block(&self, at_most: Option<Duration>) {
        let mut end = self.end.lock();
        if end.is_over {
            return;
        }
        match at_most {
            Some(at_most) => drop(self.changed.wait_for(&mut end, at_most)),
            None => self.changed.wait(&mut end),
        }
    }

    /// Has `f` called when the run is over, or now where it is.
    pub(super) fn then(&self, f: impl FnOnce() + Send + 'static) {
        let mut end = self.end.lock();
        if !end.is_over {
            end.then = Some(Box::new(f));
            return;
        }
        drop(end);
        f();
    }

    fn look(&self, word: u64) {
        let (is_stopped, is_active) = (word & STOPPED != 0, word & !STOPPED >= ACTIVE);
        let is_queued = word & (ACTIVE - 1) != 0;
        if is_active || is_queued && !is_stopped {
            return;
        }
        let mut end = self.end.lock();
        end.is_over = true;
        let then = end.then.take();
        self.changed.notify_all();
        drop(end);
        if let Some(then) = then {
            then();
        }
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        // Release, so that whoever sees the run over sees what its nodes did.
        let before = self.0.word.fetch_sub(ACTIVE, Ordering::AcqRel);
        self.0.look(before - ACTIVE);
    }
}
