//! What a line has no room for, as it says itself.

use super::json::Json;

/// What was cut or left out of one object.
#[derive(Default)]
pub(super) struct LeftOut {
    /// How many bytes there are to say it.
    room: usize,
    /// The keys that every line has.
    keys: Vec<(&'static str, u64)>,
    fields: Vec<(String, u64)>,
    fields_left_out: usize,
    spans_left_out: usize,
}

impl LeftOut {
    /// Nothing so far, with so much room to say it.
    pub(super) fn new(room: usize) -> Self {
        Self { room, ..Self::default() }
    }

    pub(super) fn of_key(&mut self, key: &'static str, bytes: u64) {
        self.keys.push((key, bytes));
    }

    pub(super) fn of_field(&mut self, name: &str, bytes: u64) {
        self.fields.push((name.to_owned(), bytes));
    }

    pub(super) fn fields(&mut self, count: usize) {
        self.fields_left_out += count;
    }

    pub(super) fn spans(&mut self, count: usize) {
        self.spans_left_out += count;
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.keys.is_empty()
            && self.fields.is_empty()
            && self.fields_left_out == 0
            && self.spans_left_out == 0
    }

    /// Writes the key `truncated`, unless there is nothing to say.
    pub(super) fn write(self, json: &mut Json) {
        if self.is_nothing() {
            return;
        }
        json.raw(",\"truncated\":{");
        let start = json.mark();
        let comma = |json: &mut Json| json.raw(if json.mark() == start { "" } else { "," });
        for (key, bytes) in &self.keys {
            comma(json);
            entry(json, key, *bytes);
        }
        if !self.fields.is_empty() {
            comma(json);
            json.raw("\"fields\":{");
            let first = json.mark();
            for (name, bytes) in &self.fields {
                let mark = json.mark();
                json.raw(if mark == first { "" } else { "," });
                entry(json, name, *bytes);
                // The names are many, or long: the line stays within its bounds.
                if json.mark() - start > self.room.saturating_sub(MARGIN) {
                    json.back_to(mark);
                    break;
                }
            }
            json.raw("}");
        }
        let counts =
            [("fields_left_out", self.fields_left_out), ("spans_left_out", self.spans_left_out)];
        for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            comma(json);
            entry(json, key, count as u64);
        }
        json.raw("}");
    }
}

/// What the counts and the brackets take at most.
const MARGIN: usize = 120;

fn entry(json: &mut Json, name: &str, number: u64) {
    json.text(name, usize::MAX, usize::MAX);
    json.raw(":");
    json.display(number);
}
