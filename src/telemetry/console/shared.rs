//! What the runs of one console share: what there is to say, and who says it.
//!
//! Workers note what happens under a lock that is held for no more than that
//! (`State`). A thread of the console's own comes by ten times a second while runs
//! go on, makes lines and a frame of what was noted, and writes them under another
//! lock (`Screen`), which no event waits for. Where both are held, the screen's
//! was taken first. What the user gave the console to call is called under neither,
//! except for its writer.
//!
//! The writer may block for ever, with the screen locked. Who has a line to show then
//! gives up after a while, and leaves it to whoever holds the screen: that one looks
//! once more when it has let go. A line is noted before the screen is tried, so either
//! the one or the other finds it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::budget::Budget;
use super::frame::frame;
use super::live::Live;
use super::palette::Palette;
use super::plain::Telling;
use super::screen::{Screen, is_in_writer};
use super::summary;
use super::surroundings::{Shape, Surroundings};
use crate::context::discard;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Condvar, Mutex, thread};

/// How often it is drawn, at most.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// How long a run waits at its end for its summary to be written, and a line for the
/// one before it. A terminal that is stopped, or a pipe that nobody reads, does not
/// hold them for longer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many bytes wait to be written, before who writes more does it himself.
const PENDING: usize = 64 * 1024;
/// How many bytes are kept for a writer that takes none. What comes then is lost.
const MOST_PENDING: usize = 1 << 20;

/// Tells the time, since whenever.
pub(super) type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

pub(super) struct Shared {
    state: Mutex<State>,
    screen: Mutex<Screen>,
    /// Whether somebody has waited for the screen in vain, and nobody had it since:
    /// the next does not wait.
    is_stuck: AtomicBool,
    /// The first error that writing had. Not in the screen, which the writer may hold
    /// for ever.
    error: Arc<Mutex<Option<io::Error>>>,
    /// A run has come to its end, which is to be told.
    ended: Condvar,
    /// The end of a run has been told.
    told: Condvar,
    clock: Clock,
}

struct State {
    surroundings: Surroundings,
    runs: BTreeMap<u64, Live>,
    /// Whose summaries are being written.
    telling: Vec<u64>,
    next: u64,
    /// What is to be written above the frame: whole lines.
    above: Vec<u8>,
    budget: Budget,
    /// When it was last drawn.
    drawn: Option<Duration>,
    ticking: Ticking,
}

#[derive(Clone, Copy, PartialEq)]
enum Ticking {
    /// There is nothing to do.
    Off,
    On,
    /// There is no thread to be had, or none is wanted: each run tells of itself
    /// at its end.
    Never,
}

impl Shared {
    pub(super) fn new(writer: Box<dyn io::Write + Send>, surroundings: Surroundings) -> Self {
        let epoch = Instant::now();
        Self::with_clock(writer, surroundings, Arc::new(move || epoch.elapsed()), Ticking::Off)
    }

    /// One that does nothing by itself, for tests.
    #[cfg(test)]
    pub(super) fn by_hand(
        writer: Box<dyn io::Write + Send>,
        surroundings: Surroundings,
        clock: Clock,
    ) -> Self {
        Self::with_clock(writer, surroundings, clock, Ticking::Never)
    }

    fn with_clock(
        writer: Box<dyn io::Write + Send>,
        surroundings: Surroundings,
        clock: Clock,
        ticking: Ticking,
    ) -> Self {
        let state = State {
            surroundings,
            runs: BTreeMap::new(),
            telling: Vec::new(),
            next: 0,
            above: Vec::new(),
            budget: Budget::new(clock()),
            drawn: None,
            ticking,
        };
        let error = Arc::default();
        Self {
            state: Mutex::new(state),
            screen: Mutex::new(Screen::new(writer, Arc::clone(&error))),
            is_stuck: AtomicBool::new(false),
            error,
            ended: Condvar::new(),
            told: Condvar::new(),
            clock,
        }
    }

    /// Changes what is known of where it is written to.
    pub(super) fn surround(&self, change: impl FnOnce(&mut Surroundings)) {
        change(&mut self.state.lock().surroundings);
    }

    /// The first error that writing had.
    pub(super) fn error(&self) -> Option<io::Error> {
        let error = self.error.lock();
        let error = error.as_ref()?;
        Some(io::Error::new(error.kind(), error.to_string()))
    }

