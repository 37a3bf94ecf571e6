//! The one place from which the crate takes its locks, atomics and
//! thread-locals, so that a model checker can stand in for them.

pub(crate) use parking_lot::{Condvar, Mutex};
pub(crate) use std::sync::atomic;
pub(crate) use std::thread_local;
