//! The thread that writes, and what it is to write next.
//!
//! It sleeps while there is nothing. The first line after a pause is written at once;
//! then it lets lines come for a while, so that it is woken no more than some hundred
//! times a second, however many there are. It is the writer, but not the only one: at
//! the end of a run, and where lines come quicker than it writes, whoever brings them
//! writes them. So nobody ever waits for this thread, and if it cannot be had, runs
//! are recorded all the same.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::journal::{Journal, Next};
use super::notes::Notes;
use crate::context::RunId;
use crate::sync::{Condvar, Mutex, thread};

/// How long lines may be pending.
const PACE: Duration = Duration::from_millis(10);

#[derive(Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    wake: Condvar,
    pub(super) notes: Notes,
}

/// The events of one run.
pub(super) struct Events {
    pub(super) journal: Journal,
    pub(super) run_id: RunId,
}

#[derive(Default)]
struct State {
    /// Those with lines that are pending.
    listed: Vec<Arc<Events>>,
    thread: Thread,
    is_hurried: bool,
    is_closed: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Thread {
    #[default]
    NotStarted,
    /// It waits for the first line.
    Idle,
    /// It writes, or lets lines come.
    Busy,
    /// The system gives us none.
    Refused,
}

impl Desk {
    /// Takes a line, and sees to it that it is written.
    pub(super) fn take(self: &Arc<Self>, events: &Arc<Events>, line: &[u8]) {
        match events.journal.push(line) {
            Next::Nothing => {}
            Next::List => self.list(events, false),
            Next::Hurry => self.list(events, true),
            Next::Write => self.write(events),
        }
    }

    fn list(self: &Arc<Self>, events: &Arc<Events>, is_hurried: bool) {
        let mut state = self.state.lock();
        if state.thread == Thread::NotStarted {
            state.thread = self.start();
        }
        if state.thread == Thread::Refused {
            drop(state);
            return self.write(events);
        }
        state.listed.push(events.clone());
        state.is_hurried |= is_hurried;
        if state.thread == Thread::Idle || is_hurried {
            self.wake.notify_one();
        }
    }

    fn start(self: &Arc<Self>) -> Thread {
        let desk = self.clone();
        let thread = thread::Builder::new().name("entourage-recorder".to_owned());
        thread.spawn(move || desk.work()).map_or(Thread::Refused, |_| Thread::Busy)
    }

    /// Has the thread end when it has written what is listed.
    pub(super) fn close(&self) {
        self.state.lock().is_closed = true;
        self.wake.notify_one();
    }

    fn work(&self) {
        loop {
            let mut state = self.state.lock();
            while state.listed.is_empty() {
                if state.is_closed {
                    return;
                }
                state.thread = Thread::Idle;
                self.wake.wait(&mut state);
            }
            state.thread = Thread::Busy;
            state.is_hurried = false;
            let listed = mem::take(&mut state.listed);
            drop(state);
            listed.iter().for_each(|events| self.write(events));
            // With its last handle a journal closes its file: not under the lock.
            drop(listed);
            let mut state = self.state.lock();
            if !state.is_hurried && !state.is_closed {
                self.wake.wait_for(&mut state, PACE);
            }
        }
    }

    fn write(&self, events: &Events) {
        if let Some(error) = events.journal.write_out() {
            let problem = format!(
                "cannot write events.jsonl: {error}; its events are kept, as far as some MiB \
                 go, and tried again"
            );
            self.notes.problem(&events.run_id, &problem);
        }
    }
}
