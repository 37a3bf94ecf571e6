//! One record as one line of JSON.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::thread;
use std::time::{Duration, SystemTime};

use crate::context::{LogRecord, LogValue};

/// The last second that RFC 3339 can write: its years have four digits.
const LAST_SECOND: Duration = Duration::from_secs(253_402_300_799);

/// The line of `record`, said now on this thread, with its line feed.
pub(super) fn of(record: &LogRecord<'_>) -> Vec<u8> {
    let mut line = Line(Vec::with_capacity(256));
    line.raw("{\"time\":\"");
    line.display(humantime::format_rfc3339_micros(writable(SystemTime::now())));
    line.raw("\",\"level\":\"");
    line.raw(record.level.as_str());
    line.raw("\",\"message\":");
    line.text(record.message);
    line.raw(",\"run_id\":");
    line.text_or_null(record.run_id.as_ref().map(|run_id| run_id.as_str()));
    line.raw(",\"node\":");
    line.text_or_null(record.node.as_ref().map(|node| node.as_str()));
    line.raw(",\"thread\":");
    line.thread();
    line.raw(",\"target\":");
    line.text(record.target);
    line.raw(",\"fields\":{");
    line.fields(record.fields);
    line.raw("}}\n");
    line.0
}

/// `time`, or the nearest that can be written. A clock may be set to anything.
fn writable(time: SystemTime) -> SystemTime {
    let (first, last) = (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + LAST_SECOND);
    time.clamp(first, last)
}

struct Line(Vec<u8>);

impl Line {
    fn raw(&mut self, json: &str) {
        self.0.extend_from_slice(json.as_bytes());
    }

    /// Writes what needs no escapes.
    fn display(&mut self, value: impl fmt::Display) {
        // A vector takes all that is written to it, and these values have no
        // errors of their own.
        let _ = write!(self.0, "{value}");
    }

    /// Writes a string literal.
    fn text(&mut self, text: &str) {
        let start = self.0.len();
        // As above.
        let _ = serde_json::to_writer(&mut self.0, text);
        if self.0[start..].iter().any(|byte| *byte >= 0x7f) {
            self.escape_from(start);
        }
    }

    /// Escapes what JSON leaves alone and a terminal or a reader of lines does
    /// not: DEL, the C1 control characters, and the two Unicode line ends.
    #[cold]
    fn escape_from(&mut self, start: usize) {
        let literal = self.0.split_off(start);
        let mut escaped = String::with_capacity(literal.len());
        for character in String::from_utf8_lossy(&literal).chars() {
            match character {
                '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                    // A string takes all that is written to it.
                    let _ = write!(escaped, "\\u{:04x}", u32::from(character));
                }
                _ => escaped.push(character),
            }
        }
        self.raw(&escaped);
    }

    fn text_or_null(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.raw("null"),
        }
    }

    fn thread(&mut self) {
        let thread = thread::current();
        match thread.name() {
            Some(name) => self.text(name),
            None => self.text(&format!("{:?}", thread.id())),
        }
    }

    fn fields(&mut self, fields: &[(&str, LogValue)]) {
        let mut renamed = Vec::new();
        for (at, (name, value)) in fields.iter().enumerate() {
            if at > 0 {
                self.raw(",");
            }
            if fields[..at].iter().any(|(earlier, _)| earlier == name) {
                let free = free_name(name, fields, &renamed);
                self.text(&free);
                renamed.push(free);
            } else {
                self.text(name);
            }
            self.raw(":");
            self.value(value);
        }
    }

    fn value(&mut self, value: &LogValue) {
        match value {
            LogValue::Bool(value) => self.display(value),
            LogValue::Signed(value) if i64::try_from(*value).is_ok() => self.display(value),
            LogValue::Unsigned(value) if u64::try_from(*value).is_ok() => self.display(value),
            LogValue::Float(value) if value.is_finite() => {
                // As above: the number is finite.
                let _ = serde_json::to_writer(&mut self.0, value);
            }
            LogValue::Signed(_) | LogValue::Unsigned(_) | LogValue::Float(_) => {
                self.text(&value.to_string());
            }
            LogValue::Text(text) => self.text(text),
        }
    }
}

/// What to call a field whose `name` an earlier one has: `name#2`, or the next
/// number that no field has, be it of its own or by having been renamed.
#[cold]
fn free_name(name: &str, fields: &[(&str, LogValue)], renamed: &[String]) -> String {
    let mut nth = 2;
    loop {
        let free = format!("{name}#{nth}");
        if !renamed.contains(&free) && !fields.iter().any(|(other, _)| *other == free) {
            return free;
        }
        nth += 1;
    }
}
