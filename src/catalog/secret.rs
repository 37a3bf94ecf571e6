//! What nobody is to read: how credentials are kept out of every message.

use std::error::Error;
use std::fmt;

use serde::Deserialize;
use serde_json::Value as Json;

use super::error::{BoxError, FormatError};

/// A text that shows itself to nobody who does not ask: a password, a token.
///
/// `Debug` and `Display` print `***`. For the options of a dataset type of your
/// own, so that a `derive(Debug)` of theirs gives nothing away. It hides; it does
/// not wipe the memory that it leaves.
///
/// ```
/// use entourage::Secret;
/// let password = Secret::new("hunter2");
/// assert_eq!(format!("{password} {password:?}"), "*** ***");
/// assert_eq!(password.expose(), "hunter2");
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// What stands where a secret was.
const HIDDEN: &str = "***";

/// Texts of fewer characters are in every message by chance.
const SHORTEST: usize = 3;

/// What must be in no message, however it is written there.
#[derive(Default)]
pub(crate) struct Secrets {
    /// The longest first, so that none hides a part of another.
    texts: Vec<Vec<char>>,
}

impl Secrets {
    /// Adds every text and every number in a value.
    pub(super) fn add(&mut self, value: &Json) {
        match value {
            Json::Null | Json::Bool(_) => {}
            Json::Number(number) => self.add_text(&number.to_string()),
            Json::String(text) => self.add_text(text),
            Json::Array(items) => items.iter().for_each(|item| self.add(item)),
            Json::Object(entries) => entries.values().for_each(|value| self.add(value)),
        }
    }

    fn add_text(&mut self, text: &str) {
        let chars: Vec<char> = text.trim().chars().collect();
        if chars.len() >= SHORTEST && !self.texts.contains(&chars) {
            let at = self.texts.partition_point(|other| other.len() > chars.len());
            self.texts.insert(at, chars);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The same text without any of them: not as they are, not percent-encoded,
    /// not escaped as in JSON or in a `Debug`, not in a mixture of these.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            match self.texts.iter().find_map(|secret| len_of(secret, rest)) {
                Some(len) => {
                    shown.push_str(HIDDEN);
                    rest = &rest[len..];
                }
                None => {
                    shown.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        shown
    }

    fn shows(&self, text: &str) -> bool {
        !self.is_empty()
            && text.char_indices().any(|(at, _)| {
                self.texts.iter().any(|secret| len_of(secret, &text[at..]).is_some())
            })
    }

    /// The same error without any of them. What is below it stays as it is,
    /// unless it gives one away.
    pub(super) fn hide_in(&self, error: FormatError) -> FormatError {
        let (message, source) = error.into_parts();
        FormatError::from_parts(self.hide(&message), source.map(|source| self.censored(source)))
    }

    pub(super) fn censored(&self, error: BoxError) -> BoxError {
        // No deeper than that: an error may be its own cause.
        const DEEPEST: usize = 64;
        let first: &(dyn Error + 'static) = &*error;
        let mut causes = std::iter::successors(Some(first), |&error| error.source()).take(DEEPEST);
        let gives_away =
            causes.any(|at| self.shows(&at.to_string()) || self.shows(&format!("{at:?}")));
        if gives_away { Box::new(Censored(self.hide(&error.to_string()))) } else { error }
    }
}

/// An error that gave a secret away.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Censored(String);

/// How much of `text` is `secret`, if it begins with it.
///
/// One character may be written in several ways, of which one may be the
/// beginning of another: all places at which the next may begin are kept.
fn len_of(secret: &[char], text: &str) -> Option<usize> {
    let (mut places, mut next) = (vec![0], Vec::new());
    for wanted in secret {
        for at in places.drain(..) {
            let rest = &text[at..];
            let mut add = |below: &str| next.push(text.len() - below.len());
            rest.strip_prefix(*wanted).map(&mut add);
            percent_encoded(*wanted, rest, &mut add);
            escaped(*wanted, rest, &mut add);
        }
        next.sort_unstable();
        next.dedup();
        if next.is_empty() {
            return None;
        }
        std::mem::swap(&mut places, &mut next);
    }
    places.last().copied()
}

/// Passes on what follows `wanted` where `text` has it percent-encoded: once, or
/// again and again, for the percent sign of that is `%25`.
fn percent_encoded(wanted: char, text: &str, add: &mut impl FnMut(&str)) {
    if wanted == ' ' {
        text.strip_prefix('+').map(&mut *add);
    }
    let mut after_sign = text.strip_prefix('%');
    let mut signs = 0;
    while let Some(from) = after_sign {
        let mut rest = Some(from);
        for (at, byte) in wanted.encode_utf8(&mut [0; 4]).bytes().enumerate() {
            if at > 0 {
                rest = rest.and_then(|rest| rest.strip_prefix('%'));
                for _ in 0..signs {
                    rest = rest.and_then(|rest| rest.strip_prefix("25"));
                }
            }
            rest = rest.and_then(|rest| rest.split_at_checked(2)).and_then(|(digits, below)| {
                (u8::from_str_radix(digits, 16) == Ok(byte)).then_some(below)
            });
        }
        rest.map(&mut *add);
        after_sign = from.strip_prefix("25");
        signs += 1;
    }
}

/// Passes on what follows `wanted` where `text` has it escaped as in JSON or in a
/// `Debug`: once, or again and again, by which the backslashes become more.
fn escaped(wanted: char, text: &str, add: &mut impl FnMut(&str)) {
    let mut rest = text;
    while let Some(below) = rest.strip_prefix('\\') {
        rest = below;
        if wanted == '\\' {
            add(rest);
        }
    }
    if rest.len() == text.len() {
        return;
    }
    let short = match wanted {
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\0' => '0',
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        other => other,
    };
    rest.strip_prefix(short).map(&mut *add);
    let Some(number) = rest.strip_prefix('u') else { return };
    if let Some((digits, below)) = number.strip_prefix('{').and_then(|n| n.split_once('}')) {
        if u32::from_str_radix(digits, 16) == Ok(wanted as u32) {
            add(below);
        }
        return;
    }
    let mut below = Some(number);
    for (at, unit) in wanted.encode_utf16(&mut [0; 2]).iter().enumerate() {
        if at > 0 {
            below = below.and_then(|below| below.trim_start_matches('\\').strip_prefix('u'));
        }
        below = below.and_then(|below| below.split_at_checked(4)).and_then(|(digits, after)| {
            (u16::from_str_radix(digits, 16) == Ok(*unit)).then_some(after)
        });
    }
    below.map(&mut *add);
}

#[cfg(test)]
mod tests;
