//! A task between its beginning and its end.

use std::mem;

use super::{Books, End, Entry};
use crate::executor::shutdown::{PanicPolicy, Shutdown};

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
    end: Option<End>,
}

impl<'b> Stay<'b> {
    pub(super) fn new(books: &'b Books, entry: Entry, is_dropping: bool) -> Self {
        let Entry { worker: spawner, is_suspended, .. } = entry;
        let books = Some(books);
        Self { books, spawner, is_suspended, is_dropping, has_run: false, end: None }
    }

    pub(super) fn unknown() -> Self {
        let (books, spawner, end) = (None, None, None);
        Self { books, spawner, is_suspended: false, is_dropping: false, has_run: false, end }
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
    pub(in crate::executor) fn suspend(self) -> Option<Entry> {
        let books = self.books?;
        books.tally.suspend(books.pool.current_thread_index());
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

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        let Some(books) = self.books else { return };
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