    /// Takes up a run, and returns the number to speak of it by.
    pub(super) fn begin(self: &Arc<Self>, live: impl FnOnce(Duration) -> Live) -> u64 {
        let live = live((self.clock)());
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        state.runs.insert(number, live);
        if state.ticking == Ticking::Off {
            let shared = self.clone();
            let thread = thread::Builder::new().name("entourage-console".into());
            state.ticking = match thread.spawn(move || shared.tick_while_runs_go_on()) {
                Ok(_) => Ticking::On,
                Err(_) => Ticking::Never,
            };
        }
        number
    }

    /// Changes what is known of a run; and takes part in what its console may say.
    pub(super) fn note<R>(
        &self,
        run: u64,
        note: impl FnOnce(&mut Live, &mut Budget, bool) -> R,
    ) -> Option<R> {
        let mut state = self.state.lock();
        let State { runs, budget, surroundings, .. } = &mut *state;
        Some(note(runs.get_mut(&run)?, budget, surroundings.is_drawn))
    }

    /// Has it told that a run is over, and waits for that, though not for ever.
    pub(super) fn end(&self, run: u64) {
        let mut state = self.state.lock();
        if state.ticking == Ticking::Never {
            drop(state);
            self.tick();
            return self.write_late();
        }
        self.ended.notify_one();
        let deadline = Instant::now() + PATIENCE;
        while state.runs.contains_key(&run) || state.telling.contains(&run) {
            if self.told.wait_until(&mut state, deadline).timed_out() {
                return;
            }
        }
    }

    /// Forgets a run whose end nobody has told.
    pub(super) fn abandon(&self, run: u64) {
        let forgotten = self.state.lock().runs.remove(&run);
        drop(forgotten);
    }

    /// Shows whole lines, above the frame where there is one.
    pub(super) fn say(&self, lines: &[u8]) {
        if is_in_writer() {
            return;
        }
        let must_write = {
            let mut state = self.state.lock();
            state.tell_changes();
            if state.above.len() > MOST_PENDING && self.is_stuck.load(Ordering::Relaxed) {
                let lost = "the writer takes nothing, and what there is no room for is lost";
                let error = || io::Error::new(io::ErrorKind::TimedOut, lost);
                self.error.lock().get_or_insert_with(error);
            } else {
                state.above.extend_from_slice(lines);
            }
            state.runs.is_empty() || state.above.len() > PENDING
        };
        if must_write {
            self.write_above();
        }
    }

    /// Writes what is to be above the frame, without that: to draw is for the thread,
    /// which does not do it too often. If the writer holds the screen for too long, who
    /// holds it does so later.
    fn write_above(&self) {
        let patience =
            if self.is_stuck.load(Ordering::Relaxed) { Duration::ZERO } else { PATIENCE };
        let Some(mut screen) = self.screen.try_lock_for(patience) else {
            return self.is_stuck.store(true, Ordering::Relaxed);
        };
        self.is_stuck.store(false, Ordering::Relaxed);
        let (above, shape) = self.state.lock().take_above();
        screen.show(&above, String::new(), shape);
        drop(screen);
        self.write_late();
    }

    /// Writes what others would have written while the screen was held here. While
    /// runs go on that is for the next tick.
    fn write_late(&self) {
        let is_late = {
            let state = self.state.lock();
            state.runs.is_empty() && !state.above.is_empty()
        };
        if is_late {
            self.write_above();
        }
    }

    /// Shows a line about a run, or about one that has yet to begin, if there is room
    /// for it.
    pub(super) fn say_of(
        &self,
        run: Option<u64>,
        is_grave: bool,
        line: impl FnOnce(Saying) -> String,
    ) {
        if is_in_writer() {
            return;
        }
        let saying = {
            let mut state = self.state.lock();
            let State { runs, above, budget, surroundings, .. } = &mut *state;
            let (has_others, palette) = (runs.len() > 1, surroundings.palette());
            let live = run.and_then(|run| runs.get_mut(&run));
            if above.len() > PENDING || !budget.take(is_grave) {
                live.into_iter().for_each(|live| live.hidden += 1);
                return;
            }
            live.into_iter().for_each(|live| live.is_spoken_of = true);
            Saying { has_others, palette }
        };
        let line = line(saying);
        let mut state = self.state.lock();
        state.tell_changes();
        state.above.extend_from_slice(line.as_bytes());
        let must_write = state.runs.is_empty();
        drop(state);
        if must_write {
            self.write_above();
        }
    }

