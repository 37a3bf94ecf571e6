//! Lines on their way to a writer that may fail.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::context::discard;

/// How many bytes are collected before they are written: few enough system
/// calls, and few lines to lose with the process.
const CAPACITY: usize = 64 * 1024;

/// A buffer of whole lines, which are counted.
pub(super) struct Output {
    writer: Box<dyn Write + Send>,
    buffer: Vec<u8>,
    /// How many lines are in the buffer.
    buffered: u64,
    written: u64,
    lost: u64,
    error: Option<io::Error>,
}

impl Output {
    pub(super) fn new(writer: Box<dyn Write + Send>) -> Self {
        Self { writer, buffer: Vec::new(), buffered: 0, written: 0, lost: 0, error: None }
    }

    /// How many lines the writer took whole.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// How many lines it did not.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// The first error, after which nothing is written: what follows half a line
    /// is half a line too.
    pub(super) fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// Takes one line, with its line feed.
    pub(super) fn push(&mut self, line: &[u8]) {
        if self.buffer.len() + line.len() > CAPACITY {
            self.write_out();
        }
        if self.error.is_some() {
            self.lost += 1;
            return;
        }
        self.buffer.extend_from_slice(line);
        self.buffered += 1;
    }

    /// Hands everything to the writer and flushes that.
    pub(super) fn flush(&mut self) {
        self.write_out();
        if self.error.is_none() {
            self.error = uncaught(|| self.writer.flush()).err();
        }
    }

    fn write_out(&mut self) {
        let Self { writer, buffer, .. } = self;
        let mut taken = 0;
        let outcome = uncaught(|| {
            // Not `write_all`, which does not tell how far it came.
            while taken < buffer.len() {
                match writer.write(&buffer[taken..]) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(count) => taken = buffer.len().min(taken + count),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        });
        let whole = match outcome {
            Ok(()) => self.buffered,
            Err(error) => {
                self.error = Some(error);
                self.buffer[..taken].iter().map(|byte| u64::from(*byte == b'\n')).sum()
            }
        };
        self.written += whole;
        self.lost += self.buffered - whole;
        self.buffered = 0;
        self.buffer.clear();
        // One huge line must not be paid for until the end.
        self.buffer.shrink_to(CAPACITY);
    }
}

/// Calls the writer, whose panic is an error like any other.
fn uncaught(f: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        discard(payload);
        Err(io::Error::other("the writer panicked"))
    })
}
