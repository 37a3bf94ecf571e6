//! What an executor keeps of its tasks: how many there are, what became of them,
//! how many more it takes, and who waits for that.
//!
//! A task is entered when it is submitted ([`Books::enter`]), begins or is called
//! off ([`Books::begin`]), and is over when its [`Stay`] ends. A future, between two
//! polls, has begun and stays without a thread ([`Stay::suspend`]). Detached tasks are
//! entered only where somebody asked for it: they cost what they cost on the bare
//! pool otherwise ([`Books::is_plain`]).

mod ledger;
#[cfg(all(test, entourage_shuttle))]
pub(super) mod model;
mod stay;
mod tally;
mod waiting;

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use self::ledger::{From, Ledger, MOST, Reading, Refusal};
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
use crate::context::LeakHandler;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::sync::{Condvar, Mutex, thread_local};

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

/// Who submitted a task that is in the books.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    worker: Option<usize>,
    has_begun: bool,
    /// Whether it is a future that waits to be polled again.
    is_suspended: bool,
}

impl Entry {
    /// Whether it is that of a future that was left to be polled again.
    pub(super) fn is_suspended(&self) -> bool {
        self.is_suspended
    }
}

/// How a task gets in.
pub(super) enum Entrance<'b> {
    Queue(Entering<'b>),
    /// At once, on this thread: the queue is full, and this thread may not wait.
    InPlace(Entering<'b>),
    /// Not at all.
    Shut,
}

/// An entry without a task, until it is [taken](Self::take). Dropped, for a panic
/// of the capture, it is none.
#[must_use = "an entry that nobody takes is undone"]
pub(super) struct Entering<'b> {
    books: &'b Books,
    entry: Entry,
}

impl Entering<'_> {
    pub(super) fn take(self) -> Entry {
        let entry = self.entry;
        std::mem::forget(self);
        entry
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        drop(self.books.begin(Some(self.entry)));
    }
}

thread_local! {
    /// How many tasks lie on one another on this thread since the queue was full
    /// for each.
    static NESTED: Cell<u32> = const { Cell::new(0) };
}

/// The most of these. A task that submits itself again, into a full queue, would
/// otherwise nest for ever. Beyond this the queue gets longer than it should.
const MOST_NESTED: u32 = 32;

/// Runs `f` as a task for which there was no room.
pub(super) fn nested<R>(f: impl FnOnce() -> R) -> R {
    struct Back(u32);
    impl Drop for Back {
        fn drop(&mut self) {
            NESTED.set(self.0);
        }
    }
    let _back = Back(NESTED.replace(NESTED.get() + 1));
    f()
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

    /// Enters a task, if there is room for it now.
    pub(super) fn try_enter(&self) -> Result<Entering<'_>, Refusal> {
        let worker = self.pool.current_thread_index();
        let before = self.ledger.admit(from(worker), self.capacity())?;
        Ok(self.entering(before, Entry { worker, has_begun: false, is_suspended: false }))
    }

    /// Enters a task, when there is room for it. A worker of the pool does not
    /// wait for that, since it may be the one that would have to make it.
    pub(super) fn enter(&self) -> Entrance<'_> {
        loop {
            match self.try_enter() {
                Ok(entering) => return Entrance::Queue(entering),
                Err(Refusal::Closed) => return Entrance::Shut,
                Err(Refusal::Full) => {}
            }
            let worker = self.pool.current_thread_index();
            if worker.is_some() || self.terms.when_full == WhenFull::Help {
                return self.enter_full(worker);
            }
            let is_over = || self.ledger.may_have_room(self.capacity());
            let block = |at_most| {
                self.sleep_for_room(at_most);
                Ok(())
            };
            _ = waits::wait::<Infallible>(&self.pool, None, is_over, block);
        }
    }

    #[cold]
    fn enter_full(&self, worker: Option<usize>) -> Entrance<'_> {
        let is_deep = NESTED.get() >= MOST_NESTED;
        let admitted = match is_deep {
            true => self.ledger.admit(from(worker), MOST),
            false => self.ledger.admit_begun(from(worker)),
        };
        let Ok(before) = admitted else { return Entrance::Shut };
        let entry = Entry { worker, has_begun: !is_deep, is_suspended: false };
        let entering = self.entering(before, entry);
        if is_deep { Entrance::Queue(entering) } else { Entrance::InPlace(entering) }
    }

    fn entering(&self, before: Reading, entry: Entry) -> Entering<'_> {
        if before.is_closed() {
            self.sleepers.lock().later += 1;
        }
        Entering { books: self, entry }
    }

    fn sleep_for_room(&self, at_most: Option<Duration>) {
        let mut sleepers = self.sleepers.lock();
        sleepers.for_room += 1;
        if !self.ledger.want_room(self.capacity()) {
            match at_most {
                None => self.room.wait(&mut sleepers),
                Some(at_most) => _ = self.room.wait_for(&mut sleepers, at_most),
            }
        }
        sleepers.for_room -= 1;
        if sleepers.for_room == 0 {
            self.ledger.want_no_room();
        }
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

fn from(worker: Option<usize>) -> From {
    if worker.is_some() { From::Inside } else { From::Outside }
}
