//! Who has the say over an attempt that may take only so long: the worker at it,
//! or the clock.

use std::time::Duration;

use super::token::CancelToken;
use crate::runner::error::FailureKind;
use crate::sync::Mutex;

/// An attempt with a timeout.
///
/// The worker [closes](Self::close) it before it lets anybody see what came of
/// the attempt; when its time is over the clock has it [expire](Self::expire).
/// Whoever comes first has the say, under one lock, and the other knows. So what
/// comes too late is seen by nobody.
pub(in crate::runner) struct Lease {
    phase: Mutex<Phase>,
    /// Told to the attempt; cancelled when it is too late.
    pub(in crate::runner) token: CancelToken,
    pub(in crate::runner) timeout: Duration,
    /// Since the run's beginning.
    pub(in crate::runner) began: Duration,
    /// Which attempt it is, where there may be several.
    pub(in crate::runner) number: Option<u32>,
}

enum Phase {
    Running,
    Closed,
    Expired,
}

impl Lease {
    pub(in crate::runner) fn new(
        run: &CancelToken,
        timeout: Duration,
        began: Duration,
        number: Option<u32>,
    ) -> Self {
        let phase = Mutex::new(Phase::Running);
        Self { phase, token: run.child(), timeout, began, number }
    }

    /// Gives the say to the worker; `false` where it is too late.
    pub(in crate::runner) fn close(&self) -> bool {
        let mut phase = self.phase.lock();
        if matches!(*phase, Phase::Running) {
            *phase = Phase::Closed;
        }
        matches!(*phase, Phase::Closed)
    }

    /// As [`close`](Self::close), for the question mark.
    pub(in crate::runner) fn close_in_time(&self) -> Result<(), FailureKind> {
        if self.close() { Ok(()) } else { Err(FailureKind::Timeout(self.timeout)) }
    }

    /// Runs `f` under the lock, unless it is too late.
    pub(in crate::runner) fn in_time<R>(&self, f: impl FnOnce() -> R) -> Result<R, FailureKind> {
        let phase = self.phase.lock();
        match *phase {
            Phase::Running | Phase::Closed => Ok(f()),
            Phase::Expired => Err(FailureKind::Timeout(self.timeout)),
        }
    }

    /// As [`in_time`](Self::in_time); and where `f` says so, [closes](Self::close) it
    /// besides.
    pub(in crate::runner) fn close_if(
        &self,
        f: impl FnOnce() -> bool,
    ) -> Result<bool, FailureKind> {
        let mut phase = self.phase.lock();
        if matches!(*phase, Phase::Expired) {
            return Err(FailureKind::Timeout(self.timeout));
        }
        let is_over = f();
        if is_over {
            *phase = Phase::Closed;
        }
        Ok(is_over)
    }

    /// Gives the say to the clock; `false` where the worker has it.
    pub(in crate::runner) fn expire(&self) -> bool {
        let mut phase = self.phase.lock();
        let is_running = matches!(*phase, Phase::Running);
        if is_running {
            *phase = Phase::Expired;
        }
        is_running
    }
}
