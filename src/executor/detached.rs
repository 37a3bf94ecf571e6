//! Tasks without a handle.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};

use super::error::{TaskError, TaskName};
use super::pool::Executor;
use super::task::{PanicHandler, tell};
#[cfg(feature = "pipeline")]
use super::waits;
use crate::context::{Frame, Payload, Snapshot, keep_first, quietly, run_clean};

impl Executor {
    /// Runs `f` on a worker and keeps no handle: the cheapest submission. Its
    /// panic goes to the panic handler; with propagation off, without the place
    /// it was submitted at, since nothing at all is carried.
    #[track_caller]
    #[inline]
    pub fn spawn_detached<F>(&self, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        if !self.books().is_plain() {
            return self.spawn_tracked(TaskName::at(Location::caller()), f);
        }
        if self.is_off() {
            return self.spawn_off(f);
        }
        let submitted = Location::caller();
        let task = Detached {
            snapshot: self.carrier().capture_shared(None, submitted),
            submitted,
            on_panic: self.panic_handler().cloned(),
        };
        self.pool().spawn(move || task.run(f));
    }

    /// Runs `f` on a worker that shows nothing of any task. In no book: neither a
    /// full queue nor a shutdown keeps it back. For what is part of something that
    /// has begun.
    #[cfg(feature = "pipeline")]
    pub(crate) fn spawn_part<F>(&self, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        self.pool().spawn(move || quietly(|| run_clean(f)));
    }

    /// Waits until `is_over`, for something that is up to the workers. A worker
    /// runs what there is to run meanwhile. `block` sleeps until there is reason
    /// to look again, and at most for what it is given.
    #[cfg(feature = "pipeline")]
    pub(crate) fn wait_until(
        &self,
        is_over: impl Fn() -> bool,
        block: impl Fn(Option<std::time::Duration>),
    ) {
        let helps = rayon::current_thread_index().is_some();
        let block = |at_most| {
            block(at_most);
            Ok::<(), std::convert::Infallible>(())
        };
        let Ok(_) = waits::wait_helping(helps, None, is_over, block);
    }

    #[inline]
    fn spawn_off<F>(&self, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        if self.is_own() {
            // Its panic is caught by the pool, which was given our handler.
            return self.pool().spawn(move || run_clean(f));
        }
        let on_panic = self.panic_handler().cloned();
        self.pool().spawn(move || {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| run_clean(f))) {
                report_detached(on_panic.as_ref(), payload);
            }
        });
    }
}

/// A task that was submitted with propagation on: all of it but its body.
struct Detached {
    snapshot: Snapshot,
    submitted: &'static Location<'static>,
    on_panic: Option<PanicHandler>,
}

impl Detached {
    fn run(self, body: impl FnOnce()) {
        let Self { snapshot, submitted, on_panic } = self;
        let report = |payload| {
            let error = TaskError::panicked(TaskName::at(submitted), payload);
            tell(on_panic.as_ref(), &error);
            quietly(|| drop(error));
        };
        // A panic of the body is told in the task's context; one that comes of
        // entering or leaving it, or of the end of what was captured, outside.
        let (ran, mut left) = Frame::run_apart(snapshot.as_capture(), || {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
                report(payload);
            }
        });
        keep_first(&mut left, snapshot.retire());
        for payload in [ran, left].into_iter().filter_map(Result::err) {
            quietly(|| run_clean(|| report(payload)));
        }
    }
}

/// Tells of a panic of a task that carried nothing, not even the place it was
/// submitted at. Called by rayon, too, which aborts on a panic of ours.
pub(super) fn report_detached(on_panic: Option<&PanicHandler>, payload: Payload) {
    quietly(|| {
        run_clean(|| {
            let error = TaskError::panicked(TaskName::default(), payload);
            tell(on_panic, &error);
            quietly(|| drop(error));
        });
    });
}
