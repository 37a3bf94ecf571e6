//! The same message again and again, of which one line tells how often it came.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::time::SystemTime;

use crate::context::{LogRecord, LogValue};
use crate::telemetry::line::Line;

/// How many different messages are remembered: with three others in between it is
/// still the same one again.
const REMEMBERED: usize = 4;

/// How often a message is written before it is counted instead.
const WRITTEN: u64 = 5;

/// After how many repetitions it is first told how many there were. It is told
/// after ten times as many each further time, so that of a process that is killed
/// most is known.
const FIRST_TOLD: u64 = 100;

/// What a message says, level, target, fields and spans included. Two messages have
/// the same key by chance once in ten to the nineteen.
pub(super) fn key(record: &LogRecord<'_>, hashing: &RandomState) -> u64 {
    let mut hasher = hashing.build_hasher();
    let LogRecord { level, target, message, whole_message, fields, spans, .. } = record;
    (level, target, message, whole_message).hash(&mut hasher);
    hash_fields(fields, &mut hasher);
    for span in *spans {
        span.name.hash(&mut hasher);
        hash_fields(span.fields, &mut hasher);
    }
    hasher.finish()
}

fn hash_fields(fields: &[(&str, LogValue)], hasher: &mut impl Hasher) {
    fields.len().hash(hasher);
    for (name, value) in fields {
        name.hash(hasher);
        std::mem::discriminant(value).hash(hasher);
        match value {
            LogValue::Bool(value) => value.hash(hasher),
            LogValue::Signed(value) => value.hash(hasher),
            LogValue::Unsigned(value) => value.hash(hasher),
            LogValue::Float(value) => value.to_bits().hash(hasher),
            LogValue::Text(text) => text.hash(hasher),
            LogValue::Cut { text, bytes } => (text, bytes).hash(hasher),
        }
    }
}

/// The last few messages, the one that was said last at the end.
#[derive(Default)]
pub(super) struct Repeats(Vec<Repeated>);

struct Repeated {
    key: u64,
    /// How often it was written.
    written: u64,
    /// As it was last written, from the moment on at which it is counted instead.
    line: Option<Line>,
    /// How often it was said since the last word on it, and when last.
    count: u64,
    last: SystemTime,
    /// At which count there will be one.
    told_at: u64,
}

impl Repeated {
    /// The line that stands for all repetitions since the last such line.
    fn tell(&mut self) -> Option<Vec<u8>> {
        let line = self.line.as_ref().filter(|_| self.count > 0)?;
        let line = line.repeated(self.last, self.count);
        self.count = 0;
        self.told_at = self.told_at.saturating_mul(10);
        Some(line)
    }
}

impl Repeats {
    /// Counts a message instead of writing it, where it has come often enough; then
    /// there may be a line to write that stands for many.
    pub(super) fn count(&mut self, key: u64, now: SystemTime) -> Option<Option<Vec<u8>>> {
        let at = self.0.iter().position(|one| one.key == key && one.line.is_some())?;
        let mut one = self.0.remove(at);
        one.count += 1;
        one.last = now;
        let told = (one.count >= one.told_at).then(|| one.tell()).flatten();
        self.0.push(one);
        Some(told)
    }

    /// Remembers a message that is written. Returns what is to be written before it:
    /// the last word on one that is forgotten for it.
    pub(super) fn written(&mut self, key: u64, line: &Line, now: SystemTime) -> Option<Vec<u8>> {
        if let Some(at) = self.0.iter().position(|one| one.key == key) {
            let mut one = self.0.remove(at);
            one.written += 1;
            if one.written >= WRITTEN && one.line.is_none() {
                one.line = Some(line.clone());
            }
            self.0.push(one);
            return None;
        }
        let forgotten = (self.0.len() == REMEMBERED).then(|| self.0.remove(0));
        self.0.push(Repeated {
            key,
            written: 1,
            line: None,
            count: 0,
            last: now,
            told_at: FIRST_TOLD,
        });
        forgotten.and_then(|mut one| one.tell())
    }

    /// The last word on all of them, which are forgotten.
    pub(super) fn end(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.0).iter_mut().filter_map(Repeated::tell).collect()
    }
}
