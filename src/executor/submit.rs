//! How a task gets into the pool's queue, or does not.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::books::{self, Books, Entrance, Entry};
use super::error::{TaskError, TaskName};
use super::handle::JoinHandle;
use super::pool::Executor;
use super::task::{Carry, Joinable, Task};
use crate::context::quietly;

/// What [`spawn`](Executor::spawn) and its kin do when the queue of an executor
/// with a [capacity](crate::ExecutorBuilder::queue_capacity) is full.
///
/// A worker of the pool never waits, since it may be the one that would have to
/// make room: it runs the new task at once, on top of the one that submits it, as
/// a join would. Where tasks submitted tasks so 32 deep, each on the stack of the
/// one before, the next goes into the queue though that is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// The caller waits until a task of the queue begins; a worker of another pool
    /// runs that pool's work meanwhile.
    #[default]
    Wait,
    /// The caller helps: it runs the new task itself, in the task's own context,
    /// and then goes on.
    Help,
}

/// A closure that [`try_spawn`](Executor::try_spawn) did not take.
pub struct Refused<F> {
    f: F,
    task: TaskName,
    is_full: bool,
}

impl<F> Refused<F> {
    /// Whether the queue is full.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether the executor is shut down.
    pub fn is_shut_down(&self) -> bool {
        !self.is_full
    }

    /// The closure.
    pub fn into_inner(self) -> F {
        self.f
    }
}

impl<F> fmt::Display for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = if self.is_full { "the queue is full" } else { "the executor is shut down" };
        write!(f, "{} was not taken: {why}", self.task)
    }
}

impl<F> fmt::Debug for Refused<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refused({self})")
    }
}

impl<F> std::error::Error for Refused<F> {}

/// In which order a worker begins what it submitted.
#[derive(Clone, Copy)]
pub(super) enum Order {
    Lifo,
    Fifo,
}

impl Executor {
    /// Runs `f` on a worker, in the context that is current now.
    ///
    /// Where the queue is bounded and full, [`WhenFull`] says what happens; on an
    /// executor that is [shut down](Self::shutdown), `f` is dropped and the handle
    /// says so.
    ///
    /// ```
    /// # let pool = entourage::Executor::builder().num_threads(2).build()?;
    /// let handles: Vec<_> = (0..3).map(|n| pool.spawn(move || n * n)).collect();
    /// let squares: Vec<_> = handles.into_iter().map(|h| h.join().unwrap()).collect();
    /// assert_eq!(squares, [0, 1, 4]);
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    #[track_caller]
    pub fn spawn<F, R>(&self, f: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.submit(TaskName::at(Location::caller()), f, Order::Lifo)
    }

    /// As [`spawn`](Self::spawn), but the tasks a worker spawns this way start
    /// in the order in which it spawned them; all but those that it has to run at
    /// once, since the queue is full.
    #[track_caller]
    pub fn spawn_fifo<F, R>(&self, f: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.submit(TaskName::at(Location::caller()), f, Order::Fifo)
    }

    /// As [`spawn`](Self::spawn), but neither waits nor runs anything.
    ///
    /// # Errors
    ///
    /// If the queue is full, or the executor shut down: `f` comes back.
    ///
    /// ```
    /// # let pool = entourage::Executor::builder().num_threads(1).queue_capacity(1).build()?;
    /// # let (begun, has_begun) = std::sync::mpsc::channel();
    /// # let (open, gate) = std::sync::mpsc::channel::<()>();
    /// # pool.spawn_detached(move || { begun.send(()).unwrap(); _ = gate.recv(); });
    /// # has_begun.recv().unwrap();
    /// // While the only worker is busy, and the queue has room for one:
    /// let first = pool.try_spawn(|| 1).unwrap();
    /// let refused = pool.try_spawn(|| 2).unwrap_err();
    /// assert!(refused.is_full());
    /// assert_eq!(refused.into_inner()(), 2);
    /// # drop(open);
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    #[track_caller]
    pub fn try_spawn<F, R>(&self, f: F) -> Result<JoinHandle<R>, Refused<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.try_submit(TaskName::at(Location::caller()), f)
    }

    pub(super) fn try_submit<F, R>(&self, name: TaskName, f: F) -> Result<JoinHandle<R>, Refused<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let entering = match self.books().try_enter() {
            Ok(entering) => entering,
            Err(refusal) => {
                return Err(Refused { f, task: name, is_full: refusal.is_full() });
            }
        };
        let carry = self.carry(&name);
        let task = Arc::new(self.new_task(name, carry, Some(entering.take()), f));
        self.enqueue(task.clone(), Order::Lifo);
        Ok(JoinHandle::new(task))
    }

    pub(super) fn submit<F, R>(&self, name: TaskName, f: F, order: Order) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let task = self.enter(name, f, order, |task| task);
        JoinHandle::new(task)
    }

    /// Submits a detached task of an executor that keeps books of those, or that
    /// is shut down.
    #[cold]
    pub(super) fn spawn_tracked<F>(&self, name: TaskName, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        self.enter(name, f, Order::Lifo, Task::detached);
    }

    fn enter<F, R>(
        &self,
        name: TaskName,
        f: F,
        order: Order,
        finish: impl FnOnce(Task<F, R>) -> Task<F, R>,
    ) -> Arc<Task<F, R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let new = |name, carry, entry| Arc::new(finish(self.new_task(name, carry, entry, f)));
        match self.books().enter() {
            Entrance::Queue(entering) => {
                let carry = self.carry(&name);
                let task = new(name, carry, Some(entering.take()));
                self.enqueue(task.clone(), order);
                task
            }
            Entrance::InPlace(entering) => {
                let carry = self.carry(&name).for_any_thread(self.books());
                let task = new(name, carry, Some(entering.take()));
                books::nested(|| task.run());
                task
            }
            Entrance::Shut => {
                let carry = self.carry(&name);
                let task = new(name, carry, None);
                task.call_off(TaskError::shut_down);
                task
            }
        }
    }

    pub(super) fn enqueue<F, R>(&self, task: Arc<Task<F, R>>, order: Order)
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        match order {
            Order::Lifo => self.pool().spawn(move || run(task)),
            Order::Fifo => self.pool().spawn_fifo(move || run(task)),
        }
    }

    /// What a task that is submitted now carries.
    pub(super) fn carry(&self, name: &TaskName) -> Carry {
        if self.is_off() {
            return Carry::Off;
        }
        let at = name.submitted.unwrap_or_else(|| Location::caller());
        Carry::Snapshot(self.carrier().capture_shared(name.name.as_deref(), at))
    }

    pub(super) fn new_task<F, R>(
        &self,
        name: TaskName,
        carry: Carry,
        entry: Option<Entry>,
        f: F,
    ) -> Task<F, R>
    where
        F: FnOnce() -> R + Send,
        R: Send,
    {
        Task::new(name, carry, self.books().clone(), entry, f)
    }
}

fn run<R>(task: Arc<impl Joinable<R>>) {
    task.run();
    // With the last task may end what the executor was given, a panic handler say;
    // on a pool of others nobody would catch a panic of that.
    quietly(|| drop(task));
}

impl Carry {
    /// For a thread that may hold what no flag tells of: it has to be looked for.
    pub(super) fn for_any_thread(self, books: &Books) -> Self {
        match self {
            Self::Off => Self::Snapshot(books.terms().nothing.clone()),
            carried => carried,
        }
    }
}
