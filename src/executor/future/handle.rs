//! What `spawn_future` returns.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::spawned::Spawned;
use crate::executor::error::TaskError;
use crate::executor::waits;
use crate::sync::thread;

/// A spawned future: await its output, or wait for it with
/// [`join`](Self::join). Made by [`Executor::spawn_future`].
///
/// Dropping the handle lets the future run on, and its output be dropped. A panic
/// of one whose handle is gone is told to the executor's panic handler. Once the
/// handle is gone and nothing is left that could wake the future, it is dropped.
///
/// [`Executor::spawn_future`]: crate::Executor::spawn_future
#[must_use = "a dropped handle lets the future run on, and its output and its panic go unseen; \
              use `detach` where that is what you want"]
pub struct FutureHandle<R> {
    task: Arc<dyn Spawned<R>>,
}

impl<R: Send + 'static> FutureHandle<R> {
    pub(super) fn new(task: Arc<dyn Spawned<R>>) -> Self {
        Self { task }
    }

    /// Blocks until the future is over and returns its output.
    ///
    /// On a worker of the same pool this polls the future in place whenever it
    /// was woken, and runs other work of the pool while it is not, so that one
    /// worker is enough for the future and all that it awaits. On a worker of
    /// another pool it runs that pool's work. Async code awaits the handle
    /// instead, and blocks nothing.
    ///
    /// # Errors
    ///
    /// If the future panicked, in a poll or in its `Drop`, or was cancelled; or
    /// if this very thread is polling it, so that waiting would never end.
    ///
    /// # Hangs
    ///
    /// If nobody ever wakes the future: two that await each other's handle, say.
    /// And since other work is run on top of the waiting task, that task cannot
    /// go on before what it picked up is done: should that wait, other than by a
    /// handle that is seen to be in the way, for something that the task does
    /// later, both wait for ever. Who waits only for what it started itself is
    /// safe from this.
    ///
    /// ```
    /// # let pool = entourage::Executor::builder().num_threads(1).build()?;
    /// assert_eq!(pool.spawn_future(async { 6 * 7 }).join().unwrap(), 42);
    ///
    /// let doomed = async { panic!("no more rows") };
    /// let error = pool.task("doomed").spawn_future(doomed).join().unwrap_err();
    /// assert!(error.is_panic());
    /// assert_eq!(error.task(), "doomed");
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    pub fn join(self) -> Result<R, TaskError> {
        self.wait(None)?;
        self.received()
    }

    /// Waits for the future for as long as `timeout`, and returns its output, or
    /// else the handle.
    ///
    /// What is bounded is the wait: what a worker runs meanwhile, as it does in
    /// [`join`](Self::join), it runs to its end. With a timeout of zero nothing is
    /// run: this looks, and takes the output if it is there.
    ///
    /// # Errors
    ///
    /// The handle, if the future was not over in time. Within the other result
    /// those of [`join`](Self::join).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # let pool = entourage::Executor::builder().num_threads(1).build()?;
    /// let endless = pool.spawn_future(std::future::pending::<()>());
    /// let endless = endless.join_timeout(Duration::from_millis(5)).unwrap_err();
    /// endless.cancel();
    /// assert!(endless.join().unwrap_err().is_cancelled());
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    pub fn join_timeout(self, timeout: Duration) -> Result<Result<R, TaskError>, Self> {
        // An end that no clock will show is none.
        match self.wait(Instant::now().checked_add(timeout)) {
            Ok(true) => Ok(self.received()),
            Ok(false) => Err(self),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Whether the future was over in time.
    fn wait(&self, until: Option<Instant>) -> Result<bool, TaskError> {
        let here = thread::current().id();
        let can_poll = self.task.pool().current_thread_index().is_some();
        let is_worker = rayon::current_thread_index().is_some();
        let mut nap = waits::SHORTEST_NAP;
        while !self.task.is_finished() {
            if self.task.runner() == Some(here) {
                return Err(self.deadlock());
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(false);
            }
            // In turns, since the future may wake itself until other work is done.
            let polled = can_poll && self.task.clone().poll_queued();
            let worked = is_worker && waits::may_help() && waits::help();
            if polled || worked {
                nap = waits::SHORTEST_NAP;
                continue;
            }
            let Some(_waiting) = waits::enter(self.task.clone(), until.is_some()) else {
                return Err(self.deadlock());
            };
            let at_most = is_worker.then_some(nap).into_iter().chain(left).min();
            self.task.block(at_most, can_poll);
            nap = (nap * 2).min(waits::LONGEST_NAP);
        }
        Ok(true)
    }

    fn received(self) -> Result<R, TaskError> {
        match self.task.take(None) {
            Some(outcome) => outcome,
            None => unreachable!("the task was seen to be finished"),
        }
    }

    fn deadlock(&self) -> TaskError {
        TaskError::deadlock(self.task.name().clone())
    }

    /// Ends the future where it stands: drops it, in its own context, right here
    /// or, if it is being polled, as soon as that poll is over.
    ///
    /// Whoever waits for it gets an [error](TaskError::is_cancelled) that says so;
    /// the output, if there is one already or the last poll returns it.
    ///
    /// ```
    /// # let pool = entourage::Executor::builder().num_threads(1).build()?;
    /// let endless = pool.spawn_future(std::future::pending::<()>());
    /// endless.cancel();
    /// assert!(endless.join().unwrap_err().is_cancelled());
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    pub fn cancel(&self) {
        self.task.cancel();
    }

    /// Lets the future run on without the handle.
    pub fn detach(self) {
        drop(self);
    }

    /// Whether the future is over, with an output or without.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

impl<R: Send + 'static> Future for FutureHandle<R> {
    type Output = Result<R, TaskError>;

    /// Polled again after it was ready, it answers with an
    /// [error](TaskError::is_taken) that says so. Any runtime can poll it.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.task.take(Some(cx.waker())) {
            Some(outcome) => Poll::Ready(outcome),
            None => Poll::Pending,
        }
    }
}

impl<R> Drop for FutureHandle<R> {
    fn drop(&mut self) {
        self.task.detach();
    }
}

impl<R> fmt::Debug for FutureHandle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FutureHandle").field("task", self.task.name()).finish_non_exhaustive()
    }
}
