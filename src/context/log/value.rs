//! The value of a field, of which no more is kept than there is room for.

use std::fmt::{self, Debug, Display, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::unwind::discard;

/// The value of one field of a message.
///
/// ```
/// use entourage::LogValue;
/// assert_eq!(LogValue::from(-3).to_string(), "-3");
/// assert_eq!(LogValue::from("three rows").to_string(), "three rows");
/// assert_eq!(LogValue::debug(&Some("a")), LogValue::Text("Some(\"a\")".into()));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LogValue {
    /// True or false.
    Bool(bool),
    /// An integer of a signed type.
    Signed(i128),
    /// An integer of an unsigned type.
    Unsigned(u128),
    /// A floating-point number, infinities and NaN among them.
    Float(f64),
    /// A text, an error with its causes, or what `Debug` or `Display` makes of
    /// any other value.
    Text(String),
    /// The beginning of a text that is longer than was to be kept.
    Cut {
        /// What is kept.
        text: String,
        /// How many bytes the whole text has. Of a value that writes more than
        /// 16 MiB of itself: how many it had written when it was stopped.
        bytes: u64,
    },
}

impl LogValue {
    /// What `value` writes of itself by `Debug`: the first 16 KiB at most.
    pub fn debug(value: &(impl Debug + ?Sized)) -> Self {
        Words::new(Words::LIMIT).and(&format_args!("{value:?}")).into_value()
    }

    /// What `value` writes of itself by `Display`: the first 16 KiB at most.
    pub fn display(value: &(impl Display + ?Sized)) -> Self {
        Words::new(Words::LIMIT).and(value).into_value()
    }
}

impl Display for LogValue {
    /// Of a text that was cut, what is kept, and an ellipsis.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => Display::fmt(value, f),
            Self::Signed(value) => Display::fmt(value, f),
            Self::Unsigned(value) => Display::fmt(value, f),
            Self::Float(value) => Display::fmt(value, f),
            Self::Text(value) => Display::fmt(value, f),
            Self::Cut { text, .. } => write!(f, "{text}…"),
        }
    }
}

macro_rules! from {
    ($($variant:ident: $($type:ty)*;)*) => {$($(
        impl From<$type> for LogValue {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )*)*};
}

from! {
    Bool: bool;
    Signed: i8 i16 i32 i64 i128;
    Unsigned: u8 u16 u32 u64 u128;
    Float: f32 f64;
    Text: &str String;
}

impl From<usize> for LogValue {
    fn from(value: usize) -> Self {
        Self::Unsigned(value as u128)
    }
}

impl From<isize> for LogValue {
    fn from(value: isize) -> Self {
        Self::Signed(value as i128)
    }
}

/// The words of a value, which is foreign code: it may have no end, fail, or panic.
pub(crate) struct Words {
    text: String,
    /// How many bytes are kept.
    limit: usize,
    bytes: u64,
    is_cut: bool,
}

impl Words {
    /// How many bytes of a text are kept where nobody says otherwise.
    pub(crate) const LIMIT: usize = 16 * 1024;

    /// How many bytes are listened to, so that it ends.
    const LONGEST: u64 = 16 << 20;

    /// None yet, of which `limit` bytes are to be kept.
    pub(crate) fn new(limit: usize) -> Self {
        Self { text: String::new(), limit, bytes: 0, is_cut: false }
    }

    /// With what `value` writes of itself. Unlike `to_string`, does not panic.
    pub(crate) fn and(mut self, value: &(impl Display + ?Sized)) -> Self {
        let write = AssertUnwindSafe(|| write!(self, "{value}"));
        let how = match catch_unwind(write) {
            Ok(Ok(())) => return self,
            // It was stopped here.
            Ok(Err(fmt::Error)) if self.is_over() => return self,
            Ok(Err(fmt::Error)) => "<formatting failed>",
            Err(payload) => {
                discard(payload);
                "<formatting panicked>"
            }
        };
        self.text.push_str(how);
        self.bytes += how.len() as u64;
        self
    }

    /// Whether more than this is of no use.
    pub(crate) fn is_over(&self) -> bool {
        self.bytes > Self::LONGEST
    }

    pub(crate) fn into_value(self) -> LogValue {
        match self.is_cut {
            true => LogValue::Cut { text: self.text, bytes: self.bytes },
            false => LogValue::Text(self.text),
        }
    }

    /// The text, and how many bytes the whole has where this is not all of it.
    pub(crate) fn into_parts(self) -> (String, Option<u64>) {
        (self.text, self.is_cut.then_some(self.bytes))
    }
}

impl Write for Words {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes += text.len() as u64;
        if !self.is_cut {
            let room = self.limit.saturating_sub(self.text.len());
            let kept = &text[..text.floor_char_boundary(room)];
            self.text.push_str(kept);
            self.is_cut = kept.len() < text.len();
        }
        if self.is_over() { Err(fmt::Error) } else { Ok(()) }
    }
}
