//! A task between its beginning and its end.

use std::cell::RefCell;
use std::{mem, ptr};

use super::{Books, End, Entry};
use crate::executor::shutdown::{PanicPolicy, Shutdown};
use crate::sync::thread_local;

thread_local! {
    /// Of whose books there are tasks on this thread though it is no worker of
    /// that pool: it submits them, helps, or calls them off.
    static GUEST_OF: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Notes, until it is dropped, that a task of these books is on this thread, where
/// that is no worker of theirs.
pub(super) struct Guest(Option<usize>);

impl Guest {
    pub(super) fn of(books: &Books) -> Self {
        let is_worker = books.pool.current_thread_index().is_some();
        let noted = || GUEST_OF.try_with(|of| of.borrow_mut().push(address(books))).is_ok();
        Self((!is_worker && noted()).then(|| address(books)))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Some(books) = self.0 else { return };
        _ = GUEST_OF.try_with(|of| {
            let mut of = of.borrow_mut();
            let at = of.iter().rposition(|of| *of == books)?;
            Some(of.swap_remove(at))
        });
    }
}

/// A task that has begun, to be run or to be dropped, and is over when this is
/// dropped: nobody waits for it any longer than that.
#[must_use = "the task is over when this is dropped"]
pub(in crate::executor) struct Stay<'b> {
    /// `None` for a task that is in no books.
    books: Option<&'b Books>,
    spawner: Option<usize>,
    /// Whether it is a future that was polled before.
    is_suspended: bool,
    is_dropping: bool,
    has_run: bool,
    guest: Option<Guest>,
    end: Option<End>,
}

impl<'b> Stay<'b> {
    pub(super) fn new(books: &'b Books, entry: Entry, is_dropping: bool) -> Self {
        let Entry { worker: spawner, is_suspended, .. } = entry;
        let guest = Some(Guest::of(books));
        let (books, has_run, end) = (Some(books), false, None);
        Self { books, spawner, is_suspended, is_dropping, has_run, guest, end }
    }

    pub(super) fn unknown() -> Self {
        Self {
            books: None,
            spawner: None,
            is_suspended: false,
            is_dropping: false,
            has_run: false,
            guest: None,
            end: None,
        }
    }

    /// Whether the task is not to be run any more.
    pub(in crate::executor) fn is_dropping(&self) -> bool {
        self.is_dropping
    }

    /// Says that the task runs, on this thread.
    pub(in crate::executor) fn run(&mut self) {
        let Some(books) = self.books else { return };
        let worker = books.pool.current_thread_index();
        self.take_up(books, worker);
        books.tally.begin(worker, self.spawner.is_some() && self.spawner != worker);
        self.has_run = true;
    }

    /// Says that the task, a future, is to be polled again: it stays, without a
    /// thread.
    pub(in crate::executor) fn suspend(mut self) -> Option<Entry> {
        let books = self.books?;
        books.tally.suspend(books.pool.current_thread_index());
        drop(self.guest.take());
        mem::forget(self);
        Some(Entry { worker: None, has_begun: true, is_suspended: true })
    }

    fn take_up(&mut self, books: &Books, worker: Option<usize>) {
        if mem::take(&mut self.is_suspended) {
            books.tally.resume(worker);
        }
    }

    /// Says how the task ended, before its handle does: whoever has the outcome
    /// finds it counted. One that ran does so on the thread it ran on.
    pub(in crate::executor) fn end(&mut self, end: End) {
        let Some(books) = self.books else { return };
        let worker = books.pool.current_thread_index();
        if end == End::Cancelled {
            self.take_up(books, worker);
        } else if !self.has_run {
            // It panicked when it was dropped, which is all that it did here.
            self.run();
        }
        self.end = Some(end);
        books.tally.end(worker, end);
        if end == End::Panicked && books.terms.panic_policy == PanicPolicy::ShutDown {
            books.close(Shutdown::Drop);
        }
    }
}

impl Books {
    /// Whether the current thread is a worker of the pool, or has a task of these
    /// books on it all the same: it cannot wait for all of them to be over.
    pub(in crate::executor) fn has_task_here(&self) -> bool {
        let is_guest = || GUEST_OF.try_with(|of| of.borrow().contains(&address(self)));
        self.pool.current_thread_index().is_some() || is_guest().unwrap_or(false)
    }
}

fn address(books: &Books) -> usize {
    ptr::from_ref(books).addr()
}

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        let Some(books) = self.books else { return };
        drop(self.guest.take());
        if self.end != Some(End::Cancelled) {
            if books.ledger.end() {
                let _sleepers = books.sleepers.lock();
                books.over.notify_all();
            }
            return;
        }
        // Under the lock, as the closing: this ended before that, or is counted.
        let mut sleepers = books.sleepers.lock();
        if sleepers.at_close.is_some() {
            sleepers.dropped += 1;
        }
        if books.ledger.end() {
            books.over.notify_all();
        }
    }
}
