//! A task between its beginning and its end.

use super::{Books, End};
use crate::executor::shutdown::{PanicPolicy, Shutdown};

/// A task that has begun, to be run or to be dropped, and is over when this is
/// dropped: nobody waits for it any longer than that.
#[must_use = "the task is over when this is dropped"]
pub(in crate::executor) struct Stay<'b> {
    /// `None` for a task that is in no books.
    books: Option<&'b Books>,
    spawner: Option<usize>,
    is_dropping: bool,
    end: Option<End>,
}

impl<'b> Stay<'b> {
    pub(super) fn new(books: &'b Books, spawner: Option<usize>, is_dropping: bool) -> Self {
        Self { books: Some(books), spawner, is_dropping, end: None }
    }

    pub(super) fn unknown() -> Self {
        Self { books: None, spawner: None, is_dropping: false, end: None }
    }

    /// Whether the task is not to be run any more.
    pub(in crate::executor) fn is_dropping(&self) -> bool {
        self.is_dropping
    }

    /// Says that the task runs, on this thread.
    pub(in crate::executor) fn run(&self) {
        let Some(books) = self.books else { return };
        let worker = books.pool.current_thread_index();
        books.tally.begin(worker, self.spawner.is_some() && self.spawner != worker);
    }

    /// Says how the task ended, before its handle does: whoever has the outcome
    /// finds it counted. One that ran does so on the thread it ran on.
    pub(in crate::executor) fn end(&mut self, end: End) {
        let Some(books) = self.books else { return };
        self.end = Some(end);
        books.tally.end(books.pool.current_thread_index(), end);
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
