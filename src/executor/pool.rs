//! The executor itself.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::books::{Books, Terms};
use super::builder::ExecutorBuilder;
use super::carrier::Carrier;
#[cfg(feature = "pipeline")]
use super::lost::Lost;
use super::task::PanicHandler;
use super::waits;
use crate::context::{
    CarryPolicy, LiveSnapshot, Propagation, PropagationError, Snapshot, run_clean,
};

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
    #[cfg(feature = "pipeline")]
    lost: Arc<Lost>,
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
        let carrier = Arc::new(Carrier::new(policy, terms.on_leak.clone()));
        let books = Arc::new(Books::new(terms, pool.clone()));
        Self {
            pool,
            carrier,
            books,
            is_off,
            is_own,
            #[cfg(feature = "pipeline")]
            lost: Arc::default(),
        }
    }

    /// This executor, on the same workers, with another policy: for one run,
    /// or for one submission.
    ///
    /// # Errors
    ///
    /// If the policy cannot be carried out.
    pub fn with_propagation(&self, propagation: Propagation) -> Result<Self, PropagationError> {
        let is_off = propagation.is_off();
        let carrier = Arc::new(self.carrier.with_propagation(propagation)?);
        Ok(Self { carrier, is_off, ..self.clone() })
    }

    /// What goes along with submitted work.
    pub fn propagation(&self) -> &Propagation {
        self.carrier.propagation()
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
    #[track_caller]
    pub fn snapshot(&self) -> Snapshot {
        if self.is_off() {
            return Snapshot::off();
        }
        self.carrier.capture_by_hand(Location::caller()).into()
    }

    /// The snapshots of this executor and its clones that have not ended: those of
    /// tasks that are yet to run or running, and those taken by
    /// [`snapshot`](Self::snapshot) that somebody still holds. Each is one that keeps
    /// its span open. Known only where [`on_leak`](ExecutorBuilder::on_leak) was
    /// told to look for leaks; else there are none in the list.
    ///
    /// ```
    /// use entourage::Executor;
    ///
    /// let pool = Executor::builder().num_threads(1).on_leak(|leak| eprintln!("{leak}")).build()?;
    /// let held = pool.snapshot();
    /// let live = pool.live_snapshots();
    /// assert_eq!((live.len(), live[0].place().line()), (1, line!() - 2));
    /// drop(held);
    /// assert!(pool.live_snapshots().is_empty());
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    pub fn live_snapshots(&self) -> Vec<LiveSnapshot> {
        self.carrier.live_snapshots()
    }

    /// Runs `f` on a worker and waits for it; on a worker of this pool, just
    /// calls it. `f` may borrow. What `f` hands to other workers through rayon
    /// itself, by a parallel iterator without
    /// [`in_context`](crate::ParallelIteratorExt::in_context) say, carries nothing.
    ///
    /// With propagation off, `f` sees nothing of the caller when it moves to
    /// another thread, and what the thread holds when it is called in place: in
    /// place it is the caller's own task that runs on.
    ///
    /// # Panics
    ///
    /// With `f`'s payload.
    #[track_caller]
    pub fn install<F, R>(&self, f: F) -> R
    where
        F: FnOnce() -> R + Send,
        R: Send,
    {
        self.install_at(Location::caller(), f)
    }

    #[inline]
    pub(super) fn install_at<F, R>(&self, at: &'static Location<'static>, f: F) -> R
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
        let capture = self.carrier.capture_to_move(at);
        self.pool.install(|| capture.scope(f))
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
    #[track_caller]
    pub fn broadcast<F, R>(&self, f: F) -> Vec<R>
    where
        F: Fn(Broadcast) -> R + Sync,
        R: Send,
    {
        let call = |worker: &rayon::BroadcastContext<'_>| {
            f(Broadcast { index: worker.index(), num_threads: worker.num_threads() })
        };
        let at = Location::caller();
        let capture = (!self.is_off()).then(|| self.carrier.capture_to_move(at));
        let forks = capture.as_ref().map(|capture| capture.forks(self.num_threads()));
        let fork_of = |index: usize| forks.as_ref().and_then(|forks| forks.get(index)).cloned();
        waits::during_broadcast(|| {
            self.pool.broadcast(|worker| match (&capture, fork_of(worker.index())) {
                (None, _) => run_clean(|| call(&worker)),
                (Some(capture), None) => capture.scope(|| call(&worker)),
                (Some(capture), Some(fork)) => capture.scope(|| fork.scope(|| call(&worker))),
            })
        })
    }

    /// Those of its workers that are at work which was given up.
    #[cfg(feature = "pipeline")]
    pub(crate) fn lost(&self) -> &Lost {
        &self.lost
    }

    #[inline]
    pub(super) fn is_off(&self) -> bool {
        self.is_off
    }

    /// Whether the current thread is a worker of this executor.
    #[inline]
    pub(crate) fn is_on_worker(&self) -> bool {
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

    #[inline]
    pub(super) fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    /// Whether the workers were started by us.
    #[inline]
    pub(super) fn is_own(&self) -> bool {
        self.is_own
    }

    pub(super) fn books(&self) -> &Arc<Books> {
        &self.books
    }
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
