//! An event's own fields, with their types.

use std::error::Error;
use std::fmt::{self, Debug, Display, Write};

use tracing::Event;
use tracing::field::{Field, Visit};

use crate::context::{ATTEMPT, LogValue};

/// The target that `tracing-log` gives to every event it makes.
const LOG_TARGET: &str = "log";

/// The message and the further fields of one event.
pub(super) struct Fields {
    target: &'static str,
    /// The target that an event of the `log` crate had there.
    log_target: Option<String>,
    message: Option<String>,
    values: Vec<(&'static str, LogValue)>,
}

impl Fields {
    /// Those of the event, and after them the number of the attempt at the node
    /// where there may be several.
    pub(super) fn of(event: &Event<'_>) -> Self {
        let target = event.metadata().target();
        let count = event.fields().count();
        // The first field is the message, as a rule.
        let values = Vec::with_capacity(count.saturating_sub(1));
        let mut fields = Self { target, log_target: None, message: None, values };
        event.record(&mut fields);
        if let Some(attempt) = ATTEMPT.get()
            && fields.values.iter().all(|(name, _)| *name != "attempt")
        {
            fields.values.push(("attempt", LogValue::Unsigned(attempt.into())));
        }
        fields
    }

    pub(super) fn target(&self) -> &str {
        self.log_target.as_deref().unwrap_or(self.target)
    }

    /// The message; empty where the event has none.
    pub(super) fn message(&self) -> &str {
        self.message.as_deref().unwrap_or_default()
    }

    pub(super) fn values(&self) -> &[(&'static str, LogValue)] {
        &self.values
    }

    fn push(&mut self, field: &Field, value: LogValue) {
        let name = field.name();
        if name == "message" && self.message.is_none() {
            self.message = Some(text_of(&value));
        } else if name == "log.target" && self.target == LOG_TARGET && self.log_target.is_none() {
            self.log_target = Some(text_of(&value));
        } else {
            self.values.push((name, value));
        }
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, LogValue::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, LogValue::Signed(value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, LogValue::Unsigned(value.into()));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.push(field, LogValue::Signed(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.push(field, LogValue::Unsigned(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, LogValue::Float(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, LogValue::Text(value.to_owned()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = text_of(value);
        let mut cause = value.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&text_of(error));
            cause = error.source();
        }
        self.push(field, LogValue::Text(text));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.push(field, LogValue::Text(text_of(&format_args!("{value:?}"))));
    }
}

/// What `value` writes of itself. Unlike `to_string`, does not panic where the
/// value reports an error of its own making.
fn text_of(value: &(impl Display + ?Sized)) -> String {
    let mut text = String::new();
    match write!(text, "{value}") {
        Ok(()) => text,
        Err(fmt::Error) => text + "<formatting failed>",
    }
}
