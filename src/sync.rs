//! The one place from which the crate takes its locks, atomics, thread-locals and
//! threads, so that a model checker can stand in for them.
//!
//! `RUSTFLAGS="--cfg entourage_shuttle" cargo test --lib model` runs the tests
//! called so on shuttle's stand-ins, under very many schedules.

#[cfg(all(test, entourage_shuttle))]
pub(crate) mod model;
#[cfg(all(test, entourage_shuttle))]
pub(crate) use self::model::{Condvar, Mutex, atomic, thread, thread_local};

#[cfg(not(all(test, entourage_shuttle)))]
pub(crate) use parking_lot::{Condvar, Mutex};
#[cfg(not(all(test, entourage_shuttle)))]
pub(crate) use std::{sync::atomic, thread, thread_local};
