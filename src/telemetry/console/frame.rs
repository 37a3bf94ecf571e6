//! What is drawn while runs go on: a bar for each run and a line for each node that
//! runs, as far as they fit.

use std::time::Duration;

use super::live::Live;
use super::surroundings::Shape;
use super::{text, units};
use crate::telemetry::record::NodeState;

/// No line is longer, however wide the terminal is.
const LONGEST: usize = 160;
/// How wide a bar is at most, and what one must be to tell anything.
const BAR: usize = 24;
const SHORT_BAR: usize = 8;
/// How wide the name of a run may be.
const NAME: usize = 40;

/// The lines, none of which is wider than the terminal, and fewer than it has.
pub(super) fn frame<'a>(
    runs: impl ExactSizeIterator<Item = &'a Live>,
    now: Duration,
    shape: Shape,
) -> String {
    let columns = usize::from(shape.columns).min(LONGEST);
    // The last row is left to what others may write.
    let rows = usize::from(shape.rows).saturating_sub(1).max(1);
    let (shown, hidden) = match runs.len() {
        count if count * 2 <= rows.max(2) => (count, 0),
        count => {
            let shown = (rows / 2).max(1).min(count);
            (shown, count - shown)
        }
    };
    let mut left = rows.saturating_sub(shown + usize::from(hidden > 0));
    let mut lines = Vec::new();
    let mut hidden_runs = Counted::default();
    for (at, live) in runs.enumerate() {
        if at >= shown {
            hidden_runs.add(live);
            continue;
        }
        lines.push(bar(live, now, shape, columns));
        // What the runs before did not need is there for this one.
        let share = left.div_ceil(shown - at);
        let before = lines.len();
        nodes(live, now, share, columns, &mut lines);
        left = left.saturating_sub(lines.len() - before);
    }
    if hidden > 0 && lines.len() < rows {
        let runs = units::count(hidden as u64, "more run");
        let Counted { finished, total } = hidden_runs;
        let line = format!("and {runs}: {finished}/{total} nodes");
        lines.push(text::start_of(&line, columns));
    }
    lines.join("\n")
}

#[derive(Default)]
struct Counted {
    finished: u64,
    total: u64,
}

impl Counted {
    fn add(&mut self, live: &Live) {
        self.finished += u64::from(live.finished());
        self.total += u64::from(live.total());
    }
}

/// `nightly ████░░░░ 3/8 2 running, 1 failed 12 s`, and of that what fits.
fn bar(live: &Live, now: Duration, shape: Shape, columns: usize) -> String {
    let palette = shape.palette;
    let (finished, total) = (live.finished(), live.total());
    let progress = format!(" {finished}/{total}");
    let elapsed = format!("  {}", units::elapsed(live.elapsed(now)));
    let mut used = progress.len() + elapsed.len();
    let mut states = String::new();
    let mut first = true;
    for state in [NodeState::Running, NodeState::Failed, NodeState::Retrying] {
        let count = live.counts.of(state);
        let words = format!("{}{count} {}", if first { "  " } else { ", " }, state.as_str());
        // What failed is the last thing to be left out.
        if count > 0 && used + words.len() + 8 <= columns {
            used += words.len();
            states.push_str(&if state == NodeState::Running {
                words
            } else {
                palette.state(state, &words)
            });
            first = false;
        }
    }
    let room = columns.saturating_sub(used);
    let whole_name = text::width(&text::ends_of(live.run_id.as_str(), NAME)) + 1;
    let bar = match room.saturating_sub(whole_name) {
        left if left >= SHORT_BAR => left.min(BAR),
        _ if room > 2 * SHORT_BAR => SHORT_BAR,
        _ => 0,
    };
    let room = room.saturating_sub(bar + usize::from(bar > 0)).min(NAME);
    let name = text::unjoined(&text::ends_of(live.run_id.as_str(), room));
    if bar == 0 {
        let plain = format!("{name}{progress}");
        // Of a terminal that has hardly any columns.
        return match text::width(&plain) + elapsed.len() <= columns {
            true => format!("{}{progress}{states}{elapsed}", palette.bold(&name)),
            false => text::start_of(&plain, columns),
        };
    }
    let full = (bar as u64 * u64::from(finished) / u64::from(total.max(1))) as usize;
    let is_failed = live.counts.of(NodeState::Failed) > 0;
    let state = if is_failed { NodeState::Failed } else { NodeState::Done };
    let done = palette.state(state, &"█".repeat(full));
    let rest = palette.dim(&"░".repeat(bar - full));
    format!("{} {done}{rest}{progress}{states}{elapsed}", palette.bold(&name))
}

/// The nodes that run, those first that take longest.
fn nodes(live: &Live, now: Duration, rows: usize, columns: usize, lines: &mut Vec<String>) {
    let running = live.running_count();
    let named = if running <= rows { running } else { rows.saturating_sub(1) };
    for (node, since) in live.running(now).take(named) {
        let since = format!("{:>12}  ", units::elapsed(since));
        let attempts = live.record.nodes[node as usize].attempts;
        let attempt = if attempts > 1 { format!(", attempt {attempts}") } else { String::new() };
        let room = columns.saturating_sub(since.len() + attempt.len());
        let name = text::unjoined(&text::ends_of(live.record.graph.name(node), room));
        lines.push(text::start_of(&format!("{since}{name}{attempt}"), columns));
    }
    let more = running - named;
    if more > 0 && rows > 0 {
        lines.push(text::start_of(&format!("{:>12}  and {more} more", ""), columns));
    }
}
