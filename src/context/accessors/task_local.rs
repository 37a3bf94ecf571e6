//! One key of `tokio::task_local!`.

use std::cell::RefCell;
use std::fmt;
use std::mem;
use std::thread;

use tokio::task::LocalKey;

use crate::context::Accessor;

/// Carries the value of one key declared with `tokio::task_local!`; a task gets
/// a clone of it. Give it the key's name and the key, and make it a static:
///
/// ```
/// use entourage::{Executor, Propagation, accessors::TaskLocal};
///
/// tokio::task_local! {
///     static REQUEST: u32;
/// }
/// static CARRIED: TaskLocal<u32> = TaskLocal::new("REQUEST", &REQUEST);
///
/// let pool = Executor::builder().num_threads(2).accessor(&CARRIED).build()?;
/// let seen = REQUEST.sync_scope(7, || pool.spawn(|| REQUEST.get()));
/// assert_eq!(seen.join().unwrap(), 7);
/// assert!(pool.spawn(|| REQUEST.try_get().is_err()).join().unwrap());
///
/// let without = pool.with_propagation(Propagation::except([&CARRIED])).unwrap();
/// let seen = REQUEST.sync_scope(7, || without.spawn(|| REQUEST.try_get().is_err()));
/// assert!(seen.join().unwrap());
/// # Ok::<(), entourage::BuildError>(())
/// ```
///
/// # What it rests on
///
/// tokio's public functions set a task-local for the length of a closure or of
/// a poll, and none clears it. A leaf of a parallel iterator begins in one
/// function and ends in another, so a closure does not do. This type therefore
/// reads and writes the field `LocalKey::inner`, a
/// `std::thread::LocalKey<RefCell<Option<T>>>`, which is public because
/// `task_local!` expands to it, but hidden from tokio's documentation: no promise
/// of stability covers it. It has had this name and type since `task_local!`
/// came with tokio 0.2.
///
/// If a release of tokio 1 changes it, the feature `tokio-task-local` no longer
/// compiles against that release; nothing else happens, and nothing happens at
/// run time. Whoever cannot have that builds with a `Cargo.lock`, as
/// applications do, or without the feature. The version of tokio is not pinned
/// from here, since that would hold back everything else that uses tokio.
///
/// # Panics
///
/// tokio lends the value out in `LocalKey::with`. A worker that waits inside
/// such a closure (`REQUEST.with(|id| pool.join(..))`) cannot be made to hide
/// the value, so a task that it then runs fails, unrun, rather than see the
/// value of another task. Take the value out with `LocalKey::get` first.
pub struct TaskLocal<T: 'static> {
    name: &'static str,
    key: &'static LocalKey<T>,
}

impl<T: Clone + Send + Sync + 'static> TaskLocal<T> {
    /// The accessor of `key`. `name` stands for it in messages, and no other
    /// accessor of the executor may have it.
    pub const fn new(name: &'static str, key: &'static LocalKey<T>) -> Self {
        Self { name, key }
    }
}

/// Where tokio keeps the value of a key; the type is spelled out so that any
/// change of it fails to compile.
fn slot<T>(key: &'static LocalKey<T>) -> &'static thread::LocalKey<RefCell<Option<T>>> {
    &key.inner
}

impl<T: Clone + Send + Sync + 'static> Accessor for TaskLocal<T> {
    type Value = T;
    type Guard = Restore<T>;

    fn name(&self) -> &'static str {
        self.name
    }

    fn capture(&self) -> Option<T> {
        self.key.try_with(T::clone).ok()
    }

    fn enter(&self, value: Option<&T>) -> Restore<T> {
        let mut outer = value.cloned();
        let swapped = slot(self.key).try_with(|slot| match slot.try_borrow_mut() {
            Ok(mut current) => {
                mem::swap(&mut *current, &mut outer);
                true
            }
            Err(_) => false,
        });
        assert!(
            swapped != Ok(false),
            "the worker waits inside `LocalKey::with` of the task-local `{}`, which can \
             neither be hidden from this task nor set for it",
            self.name
        );
        // On a thread that is being torn down there is no slot, and no value.
        Restore { key: self.key, outer, is_entered: swapped.is_ok() }
    }
}

/// Puts the outer value back.
#[doc(hidden)]
#[must_use = "the outer value is put back when the guard is dropped"]
pub struct Restore<T: 'static> {
    key: &'static LocalKey<T>,
    outer: Option<T>,
    is_entered: bool,
}

impl<T: 'static> Drop for Restore<T> {
    fn drop(&mut self) {
        if self.is_entered {
            // What the task had ends with the guard, after the borrow: its `Drop`
            // may read the key.
            let _ = slot(self.key).try_with(|slot| {
                if let Ok(mut current) = slot.try_borrow_mut() {
                    mem::swap(&mut *current, &mut self.outer);
                }
            });
        }
    }
}

impl<T: 'static> fmt::Debug for TaskLocal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskLocal").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<T: 'static> fmt::Debug for Restore<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Restore")
    }
}
