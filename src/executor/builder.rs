//! How an executor is set up.

use std::fmt;
use std::sync::Arc;

use super::error::TaskError;
use super::place;
use super::pool::{self, Executor};
use super::task::PanicHandler;
use crate::context::{
    Accessor, CarryPolicy, ErasedAccessor, Propagation, PropagationError, note_dispatcher,
};

/// Sets up an [`Executor`]; made by [`Executor::builder`].
#[derive(Clone, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ExecutorBuilder {
    num_threads: Option<usize>,
    thread_name: Option<String>,
    propagation: Propagation,
    accessors: Vec<&'static dyn ErasedAccessor>,
    on_panic: Option<PanicHandler>,
    pool: Option<Arc<rayon::ThreadPool>>,
}

impl ExecutorBuilder {
    /// How many workers; by default as many as the machine runs at once.
    pub fn num_threads(mut self, num_threads: usize) -> Self {
        self.num_threads = Some(num_threads);
        self
    }

    /// What the workers are called: the name, a dash, and a number from 0. The
    /// default is `entourage`.
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
        self.on_panic = Some(Arc::new(f));
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
    /// with a pool that is there already; for a propagation policy that cannot
    /// be carried out, or that names an accessor which is not registered; for an
    /// accessor registered twice; and where the system refuses a thread.
    pub fn build(self) -> Result<Executor, BuildError> {
        let mut problems = Vec::new();
        let policy =
            CarryPolicy { propagation: self.propagation, accessors: self.accessors.into() };
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
        if !problems.is_empty() {
            return Err(BuildError { problems });
        }
        place::watch();
        note_dispatcher();
        let (pool, is_own) = match self.pool {
            Some(pool) => (pool, false),
            None => (start(self.num_threads, self.thread_name, self.on_panic.clone())?, true),
        };
        Ok(Executor::new(pool, policy, self.on_panic, is_own))
    }
}

fn start(
    num_threads: Option<usize>,
    name: Option<String>,
    on_panic: Option<PanicHandler>,
) -> Result<Arc<rayon::ThreadPool>, BuildError> {
    let available = || std::thread::available_parallelism().map_or(1, usize::from);
    let name = name.unwrap_or_else(|| "entourage".to_owned());
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(num_threads.unwrap_or_else(available))
        .thread_name(move |index| format!("{name}-{index}"))
        .panic_handler(move |payload| pool::report_detached(on_panic.as_ref(), payload))
        .build()
        .map_err(|error| BuildError { problems: vec![Problem::Start(error)] })?;
    Ok(Arc::new(pool))
}

impl fmt::Debug for ExecutorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutorBuilder")
            .field("num_threads", &self.num_threads)
            .field("thread_name", &self.thread_name)
            .field("propagation", &self.propagation)
            .finish_non_exhaustive()
    }
}

/// An executor that cannot be: says everything that is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("the executor cannot be built: {}", self.listed())]
pub struct BuildError {
    problems: Vec<Problem>,
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("num_threads is 0; at least 1 thread is needed")]
    NoThreads,
    #[error("num_threads is {found}; at most {most} are possible")]
    TooManyThreads { found: usize, most: usize },
    #[error("{0} cannot be set for a pool that is there already")]
    Conflict(&'static str),
    #[error(transparent)]
    Propagation(PropagationError),
    #[error("the system refused to start the threads: {0}")]
    Start(rayon::ThreadPoolBuildError),
}

impl BuildError {
    /// Whether the number of threads is to blame.
    pub fn is_thread_count(&self) -> bool {
        let is_count =
            |p: &Problem| matches!(p, Problem::NoThreads | Problem::TooManyThreads { .. });
        self.problems.iter().any(is_count)
    }

    /// Whether the propagation policy is to blame.
    pub fn is_propagation(&self) -> bool {
        self.problems.iter().any(|problem| matches!(problem, Problem::Propagation(_)))
    }

    fn listed(&self) -> String {
        let problems: Vec<_> = self.problems.iter().map(Problem::to_string).collect();
        problems.join("; ")
    }
}
