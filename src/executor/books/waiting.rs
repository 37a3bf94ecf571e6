//! The futures that wait between two polls, so that a shutdown finds them.
//!
//! A closure that has begun comes to its end by itself; a future may wait for
//! something that will never be. So one that is left to be polled again is noted
//! here, once, and struck off when it ends.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::sync::Mutex;

/// A future that can be woken.
pub(in crate::executor) trait Suspended: Send + Sync {
    fn wake_up(self: Arc<Self>);
}

/// By their address, which is theirs until they are struck off.
#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<usize, Weak<dyn Suspended>>>);

impl Waiting {
    pub(super) fn note(&self, address: usize, future: Weak<dyn Suspended>) {
        self.0.lock().insert(address, future);
    }

    pub(super) fn strike_off(&self, address: usize) {
        self.0.lock().remove(&address);
    }

    pub(super) fn wake_all(&self) {
        // None is dropped under the lock: it might be the last of a future, whose
        // end comes back here.
        let futures: Vec<_> = self.0.lock().values().filter_map(Weak::upgrade).collect();
        futures.into_iter().for_each(Suspended::wake_up);
    }
}
