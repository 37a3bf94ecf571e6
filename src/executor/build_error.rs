//! Why an executor cannot be.

use crate::context::PropagationError;

/// An executor that cannot be: says everything that is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("the executor cannot be built: {}", self.listed())]
pub struct BuildError {
    pub(super) problems: Vec<Problem>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error("num_threads is 0; at least 1 thread is needed")]
    NoThreads,
    #[error("num_threads is {found}; at most {most} are possible")]
    TooManyThreads { found: usize, most: usize },
    #[error("queue_capacity is 0; a queue has room for at least 1 task")]
    NoRoom,
    #[error("the workers cannot be called {0:?}: a thread's name has no zero in it")]
    ThreadName(String),
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

    /// Whether the capacity of the queue is to blame.
    pub fn is_queue_capacity(&self) -> bool {
        self.problems.iter().any(|problem| matches!(problem, Problem::NoRoom))
    }

    fn listed(&self) -> String {
        let problems: Vec<_> = self.problems.iter().map(Problem::to_string).collect();
        problems.join("; ")
    }
}
