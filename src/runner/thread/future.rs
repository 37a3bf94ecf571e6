//! A run that is awaited.

use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::work::Work;
use crate::context::Payload;
use crate::runner::error::RunError;
use crate::runner::report::RunReport;
use crate::sync::Mutex;

type Outcome = Result<RunReport, RunError>;

/// A run on the pool's workers that is awaited; made by
/// [`ThreadRunner::run_async`](crate::ThreadRunner::run_async). It goes on without
/// being polled. If it is dropped before its end no further node is started.
#[must_use = "a run that is not awaited is stopped"]
pub struct RunFuture {
    shared: Arc<Shared>,
}

#[derive(Default)]
pub(super) struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    stage: Stage,
    waker: Option<Waker>,
}

#[derive(Default)]
enum Stage {
    #[default]
    Preparing,
    Running(Arc<Work>),
    Over(Box<Result<Outcome, Payload>>),
    /// The future is gone, or was given the outcome.
    Gone,
}

impl Shared {
    /// Notes that the run begins; `false` where nobody waits for it any more.
    pub(super) fn begins(&self, work: &Arc<Work>) -> bool {
        let mut state = self.0.lock();
        let is_wanted = !matches!(state.stage, Stage::Gone);
        if is_wanted {
            state.stage = Stage::Running(work.clone());
        }
        is_wanted
    }

    /// What is held of the run from here: its end is about to be told.
    pub(super) fn lets_go(&self) -> Option<Arc<Work>> {
        let mut state = self.0.lock();
        match std::mem::take(&mut state.stage) {
            Stage::Running(work) => Some(work),
            other => {
                state.stage = other;
                None
            }
        }
    }

    pub(super) fn ends(&self, outcome: Result<Outcome, Payload>) {
        let mut state = self.0.lock();
        if matches!(state.stage, Stage::Gone) {
            // Dropped after the lock: it may hold values of the user's.
            drop(state);
            drop(outcome);
            return;
        }
        let before = std::mem::replace(&mut state.stage, Stage::Over(Box::new(outcome)));
        let waker = state.waker.take();
        drop(state);
        drop(before);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl RunFuture {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Future for RunFuture {
    type Output = Outcome;

    /// # Panics
    ///
    /// If it is polled again after its end.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        // Cloned before the lock is taken, and dropped after: it is foreign code.
        let waker = cx.waker().clone();
        let mut state = self.shared.0.lock();
        if matches!(state.stage, Stage::Preparing | Stage::Running(_)) {
            let before = state.waker.replace(waker);
            drop(state);
            drop(before);
            return Poll::Pending;
        }
        let stage = std::mem::replace(&mut state.stage, Stage::Gone);
        drop(state);
        match stage {
            Stage::Over(over) => match *over {
                Ok(outcome) => Poll::Ready(outcome),
                Err(payload) => resume_unwind(payload),
            },
            _ => panic!("a run that has ended was polled again"),
        }
    }
}

impl Drop for RunFuture {
    fn drop(&mut self) {
        let stage = std::mem::replace(&mut self.shared.0.lock().stage, Stage::Gone);
        if let Stage::Running(work) = stage {
            work.run.stop();
        }
    }
}

impl fmt::Debug for RunFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunFuture").finish_non_exhaustive()
    }
}
