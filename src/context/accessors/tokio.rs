//! The handle of the tokio runtime.

use std::fmt;
use std::panic::resume_unwind;
use std::thread;

use ::tokio::runtime::{Builder, EnterGuard, Handle};
use once_cell::sync::OnceCell;
use self_cell::self_cell;

use crate::context::Accessor;

/// The type of [`TOKIO`].
#[derive(Debug)]
pub struct TokioRuntime {
    _private: u8,
}

/// Carries the handle of the tokio runtime that is current
/// ([`Handle::try_current`]), so that a task can spawn futures on it and make
/// what needs a runtime. The handle does not keep the runtime from its end.
///
/// ```
/// use entourage::{Executor, accessors};
/// use tokio::runtime::{Builder, Handle};
///
/// let pool = Executor::builder().num_threads(2).accessor(&accessors::TOKIO).build()?;
/// let runtime = Builder::new_current_thread().build().unwrap();
/// let answer = runtime.block_on(async {
///     // On the worker `tokio::spawn` finds the runtime of the submitter.
///     let sum = pool.spawn(|| tokio::spawn(async { 40 + 2 })).await.unwrap();
///     sum.await.unwrap()
/// });
/// assert_eq!(answer, 42);
///
/// // Without a runtime at the submit there is none in the task.
/// assert!(pool.spawn(|| Handle::try_current().is_err()).join().unwrap());
/// # Ok::<(), entourage::BuildError>(())
/// ```
///
/// # A task without a runtime, run while one with a runtime waits
///
/// tokio can enter a handle, but not leave all of them. Where a worker runs a
/// task that carries no handle in the wait of a task that has one, the waiting
/// task's handle is therefore hidden behind that of a runtime which was shut
/// down: the task does not see the other's runtime and cannot put work on it.
/// What it sees differs from having none:
///
/// - [`Handle::try_current`] is `Ok`; [`TokioRuntime::current`] says `None`.
/// - [`tokio::spawn`](::tokio::spawn) and
///   [`spawn_blocking`](::tokio::task::spawn_blocking) do not panic: the closure
///   or future is dropped, and its `JoinHandle` says that it was cancelled.
/// - Timers and sockets panic as they do without a runtime, with another
///   message.
///
/// A worker that waits inside [`Handle::block_on`] is marked by tokio, whichever
/// handle is current: a task that it runs meanwhile can spawn on its own runtime,
/// but `block_on` panics in it.
///
/// # What a task leaves behind
///
/// An [`EnterGuard`] that outlives the task that made it, as one given to
/// [`std::mem::forget`] does, cannot be undone by anybody else. The task fails
/// with tokio's panic about the order of guards; later tasks of an executor with
/// this accessor do not see the handle, others do.
pub static TOKIO: TokioRuntime = TokioRuntime { _private: 0 };

impl TokioRuntime {
    /// The handle that is current on this thread, unless it is the one that
    /// hides a waiting task's.
    ///
    /// ```
    /// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// let _guard = runtime.enter();
    /// let current = entourage::accessors::TOKIO.current().unwrap();
    /// assert_eq!(current.id(), runtime.handle().id());
    /// ```
    pub fn current(&self) -> Option<Handle> {
        let is_seen =
            |handle: &Handle| CLOSED.get().is_none_or(|closed| closed.id() != handle.id());
        Handle::try_current().ok().filter(is_seen)
    }
}

/// The handle of a runtime that was shut down. Made when it is first needed.
static CLOSED: OnceCell<Handle> = OnceCell::new();

fn closed() -> Handle {
    // Without drivers a runtime takes no resources of the system, and no thread
    // before its first blocking task. On a thread of its own, since a runtime
    // cannot be dropped where a task waits inside `block_on`.
    let make = || Builder::new_current_thread().build().map(|runtime| runtime.handle().clone());
    let handle = CLOSED.get_or_try_init(|| match thread::Builder::new().spawn(make)?.join() {
        Ok(made) => made,
        Err(payload) => resume_unwind(payload),
    });
    match handle {
        Ok(handle) => handle.clone(),
        Err(error) => panic!("no tokio runtime to hide a waiting task's behind: {error}"),
    }
}

impl Accessor for TokioRuntime {
    type Value = Handle;
    type Guard = Entered;

    fn name(&self) -> &'static str {
        "entourage::accessors::TOKIO"
    }

    fn capture(&self) -> Option<Handle> {
        self.current()
    }

    fn enter(&self, value: Option<&Handle>) -> Entered {
        let handle = match (value, Handle::try_current()) {
            // A thread that is being torn down can hold none.
            (_, Err(error)) if error.is_thread_local_destroyed() => None,
            (None, Err(_)) => None,
            (None, Ok(_)) => Some(closed()),
            (Some(handle), _) => Some(handle.clone()),
        };
        Entered { _guard: handle.map(|handle| Guard::new(handle, Handle::enter)) }
    }

    fn is_unchanged(&self, captured: Option<&Handle>) -> bool {
        self.current().map(|handle| handle.id()) == captured.map(Handle::id)
    }
}

/// Leaves the handle that was entered.
#[doc(hidden)]
#[must_use = "the handle is left when the guard is dropped"]
pub struct Entered {
    /// Held for its `Drop`. `None` where there was nothing to enter.
    _guard: Option<Guard>,
}

self_cell! {
    /// A handle, and tokio's guard that borrows it.
    struct Guard {
        owner: Handle,
        #[not_covariant]
        dependent: EnterGuard,
    }
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entered")
    }
}
