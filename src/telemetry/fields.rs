//! The fields of an event, with their types, and no more of each than there is
//! room for.

use std::error::Error;
use std::fmt::{self, Debug, Display};

use tracing::Event;
use tracing::field::{Field, Visit};

use crate::context::{LogValue, Words};

/// The target that `tracing-log` gives to every event it makes.
const LOG_TARGET: &str = "log";

/// How many causes of an error are told: it may be its own.
const DEEPEST: usize = 64;

/// Who wants to have fields.
pub(super) trait Reader {
    /// A value of a fixed size.
    fn plain(&mut self, name: &'static str, value: LogValue);

    /// Any other value. What it writes is foreign code, and may have no end.
    fn text(&mut self, name: &'static str, value: &dyn Display);
}

/// Hands a reader what is recorded.
pub(super) struct Visitor<'a, R>(pub(super) &'a mut R);

impl<R: Reader> Visit for Visitor<'_, R> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.plain(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.plain(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.plain(field.name(), value.into());
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.0.plain(field.name(), value.into());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.0.plain(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.plain(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.text(field.name(), &value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.0.text(field.name(), &WithCauses(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.text(field.name(), &format_args!("{value:?}"));
    }
}

struct WithCauses<'a>(&'a (dyn Error + 'static));

impl Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self.0, f)?;
        let mut cause = self.0.source();
        for _ in 1..DEEPEST {
            let Some(error) = cause else { break };
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// The message and the further fields of one event.
pub(super) struct Fields {
    target: &'static str,
    /// The target that an event of the `log` crate had there.
    log_target: Option<String>,
    message: Option<(String, Option<u64>)>,
    values: Vec<(&'static str, LogValue)>,
    /// How many bytes are kept of a text.
    longest: usize,
}

impl Fields {
    /// Those of the event, with at most `longest` bytes of each text.
    pub(super) fn of(event: &Event<'_>, longest: usize) -> Self {
        let target = event.metadata().target();
        let count = event.fields().count();
        // The first field is the message, as a rule.
        let values = Vec::with_capacity(count.saturating_sub(1));
        let mut fields = Self { target, log_target: None, message: None, values, longest };
        event.record(&mut Visitor(&mut fields));
        fields
    }

    pub(super) fn target(&self) -> &str {
        self.log_target.as_deref().unwrap_or(self.target)
    }

    /// The message; empty where the event has none.
    pub(super) fn message(&self) -> &str {
        self.message.as_ref().map_or("", |(text, _)| text)
    }

    /// How long the message is, where that is only its beginning.
    pub(super) fn whole_message(&self) -> Option<u64> {
        self.message.as_ref().and_then(|(_, whole)| *whole)
    }

    pub(super) fn values(&self) -> &[(&'static str, LogValue)] {
        &self.values
    }

    fn is_message(&self, name: &str) -> bool {
        name == "message" && self.message.is_none()
    }

    fn is_log_target(&self, name: &str) -> bool {
        name == "log.target" && self.target == LOG_TARGET && self.log_target.is_none()
    }
}

impl Reader for Fields {
    fn plain(&mut self, name: &'static str, value: LogValue) {
        if self.is_message(name) || self.is_log_target(name) {
            self.text(name, &value);
        } else {
            self.values.push((name, value));
        }
    }

    fn text(&mut self, name: &'static str, value: &dyn Display) {
        let words = Words::new(self.longest).and(value);
        if self.is_message(name) {
            self.message = Some(words.into_parts());
        } else if self.is_log_target(name) {
            self.log_target = Some(words.into_parts().0);
        } else {
            self.values.push((name, words.into_value()));
        }
    }
}
