//! What an executor keeps of its tasks: how many there are, what became of them,
//! how many more it takes, and who waits for that.
//!
//! A task is entered when it is submitted ([`Books::enter`]), begins or is called
//! off ([`Books::begin`]), and is over when its [`Stay`] ends. A future, between two
//! polls, has begun and stays without a thread ([`Stay::suspend`]). Detached tasks are
//! entered only where somebody asked for it: they cost what they cost on the bare
//! pool otherwise ([`Books::is_plain`]).

mod entrance;
mod ledger;
#[cfg(all(test, entourage_shuttle))]
pub(super) mod model;
mod stay;
mod tally;
mod waiting;

use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

pub(super) use self::entrance::{Entrance, Entry, nested};
use self::ledger::{Ledger, MOST};
pub(super) use self::stay::Stay;
pub(super) use self::tally::End;
use self::tally::Tally;
pub(super) use self::waiting::Suspended;
use self::waiting::Waiting;
use super::shutdown::{PanicPolicy, Shutdown, ShutdownReport};
use super::stats::ExecutorStats;
use super::submit::WhenFull;
use super::task::PanicHandler;
use super::waits;
use crate::context::{LeakHandler, Snapshot};
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Condvar, Mutex};

pub(super) struct Books {
    terms: Terms,
    pool: Arc<rayon::ThreadPool>,
    doors: Doors,
    ledger: Ledger,
    tally: Tally,
    waiting: Waiting,
    sleepers: Mutex<Sleepers>,
    /// There is room in the queue, or there will never be.
    room: Condvar,
    /// All has ended.
    over: Condvar,
}

/// What the builder was told.
#[derive(Clone, Default)]
pub(super) struct Terms {
    pub(super) name: Option<String>,
    pub(super) on_panic: Option<PanicHandler>,
    pub(super) on_leak: Option<LeakHandler>,
    pub(super) panic_policy: PanicPolicy,
    pub(super) capacity: Option<usize>,
    pub(super) when_full: WhenFull,
    pub(super) tracks_detached: bool,
    /// What a task that carries nothing is run or dropped in on a thread that may
    /// hold what no flag tells of: with nothing, the accessors' locals included.
    pub(super) nothing: Snapshot,
}

/// Whether a detached task has to be entered, in a place that is only read while
/// the pool works.
#[repr(align(128))]
struct Doors(AtomicU8);

impl Doors {
    const TRACKED: u8 = 1;
    const CLOSED: u8 = 2;

    fn new(is_tracked: bool) -> Self {
        Self(AtomicU8::new(if is_tracked { Self::TRACKED } else { 0 }))
    }

    #[inline]
    fn are_plain(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    fn close(&self) {
        self.0.fetch_or(Self::CLOSED, Ordering::Relaxed);
    }
}

/// What changes only under the lock.
#[derive(Default)]
struct Sleepers {
    /// How many threads sleep until there is room.
    for_room: usize,
    /// What there was to be ended when it was closed.
    at_close: Option<u64>,
    /// What was taken on since.
    later: u64,
    /// What has ended since without having run.
    dropped: u64,
}

impl Books {
    pub(super) fn new(terms: Terms, pool: Arc<rayon::ThreadPool>) -> Self {
        let is_tracked = terms.tracks_detached
            || terms.capacity.is_some()
            || terms.panic_policy != PanicPolicy::Continue;
        Self {
            doors: Doors::new(is_tracked),
            ledger: Ledger::new(),
            tally: Tally::new(pool.current_num_threads()),
            waiting: Waiting::default(),
            sleepers: Mutex::default(),
            room: Condvar::new(),
            over: Condvar::new(),
            terms,
            pool,
        }
    }

    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    pub(super) fn pool(&self) -> &rayon::ThreadPool {
        &self.pool
    }

    /// Whether a detached task need not be entered.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.doors.are_plain()
    }

    fn capacity(&self) -> u64 {
        self.terms.capacity.map_or(MOST, |capacity| MOST.min(capacity as u64))
    }

    /// Begins a task, to be run or to be dropped. One that is in no books has no
    /// entry.
    pub(super) fn begin(&self, entry: Option<Entry>) -> Stay<'_> {
        let Some(entry) = entry else { return Stay::unknown() };
        let before = if entry.has_begun { self.ledger.read() } else { self.ledger.begin() };
        if !entry.has_begun && before.is_room_wanted() {
            let _sleepers = self.sleepers.lock();
            self.room.notify_one();
        }
        Stay::new(self, entry, before.is_dropping())
    }

    /// Takes no more; what becomes of the tasks that are there, `how` says.
    pub(super) fn close(&self, how: Shutdown) {
        let mut sleepers = self.sleepers.lock();
        let before = self.ledger.close(how == Shutdown::Drop);
        self.doors.close();
        if sleepers.at_close.is_none() {
            sleepers.at_close = Some(before.unfinished());
        }
        self.room.notify_all();
        // Nothing may be left to be ended, and nobody to say so.
        self.over.notify_all();
        drop(sleepers);
        if how == Shutdown::Drop {
            self.waiting.wake_all();
        }
    }

    /// Notes that a future was left to be polled again, and says whether it is to
    /// be dropped instead.
    pub(super) fn suspend(&self, address: usize, future: Weak<dyn Suspended>) -> bool {
        self.waiting.note(address, future);
        // After the note: a shutdown that comes later finds it there.
        self.ledger.read().is_dropping()
    }

    /// A future that was left to be polled again has ended.
    pub(super) fn strike_off(&self, address: usize) {
        self.waiting.strike_off(address);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.ledger.read().is_closed()
    }

    /// Waits until all has ended, or until it is too late.
    pub(super) fn wait_until_over(&self, until: Option<Instant>) {
        let block = |at_most| {
            self.sleep_until_over(at_most);
            Ok(())
        };
        _ = waits::wait::<Infallible>(&self.pool, until, || self.ledger.is_over(), block);
    }

    fn sleep_until_over(&self, at_most: Option<Duration>) {
        let mut sleepers = self.sleepers.lock();
        if !self.ledger.want_end() {
            match at_most {
                None => self.over.wait(&mut sleepers),
                Some(at_most) => _ = self.over.wait_for(&mut sleepers, at_most),
            }
        }
    }

    pub(super) fn report(&self) -> ShutdownReport {
        let sleepers = self.sleepers.lock();
        let unfinished = self.ledger.read().unfinished();
        let taken = sleepers.at_close.unwrap_or_default() + sleepers.later;
        let dropped = sleepers.dropped;
        let ran = taken.saturating_sub(dropped + unfinished);
        ShutdownReport { ran, dropped, unfinished }
    }

    pub(super) fn stats(&self) -> ExecutorStats {
        let totals = self.tally.totals();
        ExecutorStats {
            queued: self.ledger.read().queued(),
            running: totals.running,
            parked: totals.parked,
            finished: totals.finished,
            panicked: totals.panicked,
            cancelled: totals.cancelled,
            stolen: totals.stolen,
            pending: totals.pending,
            snapshots: 0,
        }
    }
}
