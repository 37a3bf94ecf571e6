//! What a file or folder of a run is called, whatever run and node are.

use percent_encoding::percent_encode_byte;
use siphasher::sip128::SipHasher13;

/// File systems take 255 bytes: the rest is for what is put behind the name.
const LONGEST: usize = 150;
/// A mark and the digits of a hash.
const HASH: usize = 1 + 32;

/// Names that are devices on Windows, in every folder and with any extension;
/// those that end with a digit come with each of them.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// What a file or folder is called for `name`: that itself if it is of ASCII
/// letters, digits, `_`, `-` and dots between them; every other byte as `%` and two
/// digits. The empty name is `%`. Of a name that would take more than 150 bytes the
/// beginning is kept, and a hash of the whole is put behind it, after a `+`.
///
/// So it is never a path, nor hidden, nor a device, and two names give two files:
/// those that differ in nothing but case, too, though a file system may take these
/// for one.
pub(crate) fn folder_name(name: &str) -> String {
    let bytes = name.as_bytes();
    let last = bytes.len().wrapping_sub(1);
    let mut safe = String::new();
    for (at, &byte) in bytes.iter().enumerate() {
        // More would be cut off.
        if safe.len() > LONGEST {
            break;
        }
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'-' => safe.push(char::from(byte)),
            b'.' if at != 0 && at != last => safe.push('.'),
            _ => safe.push_str(percent_encode_byte(byte)),
        }
    }
    if is_device(&safe) {
        safe.replace_range(..1, percent_encode_byte(bytes[0]));
    }
    match safe.len() {
        0 => "%".to_owned(),
        1..=LONGEST => safe,
        _ => cut(safe, bytes),
    }
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let numbered = stem.strip_suffix(|last: char| last.is_ascii_digit());
    DEVICES.contains(&&*stem) || numbered.is_some_and(|stem| NUMBERED_DEVICES.contains(&stem))
}

fn cut(mut safe: String, whole: &[u8]) -> String {
    let mut end = LONGEST - HASH;
    // Not in the midst of a byte's digits.
    if let Some(percent) = safe[end - 2..end].find('%') {
        end = end - 2 + percent;
    }
    safe.truncate(end);
    format!("{safe}+{:032x}", SipHasher13::new().hash(whole).as_u128())
}

#[cfg(test)]
mod tests;
