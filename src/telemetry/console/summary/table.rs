//! The nodes of a run that is over, as a table.

use std::time::Duration;

use comfy_table::{CellAlignment, LineStyle, Table, presets};

use super::super::surroundings::Shape;
use super::super::{text, units};
use crate::telemetry::record::{NodeState, RunRecord};

/// The columns, and how long one is kept when there is no room for all: the highest
/// goes first.
const COLUMNS: [(&str, u8); 8] = [
    ("node", 0),
    ("state", 0),
    ("queued", 3),
    ("ran", 1),
    ("attempts", 4),
    ("rows", 2),
    ("bytes in", 6),
    ("bytes out", 5),
];
/// The least that is left of a name.
const NAME: usize = 8;
/// Between two columns, one of which is before the first.
const BLANKS: usize = 2;

/// The table of all nodes, or of `rows` of them where there are more: of those that
/// failed, up to half of it, and of those that took longest. Then a line for each
/// state tells how many are left.
pub(super) fn table(record: &RunRecord, rows: usize, shape: Shape) -> String {
    let shown = choose(record, rows);
    let mut body: Vec<(NodeState, [String; 8])> = shown
        .iter()
        .map(|node| (record.nodes[*node as usize].state, cells(record, *node)))
        .collect();
    body.extend(rest(record, &shown));
    let columns = usize::from(shape.columns);
    let widths: Vec<usize> = (0..COLUMNS.len())
        .map(|at| {
            let cells = body.iter().map(|(_, cells)| text::width(&cells[at]));
            cells.chain([COLUMNS[at].0.len()]).max().unwrap_or(0)
        })
        .collect();
    let kept = kept(&widths, columns);
    let others: usize = kept.iter().filter(|at| **at > 0).map(|at| widths[*at] + BLANKS).sum();
    let name = (columns + 1).saturating_sub(others + BLANKS).max(NAME);
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()));
    table.set_header(kept.iter().map(|at| COLUMNS[*at].0));
    for (_, cells) in &body {
        table.add_row(kept.iter().map(|at| match at {
            0 => text::ends_of(&cells[0], name),
            at => cells[*at].clone(),
        }));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((1, 0));
        if at >= 2 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    // One line above the header, two with the line below it.
    let states = body.iter().map(|(state, _)| *state);
    let mut text = String::new();
    for (at, line) in table.lines().enumerate() {
        let line = fitting(line.trim_end(), columns);
        match at.checked_sub(3).and_then(|at| states.clone().nth(at)) {
            Some(NodeState::Done) | None => text.push_str(&line),
            Some(state) => text.push_str(&shape.palette.state(state, &line)),
        }
        text.push('\n');
    }
    text
}

/// Cuts what is still too long: of a terminal with hardly any columns.
fn fitting(line: &str, columns: usize) -> String {
    if text::width(line) <= columns {
        line.to_owned()
    } else if line.starts_with(['─', '═']) {
        line.chars().take(columns).collect()
    } else {
        text::start_of(line, columns)
    }
}

/// The columns that there is room for.
fn kept(widths: &[usize], columns: usize) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..COLUMNS.len()).collect();
    let needed = |kept: &[usize]| -> usize {
        let name = widths[0].min(NAME.max(columns / 4));
        kept.iter().map(|at| if *at == 0 { name } else { widths[*at] } + BLANKS).sum()
    };
    while needed(&kept) > columns + 1 {
        let Some(worst) = kept.iter().copied().max_by_key(|at| COLUMNS[*at].1) else { break };
        if COLUMNS[worst].1 == 0 {
            break;
        }
        kept.retain(|at| *at != worst);
    }
    kept
}

fn cells(record: &RunRecord, node: u32) -> [String; 8] {
    let told = &record.nodes[node as usize];
    let last = record.last_attempt(node);
    let (queued, ran) = last.map(|last| (last.queued, last.ran(record.last))).unzip();
    [
        text::ends_of(record.graph.name(node), text::NAME),
        told.state.as_str().to_owned(),
        units::or_dash(queued.map(units::duration)),
        units::or_dash(ran.map(units::duration)),
        if told.attempts == 0 { "-".to_owned() } else { told.attempts.to_string() },
        units::or_dash(told.rows),
        units::bytes(told.bytes_loaded),
        units::bytes(told.bytes_saved),
    ]
}

/// The nodes to show, in the order of the pipeline.
fn choose(record: &RunRecord, rows: usize) -> Vec<u32> {
    let all = 0..record.nodes.len() as u32;
    if record.nodes.len() <= rows {
        return all.collect();
    }
    let has_failed = |node: &u32| record.nodes[*node as usize].state == NodeState::Failed;
    let mut shown: Vec<u32> = all.clone().filter(has_failed).take(rows.div_ceil(2)).collect();
    let ran =
        |node: u32| record.last_attempt(node).map_or(Duration::ZERO, |last| last.ran(record.last));
    let mut others: Vec<(Duration, u32)> =
        all.filter(|node| !has_failed(node)).map(|node| (ran(node), node)).collect();
    // Of those that took as long the first, so that it is always the same.
    let slowest = |(ran, node): &(Duration, u32)| (std::cmp::Reverse(*ran), *node);
    let room = (rows - shown.len()).min(others.len());
    if room > 0 && room < others.len() {
        others.select_nth_unstable_by_key(room - 1, slowest);
    }
    shown.extend(others[..room].iter().map(|(_, node)| node));
    shown.sort_unstable();
    shown
}

/// A line for each state that nodes are in which are not shown.
fn rest(record: &RunRecord, shown: &[u32]) -> Vec<(NodeState, [String; 8])> {
    let mut counts: Vec<(NodeState, u64)> = Vec::new();
    let mut shown = shown.iter().copied().peekable();
    for (node, told) in (0..).zip(&record.nodes) {
        if shown.next_if_eq(&node).is_some() {
            continue;
        }
        match counts.iter_mut().find(|(state, _)| *state == told.state) {
            Some((_, count)) => *count += 1,
            None => counts.push((told.state, 1)),
        }
    }
    let line = |(state, count): (NodeState, u64)| {
        let mut cells = [const { String::new() }; 8];
        cells[0] = format!("{count} more");
        cells[1] = state.as_str().to_owned();
        (state, cells)
    };
    counts.into_iter().map(line).collect()
}
