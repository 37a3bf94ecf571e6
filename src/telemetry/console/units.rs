//! Times and sizes, as people read them.

use std::fmt::Display;
use std::time::Duration;

use indicatif::DecimalBytes;

/// A time that was taken: `25.8 ms`, `1.2 s`, `3 min 12 s`.
pub(super) fn duration(took: Duration) -> String {
    // Whoever is at 59.96 s is at a minute.
    let tenths = (took.as_secs_f64() * 10.0).round();
    match took {
        _ if took < Duration::from_micros(999_950) => {
            format!("{:.1} ms", took.as_secs_f64() * 1e3)
        }
        _ if tenths < 600.0 => format!("{:.1} s", tenths / 10.0),
        _ => whole(Duration::from_secs_f64(took.as_secs_f64().round().min(1e15))),
    }
}

/// A time that goes on: `0 s`, `12 s`, `3 min 12 s`.
pub(super) fn elapsed(since: Duration) -> String {
    whole(since)
}

fn whole(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// So many bytes: `817 B`, `1.21 MB`; `-` where that is not known.
pub(super) fn bytes(bytes: Option<u64>) -> String {
    or_dash(bytes.map(DecimalBytes))
}

/// The value; `-` where it is not known.
pub(super) fn or_dash(value: Option<impl Display>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// `1 node`, `2 nodes`.
pub(super) fn count(many: impl Into<u64>, one: &str) -> String {
    match many.into() {
        1 => format!("1 {one}"),
        many => format!("{many} {one}s"),
    }
}
