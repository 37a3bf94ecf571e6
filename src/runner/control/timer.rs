//! What is to happen later, and is not worth a thread of its own.
//!
//! One thread a process sleeps until the earliest alarm, or for ever where there
//! is none. It is started when first needed, and stays. An alarm is on the list,
//! or it was taken off it, by the thread when its time came or by whoever
//! revoked it: both under the list's lock, so exactly one of them has it.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::context::quietly;
use crate::sync::{Condvar, Mutex};

/// Called on the timer's thread, so it must be quick, and must not wait.
type Call = Box<dyn FnOnce() + Send>;

/// Where the time comes from.
pub(super) trait Clock: Send + Sync + 'static {
    /// Since the clock's beginning.
    fn now(&self) -> Duration;
}

/// The system's monotonic clock.
pub(super) struct SystemClock(Instant);

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Alarms, and the thread that sleeps until they are due.
pub(in crate::runner) struct Timer<C: Clock = SystemClock> {
    shared: Arc<Shared<C>>,
}

struct Shared<C> {
    clock: C,
    alarms: Mutex<Alarms>,
    /// Told when there is an alarm earlier than all others, or the timer ends.
    changed: Condvar,
}

#[derive(Default)]
struct Alarms {
    /// By when they are due, and then by when they were set.
    waiting: BTreeMap<(Duration, u64), Call>,
    next: u64,
    is_over: bool,
}

/// An alarm that is set. Dropped, it is revoked.
#[must_use = "dropped, it is revoked"]
pub(in crate::runner) struct Alarm<C: Clock = SystemClock> {
    shared: Arc<Shared<C>>,
    key: (Duration, u64),
}

impl Timer {
    /// The process's timer, whose thread is started if it is not there.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub(in crate::runner) fn global() -> io::Result<&'static Self> {
        static TIMER: OnceLock<Timer> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        let _alone = STARTING.lock();
        if let Some(timer) = TIMER.get() {
            return Ok(timer);
        }
        let timer = Timer::new(SystemClock(Instant::now()));
        let shared = timer.shared.clone();
        let thread = std::thread::Builder::new().name("entourage-timer".to_owned());
        thread.spawn(move || shared.run())?;
        Ok(TIMER.get_or_init(|| timer))
    }
}

impl<C: Clock> Timer<C> {
    pub(super) fn new(clock: C) -> Self {
        let (alarms, changed) = (Mutex::new(Alarms::default()), Condvar::new());
        Self { shared: Arc::new(Shared { clock, alarms, changed }) }
    }

    /// Calls `call` on the timer's thread when `delay` is over.
    pub(in crate::runner) fn after(
        &self,
        delay: Duration,
        call: impl FnOnce() + Send + 'static,
    ) -> Alarm<C> {
        let shared = self.shared.clone();
        let due = shared.clock.now().saturating_add(delay);
        let mut alarms = shared.alarms.lock();
        alarms.next += 1;
        let key = (due, alarms.next);
        alarms.waiting.insert(key, Box::new(call));
        let is_first = alarms.waiting.first_key_value().is_some_and(|(first, _)| *first == key);
        drop(alarms);
        if is_first {
            shared.changed.notify_one();
        }
        Alarm { shared, key }
    }
}

impl<C: Clock> Shared<C> {
    /// Makes every call when it is due, until the timer is over.
    fn run(&self) {
        let mut alarms = self.alarms.lock();
        while !alarms.is_over {
            let Some(first) = alarms.waiting.first_entry() else {
                self.changed.wait(&mut alarms);
                continue;
            };
            let left = first.key().0.saturating_sub(self.clock.now());
            if left.is_zero() {
                let call = first.remove();
                drop(alarms);
                quietly(call);
                alarms = self.alarms.lock();
            } else {
                self.changed.wait_for(&mut alarms, left);
            }
        }
    }
}

#[cfg(test)]
impl<C: Clock> Alarm<C> {
    /// Leaves the alarm set, for nobody to revoke.
    fn leave(mut self) {
        self.key = (Duration::ZERO, 0);
    }
}

impl<C: Clock> Drop for Alarm<C> {
    fn drop(&mut self) {
        // Dropped outside the lock, for what it holds may be the user's.
        let call = self.shared.alarms.lock().waiting.remove(&self.key);
        drop(call);
    }
}

#[cfg(test)]
mod tests;
