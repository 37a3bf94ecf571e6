//! One line for each thing that happens.

use std::time::Duration;

use super::budget::Budget;
use super::live::{Change, Live, NodeChange};
use super::palette::Palette;
use super::{text, units};
use crate::telemetry::record::NodeState;

/// Whom and how lines are told.
#[derive(Clone, Copy)]
pub(super) struct Telling {
    pub(super) now: Duration,
    pub(super) palette: Palette,
    /// Whether other runs go on, so that a line has to say which it is of.
    pub(super) has_others: bool,
    /// Whether what runs is drawn, and need not be told.
    pub(super) is_drawn: bool,
    /// Whether what lines were too many for is to be summed up now.
    pub(super) sums_up: bool,
}

impl Telling {
    /// Tells what was noted of `live` since the last time.
    pub(super) fn changes(self, live: &mut Live, lines: &mut String) {
        for change in std::mem::take(&mut live.changes) {
            self.line(lines, &self.change(live, change));
            live.is_spoken_of = true;
        }
    }

    /// Tells that, what has gone on since, and what there was no line left for.
    pub(super) fn tell(self, live: &mut Live, budget: &mut Budget, lines: &mut String) {
        let before = lines.len();
        self.changes(live, lines);
        if !self.is_drawn && !live.is_over {
            for node in live.newly_running(budget) {
                self.line(lines, &self.started(live, node));
            }
        }
        if self.sums_up || live.is_over {
            let untold = std::mem::take(&mut live.untold);
            if !untold.is_empty() {
                let states = untold.in_words(|state, words| self.palette.state(state, words));
                let (finished, total) = (live.finished(), live.total());
                let run = run_name(live);
                self.line(lines, &format!("run {run}: {states} more ({finished}/{total})"));
            }
            let hidden = std::mem::replace(&mut live.hidden_before, live.hidden);
            if live.hidden > hidden {
                let many = units::count(live.hidden - hidden, "more log line");
                self.line(lines, &format!("run {}: {many} not shown", run_name(live)));
            }
        }
        if std::mem::take(&mut live.is_spoken_of) || lines.len() > before {
            live.spoken_of = self.now;
        } else if !self.is_drawn
            && !live.is_over
            && self.now.saturating_sub(live.spoken_of) >= live.settings.heartbeat
        {
            live.spoken_of = self.now;
            self.line(lines, &self.heartbeat(live));
        }
    }

    fn line(self, lines: &mut String, line: &str) {
        lines.push_str(line);
        lines.push('\n');
    }

    fn change(self, live: &Live, change: Change) -> String {
        let NodeChange { node, state, attempt, ran, rows, pause, finished, message } = match change
        {
            Change::Node(change) => change,
            Change::RunStarted => return started(live),
            Change::RunCancelled { running } => {
                let running = units::count(running as u64, "node");
                return format!("run {}: called off with {running} running", run_name(live));
            }
        };
        let name = text::ends_of(live.record.graph.name(node), text::NAME);
        let word = self.palette.state(
            state,
            match state {
                NodeState::Retrying => "failed",
                _ => state.as_str(),
            },
        );
        let took = units::duration(ran);
        let said = || own_words(&message, live.record.graph.name(node));
        let what = match state {
            NodeState::Done => {
                let rows = rows.map(|rows| format!(", {}", units::count(rows, "row")));
                format!("{word} in {took}{}", rows.unwrap_or_default())
            }
            NodeState::Failed => format!("{word} after {took}: {}", said()),
            NodeState::Retrying => {
                let pause = units::duration(pause);
                format!("attempt {attempt} {word} after {took}, again in {pause}: {}", said())
            }
            NodeState::Cancelled => format!("{word} after {took}"),
            NodeState::Skipped => {
                format!("{word}, since {} failed", text::ends_of(&message, text::NAME))
            }
            _ => word,
        };
        let of_run = self.of_run(live);
        format!("{of_run}[{finished}/{}] {name}: {what}", live.total())
    }

    fn started(self, live: &Live, node: u32) -> String {
        let name = text::ends_of(live.record.graph.name(node), text::NAME);
        let attempt = live.record.nodes[node as usize].attempts;
        let attempt = if attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
        let (of_run, finished, total) = (self.of_run(live), live.finished(), live.total());
        format!("{of_run}[{finished}/{total}] {name}: started{attempt}")
    }

    /// What runs, and since when, where nothing has been said for a while.
    fn heartbeat(self, live: &Live) -> String {
        const NAMED: usize = 3;
        let named = live.running(self.now).take(NAMED).map(|(node, since)| {
            let name = text::ends_of(live.record.graph.name(node), text::NAME);
            format!("{name} for {}", units::elapsed(since))
        });
        let named = named.collect::<Vec<_>>().join(", ");
        let more = match live.running_count().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let running = if named.is_empty() { "nothing runs".into() } else { named + &more };
        let elapsed = units::elapsed(live.elapsed(self.now));
        let (finished, total) = (live.finished(), live.total());
        format!("run {}: {finished}/{total} after {elapsed}, running: {running}", run_name(live))
    }

    fn of_run(self, live: &Live) -> String {
        if self.has_others { format!("{} ", run_name(live)) } else { String::new() }
    }
}

pub(super) fn run_name(live: &Live) -> String {
    text::ends_of(live.run_id.as_str(), text::NAME)
}

fn started(live: &Live) -> String {
    let nodes = units::count(live.total(), "node");
    let workers = live.record.started.as_ref().map(|started| started.workers);
    let workers = workers.map(|workers| format!(", {}", units::count(workers, "worker")));
    format!("run {}: started, {nodes}{}", run_name(live), workers.unwrap_or_default())
}

/// What a failure says of itself beside what the line has said: which node it is,
/// and that it failed.
pub(super) fn own_words(message: &str, name: &str) -> String {
    let rest = message.strip_prefix("node `").and_then(|rest| rest.strip_prefix(name));
    let rest = rest.and_then(|rest| rest.strip_prefix("` ")).unwrap_or(message);
    text::start_of(rest.strip_prefix("failed: ").unwrap_or(rest), text::MESSAGE)
}
