//! What is said of a run when it is over.

mod path;
mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::live::Live;
use super::plain::{own_words, run_name};
use super::surroundings::Shape;
use super::{text, units};
use crate::context::{RunLogger, discard};
use crate::events::{ResumeFrom, RunEnd};
use crate::telemetry::record::{NodeState, RunRecord};

/// How many failures are told with all that they say.
const FAILURES: usize = 10;
/// How many lines, and how many causes of one are told.
const LINES: usize = 12;
/// How many problems are told, for which a run was refused.
const PROBLEMS: usize = 50;
/// How many problems are told that the recorder had.
const RECORDING: usize = 5;
/// How many names of nodes are told in a line.
const NAMES: usize = 8;

/// All of it, whole lines.
pub(super) fn of(live: &Live, shape: Shape) -> String {
    let (record, settings) = (&live.record, &live.settings);
    let mut out = Out { text: String::new(), shape };
    out.headline(live);
    if settings.has_table && !record.nodes.is_empty() {
        out.text.push_str(&table::table(record, settings.table_rows, shape));
        out.speed(record);
    }
    out.failures(record);
    out.retries(record);
    if live.hidden > 0 {
        out.line("log lines not shown", &live.hidden.to_string());
    }
    let folder = settings.folder.as_ref().and_then(|folder| foreign(|| folder(&live.run_id)));
    let recorder = settings.recorder.as_ref();
    let recorded = recorder.and_then(|recorder| recorder.folder_of(&live.run_id));
    if let Some(folder) = folder.flatten().or(recorded) {
        out.line("folder", &text::start_of(&folder.to_string_lossy(), text::MESSAGE));
    }
    if let Some(recorder) = recorder {
        let of_run = format!("run `{}`: ", live.run_id);
        let problems = recorder.problems();
        let problems: Vec<_> =
            problems.iter().filter_map(|all| all.strip_prefix(&of_run)).collect();
        for problem in problems.iter().take(RECORDING) {
            out.line("recording", &text::start_of(problem, text::MESSAGE));
        }
        if problems.len() > RECORDING {
            out.line("recording", &format!("and {} more problems", problems.len() - RECORDING));
        }
    }
    let resume = record.ended.as_ref().and_then(|ended| ended.resume.as_ref());
    if let Some(resume) = resume {
        let command = settings.resume_command.as_ref();
        match command.and_then(|command| foreign(|| command(resume))) {
            Some(command) => out.line("resume", &text::start_of(&command, 4 * text::MESSAGE)),
            None => out.line("resume", &resume_from(resume)),
        }
    }
    out.text
}

/// Calls what the user gave, which may panic.
fn foreign<R>(call: impl FnOnce() -> R) -> Option<R> {
    RunLogger::silenced(|| catch_unwind(AssertUnwindSafe(call)).map_err(discard).ok())
}

struct Out {
    text: String,
    shape: Shape,
}

impl Out {
    fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn line(&mut self, what: &str, line: &str) {
        let what = self.shape.palette.bold(&format!("{what}:"));
        self.push(&format!("{what} {line}"));
    }

    /// `run nightly-42: done in 3.2 s, 8 nodes: 8 done`.
    fn headline(&mut self, live: &Live) {
        let palette = self.shape.palette;
        let Some(ended) = &live.record.ended else {
            return self.push(&format!("run {}: interrupted", run_name(live)));
        };
        let state = match ended.end {
            RunEnd::Done => NodeState::Done,
            RunEnd::Cancelled => NodeState::Cancelled,
            _ => NodeState::Failed,
        };
        let word = palette.state(state, ended.end.as_str());
        if ended.end == RunEnd::Refused {
            return self.refused(&run_name(live), &word, &ended.problems, ended.error.as_deref());
        }
        let (took, nodes) = (units::duration(ended.took), units::count(live.total(), "node"));
        let states = live.counts.in_words(|state, words| palette.state(state, words));
        let states = if states.is_empty() { states } else { format!(": {states}") };
        self.push(&format!("run {}: {word} in {took}, {nodes}{states}", run_name(live)));
        // What a failed node says is told with the node.
        if ended.end == RunEnd::Failed
            && live.counts.of(NodeState::Failed) == 0
            && let Some(error) = &ended.error
        {
            self.indented(error);
        }
    }

