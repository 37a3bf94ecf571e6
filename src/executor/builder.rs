//! How an executor is set up.

use std::fmt;
use std::sync::Arc;

use super::books::Terms;
use super::build_error::{BuildError, Problem};
use super::detached;
use super::error::TaskError;
use super::place;
use super::pool::Executor;
use super::shutdown::PanicPolicy;
use super::submit::WhenFull;
use super::task::PanicHandler;
use crate::context::{
    Accessor, Capture, CarryPolicy, ErasedAccessor, Leak, Propagation, note_dispatcher,
};

/// Sets up an [`Executor`]; made by [`Executor::builder`].
#[derive(Clone, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ExecutorBuilder {
    num_threads: Option<usize>,
    thread_name: Option<String>,
    propagation: Propagation,
    accessors: Vec<&'static dyn ErasedAccessor>,
    terms: Terms,
    pool: Option<Arc<rayon::ThreadPool>>,
}

impl ExecutorBuilder {
    /// How many workers; by default as many as the machine runs at once.
    pub fn num_threads(mut self, num_threads: usize) -> Self {
        self.num_threads = Some(num_threads);
        self
    }

    /// What the executor is called, and its workers, unless
    /// [`thread_name`](Self::thread_name) calls them otherwise.
    ///
    /// ```
    /// let pool = entourage::Executor::builder().num_threads(1).name("etl").build()?;
    /// let thread = pool.install(|| std::thread::current().name().map(str::to_owned));
    /// assert_eq!((pool.name(), thread.as_deref()), (Some("etl"), Some("etl-0")));
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.terms.name = Some(name.into());
        self
    }

    /// What the workers are called: this, a dash, and a number from 0. The
    /// default is the executor's [name](Self::name), or else `entourage`.
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.thread_name = Some(name.into());
        self
    }

    /// What goes along with submitted work; by default all that propagates.
    pub fn propagation(mut self, propagation: Propagation) -> Self {
        self.propagation = propagation;
        self
    }

    /// Lets a thread-local of another library go along.
    pub fn accessor<A: Accessor>(mut self, accessor: &'static A) -> Self {
        self.accessors.push(accessor);
        self
    }

    /// Who is told of a panic that no handle is there to receive: of a task
    /// that was detached, or whose handle was dropped. Called on the worker, in
    /// the task's context while that lasts, or on the thread that drops the
    /// handle of a task which is over; its own panic is dropped. Without
    /// one, the panic hook's message is all.
    pub fn panic_handler(mut self, f: impl Fn(&TaskError) + Send + Sync + 'static) -> Self {
        self.terms.on_panic = Some(Arc::new(f));
        self
    }

    /// Looks for what tasks leave behind, and tells `f` of each such [`Leak`] with
    /// the task's name and the place it was submitted at: a span entered and never
    /// exited, a dispatcher set and never reset, a thread-local that an accessor did
    /// not restore. Also, when the last clone of the executor is dropped, a snapshot
    /// taken by [`snapshot`](Executor::snapshot) that is still held.
    ///
    /// A leak is hidden from later tasks whether or not somebody looks. To look
    /// costs each task a few allocations, a lock and questions to the subscriber,
    /// and no two tasks then share a capture; so this is for tests, and for the
    /// search of a fault.
    ///
    /// `f` is called on the worker, after the task, with nothing of it to be seen,
    /// or on the thread that drops the executor; its panic is dropped. Not looked
    /// at are tasks with propagation off, the leaves of a parallel iterator, and
    /// accessors that do not say whether they are unchanged.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use entourage::Executor;
    ///
    /// let leaks = Arc::new(Mutex::new(Vec::new()));
    /// let told = leaks.clone();
    /// let pool = Executor::builder()
    ///     .num_threads(1)
    ///     .on_leak(move |leak| told.lock().unwrap().push(leak.to_string()))
    ///     .build()?;
    /// # let subscriber = tracing_subscriber::registry();
    /// # tracing::subscriber::with_default(subscriber, || {
    /// pool.task("careless").spawn(|| {
    ///     std::mem::forget(tracing::info_span!("request").entered());
    /// }).join().unwrap();
    /// # });
    /// let leaks = leaks.lock().unwrap();
    /// assert!(leaks[0].starts_with("task `careless`, submitted at "), "{leaks:?}");
    /// assert!(leaks[0].contains("left the span `request`"), "{leaks:?}");
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    pub fn on_leak(mut self, f: impl Fn(&Leak) + Send + Sync + 'static) -> Self {
        self.terms.on_leak = Some(Arc::new(f));
        self
    }

    /// What a panic of a task does, beside ending that task; by default nothing.
    /// [`PanicPolicy::ShutDown`] implies [`track_detached`](Self::track_detached).
    pub fn panic_policy(mut self, policy: PanicPolicy) -> Self {
        self.terms.panic_policy = policy;
        self
    }

    /// How many tasks may be submitted that have not begun, cancelled ones aside;
    /// by default as many as there is memory for. What a submission beyond that does, says
    /// [`when_full`](Self::when_full). Implies
    /// [`track_detached`](Self::track_detached).
    pub fn queue_capacity(mut self, capacity: usize) -> Self {
        self.terms.capacity = Some(capacity);
        self
    }

    /// What a submission does while the queue is full; by default it waits.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.terms.when_full = when_full;
        self
    }

    /// Whether the tasks of [`spawn_detached`](Executor::spawn_detached) are
    /// counted as those with a handle are, so that [statistics](Executor::stats)
    /// and a [shutdown](Executor::shutdown) know of them. By default they are not,
    /// and cost what they cost on the bare pool.
    pub fn track_detached(mut self, tracks: bool) -> Self {
        self.terms.tracks_detached = tracks;
        self
    }

    /// Runs on `pool` instead of a pool of the executor's own. Work that others
    /// put on it bypasses the executor and carries no context.
    pub fn pool(mut self, pool: Arc<rayon::ThreadPool>) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Starts the workers.
    ///
    /// # Errors
    ///
    /// For no threads or more than can be; for threads or a thread name together
    /// with a pool that is there already; for a queue without room; for a name
    /// that no thread can have; for a propagation policy that cannot be carried
    /// out, or that names an accessor which is not registered; for an accessor
    /// registered twice; and where the system refuses a thread.
    pub fn build(mut self) -> Result<Executor, BuildError> {
        let mut problems = Vec::new();
        let policy = CarryPolicy::new(self.propagation, self.accessors.into());
        if let Err(error) = policy.validate() {
            problems.push(Problem::Propagation(error));
        }
        let most = rayon::max_num_threads();
        match (self.num_threads, &self.pool) {
            (Some(_), Some(_)) => problems.push(Problem::Conflict("num_threads")),
            (Some(0), None) => problems.push(Problem::NoThreads),
            (Some(found), None) if found > most => {
                problems.push(Problem::TooManyThreads { found, most });
            }
            _ => {}
        }
        if self.thread_name.is_some() && self.pool.is_some() {
            problems.push(Problem::Conflict("thread_name"));
        }
        let thread_name = self.thread_name.or_else(|| self.terms.name.clone());
        let thread_name = thread_name.unwrap_or_else(|| "entourage".to_owned());
        if self.pool.is_none() && thread_name.contains('\0') {
            problems.push(Problem::ThreadName(thread_name.clone()));
        }
        if self.terms.capacity == Some(0) {
            problems.push(Problem::NoRoom);
        }
        if !problems.is_empty() {
            return Err(BuildError { problems });
        }
        self.terms.nothing = Capture::clearing(&policy.accessors).into();
        place::watch();
        note_dispatcher();
        let (pool, is_own) = match self.pool {
            Some(pool) => (pool, false),
            None => (start(self.num_threads, thread_name, self.terms.on_panic.clone())?, true),
        };
        Ok(Executor::new(pool, policy, self.terms, is_own))
    }
}

fn start(
    num_threads: Option<usize>,
    name: String,
    on_panic: Option<PanicHandler>,
) -> Result<Arc<rayon::ThreadPool>, BuildError> {
    let available = || std::thread::available_parallelism().map_or(1, usize::from);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(num_threads.unwrap_or_else(available))
        .thread_name(move |index| format!("{name}-{index}"))
        .panic_handler(move |payload| detached::report_detached(on_panic.as_ref(), payload))
        .build()
        .map_err(|error| BuildError { problems: vec![Problem::Start(error)] })?;
    Ok(Arc::new(pool))
}

impl fmt::Debug for ExecutorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutorBuilder")
            .field("name", &self.terms.name)
            .field("num_threads", &self.num_threads)
            .field("thread_name", &self.thread_name)
            .field("propagation", &self.propagation)
            .finish_non_exhaustive()
    }
}
