//! How much of what is said is kept.

/// How much of what is said is kept in a log, so that nothing that a node says can
/// fill the disk or the memory. What is left out is marked in its line, and counted.
///
/// ```
/// use entourage::{JsonLines, LogLimits};
/// let limits = LogLimits::new().text_bytes(1024);
/// let log = JsonLines::new(std::io::stderr()).limits(limits);
/// ```
///
/// # Repetitions
///
/// In the files of a run's folder a message that is said again and again, with the
/// same level, target, fields and spans, and with at most three others in between, is
/// written five times. From there on it is counted: a line with a key `repeated`
/// stands for as many messages as that says. There is one when the count has come to
/// 100, to 1,000 and so on, when other messages have come since, and at the end of the
/// attempt; its time is that of the last of them. So the lines, those with `repeated`
/// taken as often as they say, are as many as the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "limits do nothing until a log is given them"]
pub struct LogLimits {
    pub(super) text_bytes: usize,
    pub(super) line_bytes: usize,
    pub(super) attempt_bytes: u64,
}

/// Less than this does not take the keys of a line.
const SHORTEST_LINE: usize = 4096;

impl LogLimits {
    /// 16 KiB a text, 64 KiB a line, 10 MiB an attempt.
    pub fn new() -> Self {
        Self { text_bytes: 16 << 10, line_bytes: 64 << 10, attempt_bytes: 10 << 20 }
    }

    /// How many bytes of a message, and of a field that is not a number, are kept.
    /// What is longer is cut, between two characters, and marked in its line.
    pub fn text_bytes(self, bytes: usize) -> Self {
        Self { text_bytes: bytes, ..self }
    }

    /// How many bytes a line has at most, its escapes and line feed included; no
    /// fewer than 4 KiB. What has no room is cut or left out, and marked.
    pub fn line_bytes(self, bytes: usize) -> Self {
        Self { line_bytes: bytes.max(SHORTEST_LINE), ..self }
    }

    /// How many bytes the file of one attempt at a node has at most, and the file of
    /// what is said outside of nodes. Lines beyond it are dropped and counted; those
    /// of level `ERROR` have a tenth of it more to themselves.
    pub fn attempt_bytes(self, bytes: u64) -> Self {
        Self { attempt_bytes: bytes, ..self }
    }
}

impl Default for LogLimits {
    fn default() -> Self {
        Self::new()
    }
}
