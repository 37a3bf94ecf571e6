//! What a way to carry a context to another thread has to do here.

/// One of two callers, each with a context of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    A,
    B,
}

/// Whose context is current on a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Nobody,
    Caller(Who),
    /// Of what is carried, one part is of another caller than the other.
    Mixed,
}

/// A pool, and how a caller's context is carried to it.
pub(crate) trait Way: Clone + Send + Sync + 'static {
    const NAME: &'static str;

    /// What the caller takes once, for all that it submits.
    type Taken;

    /// A pool of that many threads, as it comes.
    fn start(threads: usize) -> Self;

    /// A pool of one thread whose tasks may panic, where that has to be asked for.
    fn start_to_panic() -> Self {
        Self::start(1)
    }

    /// Runs `f` in this caller's context.
    fn call_as<R>(&self, who: Who, f: impl FnOnce() -> R) -> R;

    /// Takes what is current.
    fn take(&self) -> Self::Taken;

    /// Submits a task in what was taken, the way it is documented.
    fn submit(&self, taken: &Self::Taken, task: impl FnOnce() + Send + 'static);

    /// Whose context is current on this thread.
    fn seen(&self) -> Seen;

    /// Enters that caller's context on this thread, and never leaves it.
    fn leak(&self, who: Who);

    /// Called by a task: lets its thread run another one meanwhile. Returns
    /// whether threads of this pool ever do such a thing.
    fn give_way(&self) -> bool;

    /// What a background thread would do after a burst, done now.
    fn settle(&self) {}
}
