//! One record as one line of JSON, never longer than it may be.
//!
//! A line is built from the front with what room there is: first the keys that
//! every line has, of which none may take more than a share, then fields, then
//! spans, the innermost ones first. A part at the end is kept free for the word on
//! what was cut or left out.

use std::thread;
use std::time::{Duration, SystemTime};

use self::json::Json;
use self::left_out::LeftOut;
use super::limits::LogLimits;
use crate::context::{LogRecord, LogSpan, LogValue};

mod json;
mod left_out;

/// The last second that RFC 3339 can write: its years have four digits.
const LAST_SECOND: Duration = Duration::from_secs(253_402_300_799);

/// What the punctuation, the names of the keys, the time, the level, the attempt
/// and a count of repetitions take at most.
const FIXED: usize = 320;

/// How many fields a line has at most, so that a name is found among the others in
/// a short time.
const MOST_FIELDS: usize = 512;

/// A line but for its beginning and end, so that it can be written more than once.
#[derive(Clone)]
pub(super) struct Line {
    /// From the level on.
    json: Vec<u8>,
    #[cfg(feature = "pipeline")]
    pub(super) is_truncated: bool,
}

impl Line {
    /// The line of `record`, said on this thread.
    pub(super) fn of(record: &LogRecord<'_>, limits: &LogLimits) -> Self {
        let mut writing = Writing {
            json: Json::with_room(limits.line_bytes - FIXED - limits.line_bytes / 8),
            longest: limits.text_bytes,
            share: limits.line_bytes / 16,
            left_out: LeftOut::new(limits.line_bytes / 8),
        };
        writing.record(record);
        let Writing { mut json, left_out, .. } = writing;
        #[cfg(feature = "pipeline")]
        let is_truncated = !left_out.is_nothing();
        left_out.write(&mut json);
        Self {
            json: json.into_bytes(),
            #[cfg(feature = "pipeline")]
            is_truncated,
        }
    }

    /// With the time at which it was said, and its line feed.
    pub(super) fn at(&self, time: SystemTime) -> Vec<u8> {
        self.whole(time, None)
    }

    /// As [`at`](Self::at), for `count` times that it was said.
    #[cfg(feature = "pipeline")]
    pub(super) fn repeated(&self, time: SystemTime, count: u64) -> Vec<u8> {
        self.whole(time, Some(count))
    }

    fn whole(&self, time: SystemTime, count: Option<u64>) -> Vec<u8> {
        let mut line = Json::with_room(usize::MAX);
        line.raw("{\"time\":\"");
        line.display(humantime::format_rfc3339_micros(writable(time)));
        line.raw("\"");
        line.append(&self.json);
        if let Some(count) = count {
            line.raw(",\"repeated\":");
            line.display(count);
        }
        line.raw("}\n");
        line.into_bytes()
    }
}

/// `time`, or the nearest that can be written. A clock may be set to anything.
fn writable(time: SystemTime) -> SystemTime {
    let (first, last) = (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + LAST_SECOND);
    time.clamp(first, last)
}

struct Writing {
    json: Json,
    /// How many bytes of a text are kept.
    longest: usize,
    /// How many bytes a name may take, be it that of a run or of a field.
    share: usize,
    left_out: LeftOut,
}

impl Writing {
    fn record(&mut self, record: &LogRecord<'_>) {
        let LogRecord { run_id, node, attempt, target, fields, spans, .. } = record;
        self.json.raw(",\"level\":\"");
        self.json.raw(record.level.as_str());
        self.json.raw("\",\"message\":");
        // The names that follow find room, however long it is.
        let kept_free = 5 * self.share;
        self.message(record.message, record.whole_message, kept_free);
        self.name("run_id", run_id.as_ref().map(|run_id| run_id.as_str()));
        self.name("node", node.as_ref().map(|node| node.as_str()));
        self.json.raw(",\"attempt\":");
        match attempt {
            Some(attempt) => self.json.display(attempt),
            None => self.json.raw("null"),
        }
        let thread = thread::current();
        match thread.name() {
            Some(name) => self.name("thread", Some(name)),
            None => self.name("thread", Some(&format!("{:?}", thread.id()))),
        }
        self.name("target", Some(target));
        self.json.raw(",\"fields\":{");
        let Self { json, longest, share, left_out } = self;
        fields_of(json, fields, *longest, *share, left_out);
        left_out.fields(record.fields_left_out);
        self.json.raw("},\"spans\":[");
        self.spans(spans, record.spans_left_out);
        self.json.raw("]");
    }

