//! What a program writes itself while runs go on.

use std::io::{self, Write};
use std::sync::Arc;

use super::shared::Shared;

/// A line is shown as it is after so many bytes, though it has not ended.
const LONGEST_LINE: usize = 64 * 1024;

/// Writes lines above what a [`Console`](super::Console) draws: see
/// [`Console::writer`](super::Console::writer).
///
/// A line is shown when it has ended, and what is left of one when the writer is
/// dropped.
#[derive(Debug)]
pub struct ConsoleWriter {
    shared: Arc<Shared>,
    line: Vec<u8>,
}

impl ConsoleWriter {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, line: Vec::new() }
    }
}

impl Write for ConsoleWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let (whole, rest) = bytes.split_at(end);
        if !whole.is_empty() {
            self.line.extend_from_slice(whole);
            self.shared.say(&std::mem::take(&mut self.line));
        }
        self.line.extend_from_slice(rest);
        if self.line.len() >= LONGEST_LINE {
            self.line.push(b'\n');
            self.shared.say(&std::mem::take(&mut self.line));
        }
        Ok(bytes.len())
    }

    /// Does nothing: a line that has ended is shown in its time, and one that has not
    /// is not shown, since what is drawn would stand in its midst.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Clone for ConsoleWriter {
    /// Another one, with no line begun.
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl Drop for ConsoleWriter {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.line.push(b'\n');
            self.shared.say(&self.line);
        }
    }
}
