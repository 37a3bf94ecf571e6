//! What one submission may say for itself.

use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;

use super::error::TaskName;
use super::handle::JoinHandle;
use super::pool::Executor;
use super::submit::{Order, Refused};
use crate::context::{Propagation, PropagationError};

impl Executor {
    /// Names the next task: `pool.task("load").spawn(f)`. The name is in the
    /// error of a panic. A policy for this task alone goes here, too:
    /// [`TaskBuilder::propagation`].
    pub fn task(&self, name: impl Into<String>) -> TaskBuilder<'_> {
        TaskBuilder { executor: Cow::Borrowed(self), name: name.into() }
    }
}

/// A submission that is being named; made by [`Executor::task`].
#[derive(Debug)]
#[must_use = "a named task is not submitted until `spawn` is called"]
pub struct TaskBuilder<'a> {
    /// One of its own where the submission has a policy of its own.
    pub(super) executor: Cow<'a, Executor>,
    pub(super) name: String,
}

impl TaskBuilder<'_> {
    /// What goes along with this task, whatever the executor's policy is. What the
    /// task submits itself goes by the policy of the executor it uses for that.
    ///
    /// A task of a scope is told the same by a snapshot that another policy took,
    /// which it enters inside its own: `s.spawn(move |_| snapshot.scope(f))`.
    ///
    /// ```
    /// use entourage::{Executor, Propagation};
    /// entourage::context_key! {
    ///     static TENANT: u32 = propagate;
    ///     static TOKEN: u32 = clear;
    /// }
    ///
    /// let pool = Executor::builder().num_threads(1).build()?;
    /// TENANT.scope(7, || TOKEN.scope(8, || {
    ///     let both = Propagation::only([&TENANT, &TOKEN]);
    ///     let login = pool.task("login").propagation(both)?.spawn(|| (TENANT.get(), TOKEN.get()));
    ///     assert_eq!(login.join().unwrap(), (Some(7), Some(8)));
    ///     assert_eq!(pool.spawn(|| TOKEN.get()).join().unwrap(), None);
    ///
    ///     let narrow = pool.with_propagation(Propagation::only([&TOKEN]))?.snapshot();
    ///     pool.scope(|s| s.spawn(move |_| narrow.scope(|| {
    ///         assert_eq!((TENANT.get(), TOKEN.get()), (None, Some(8)));
    ///     })));
    ///     Ok::<(), entourage::PropagationError>(())
    /// })).unwrap();
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the policy cannot be carried out; see [`Executor::with_propagation`].
    ///
    /// [`Executor::with_propagation`]: crate::Executor::with_propagation
    pub fn propagation(mut self, propagation: Propagation) -> Result<Self, PropagationError> {
        self.executor = Cow::Owned(self.executor.with_propagation(propagation)?);
        Ok(self)
    }

    /// As [`Executor::spawn`].
    #[track_caller]
    pub fn spawn<F, R>(self, f: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.executor.submit(named(self.name), f, Order::Lifo)
    }

    /// As [`Executor::spawn_fifo`].
    #[track_caller]
    pub fn spawn_fifo<F, R>(self, f: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.executor.submit(named(self.name), f, Order::Fifo)
    }

    /// As [`Executor::spawn_detached`], except that the panic handler is told the
    /// name and the place it was submitted at, whatever is carried.
    #[track_caller]
    pub fn spawn_detached<F>(self, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        let name = named(self.name);
        if !self.executor.books().is_plain() {
            return self.executor.spawn_tracked(name, f);
        }
        let carry = self.executor.carry(&name);
        let task = self.executor.new_task(name, carry, None, f).detached();
        self.executor.enqueue(Arc::new(task), Order::Lifo);
    }

    /// As [`Executor::try_spawn`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn try_spawn<F, R>(self, f: F) -> Result<JoinHandle<R>, Refused<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.executor.try_submit(named(self.name), f)
    }
}

#[track_caller]
fn named(name: String) -> TaskName {
    TaskName { name: Some(name), ..TaskName::at(Location::caller()) }
}
