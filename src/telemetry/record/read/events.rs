//! The events of a run, from their lines.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::super::{Graph, NodeRecord, RunRecord};
use super::problems::Problems;
use super::{EVENTS, RecordError};
use crate::telemetry::event_json::{Line, LineError, read_line};

/// No event is longer: one of a million nodes that are left to do is not.
const LONGEST: u64 = 1 << 30;

/// Applies all events of the file to `record`.
pub(super) fn read(
    path: &Path,
    file: File,
    has_pipeline: bool,
    record: &mut RunRecord,
    problems: &mut Problems,
) -> Result<(), RecordError> {
    let mut file = BufReader::with_capacity(256 * 1024, file);
    let mut reader = Reader { has_pipeline, record, problems, seqs: Vec::new() };
    let (mut text, mut number) = (Vec::new(), 0);
    let mut first_problem = None;
    loop {
        text.clear();
        let read = file.by_ref().take(LONGEST).read_until(b'\n', &mut text);
        if read.map_err(|error| RecordError::io(path, error))? == 0 {
            break;
        }
        number += 1;
        if text.len() as u64 == LONGEST {
            let what = format!("line {number} is longer than any event");
            return Err(RecordError::malformed(path, what));
        }
        let is_whole = text.last() == Some(&b'\n');
        match reader.line(number, &text) {
            Ok(()) => {}
            Err(LineError::Newer(schema)) => {
                let what = format!("line {number}: {}", LineError::Newer(schema));
                return Err(RecordError::malformed(path, what));
            }
            Err(_) if !is_whole => reader.problems.say(format!(
                "{EVENTS} line {number}, the last, is torn: it is being written, or was when \
                 the process ended"
            )),
            Err(error) => {
                reader.problems.say_of_line(number, || error.to_string());
                first_problem.get_or_insert_with(|| format!("line {number}: {error}"));
            }
        }
    }
    // Not one line of what ought to be a file of events is any.
    if reader.seqs.is_empty()
        && let Some(what) = first_problem
    {
        return Err(RecordError::malformed(path, what));
    }
    reader.look_for_gaps();
    Ok(())
}

struct Reader<'r> {
    has_pipeline: bool,
    record: &'r mut RunRecord,
    problems: &'r mut Problems,
    /// The numbers of all events.
    seqs: Vec<u64>,
}

impl Reader<'_> {
    fn line(&mut self, number: u64, text: &[u8]) -> Result<(), LineError> {
        let Graph::Written(graph) = &mut self.record.graph else {
            unreachable!("what is read back was written")
        };
        let line = match self.has_pipeline {
            true => read_line(text, &mut |name| graph.find(name)),
            false => read_line(text, &mut |name| Some(graph.find_or_add(name))),
        };
        let nodes = graph.len();
        self.record.nodes.resize(nodes, NodeRecord::new());
        match line? {
            Line::Event { event, written_by } => {
                self.seqs.push(event.seq);
                self.record.apply(&event);
                if let Some(version) = written_by {
                    self.record.written_by = Some(version.into());
                }
            }
            Line::Unknown { seq, event } => {
                self.seqs.push(seq);
                let event: String = event.chars().take(60).collect();
                self.problems.say_of_line(number, || {
                    format!("{event:?} is no event that this version of entourage knows")
                });
            }
        }
        Ok(())
    }

    /// Events are counted from 0, each once.
    fn look_for_gaps(&mut self) {
        self.seqs.sort_unstable();
        let all = self.seqs.len() as u64;
        self.seqs.dedup();
        let found = self.seqs.len() as u64;
        if found < all {
            let problem = format!("{} of the events in {EVENTS} are there twice", all - found);
            self.problems.say(problem);
        }
        let Some(last) = self.seqs.last() else { return };
        let missing = last - (found - 1);
        if missing == 0 {
            return;
        }
        let first = self.seqs.iter().zip(0..).find(|(seq, at)| *seq != at);
        let first = first.map_or(found, |(_, at)| at);
        let what = if missing == 1 { "event is" } else { "events are" };
        self.problems.say(format!("{missing} {what} missing from {EVENTS}; the first is {first}"));
    }
}
