//! Futures as tasks: polled by the pool's workers, in the submitter's context.

mod ending;
mod handle;
mod requeue;
mod spawned;
mod task;

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use super::error::TaskName;
use super::pool::Executor;
use super::submission::TaskBuilder;
pub use handle::FutureHandle;
use requeue::Enqueue;
use task::FutureTask;

impl Executor {
    /// Has `future` polled by the workers, each time in the context that is
    /// current now; it is dropped in that context, too.
    ///
    /// A worker polls it once each time it was woken, and is free in between.
    /// Futures take turns: one that wakes itself over and over keeps neither
    /// other futures nor other tasks from running, on a pool of one worker
    /// either.
    ///
    /// There is no clock and no I/O here. What a future awaits must wake it, from
    /// whichever thread, as the handles of [`spawn`](Self::spawn) and of this
    /// method, channels and locks for async code do.
    ///
    /// ```
    /// # let pool = entourage::Executor::builder().num_threads(1).build()?;
    /// entourage::context_key! { static TENANT: u32 = propagate; }
    ///
    /// let inner = pool.clone();
    /// let sum = TENANT.scope(7, || {
    ///     pool.spawn_future(async move {
    ///         let heavy = inner.spawn(|| (1..=100).sum::<u32>());
    ///         heavy.await.unwrap() + TENANT.get().unwrap()
    ///     })
    /// });
    /// assert_eq!(sum.join().unwrap(), 5057);
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    #[track_caller]
    pub fn spawn_future<F>(&self, future: F) -> FutureHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        submit(self, TaskName::at(Location::caller()), future)
    }
}

impl TaskBuilder<'_> {
    /// As [`Executor::spawn_future`].
    #[track_caller]
    pub fn spawn_future<F>(self, future: F) -> FutureHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let name = TaskName { name: Some(self.name), ..TaskName::at(Location::caller()) };
        submit(&self.executor, name, future)
    }
}

fn submit<F>(executor: &Executor, name: TaskName, future: F) -> FutureHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (pool, on_panic) = (executor.shared_pool().clone(), executor.panic_handler().cloned());
    let carry = executor.carry(&name);
    let task = Arc::new(FutureTask::new(name, carry, pool, on_panic, future));
    task.clone().enqueue();
    FutureHandle::new(task)
}
