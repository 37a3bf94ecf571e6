//! What nodes said: the ends of their logs.

use std::io;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::super::record::{NodeState, RunRecord};
use super::clip::clip;
use super::log_tail::tail;

/// How many lines a page has of a node that failed, and of any other.
const LINES_OF_FAILED: usize = 200;
const LINES: usize = 50;
/// How much a page has of them, in bytes: of those that failed, and in all.
const OF_FAILED: usize = 1 << 20;
const OF_ALL: usize = 2 << 20;
/// The most of one message, and of one line's fields together.
const MESSAGE: usize = 4 << 10;

/// The end of the log of one attempt at a node.
#[derive(Serialize)]
pub(super) struct Log {
    node: u32,
    attempt: u32,
    lines: Vec<Line>,
    /// Whether there is more in the file.
    is_cut: bool,
    file: String,
    /// Why it could not be read.
    error: Option<String>,
}

/// One line: time, level, target, message, and all else that it has.
#[derive(Serialize)]
struct Line(String, String, String, String, String);

impl Line {
    fn size(&self) -> usize {
        self.0.len() + self.1.len() + self.2.len() + self.3.len() + self.4.len()
    }
}

/// The logs of the nodes, those that failed first; and how many others have one
/// that there was no room for.
pub(super) fn logs(record: &RunRecord) -> (Vec<Log>, usize) {
    let Some(folder) = &record.folder else { return (Vec::new(), 0) };
    let is_failed = |node: u32| {
        let node = &record.nodes[node as usize];
        matches!(node.state, NodeState::Failed | NodeState::Running | NodeState::Retrying)
    };
    let with_attempts = (0..record.nodes.len() as u32)
        .filter_map(|node| Some((node, record.last_attempt(node)?.number)));
    let (first, then): (Vec<_>, Vec<_>) = with_attempts.partition(|(node, _)| is_failed(*node));
    let (mut logs, mut room, mut left_out) = (Vec::new(), OF_FAILED, 0);
    for (nodes, most, more_room) in [(first, LINES_OF_FAILED, 0), (then, LINES, OF_ALL - OF_FAILED)]
    {
        room += more_room;
        for (node, attempt) in nodes {
            let file = file_of(record.graph.name(node), attempt);
            match read(folder, &file, most, room) {
                Ok(None) => {}
                Ok(Some(_)) if room == 0 => left_out += 1,
                Ok(Some((lines, is_cut))) => {
                    room -= lines.iter().map(Line::size).sum::<usize>().min(room);
                    logs.push(Log { node, attempt, lines, is_cut, file, error: None });
                }
                Err(error) => {
                    let error = Some(error.to_string());
                    logs.push(Log { node, attempt, lines: Vec::new(), is_cut: false, file, error });
                }
            }
        }
    }
    (logs, left_out)
}

/// Where in the run's folder the log of an attempt is.
fn file_of(node: &str, attempt: u32) -> String {
    format!("nodes/{}.{attempt}.jsonl", super::super::folder_name::folder_name(node))
}

/// The last lines of a log, and whether there are more; `None` if it is not there.
fn read(
    folder: &Path,
    file: &str,
    most: usize,
    room: usize,
) -> io::Result<Option<(Vec<Line>, bool)>> {
    let path = folder.join(file);
    if room == 0 {
        return Ok(path.is_file().then(|| (Vec::new(), true)));
    }
    let tail = match tail(&path, most) {
        Ok(tail) => tail,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // The last ones count: from the end on, as many as there is room for.
    let (mut lines, mut size, mut is_cut) = (Vec::new(), 0, tail.is_cut);
    for text in tail.lines.iter().rev() {
        let line = line(text);
        size += line.size();
        if size > room {
            is_cut = true;
            break;
        }
        lines.push(line);
    }
    lines.reverse();
    Ok(Some((lines, is_cut)))
}

/// A line of a log taken apart; one that is no JSON object is a message.
fn line(text: &str) -> Line {
    let Ok(Value::Object(mut keys)) = serde_json::from_str(text) else {
        let empty = String::new;
        return Line(empty(), empty(), empty(), clip(text, MESSAGE).into_owned(), empty());
    };
    let mut text_of = |key: &str| match keys.remove(key) {
        Some(Value::String(text)) => clip(&text, MESSAGE).into_owned(),
        Some(Value::Null) | None => String::new(),
        Some(other) => clip(&other.to_string(), MESSAGE).into_owned(),
    };
    let (time, level, target) = (text_of("time"), text_of("level"), text_of("target"));
    let message = text_of("message");
    // The page says these of the whole log.
    for key in ["run_id", "node", "attempt", "thread"] {
        keys.remove(key);
    }
    let mut rest = String::new();
    if let Some(Value::Object(fields)) = keys.remove("fields") {
        add(&mut rest, &fields);
    }
    if let Some(Value::Array(spans)) = keys.remove("spans") {
        spans.iter().for_each(|span| add_span(&mut rest, span));
    }
    add(&mut rest, &keys);
    Line(time, level, target, message, clip(&rest, MESSAGE).into_owned())
}

/// Adds `key=value` for each.
fn add(rest: &mut String, fields: &Map<String, Value>) {
    for (key, value) in fields {
        if !rest.is_empty() {
            rest.push(' ');
        }
        *rest += key;
        rest.push('=');
        match value {
            Value::String(text) => *rest += text,
            other => *rest += &other.to_string(),
        }
    }
}

/// Adds `name{key=value …}`.
fn add_span(rest: &mut String, span: &Value) {
    if !rest.is_empty() {
        rest.push(' ');
    }
    *rest += span.get("name").and_then(Value::as_str).unwrap_or("span");
    let mut inner = String::new();
    if let Some(Value::Object(fields)) = span.get("fields") {
        add(&mut inner, fields);
    }
    *rest += &format!("{{{inner}}}");
}
