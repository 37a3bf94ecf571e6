//! What a pool has taken on and not ended, and whether it takes more.
//!
//! ```text
//!  admit ──▶ queued ── begin ──▶ begun ── end ──▶ (gone)
//!  admit_begun ────────────────────▲
//! ```
//!
//! It is one word, so that "is there room, and is it open, then one more" and
//! "one less, and does anybody wait for that" are one step each, and a thread
//! that closes the ledger knows exactly what it still has to wait for.
//!
//! Two flags say that somebody is about to sleep: until there is room, or until
//! all has ended. They are set by the same step that looks whether the sleep is
//! needed, under the lock of the sleepers. Whoever makes room, or ends the last
//! task, sees the flag in the word that its own step replaced, and takes that
//! lock to wake them; or its step came first, and the sleeper saw what it did.
//!
//! All of this is one location, whose changes have one order, so nothing is
//! needed beyond `Relaxed`, with one exception: who finds that all has ended
//! must see what the tasks did. For that `end` releases, and `is_over` and
//! `want_end` acquire; each step between is a read-modify-write, which passes on
//! what the earlier ones released.

use crate::sync::atomic::{AtomicU64, Ordering};

/// Nothing more is taken from outside.
const CLOSED: u64 = 1;
/// Nothing more is taken at all, and what is queued is dropped.
const DROPPING: u64 = 1 << 1;
/// Somebody sleeps until there is room.
const ROOM_WANTED: u64 = 1 << 2;
/// Somebody sleeps until all has ended.
const END_WANTED: u64 = 1 << 3;
const BEGUN: u64 = 1 << 4;
const QUEUED: u64 = 1 << 34;

/// The most that can be queued, where there is no other bound: a billion. There
/// are fewer that have begun: each is on a stack, or a future with a future's
/// memory.
pub(super) const MOST: u64 = (1 << 30) - 1;

pub(super) struct Ledger(AtomicU64);

/// Why a task was not taken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::executor) enum Refusal {
    Full,
    Closed,
}

impl Refusal {
    pub(in crate::executor) fn is_full(self) -> bool {
        self == Self::Full
    }
}

/// Where a submission comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// A worker of the pool, or a thread that runs one of its tasks. What it runs
    /// may need it, to end: so it is taken also when the ledger is closed, as long as there is something to end.
    Inside,
    Outside,
}

/// What the word held at some step.
#[derive(Clone, Copy)]
pub(super) struct Reading(u64);

impl Reading {
    pub(super) fn queued(self) -> u64 {
        self.0 / QUEUED
    }

    /// How many tasks have not ended.
    pub(super) fn unfinished(self) -> u64 {
        self.queued() + self.0 % QUEUED / BEGUN
    }

    pub(super) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    pub(super) fn is_dropping(self) -> bool {
        self.0 & DROPPING != 0
    }

    pub(super) fn is_room_wanted(self) -> bool {
        self.0 & ROOM_WANTED != 0
    }

    fn is_over(self) -> bool {
        self.is_closed() && self.unfinished() == 0
    }

    fn has_room(self, capacity: u64) -> bool {
        self.queued() < capacity
    }

    fn refuses(self, from: From) -> bool {
        self.is_dropping() || self.is_closed() && (from == From::Outside || self.unfinished() == 0)
    }
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(super) fn read(&self) -> Reading {
        Reading(self.0.load(Ordering::Relaxed))
    }

    /// Takes a task on for the queue, if it is open and fewer than `capacity` are
    /// there; answers what was there before.
    pub(super) fn admit(&self, from: From, capacity: u64) -> Result<Reading, Refusal> {
        self.add(QUEUED, |now| match () {
            () if now.refuses(from) => Err(Refusal::Closed),
            () if !now.has_room(capacity) => Err(Refusal::Full),
            () => Ok(()),
        })
    }

    /// Takes on a task that begins at once, without having been in the queue.
    pub(super) fn admit_begun(&self, from: From) -> Result<Reading, Refusal> {
        self.add(BEGUN, |now| if now.refuses(from) { Err(Refusal::Closed) } else { Ok(()) })
    }

    fn add(
        &self,
        one: u64,
        check: impl Fn(Reading) -> Result<(), Refusal>,
    ) -> Result<Reading, Refusal> {
        let step = |now| check(Reading(now)).is_ok().then(|| now + one);
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step) {
            Ok(before) => Ok(Reading(before)),
            Err(found) => Err(check(Reading(found)).err().unwrap_or(Refusal::Full)),
        }
    }

    /// Takes a task off the queue; answers what was there before.
    pub(super) fn begin(&self) -> Reading {
        Reading(self.0.fetch_sub(QUEUED - BEGUN, Ordering::Relaxed))
    }

    /// Ends a task that has begun; whether somebody is to be woken for it.
    pub(super) fn end(&self) -> bool {
        let before = Reading(self.0.fetch_sub(BEGUN, Ordering::Release));
        before.0 & END_WANTED != 0 && before.unfinished() == 1
    }

    /// Closes it, for good; answers what was there before.
    pub(super) fn close(&self, is_dropping: bool) -> Reading {
        let flags = if is_dropping { CLOSED | DROPPING } else { CLOSED };
        Reading(self.0.fetch_or(flags, Ordering::Relaxed))
    }

    /// Whether a wait for room is over: there is some, or will never be.
    pub(super) fn may_have_room(&self, capacity: u64) -> bool {
        let now = self.read();
        now.is_closed() || now.has_room(capacity)
    }

    /// Says that this thread is about to sleep until there is room; whether it
    /// need not.
    pub(super) fn want_room(&self, capacity: u64) -> bool {
        let now = Reading(self.0.fetch_or(ROOM_WANTED, Ordering::Relaxed));
        now.is_closed() || now.has_room(capacity)
    }

    /// Says that nobody sleeps until there is room.
    pub(super) fn want_no_room(&self) {
        self.0.fetch_and(!ROOM_WANTED, Ordering::Relaxed);
    }

    /// Whether it is closed and all has ended, which is for good.
    pub(super) fn is_over(&self) -> bool {
        Reading(self.0.load(Ordering::Acquire)).is_over()
    }

    /// Says that this thread is about to sleep until all has ended; whether it
    /// has.
    pub(super) fn want_end(&self) -> bool {
        Reading(self.0.fetch_or(END_WANTED, Ordering::Acquire)).is_over()
    }
}
