//! The critical path in a line or two.

use std::time::Duration;

use super::super::{text, units};
use crate::telemetry::record::{RunRecord, Step};

/// How many terminal lines it may take.
const LINES: usize = 3;
/// The longest name in it.
const NAME: usize = 40;
const ARROW: &str = " → ";
/// What a gap takes at most.
const GAP: usize = 12;
/// Which part of the path a wait has to be, to be worth a word.
const WORTH: u32 = 20;

/// `2.9 s: load 1.2 s → clean 0.9 s → fit 0.8 s`; of a long one the steps that took
/// longest, and how many are left out between them. What a node took before its last
/// attempt ran is told where it is worth it.
pub(super) fn critical_path(record: &RunRecord, columns: usize) -> Option<String> {
    let steps = record.critical_path();
    if steps.is_empty() {
        return None;
    }
    let total: Duration = steps.iter().map(Step::took).sum();
    let words = |at: usize| {
        let step = &steps[at];
        let name = text::ends_of(record.graph.name(step.node), NAME);
        let attempts = record.last_attempt(step.node).map_or(1, |last| last.number);
        format!("{name} {}{}", units::duration(step.ran), beside(step, attempts, total))
    };
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse((steps[*at].took(), steps.len() - at)));
    let (mut shown, mut used) = (Vec::new(), 0);
    for at in order {
        let words = words(at);
        used += text::width(&words) + GAP;
        if !shown.is_empty() && used > columns * LINES {
            break;
        }
        shown.push((at, words));
    }
    shown.sort_by_key(|(at, _)| *at);
    let mut parts = Vec::new();
    let mut next = 0;
    for (at, words) in shown {
        parts.extend(gap(at - next));
        parts.push(words);
        next = at + 1;
    }
    parts.extend(gap(steps.len() - next));
    Some(format!("{}: {}", units::duration(total), parts.join(ARROW)))
}

/// What there was beside the last attempt: the ones before it, and waits.
fn beside(step: &Step, attempts: u32, total: Duration) -> String {
    let mut words = String::new();
    let mut waited = step.queued;
    match attempts.saturating_sub(1) {
        0 => waited += step.before,
        failed => {
            let failed = units::count(failed, "failed attempt");
            words = format!(" after {failed}, {}", units::duration(step.before));
        }
    }
    if waited >= Duration::from_millis(1) && waited >= total / WORTH {
        words += &format!(" (waited {})", units::duration(waited));
    }
    words
}

fn gap(nodes: usize) -> Option<String> {
    (nodes > 0).then(|| format!("({nodes} more)"))
}
