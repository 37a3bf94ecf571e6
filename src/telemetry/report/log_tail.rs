//! The last lines of a log.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// How much of a file's end is looked at.
const LOOKED_AT: u64 = 512 << 10;

/// The last lines of a file.
#[derive(Debug, PartialEq)]
pub(super) struct Tail {
    pub(super) lines: Vec<String>,
    /// Whether there are lines before them.
    pub(super) is_cut: bool,
}

/// The last lines of the file at `path`, at most `most`. What is no UTF-8 is
/// replaced, and so a torn last line does no harm.
pub(super) fn tail(path: &Path, most: usize) -> io::Result<Tail> {
    // Before it is opened: a pipe would be waited for. A link may lead anywhere.
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut file = File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let start = length.saturating_sub(LOOKED_AT);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    // It may still be written to.
    file.take(LOOKED_AT).read_to_end(&mut bytes)?;
    let mut text = &*String::from_utf8_lossy(&bytes);
    let mut is_cut = start > 0;
    if is_cut {
        text = text.split_once('\n').map_or("", |(_, rest)| rest);
    }
    let lines: Vec<_> = text.lines().collect();
    let first = lines.len().saturating_sub(most);
    is_cut |= first > 0;
    let lines = lines[first..].iter().map(|line| (*line).to_owned()).collect();
    Ok(Tail { lines, is_cut })
}
