//! How much a console says in a second.

use std::time::Duration;

/// Lines a second that tell one thing each. What is more than that is counted, and
/// told in one line when the second is over: a hundred thousand nodes are not a
/// hundred thousand lines, nor is a warning in a loop.
const LINES: u32 = 1_000;
/// Further ones for what went wrong.
const GRAVE: u32 = 200;
const WINDOW: Duration = Duration::from_secs(1);

/// What is left of a second's lines.
pub(super) struct Budget {
    since: Duration,
    lines: u32,
    grave: u32,
}

impl Budget {
    pub(super) fn new(now: Duration) -> Self {
        Self { since: now, lines: LINES, grave: GRAVE }
    }

    /// Whether there is a line left.
    pub(super) fn take(&mut self, is_grave: bool) -> bool {
        let left = match &mut self.grave {
            grave if is_grave && self.lines == 0 => grave,
            _ => &mut self.lines,
        };
        let may = *left > 0;
        *left = left.saturating_sub(1);
        may
    }

    /// Whether a second is over, and another begins.
    pub(super) fn renew(&mut self, now: Duration) -> bool {
        let is_over = now.saturating_sub(self.since) >= WINDOW;
        if is_over {
            *self = Self::new(now);
        }
        is_over
    }
}
