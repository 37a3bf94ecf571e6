//! How a task gets into the books, and what it does where there is no room.

use std::cell::Cell;
use std::convert::Infallible;
use std::time::Duration;

use super::Books;
use super::ledger::{From, MOST, Reading, Refusal};
use super::stay::Guest;
use crate::executor::submit::WhenFull;
use crate::executor::waits;
use crate::sync::thread_local;

/// Who submitted a task that is in the books.
#[derive(Clone, Copy, Debug)]
pub(in crate::executor) struct Entry {
    pub(super) worker: Option<usize>,
    pub(super) has_begun: bool,
    /// Whether it is a future that waits to be polled again.
    pub(super) is_suspended: bool,
}

impl Entry {
    /// Whether it is that of a future that was left to be polled again.
    pub(in crate::executor) fn is_suspended(&self) -> bool {
        self.is_suspended
    }
}

/// How a task gets in.
pub(in crate::executor) enum Entrance<'b> {
    Queue(Entering<'b>),
    /// At once, on this thread: the queue is full, and this thread may not wait.
    InPlace(Entering<'b>),
    /// Not at all.
    Shut,
}

/// An entry without a task, until it is [taken](Self::take). Dropped, for a panic
/// of the capture, it is none.
#[must_use = "an entry that nobody takes is undone"]
pub(in crate::executor) struct Entering<'b> {
    books: &'b Books,
    entry: Entry,
    /// What runs in the capture cannot wait for this task.
    guest: Option<Guest>,
}

impl Entering<'_> {
    pub(in crate::executor) fn take(mut self) -> Entry {
        let entry = self.entry;
        drop(self.guest.take());
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
pub(in crate::executor) fn nested<R>(f: impl FnOnce() -> R) -> R {
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
    /// Enters a task, if there is room for it now.
    pub(in crate::executor) fn try_enter(&self) -> Result<Entering<'_>, Refusal> {
        let worker = self.pool.current_thread_index();
        let before = self.ledger.admit(self.origin(), self.capacity())?;
        Ok(self.entering(before, Entry { worker, has_begun: false, is_suspended: false }))
    }

    /// Enters a task, when there is room for it. A worker of the pool does not
    /// wait for that, since it may be the one that would have to make it.
    pub(in crate::executor) fn enter(&self) -> Entrance<'_> {
        loop {
            match self.try_enter() {
                Ok(entering) => return Entrance::Queue(entering),
                Err(Refusal::Closed) => return Entrance::Shut,
                Err(Refusal::Full) => {}
            }
            let worker = self.pool.current_thread_index();
            if self.has_task_here() || self.terms.when_full == WhenFull::Help {
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
            true => self.ledger.admit(self.origin(), MOST),
            false => self.ledger.admit_begun(self.origin()),
        };
        let Ok(before) = admitted else { return Entrance::Shut };
        let entry = Entry { worker, has_begun: !is_deep, is_suspended: false };
        let entering = self.entering(before, entry);
        if is_deep { Entrance::Queue(entering) } else { Entrance::InPlace(entering) }
    }

    fn origin(&self) -> From {
        if self.has_task_here() { From::Inside } else { From::Outside }
    }

    fn entering(&self, before: Reading, entry: Entry) -> Entering<'_> {
        if before.is_closed() {
            self.sleepers.lock().later += 1;
        }
        Entering { books: self, entry, guest: Some(Guest::of(self)) }
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
}