    fn refused(
        &mut self,
        run: &str,
        word: &str,
        problems: &[std::borrow::Cow<'_, str>],
        error: Option<&str>,
    ) {
        self.push(&format!("run {run}: {word}"));
        for problem in problems.iter().take(PROBLEMS) {
            self.item(problem);
        }
        if problems.len() > PROBLEMS {
            self.push(&format!("  and {} more", problems.len() - PROBLEMS));
        }
        if problems.is_empty() {
            self.indented(error.unwrap_or_default());
        }
    }

    /// What the run had to wait for, and how well its workers were used.
    fn speed(&mut self, record: &RunRecord) {
        if let Some(path) = path::critical_path(record, usize::from(self.shape.columns)) {
            self.line("critical path", &path);
        }
        if let (Some(efficiency), Some(started)) = (record.efficiency(), &record.started) {
            let workers = units::count(started.workers, "worker");
            let percent = efficiency * 100.0;
            self.line("parallel efficiency", &format!("{percent:.0} % of {workers}"));
        }
    }

    fn failures(&mut self, record: &RunRecord) {
        let is_failed = |node: &u32| record.nodes[*node as usize].state == NodeState::Failed;
        let failed: Vec<u32> = (0..record.nodes.len() as u32).filter(is_failed).collect();
        for node in failed.iter().take(FAILURES) {
            self.failure(record, *node);
        }
        if failed.len() > FAILURES {
            self.push(&format!("and {} more failed", failed.len() - FAILURES));
        }
    }

    /// The nodes that did not fail for good, though they needed several attempts.
    fn retries(&mut self, record: &RunRecord) {
        let mut retried = (0..record.nodes.len() as u32).filter_map(|node| {
            let told = &record.nodes[node as usize];
            let is_told = told.attempts < 2 || told.state == NodeState::Failed;
            (!is_told).then_some((node, told.attempts))
        });
        let named = retried.by_ref().take(NAMES).map(|(node, attempts)| {
            let name = text::ends_of(record.graph.name(node), text::NAME);
            format!("{name} ({attempts} attempts)")
        });
        let named: Vec<_> = named.collect();
        if !named.is_empty() {
            self.line("retried", &and_more(named, retried.count()));
        }
    }

    fn failure(&mut self, record: &RunRecord, node: u32) {
        let name = record.graph.name(node);
        let told = &record.nodes[node as usize];
        let attempts = match told.attempts {
            0 | 1 => String::new(),
            attempts => format!(", attempt {attempts}"),
        };
        let word = self.shape.palette.state(NodeState::Failed, "failed");
        let head = format!("{word}: {}{attempts}", text::ends_of(name, text::NAME));
        let Some(failure) = &told.failure else { return self.push(&head) };
        let mut lines = failure.message.lines();
        let first = own_words(lines.next().unwrap_or_default(), name);
        self.push(&format!("{head}: {first}"));
        for line in lines.take(LINES) {
            self.push(&format!("    {}", text::start_of(line, text::MESSAGE)));
        }
        for cause in failure.causes.iter().take(LINES) {
            self.indented(&format!("caused by: {cause}"));
        }
        // The message of a panic may have it.
        let place = failure.place.as_ref().filter(|place| !failure.message.contains(&***place));
        if let Some(place) = place {
            self.push(&format!("  at {}", text::start_of(place, text::MESSAGE)));
        }
    }

    /// A text that may have several lines.
    fn indented(&mut self, text: &str) {
        for (at, line) in text::lines_of(text).take(LINES).enumerate() {
            let indent = if at == 0 { "  " } else { "    " };
            self.push(&format!("{indent}{line}"));
        }
    }

    fn item(&mut self, text: &str) {
        self.indented(&format!("- {text}"));
    }
}

/// How to go on where nobody has said what the program's own words for it are.
fn resume_from(resume: &ResumeFrom) -> String {
    if resume.is_whole {
        return "run it all again".to_owned();
    }
    let from = names(&resume.from_nodes);
    if resume.is_exact {
        return format!("from {from}");
    }
    let nodes = if resume.nodes.len() == 1 { "node" } else { "nodes" };
    format!("{nodes} {} (or from {from}, and with that others, too)", names(&resume.nodes))
}

fn names(of: &[String]) -> String {
    let named = of.iter().take(NAMES);
    let named: Vec<_> = named.map(|name| text::ends_of(name, text::NAME)).collect();
    let more = of.len() - named.len();
    and_more(named, more)
}

fn and_more(named: Vec<String>, more: usize) -> String {
    let named = named.join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}
