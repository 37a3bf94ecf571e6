//! Shuttle's locks, atomics, thread-locals and threads, with the faces that the
//! crate's code knows. All memory orders are the strongest there: what is explored
//! is who comes when, and who is woken.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::time::Duration;

pub(crate) use shuttle::sync::atomic;
pub(crate) use shuttle::thread;

/// Runs `f` under many schedules, some of them random and some made so that few
/// switches of threads come at the worst of times. One test at a time: the
/// crate's own statics are locks and atomics of shuttle's as well, each of which
/// is for one thread of the system.
pub(crate) fn explore(f: impl Fn() + Send + Sync + 'static) {
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let f = std::sync::Arc::new(f);
    let again = f.clone();
    shuttle::check_random(move || again(), 5_000);
    shuttle::check_pct(move || f(), 5_000, 3);
}

#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

pub(crate) struct MutexGuard<'a, T>(Option<shuttle::sync::MutexGuard<'a, T>>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.0.as_ref().expect("held")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("held")
    }
}

#[derive(Debug, Default)]
pub(crate) struct Condvar(shuttle::sync::Condvar);

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self(shuttle::sync::Condvar::new())
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.0.take().expect("held");
        guard.0 = Some(self.0.wait(held).unwrap_or_else(PoisonError::into_inner));
    }

    /// Time passes at once: shuttle has none.
    pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _: Duration) {
        _ = (self, guard);
        thread::yield_now();
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A thread-local of the model's threads, which share one of the system's.
pub(crate) struct Local<T: 'static>(pub(crate) &'static shuttle::thread::LocalKey<T>);

impl<T> Local<T> {
    pub(crate) fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        self.0.with(f)
    }

    pub(crate) fn try_with<R>(
        &self,
        f: impl FnOnce(&T) -> R,
    ) -> Result<R, shuttle::thread::AccessError> {
        self.0.try_with(f)
    }
}

impl<T> Local<Cell<T>> {
    pub(crate) fn get(&self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    pub(crate) fn set(&self, value: T) {
        self.with(|cell| cell.set(value));
    }

    pub(crate) fn replace(&self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

macro_rules! local {
    ($($(#[$attr:meta])* static $name:ident: $t:ty = const { $init:expr };)*) => {
        $(
            $(#[$attr])*
            static $name: $crate::sync::model::Local<$t> = {
                shuttle::thread_local! { static KEY: $t = const { $init } }
                $crate::sync::model::Local(&KEY)
            };
        )*
    };
}
pub(crate) use local as thread_local;
