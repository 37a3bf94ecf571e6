//! The thread that writes, and what it is to write next.
//!
//! It sleeps while there is nothing. The first event after a pause is written at once;
//! then it lets events come for a while, so that it is woken no more than some hundred
//! times a second, however many there are. Logs are written a few times a second: each
//! file has to be opened for it. It is the writer, but not the only one: at
//! the end of a run, and where lines come quicker than it writes, whoever brings them
//! writes them. So nobody ever waits for this thread, and if it cannot be had, runs
//! are recorded all the same.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::journal::{Journal, Next};
use super::log::Log;
use super::notes::Notes;
use crate::context::{RunId, quietly};
use crate::sync::{Condvar, Mutex, thread};

/// How long events may be pending.
const PACE: Duration = Duration::from_millis(10);
/// How long lines of a log may be.
const PACE_OF_LOGS: Duration = Duration::from_millis(250);

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
    logs: Vec<Arc<Log>>,
    /// When these are to be written.
    logs_due: Option<Instant>,
    thread: Thread,
    is_hurried: bool,
    is_closed: bool,
}

/// What has lines that are to be written.
struct Work {
    events: Vec<Arc<Events>>,
    logs: Vec<Arc<Log>>,
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
        self.start(&mut state);
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

    /// Sees to it that a log is written, before long. Without the thread that is at the
    /// end of the attempt.
    pub(super) fn list_log(self: &Arc<Self>, log: &Arc<Log>) {
        let mut state = self.state.lock();
        self.start(&mut state);
        if state.thread == Thread::Refused {
            return;
        }
        state.logs.push(log.clone());
        if state.logs_due.is_none() {
            state.logs_due = Instant::now().checked_add(PACE_OF_LOGS);
            if state.thread == Thread::Idle {
                self.wake.notify_one();
            }
        }
    }

    fn start(self: &Arc<Self>, state: &mut State) {
        if state.thread == Thread::NotStarted {
            let desk = self.clone();
            let thread = thread::Builder::new().name("entourage-recorder".to_owned());
            let started = thread.spawn(move || desk.work());
            state.thread = started.map_or(Thread::Refused, |_| Thread::Busy);
        }
    }

    /// Has the thread end when it has written what is listed.
    pub(super) fn close(&self) {
        self.state.lock().is_closed = true;
        self.wake.notify_one();
    }

    fn work(&self) {
        while let Some(work) = self.next() {
            // Else the thread would be gone, and nobody would know.
            quietly(|| {
                work.events.iter().for_each(|events| self.write(events));
                work.logs.iter().for_each(|log| log.write());
            });
            // With its last handle a journal closes its file: not under the lock.
            drop(work);
            let mut state = self.state.lock();
            if !state.is_hurried && !state.is_closed {
                self.wake.wait_for(&mut state, PACE);
            }
        }
    }

    /// What is to be written now; waits for it. `None` when there will be no more.
    fn next(&self) -> Option<Work> {
        let mut state = self.state.lock();
        loop {
            let now = Instant::now();
            let are_logs_due = state.logs_due.is_some_and(|due| due <= now || state.is_closed);
            if !state.listed.is_empty() || are_logs_due {
                state.thread = Thread::Busy;
                state.is_hurried = false;
                let listed = mem::take(&mut state.listed);
                let logs = match are_logs_due {
                    true => {
                        state.logs_due = None;
                        mem::take(&mut state.logs)
                    }
                    false => Vec::new(),
                };
                return Some(Work { events: listed, logs });
            }
            if state.is_closed {
                return None;
            }
            state.thread = Thread::Idle;
            match state.logs_due {
                Some(due) => _ = self.wake.wait_for(&mut state, due - now),
                None => self.wake.wait(&mut state),
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
