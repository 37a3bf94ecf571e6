//! Futures as tasks: polled by the pool's workers, in the submitter's context.

mod ending;
mod handle;
mod requeue;
mod spawned;
mod task;

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use super::books::{self, Entrance};
use super::error::TaskName;
use super::pool::Executor;
use super::submission::TaskBuilder;
pub use handle::FutureHandle;
use task::{Body, FutureTask};

impl Executor {
    /// Has `future` polled by the workers, each time in the context that is
    /// current now; it is dropped in that context, too.
    ///
    /// A worker polls it once each time it was woken, and is free in between.
    /// Futures take turns: one that wakes itself over and over keeps neither
    /// other futures nor other tasks from running, on a pool of one worker
    /// either.
    ///
    /// Where the queue is bounded and full, [`WhenFull`](crate::WhenFull) says what
    /// happens to the first poll; later ones always find room. On an executor that
    /// is [shut down](Self::shutdown), the future is dropped and the handle says so.
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
    let new = |name, carry, entry| {
        let body = Body { future: Box::pin(future), carry, entry };
        let place = (executor.books().clone(), executor.shared_pool().clone());
        Arc::new(FutureTask::new(name, place, body))
    };
    let task = match executor.books().enter() {
        Entrance::Queue(entering) => {
            let carry = executor.carry(&name);
            let task = new(name, carry, Some(entering.take()));
            task.clone().submit();
            task
        }
        Entrance::InPlace(entering) => {
            let carry = executor.carry(&name).for_any_thread(executor.books());
            let task = new(name, carry, Some(entering.take()));
            books::nested(|| task.poll_if_due());
            task
        }
        Entrance::Shut => {
            let carry = executor.carry(&name);
            let task = new(name, carry, None);
            task.refuse();
            task
        }
    };
    FutureHandle::new(task)
}
