//! How many nodes of a tag may run at once.
//!
//! Who finds no room is put on the limit's list under the same lock, and called
//! when there is: no room is given back unseen. Several limits are taken in the
//! order of their making, so two runs that want the same ones cannot each hold
//! what the other is short of.

use std::fmt;
use std::sync::{Arc, Weak};

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

/// How many nodes may run at once that have a tag of a
/// [run's options](crate::RunOptions::limit); shared by the runs that are given
/// it.
///
/// A run that is started inside a node which holds a place, and whose own nodes want
/// one of the same limit, may wait for ever: for the place of the node that waits for
/// it. Give such a run no limit, or another.
///
/// ```
/// use entourage::{Limit, RunOptions};
///
/// // At most two nodes tagged `gpu`, whichever run they are of.
/// let gpus = Limit::new(2);
/// let first = RunOptions::new().limit("gpu", &gpus);
/// let second = RunOptions::new().limit("gpu", &gpus);
/// ```
#[derive(Clone)]
pub struct Limit {
    shared: Arc<Shared>,
}

struct Shared {
    /// By when it was made.
    number: u64,
    at_most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    taken: usize,
    /// Those who found no room since there last was some.
    waiting: Vec<Weak<dyn Room>>,
}

/// Somebody who waits for room.
pub(in crate::runner) trait Room: Send + Sync {
    /// There may be room. Called on any thread, and with no lock held.
    fn room(self: Arc<Self>);
}

/// Those who are to be called, since there is room again, once no lock is held.
#[must_use = "whoever waits has to be called"]
#[derive(Default)]
pub(in crate::runner) struct Calls(Vec<Weak<dyn Room>>);

impl Calls {
    pub(in crate::runner) fn make(self) {
        for waiting in self.0.iter().filter_map(Weak::upgrade) {
            waiting.room();
        }
    }
}

impl Limit {
    /// At most so many at once.
    pub fn new(at_most: usize) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        Self { shared: Arc::new(Shared { number, at_most, state: Mutex::default() }) }
    }

    pub(in crate::runner) fn at_most(&self) -> usize {
        self.shared.at_most
    }

    /// What tells limits apart, and sorts them.
    pub(super) fn number(&self) -> u64 {
        self.shared.number
    }

    /// Takes room for one, or puts `who` on the list.
    pub(super) fn take(&self, who: &Weak<dyn Room>) -> bool {
        let mut state = self.shared.state.lock();
        let is_room = state.taken < self.shared.at_most;
        if is_room {
            state.taken += 1;
        } else if !state.waiting.iter().any(|waiting| waiting.ptr_eq(who)) {
            state.waiting.push(who.clone());
        }
        is_room
    }

    /// Gives back the room of one.
    pub(super) fn give_back(&self, calls: &mut Calls) {
        let mut state = self.shared.state.lock();
        state.taken -= 1;
        calls.0.append(&mut state.waiting);
    }
}

impl From<usize> for Limit {
    fn from(at_most: usize) -> Self {
        Self::new(at_most)
    }
}

impl From<&Limit> for Limit {
    fn from(limit: &Limit) -> Self {
        limit.clone()
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit").field("at_most", &self.shared.at_most).finish_non_exhaustive()
    }
}
