//! Writing JSON into so much room.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use crate::context::LogValue;

/// JSON, as far as there is room. What is written `raw` or as a number counts and
/// is not held back: whoever has to, asks whether there was room, and goes back.
pub(super) struct Json {
    bytes: Vec<u8>,
    most: usize,
}

impl Json {
    /// Of at most so many bytes.
    pub(super) fn with_room(most: usize) -> Self {
        Self { bytes: Vec::with_capacity(256), most }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// How many further bytes there is room for.
    pub(super) fn room(&self) -> usize {
        self.most.saturating_sub(self.bytes.len())
    }

    /// Whether there was room for all that was written.
    pub(super) fn has_room(&self) -> bool {
        self.bytes.len() <= self.most
    }

    /// How far it has come, for [`back_to`](Self::back_to).
    pub(super) fn mark(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn back_to(&mut self, mark: usize) {
        self.bytes.truncate(mark);
    }

    pub(super) fn raw(&mut self, json: &str) {
        self.append(json.as_bytes());
    }

    pub(super) fn append(&mut self, json: &[u8]) {
        self.bytes.extend_from_slice(json);
    }

    /// Writes what needs no escapes.
    pub(super) fn display(&mut self, value: impl fmt::Display) {
        // A vector takes all that is written to it, and these values have no
        // errors of their own.
        let _ = write!(self.bytes, "{value}");
    }

    /// Writes a string literal of the first `longest` bytes of `text`, and of no more
    /// than take `room` bytes with their quotes and escapes. Returns how many bytes of
    /// `text` those are.
    pub(super) fn text(&mut self, text: &str, longest: usize, room: usize) -> usize {
        let text = &text[..text.floor_char_boundary(longest)];
        let text = fitting(text, room.saturating_sub(2));
        let start = self.bytes.len();
        // As above.
        let _ = serde_json::to_writer(&mut self.bytes, text);
        if self.bytes[start..].iter().any(|byte| *byte >= 0x7f) {
            self.escape_from(start);
        }
        text.len()
    }

    /// Escapes what JSON leaves alone and a terminal or a reader of lines does
    /// not: DEL, the C1 control characters, and the two Unicode line ends.
    #[cold]
    fn escape_from(&mut self, start: usize) {
        let literal = self.bytes.split_off(start);
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

    /// Writes what is no text: a number that most readers could not keep, as a
    /// string.
    pub(super) fn plain(&mut self, value: &LogValue) {
        match value {
            LogValue::Bool(value) => self.display(value),
            LogValue::Signed(value) if i64::try_from(*value).is_ok() => self.display(value),
            LogValue::Unsigned(value) if u64::try_from(*value).is_ok() => self.display(value),
            LogValue::Float(value) if value.is_finite() => {
                // As above: the number is finite.
                let _ = serde_json::to_writer(&mut self.bytes, value);
            }
            value => {
                self.text(&value.to_string(), usize::MAX, usize::MAX);
            }
        }
    }
}

/// The beginning of `text` that takes no more than `room` bytes once it is escaped.
fn fitting(text: &str, room: usize) -> &str {
    // The longest escape there is for one byte.
    if text.len().saturating_mul(6) <= room {
        return text;
    }
    let mut taken = 0;
    for (at, character) in text.char_indices() {
        taken += match character {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => 6,
            other => other.len_utf8(),
        };
        if taken > room {
            return &text[..at];
        }
    }
    text
}
