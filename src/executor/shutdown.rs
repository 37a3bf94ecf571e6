//! The end of an executor.

use std::time::{Duration, Instant};

use super::pool::Executor;

/// What becomes of the tasks that are there when an executor is
/// [shut down](Executor::shutdown).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shutdown {
    /// All of them run, and those that they still submit.
    Drain,
    /// Those that have begun run on; the others are dropped, each in its own
    /// context, by the workers. A future is dropped wherever it waits.
    Drop,
}

/// What a panic of a task does, beside ending that task.
///
/// The payload goes the same way in both cases: to the task's handle, or else to
/// the panic handler. A panic inside a scope, a join, an install, a broadcast or a
/// parallel iterator comes out of that, and is the panic of a task only if the
/// task lets it pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PanicPolicy {
    /// Nothing: the others go on.
    #[default]
    Continue,
    /// The executor is shut down as by [`Shutdown::Drop`], except that nobody
    /// waits for it: what has not begun is dropped and says so by its handle.
    ShutDown,
}

/// What came of a [shutdown](Executor::shutdown).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Tasks that were there when it began, or came later from those, and ran to
    /// their end, a panic included.
    pub ran: u64,
    /// Tasks of the same kind that were dropped without having run, or, futures,
    /// without having ended.
    pub dropped: u64,
    /// Tasks that are not over: none, unless the call could not wait, or not so
    /// long.
    pub unfinished: u64,
}

impl ShutdownReport {
    /// Whether all tasks are over.
    pub fn is_complete(&self) -> bool {
        self.unfinished == 0
    }
}

impl Executor {
    /// Takes no more tasks, here and on all clones, and waits until those that
    /// are there are over.
    ///
    /// - What is submitted from now on is dropped at once, in its own context;
    ///   its handle's error [says so](crate::TaskError::is_shut_down). While it
    ///   [drains](Shutdown::Drain), however, what the pool's own workers submit is
    ///   still taken, since the tasks that run may need it to end. So a task that
    ///   submits itself again and again drains never: drop those.
    /// - It may be called often, from several threads and with different words.
    ///   Each call waits, and tells of all since the first one. Dropping goes
    ///   before draining, whichever came first.
    /// - Called on a worker of the pool, or within a task that another thread runs
    ///   or calls off, where waiting for all tasks would be waiting for oneself, it
    ///   returns at once, with a report that is not
    ///   [complete](ShutdownReport::is_complete). A worker of another pool runs
    ///   that pool's work meanwhile. As with the end of a scope, a circle of such
    ///   waits through several pools is not seen.
    /// - A drain waits for futures as well, and so for ever where one waits for what
    ///   will never be.
    /// - Calls that wait themselves (`scope`, `join`, `install`, `broadcast`,
    ///   parallel iterators) are no submissions and go on working. So do the
    ///   workers, which end with the last clone and the last handle.
    /// - Tasks of [`spawn_detached`](Self::spawn_detached) are refused from now on,
    ///   but those that are there are known, and waited for or dropped, only if the
    ///   executor [tracks them](crate::ExecutorBuilder::track_detached).
    ///
    /// ```
    /// use entourage::{Executor, Shutdown};
    ///
    /// let pool = Executor::builder().num_threads(1).build()?;
    /// let tasks: Vec<_> = (0..10).map(|n| pool.spawn(move || n)).collect();
    /// let report = pool.shutdown(Shutdown::Drain);
    /// assert!(report.is_complete() && report.dropped == 0);
    /// assert!(tasks.iter().all(|task| task.is_finished()));
    /// assert!(pool.spawn(|| 7).join().unwrap_err().is_shut_down());
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    pub fn shutdown(&self, how: Shutdown) -> ShutdownReport {
        self.shut_down(how, None)
    }

    /// As [`shutdown`](Self::shutdown), but waits for as long as `timeout` at
    /// most. To call it again is to wait on.
    pub fn shutdown_timeout(&self, how: Shutdown, timeout: Duration) -> ShutdownReport {
        self.shut_down(how, Instant::now().checked_add(timeout))
    }

    fn shut_down(&self, how: Shutdown, until: Option<Instant>) -> ShutdownReport {
        self.books().close(how);
        if !self.books().has_task_here() {
            self.books().wait_until_over(until);
        }
        self.books().report()
    }

    /// Whether the executor takes no more tasks.
    pub fn is_shut_down(&self) -> bool {
        self.books().is_closed()
    }
}
