//! What `spawn` returns.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

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
}

impl<R: Send + 'static> JoinHandle<R> {
    pub(super) fn new(task: Arc<dyn Joinable<R>>) -> Self {
        Self { task }
    }

    /// Waits for the task and returns its value.
    ///
    /// Called on a worker of the same pool it runs the task itself if nobody
    /// has begun it, so that even a pool of one thread never waits in vain. On
    /// a worker of another pool it runs that pool's work meanwhile.
    ///
    /// # Errors
    ///
    /// If the task panicked, was cancelled, or had not begun when its executor was
    /// shut down; or if waiting would never end, because the task, by
    /// way of handles that it and others have joined, waits for this very thread.
    /// Waits of other kinds (the end of a scope, a channel) are not seen.
    ///
    /// # Stack
    ///
    /// A task that is run in place runs on the stack of the one that joins it, so
    /// a chain of hundreds of tasks, each of which joins the one before, may
    /// overflow the stack of a single worker. Submit such a chain as one task. A
    /// worker that waits for another pool runs its own pool's tasks on top; where
    /// those wait as well, and lie some thirty deep, it does so only now and then.
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
        self.help();
        self.wait(None)?;
        self.received()
    }

    /// Waits for the task for as long as `timeout`, and returns its value, or
    /// else the handle.
    ///
    /// What is bounded is the wait. A task that a worker runs meanwhile, as it
    /// does in [`join`](Self::join), be it this one or one of its own pool's, it
    /// runs to its end. With a timeout of zero nothing is run: this looks, and
    /// takes the value if it is there.
    ///
    /// # Errors
    ///
    /// The handle, if the task was not over in time. Within the other result
    /// those of [`join`](Self::join); that the task waits for this very thread is
    /// said at once.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use std::time::{Duration, Instant};
    ///
    /// # let pool = entourage::Executor::builder().num_threads(1).build()?;
    /// let (open, gate) = mpsc::channel();
    /// let task = pool.spawn(move || gate.recv());
    /// let task = task.join_timeout(Duration::from_millis(5)).unwrap_err();
    /// open.send("it goes on").unwrap();
    /// assert_eq!(task.join().unwrap(), Ok("it goes on"));
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    pub fn join_timeout(self, timeout: Duration) -> Result<Result<R, TaskError>, Self> {
        if !timeout.is_zero() {
            self.help();
        }
        // An end that no clock will show is none.
        match self.wait(Instant::now().checked_add(timeout)) {
            Ok(true) => Ok(self.received()),
            Ok(false) => Err(self),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Waits for all of these tasks; the outcomes are in the order of the
    /// handles.
    ///
    /// As [`join`](Self::join) on each, except that a worker of the same pool
    /// runs those that nobody has begun before it waits for the others.
    ///
    /// ```
    /// use entourage::JoinHandle;
    ///
    /// # let pool = entourage::Executor::builder().num_threads(2).build()?;
    /// let outcomes = JoinHandle::join_all((0..3).map(|n| pool.spawn(move || 6 / n)));
    /// assert!(outcomes[0].as_ref().unwrap_err().is_panic());
    /// assert_eq!(outcomes[2].as_ref().unwrap(), &3);
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    #[must_use = "a task's panic is in its outcome"]
    pub fn join_all(handles: impl IntoIterator<Item = Self>) -> Vec<Result<R, TaskError>> {
        let handles: Vec<_> = handles.into_iter().collect();
        handles.iter().for_each(Self::help);
        handles.into_iter().map(Self::join).collect()
    }

    /// Runs the task here, if this is a worker of its pool and nobody has begun
    /// it.
    fn help(&self) {
        if self.task.pool().current_thread_index().is_some() {
            self.task.run();
        }
    }

    /// Whether the task was over in time.
    fn wait(&self, until: Option<Instant>) -> Result<bool, TaskError> {
        let has_end = until.is_some();
        let block = |at_most| {
            let Some(_waiting) = waits::enter(self.task.clone(), has_end) else {
                return Err(TaskError::deadlock(self.task.name().clone()));
            };
            self.task.block(at_most);
            Ok(())
        };
        waits::wait(self.task.pool(), until, || self.task.is_finished(), block)
    }

    fn received(self) -> Result<R, TaskError> {
        match self.task.take(None) {
            Some(outcome) => outcome,
            None => unreachable!("the task was seen to be finished"),
        }
    }

    /// Keeps the task from running, unless it has begun; says whether this call
    /// did.
    ///
    /// Its closure is dropped here and now, in the task's own context; should
    /// that panic, the panic handler is told. [`join`](Self::join) then answers
    /// with an error that [is so called](TaskError::is_cancelled). A task that
    /// runs is left alone: tell it by other means, if it is to stop. What is left of
    /// a cancelled task, a few words, a worker clears away when it comes by it.
    ///
    /// ```
    /// # let pool = entourage::Executor::builder().num_threads(1).build()?;
    /// # let (open, gate) = std::sync::mpsc::channel::<()>();
    /// # pool.spawn_detached(move || _ = gate.recv());
    /// // While the only worker is busy:
    /// let task = pool.spawn(|| 6 * 7);
    /// assert!(task.cancel());
    /// assert!(task.join().unwrap_err().is_cancelled());
    /// # drop(open);
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    pub fn cancel(&self) -> bool {
        self.task.cancel()
    }

    /// Lets the task run on without the handle.
    pub fn detach(self) {
        drop(self);
    }

    /// Whether the task has ended, with a value or without: whether
    /// [`join`](Self::join) would answer at once.
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
