//! How much was said.

use std::ops::AddAssign;

/// How much was said, and how much of it is in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogTotals {
    /// How many lines are in the file.
    pub(crate) lines: u64,
    /// How many bytes those have.
    pub(crate) bytes: u64,
    /// How many of the messages in them are not whole.
    pub(crate) truncated: u64,
    /// How many messages have no line of their own, since a line with `repeated`
    /// stands for several.
    pub(crate) collapsed: u64,
    /// How many messages were beyond what the file may have.
    pub(crate) dropped: u64,
    /// How many lines could not be written.
    pub(crate) lost: u64,
}

impl AddAssign for LogTotals {
    fn add_assign(&mut self, other: Self) {
        let Self { lines, bytes, truncated, collapsed, dropped, lost } = other;
        self.lines += lines;
        self.bytes += bytes;
        self.truncated += truncated;
        self.collapsed += collapsed;
        self.dropped += dropped;
        self.lost += lost;
    }
}
