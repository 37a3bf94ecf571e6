//! What an executor is doing, and has done.

use super::pool::Executor;

/// What an executor is doing and has done so far; see [`Executor::stats`].
///
/// A task is what `spawn` and its kin submit, futures included, and
/// `spawn_detached` where the executor [tracks those](crate::ExecutorBuilder::track_detached). The work of a
/// scope, a join, a parallel iterator, an install or a broadcast is part of the
/// task that waits for it.
///
/// The numbers are read one by one while the workers go on, so that those of a
/// busy executor may be of slightly different moments. What a thread has seen to
/// be over, by its handle, is counted in what that thread reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecutorStats {
    /// Tasks that have not begun.
    pub queued: u64,
    /// Tasks that run, or wait for something: one a worker at most.
    pub running: u64,
    /// Tasks whose worker runs another one, on top of them, while they wait.
    pub parked: u64,
    /// Futures that were polled, and wait to be woken or to be polled again.
    pub pending: u64,
    /// Tasks that ended with a value.
    pub finished: u64,
    /// Tasks that panicked.
    pub panicked: u64,
    /// Tasks that were dropped without having run, futures without having ended:
    /// cancelled by a handle, or by a shutdown. Those that were not taken on any
    /// more are not among them.
    pub cancelled: u64,
    /// Tasks that a worker spawned and another one ran.
    pub stolen: u64,
    /// How many snapshots were taken, those of nothing aside. Tasks of one
    /// scope share one for as long as that can be seen to be the same: not where
    /// the policy holds something back, nor under a scoped dispatcher, nor with an
    /// accessor that does not say what is unchanged. So do tasks that one thread
    /// submits one after the other, while one of them is not over.
    pub snapshots: u64,
}

impl Executor {
    /// What this executor and its clones, of other policies too, are doing and
    /// have done so far.
    ///
    /// ```
    /// # let pool = entourage::Executor::builder().num_threads(2).build()?;
    /// let task = pool.spawn(|| 7);
    /// task.join().unwrap();
    /// assert_eq!((pool.stats().finished, pool.stats().queued), (1, 0));
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    pub fn stats(&self) -> ExecutorStats {
        ExecutorStats { snapshots: self.carrier().captures(), ..self.books().stats() }
    }
}
