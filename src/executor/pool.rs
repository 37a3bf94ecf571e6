//! The executor itself.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::books::{Books, Terms};
use super::builder::ExecutorBuilder;
use super::error::{TaskError, TaskName};
use super::task::{Joinable, PanicHandler, Task, tell};
use super::waits;
use crate::context::{
    CarryPolicy, Payload, Propagation, PropagationError, Snapshot, quietly, run_clean,
};
use crate::sync::atomic::{AtomicU64, Ordering};

/// A thread pool that carries its caller's context to the worker and leaves
/// none of it behind.
///
/// A clone is a handle on the same pool; the pool ends with the last clone and
/// the last [`JoinHandle`](crate::JoinHandle), after the tasks and futures that were submitted.
///
/// ```
/// use entourage::{Executor, Propagation};
/// entourage::context_key! { static TENANT: String = propagate; }
///
/// let pool = Executor::builder().num_threads(2).build()?;
/// TENANT.scope("acme".into(), || {
///     assert_eq!(pool.spawn(|| TENANT.get()).join().unwrap().as_deref(), Some("acme"));
///
///     let quick = pool.with_propagation(Propagation::off()).unwrap();
///     assert_eq!(quick.spawn(|| TENANT.get()).join().unwrap(), None);
/// });
/// # Ok::<(), entourage::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Executor {
    pool: Arc<rayon::ThreadPool>,
    carrier: Arc<Carrier>,
    books: Arc<Books>,
    /// Whether the policy is to carry nothing; here, and not behind the pointer,
    /// since it is asked at every submit.
    is_off: bool,
    /// Whether the workers were started by us, so that they know the handler.
    is_own: bool,
}

/// Takes snapshots by an executor's policy, and counts them.
pub(super) struct Carrier {
    policy: CarryPolicy,
    /// Shared with the executor's clones of other policies.
    snapshots: Arc<AtomicU64>,
}

impl Executor {
    /// Sets up a new executor.
    pub fn builder() -> ExecutorBuilder {
        ExecutorBuilder::default()
    }

    pub(super) fn new(
        pool: Arc<rayon::ThreadPool>,
        policy: CarryPolicy,
        terms: Terms,
        is_own: bool,
    ) -> Self {
        let is_off = policy.propagation.is_off();
        let carrier = Arc::new(Carrier { policy, snapshots: Arc::default() });
        let books = Arc::new(Books::new(terms, pool.clone()));
        Self { pool, carrier, books, is_off, is_own }
    }

    /// This executor, on the same workers, with another policy: for one run,
    /// or for one submission.
    ///
    /// # Errors
    ///
    /// If the policy cannot be carried out.
    pub fn with_propagation(&self, propagation: Propagation) -> Result<Self, PropagationError> {
        let Carrier { policy, snapshots } = &*self.carrier;
        let policy = CarryPolicy { propagation, accessors: policy.accessors.clone() };
        policy.validate()?;
        let is_off = policy.propagation.is_off();
        let carrier = Arc::new(Carrier { policy, snapshots: snapshots.clone() });
        Ok(Self { carrier, is_off, ..self.clone() })
    }

    /// What goes along with submitted work.
    pub fn propagation(&self) -> &Propagation {
        &self.carrier.policy.propagation
    }

    /// What the executor was [named](ExecutorBuilder::name).
    pub fn name(&self) -> Option<&str> {
        self.books.terms().name.as_deref()
    }

    /// How many workers there are.
    pub fn num_threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// The pool underneath. Work put on it directly carries no context, and
    /// nothing hides what it enters from tasks with propagation off that are run
    /// while it waits. A broadcast on it waits for workers that block on handles.
    pub fn rayon_pool(&self) -> &rayon::ThreadPool {
        &self.pool
    }

    /// Takes what is current on this thread, as this executor would at a submit.
    pub fn snapshot(&self) -> Snapshot {
        if self.is_off() {
            return Snapshot::empty();
        }
        self.carrier.capture()
    }

    /// Runs `f` on a worker and keeps no handle: the cheapest submission. Its
    /// panic goes to the panic handler; with propagation off, without the place
    /// it was submitted at, since nothing at all is carried.
    #[track_caller]
    #[inline]
    pub fn spawn_detached<F>(&self, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        if !self.books.is_plain() {
            return self.spawn_tracked(TaskName::at(Location::caller()), f);
        }
        if self.is_off && self.is_own {
            // Its panic is caught by the pool, which was given our handler.
            return self.pool.spawn(move || run_clean(f));
        }
        let name = TaskName::at(Location::caller());
        let task = Task::new(name, self.carry(), self.books.clone(), None, f).detached();
        let task = Arc::new(task);
        self.pool.spawn(move || task.run());
    }