    fn message(&mut self, message: &str, whole: Option<u64>, kept_free: usize) {
        let room = self.json.room().saturating_sub(kept_free);
        let written = self.json.text(message, self.longest, room);
        let bytes = whole.or_else(|| (written < message.len()).then_some(message.len() as u64));
        if let Some(bytes) = bytes {
            self.left_out.of_key("message", bytes);
        }
    }

    fn name(&mut self, key: &'static str, name: Option<&str>) {
        self.json.raw(",\"");
        self.json.raw(key);
        self.json.raw("\":");
        let Some(name) = name else { return self.json.raw("null") };
        let written = self.json.text(name, usize::MAX, self.share);
        if written < name.len() {
            self.left_out.of_key(key, name.len() as u64);
        }
    }

    fn spans(&mut self, spans: &[LogSpan<'_>], left_out: usize) {
        let mut written = Vec::new();
        let mut room = self.json.room();
        for span in spans.iter().rev() {
            let one = self.span(span, room);
            // With the comma.
            let Some(rest) = room.checked_sub(one.len() + 1) else { break };
            room = rest;
            written.push(one);
        }
        self.left_out.spans(left_out + spans.len() - written.len());
        for (at, span) in written.iter().rev().enumerate() {
            self.json.raw(if at == 0 { "" } else { "," });
            self.json.append(span);
        }
    }

    fn span(&self, span: &LogSpan<'_>, room: usize) -> Vec<u8> {
        let mut left_out = LeftOut::new(room / 8);
        let mut json = Json::with_room(room.saturating_sub(room / 8 + FIXED));
        json.raw("{\"name\":");
        let written = json.text(span.name, usize::MAX, self.share);
        if written < span.name.len() {
            left_out.of_key("name", span.name.len() as u64);
        }
        json.raw(",\"fields\":{");
        fields_of(&mut json, span.fields, self.longest, self.share, &mut left_out);
        json.raw("}");
        left_out.write(&mut json);
        json.raw("}");
        json.into_bytes()
    }
}

/// Writes as many fields as there is room for, each under a name of its own.
fn fields_of(
    json: &mut Json,
    fields: &[(&str, LogValue)],
    longest: usize,
    share: usize,
    left_out: &mut LeftOut,
) {
    let all = fields;
    let fields = &all[..all.len().min(MOST_FIELDS)];
    let mut renamed: Vec<String> = Vec::new();
    let (mut count, mut skipped) = (0, all.len() - fields.len());
    for (at, (name, value)) in fields.iter().enumerate() {
        let earlier = fields[..at].iter().filter(|(earlier, _)| earlier == name).count();
        let free = (earlier > 0).then(|| free_name(name, earlier + 1, fields, &renamed));
        let name = free.as_deref().unwrap_or(name);
        let mark = json.mark();
        json.raw(if count == 0 { "" } else { "," });
        let is_whole_name = json.text(name, usize::MAX, share) == name.len();
        json.raw(":");
        if !is_whole_name || !json.has_room() {
            json.back_to(mark);
            skipped += 1;
            continue;
        }
        match written(json, value, longest) {
            Written::Whole => count += 1,
            Written::Cut(bytes) => {
                left_out.of_field(name, bytes);
                count += 1;
            }
            Written::Not => {
                json.back_to(mark);
                skipped += 1;
                continue;
            }
        }
        renamed.extend(free);
    }
    left_out.fields(skipped);
}

enum Written {
    Whole,
    /// Of so many bytes.
    Cut(u64),
    Not,
}

fn written(json: &mut Json, value: &LogValue, longest: usize) -> Written {
    let (text, bytes) = match value {
        LogValue::Text(text) => (text, None),
        LogValue::Cut { text, bytes } => (text, Some(*bytes)),
        value => {
            json.plain(value);
            return if json.has_room() { Written::Whole } else { Written::Not };
        }
    };
    let room = json.room();
    // Quotes at least, and a few letters, or it says nothing.
    if room < 16 && room < text.len() + 2 {
        return Written::Not;
    }
    let written = json.text(text, longest, room);
    match bytes.or_else(|| (written < text.len()).then_some(text.len() as u64)) {
        Some(bytes) => Written::Cut(bytes),
        None => Written::Whole,
    }
}

/// What to call the `nth` field of one `name`: `name#2`, say, or with the next
/// number that no field has, be it of its own or by having been renamed.
#[cold]
fn free_name(
    name: &str,
    mut nth: usize,
    fields: &[(&str, LogValue)],
    renamed: &[String],
) -> String {
    loop {
        let free = format!("{name}#{nth}");
        if !renamed.contains(&free) && !fields.iter().any(|(other, _)| *other == free) {
            return free;
        }
        nth += 1;
    }
}
