//! Texts as literals of JSON.

use std::fmt::Write as _;

/// Puts `text` behind `json`, as a string literal. Besides what JSON wants escaped
/// it is what a terminal or a reader of lines would heed: DEL, the C1 control
/// characters, and the two line ends of Unicode.
pub(crate) fn push_text(json: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if text.as_bytes().iter().all(is_plain) {
        json.push(b'"');
        json.extend_from_slice(text.as_bytes());
        json.push(b'"');
        return;
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in serde_json::json!(text).to_string().chars() {
        match character {
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                // A string takes all that is written to it.
                let _ = write!(escaped, "\\u{:04x}", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    json.extend_from_slice(escaped.as_bytes());
}
