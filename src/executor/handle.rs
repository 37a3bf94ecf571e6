//! What `spawn` returns.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::error::TaskError;
use super::task::Joinable;
use super::waits;

/// A submitted task: wait for its value with [`join`](Self::join), or await it.
///
/// Dropping the handle lets the task run on, and its value be dropped. A panic
/// of a task whose handle is gone is told to the executor's panic handler.
#[must_use = "a dropped handle lets the task run on, and its value and its panic go unseen; \
              use `spawn_detached` where that is what you want"]
pub struct JoinHandle<R> {
    task: Arc<dyn Joinable<R>>,
    pool: Arc<rayon::ThreadPool>,
}

/// The longest that a worker which waits for another pool's task goes without a
/// look for work of its own. The first look comes after a 64th of it.
const LONGEST_NAP: Duration = Duration::from_millis(16);

impl<R: Send + 'static> JoinHandle<R> {
    pub(super) fn new(task: Arc<dyn Joinable<R>>, pool: Arc<rayon::ThreadPool>) -> Self {
        Self { task, pool }
    }

    /// Waits for the task and returns its value.
    ///
    /// Called on a worker of the same pool it runs the task itself if nobody
    /// has begun it, so that even a pool of one thread never waits in vain. On
    /// a worker of another pool it runs that pool's work meanwhile.
    ///
    /// # Errors
    ///
    /// If the task panicked; or if waiting would never end, because the task, by
    /// way of handles that it and others have joined, waits for this very thread.
    /// Waits of other kinds (the end of a scope, a channel) are not seen.
    ///
    /// # Stack
    ///
    /// A task that is run in place runs on the stack of the one that joins it, so
    /// a chain of hundreds of tasks, each of which joins the one before, may
    /// overflow the stack of a single worker. Submit such a chain as one task.
    ///
    /// ```
    /// # let pool = entourage::Executor::builder().num_threads(1).build()?;
    /// assert_eq!(pool.spawn(|| 6 * 7).join().unwrap(), 42);
    ///
    /// let error = pool.task("doomed").spawn(|| panic!("no more rows")).join().unwrap_err();
    /// assert!(error.is_panic());
    /// assert_eq!(error.task(), "doomed");
    /// assert!(error.to_string().ends_with(": no more rows"));
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    pub fn join(self) -> Result<R, TaskError> {
        if self.pool.current_thread_index().is_some() {
            self.task.run();
        }
        if !self.task.is_finished() {
            self.wait()?;
        }
        match self.task.take(None) {
            Some(outcome) => outcome,
            None => unreachable!("the task was seen to be finished"),
        }
    }

    fn wait(&self) -> Result<(), TaskError> {
        let is_other_pools_worker =
            self.pool.current_thread_index().is_none() && rayon::current_thread_index().is_some();
        if !is_other_pools_worker {
            while !self.task.is_finished() {
                if !waits::is_broadcasting() {
                    self.block(None)?;
                } else if rayon::yield_local() != Some(rayon::Yield::Executed) {
                    // Its closure for this worker is not there yet, or was for
                    // another pool: this lasts as long as the broadcast.
                    self.block(Some(LONGEST_NAP / 64))?;
                }
            }
            return Ok(());
        }
        // The task may come to need a worker of this thread's own pool, so this
        // one must not sleep through that. Rayon offers no way to be woken for
        // both; hence the look now and then.
        let mut nap = LONGEST_NAP / 64;
        while !self.task.is_finished() {
            if let Some(rayon::Yield::Executed) = rayon::yield_now() {
                nap = LONGEST_NAP / 64;
            } else {
                self.block(Some(nap))?;
                nap = (nap * 2).min(LONGEST_NAP);
            }
        }
        Ok(())
    }

    fn block(&self, at_most: Option<Duration>) -> Result<(), TaskError> {
        let Some(_waiting) = waits::enter(self.task.clone()) else {
            return Err(TaskError::deadlock(self.task.name().clone()));
        };
        self.task.block(at_most);
        Ok(())
    }

    /// Lets the task run on without the handle.
    pub fn detach(self) {
        drop(self);
    }

    /// Whether the task has ended, with a value or without.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

impl<R: Send + 'static> Future for JoinHandle<R> {
    type Output = Result<R, TaskError>;

    /// Polled again after it was ready, it answers with an error that says so.
    ///
    /// A poll never runs the task, so it is not the way to wait on a worker of
    /// the same pool: an executor that blocks there keeps the worker from
    /// running it. That is what [`join`](Self::join) is for.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.task.take(Some(cx.waker())) {
            Some(outcome) => Poll::Ready(outcome),
            None => Poll::Pending,
        }
    }
}

impl<R> Drop for JoinHandle<R> {
    fn drop(&mut self) {
        self.task.detach();
    }
}

impl<R> fmt::Debug for JoinHandle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("task", self.task.name()).finish_non_exhaustive()
    }
}