    /// Runs `f` on a worker and waits for it; on a worker of this pool, just
    /// calls it. `f` may borrow.
    ///
    /// With propagation off, `f` sees nothing of the caller when it moves to
    /// another thread, and what the thread holds when it is called in place: in
    /// place it is the caller's own task that runs on.
    ///
    /// # Panics
    ///
    /// With `f`'s payload.
    pub fn install<F, R>(&self, f: F) -> R
    where
        F: FnOnce() -> R + Send,
        R: Send,
    {
        if self.is_on_worker() {
            return f();
        }
        if self.is_off() {
            return self.pool.install(|| run_clean(f));
        }
        let snapshot = self.snapshot_to_move();
        self.pool.install(|| snapshot.scope(f))
    }

    /// Runs `f` once on every worker, and returns the answers in the order of
    /// the workers.
    ///
    /// ```
    /// # let pool = entourage::Executor::builder().num_threads(3).build()?;
    /// assert_eq!(pool.broadcast(|worker| worker.index), [0, 1, 2]);
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// With the payload of the first worker that panicked, after all are done.
    pub fn broadcast<F, R>(&self, f: F) -> Vec<R>
    where
        F: Fn(Broadcast) -> R + Sync,
        R: Send,
    {
        let call = |worker: &rayon::BroadcastContext<'_>| {
            f(Broadcast { index: worker.index(), num_threads: worker.num_threads() })
        };
        let snapshot = if self.is_off() { None } else { Some(self.snapshot_to_move()) };
        let forks = snapshot.as_ref().map(|snapshot| snapshot.forks(self.num_threads()));
        let fork_of = |index: usize| forks.as_ref().and_then(|forks| forks.get(index)).cloned();
        waits::during_broadcast(|| {
            self.pool.broadcast(|worker| match (&snapshot, fork_of(worker.index())) {
                (None, _) => run_clean(|| call(&worker)),
                (Some(snapshot), None) => snapshot.scope(|| call(&worker)),
                (Some(snapshot), Some(fork)) => snapshot.scope(|| fork.scope(|| call(&worker))),
            })
        })
    }

    /// What is current, for a closure that is no task of its own: it runs on
    /// elsewhere, and this thread waits for it.
    pub(super) fn snapshot_to_move(&self) -> Snapshot {
        self.carrier.counted(Snapshot::capture_unforked(&self.carrier.policy))
    }

    #[inline]
    pub(super) fn is_off(&self) -> bool {
        self.is_off
    }

    /// Whether the current thread is a worker of this executor.
    #[inline]
    pub(super) fn is_on_worker(&self) -> bool {
        self.pool.current_thread_index().is_some()
    }

    pub(super) fn pool(&self) -> &rayon::ThreadPool {
        &self.pool
    }

    pub(super) fn shared_pool(&self) -> &Arc<rayon::ThreadPool> {
        &self.pool
    }

    pub(super) fn panic_handler(&self) -> Option<&PanicHandler> {
        self.books.terms().on_panic.as_ref()
    }

    pub(super) fn carrier(&self) -> &Arc<Carrier> {
        &self.carrier
    }

    pub(super) fn books(&self) -> &Arc<Books> {
        &self.books
    }
}

impl Carrier {
    /// Takes a snapshot, and counts it unless it is of nothing.
    pub(super) fn capture(&self) -> Snapshot {
        self.counted(Snapshot::capture_for(&self.policy))
    }

    fn counted(&self, taken: Snapshot) -> Snapshot {
        if !taken.is_empty() {
            self.snapshots.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    pub(super) fn snapshots(&self) -> u64 {
        self.snapshots.load(Ordering::Relaxed)
    }

    /// Whether a capture made now would be `snapshot` again.
    pub(super) fn is_current(&self, snapshot: &Snapshot) -> bool {
        snapshot.is_unchanged(&self.policy)
    }
}

/// Tells of a panic of a task that carried nothing, not even the place it was
/// submitted at. Called by rayon, which aborts on a panic of ours.
pub(super) fn report_detached(on_panic: Option<&PanicHandler>, payload: Payload) {
    quietly(|| {
        run_clean(|| {
            let error = TaskError::panicked(TaskName::default(), payload);
            tell(on_panic, &error);
            quietly(|| drop(error));
        });
    });
}

/// Which worker a broadcast closure runs on.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Broadcast {
    /// The worker's number, from 0.
    pub index: usize,
    /// How many workers the pool has.
    pub num_threads: usize,
}

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor")
            .field("name", &self.name())
            .field("num_threads", &self.num_threads())
            .field("propagation", self.propagation())
            .finish_non_exhaustive()
    }
}
