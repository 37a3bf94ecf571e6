//! The characters that both a header and an environment variable can hold.

use std::borrow::Cow;
use std::fmt::Write;

use super::error::WireError;

/// The optional white space (`OWS`) that HTTP allows around a value.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(is_blank)
}

pub(super) fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// What a carrier holds as text: printable ASCII and tabs, without the white
/// space around it.
pub(super) fn text_of(value: &[u8]) -> Result<&str, WireError> {
    let is_odd = |&b: &u8| b != b'\t' && !(0x20..=0x7e).contains(&b);
    let text = std::str::from_utf8(value);
    match (value.iter().position(is_odd), text) {
        (None, Ok(text)) => Ok(trimmed(text)),
        (at, _) => Err(WireError::malformed(format!(
            "byte {} of {} is no printable ASCII, which is all that may be there",
            at.unwrap_or_default() + 1,
            value.len(),
        ))),
    }
}

/// Whether `text` can be written as it is and will be read as it was.
pub(super) fn is_writable(text: &str) -> bool {
    text_of(text.as_bytes()).is_ok_and(|read| read.len() == text.len())
}

/// Writes `%` and two digits in place of every byte that `keep` does not want,
/// and of `%` itself.
pub(super) fn percent_encoded(text: &str, keep: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte != b'%' && byte.is_ascii() && keep(byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Reads `%` and two digits as a byte. A `%` that has not two digits after it is
/// returned as the place of an error, or else stays as it is.
pub(super) fn percent_decoded(text: &str) -> (Cow<'_, [u8]>, Option<usize>) {
    let bytes = text.as_bytes();
    let Some(first) = bytes.iter().position(|&b| b == b'%') else {
        return (Cow::Borrowed(bytes), None);
    };
    let mut decoded = bytes[..first].to_vec();
    let (mut at, mut wrong) = (first, None);
    while let Some(&byte) = bytes.get(at) {
        match (byte, digits(bytes, at + 1)) {
            (b'%', Some(value)) => {
                decoded.push(value);
                at += 3;
                continue;
            }
            (b'%', None) => wrong = wrong.or(Some(at)),
            _ => {}
        }
        decoded.push(byte);
        at += 1;
    }
    (Cow::Owned(decoded), wrong)
}

fn digits(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at| bytes.get(at).and_then(|&b: &u8| char::from(b).to_digit(16));
    u8::try_from(digit(at)? * 16 + digit(at + 1)?).ok()
}