    /// Says and draws what there is to say and to draw.
    pub(super) fn tick(&self) {
        let now = (self.clock)();
        let (over, shape) = self.state.lock().settle(now);
        let summaries: Vec<_> =
            over.iter().map(|(_, live)| summary::of(live, shape).into_bytes()).collect();
        self.state.lock().above.extend(summaries.concat());
        {
            let mut screen = self.screen.lock();
            let mut state = self.state.lock();
            let frame = state.frame(now, shape);
            let (above, shape) = state.take_above();
            drop(state);
            if frame.is_some() || !above.is_empty() {
                screen.show(&above, frame.unwrap_or_default(), shape);
            }
        }
        if !over.is_empty() {
            self.state.lock().telling.retain(|run| over.iter().all(|(told, _)| told != run));
            self.told.notify_all();
        }
    }

    /// Leaves nothing of a frame whose runs are gone.
    fn clear(&self) {
        {
            let mut screen = self.screen.lock();
            let mut state = self.state.lock();
            if state.runs.is_empty() {
                let (above, shape) = state.take_above();
                drop(state);
                screen.show(&above, String::new(), shape);
            }
        }
        self.write_late();
    }

    fn tick_while_runs_go_on(self: Arc<Self>) {
        loop {
            {
                let mut state = self.state.lock();
                if state.runs.is_empty() {
                    state.ticking = Ticking::Off;
                    drop(state);
                    return self.clear();
                }
                if !state.runs.values().any(|live| live.is_over) {
                    self.ended.wait_for(&mut state, TICK);
                }
            }
            // What panics is not ours, or a mistake of ours: the run is not to suffer.
            let tick = std::panic::AssertUnwindSafe(|| self.tick());
            std::panic::catch_unwind(tick).unwrap_or_else(discard);
        }
    }
}

/// How a line about a run is to be told.
#[derive(Clone, Copy)]
pub(super) struct Saying {
    pub(super) has_others: bool,
    pub(super) palette: Palette,
}

impl State {
    fn telling(&self, now: Duration, sums_up: bool) -> Telling {
        Telling {
            now,
            palette: self.surroundings.palette(),
            has_others: self.runs.len() > 1,
            is_drawn: self.surroundings.is_drawn,
            sums_up,
        }
    }

    /// Makes lines of what was noted, so that what is said next comes after it.
    fn tell_changes(&mut self) {
        let telling = self.telling(Duration::ZERO, false);
        let mut lines = String::new();
        self.runs.values_mut().for_each(|live| telling.changes(live, &mut lines));
        self.above.extend_from_slice(lines.as_bytes());
    }

    /// Makes lines of what was noted and of what goes on, and gives out the runs that
    /// are over.
    fn settle(&mut self, now: Duration) -> (Vec<(u64, Live)>, Shape) {
        let sums_up = self.budget.renew(now);
        let telling = self.telling(now, sums_up);
        let mut lines = String::new();
        for live in self.runs.values_mut() {
            telling.tell(live, &mut self.budget, &mut lines);
        }
        self.above.extend_from_slice(lines.as_bytes());
        let over: Vec<_> = self.runs.extract_if(.., |_, live| live.is_over).collect();
        self.telling.extend(over.iter().map(|(run, _)| run));
        (over, self.surroundings.shape())
    }

    /// What is drawn now; `None` if it is too soon after the last time. A run that
    /// ends is told of at once, and the others are drawn again at the next tick.
    fn frame(&mut self, now: Duration, shape: Shape) -> Option<String> {
        if !shape.is_drawn {
            return Some(String::new());
        }
        let is_due = self.drawn.is_none_or(|drawn| now.saturating_sub(drawn) >= TICK);
        is_due.then(|| {
            self.drawn = Some(now);
            frame(self.runs.values(), now, shape)
        })
    }

    fn take_above(&mut self) -> (Vec<u8>, Shape) {
        (std::mem::take(&mut self.above), self.surroundings.shape())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let (above, shape) = self.state.get_mut().take_above();
        self.screen.get_mut().show(&above, String::new(), shape);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Console")
    }
}
