//! The events of one run on their way to its file.
//!
//! Whoever tells an event puts its line behind those that are pending, under a lock
//! that is held for no more than that. Whoever writes, holds a second lock, takes
//! what is pending in exchange for an empty buffer, and has both threads go on. The
//! second lock comes first where both are held, so that lines are written in the
//! order in which they came.

use std::io::{self, Write};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::context::discard;
use crate::sync::Mutex;

/// From so many bytes on the writer is not to take its time.
const HURRY: usize = 1 << 20;
/// From so many bytes on whoever brings more has to see to it that they are written;
/// or, if they cannot be, what is brought is lost.
const LIMIT: usize = 4 << 20;

pub(super) struct Journal {
    pending: Mutex<Pending>,
    out: Mutex<Out>,
}

#[derive(Default)]
struct Pending {
    lines: Vec<u8>,
    /// Whether the writer knows that there are some.
    is_listed: bool,
    /// Whether what came before could not be written.
    is_failing: bool,
    lost: u64,
}

struct Out {
    writer: Box<dyn Write + Send>,
    /// What was taken, as far as it is not written: where a write failed in the midst
    /// of a line, it begins with the rest of that.
    rest: Vec<u8>,
    written: usize,
    error: Option<String>,
    /// Whether the error was told.
    is_told: bool,
}

/// What has to be done about lines that are pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Somebody has seen to it.
    Nothing,
    /// The writer has to know.
    List,
    /// It has to know, and not to wait.
    Hurry,
    /// They are to be written now, by whoever is here.
    Write,
}

/// How a journal ends.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// How many events are lost.
    pub(super) lost: u64,
    /// The first error, whether or not it was overcome.
    pub(super) error: Option<String>,
}

impl Journal {
    pub(super) fn new(writer: Box<dyn Write + Send>) -> Self {
        let (rest, written, error, is_told) = Default::default();
        let out = Out { writer, rest, written, error, is_told };
        Self { pending: Mutex::default(), out: Mutex::new(out) }
    }

    /// Takes one line, with its line feed.
    pub(super) fn push(&self, line: &[u8]) -> Next {
        let mut pending = self.pending.lock();
        let before = pending.lines.len();
        let after = before + line.len();
        let is_listed = mem::replace(&mut pending.is_listed, true);
        if pending.is_failing {
            if after > LIMIT && before > 0 {
                pending.lost += 1;
            } else {
                pending.lines.extend_from_slice(line);
            }
            return if is_listed { Next::Nothing } else { Next::List };
        }
        pending.lines.extend_from_slice(line);
        if after > LIMIT {
            Next::Write
        } else if before <= HURRY && after > HURRY {
            // Once as it comes to be so many.
            Next::Hurry
        } else if is_listed {
            Next::Nothing
        } else {
            Next::List
        }
    }

    /// Writes what is pending, and the rest of what could not be written before.
    /// Returns the first error there is, the first time.
    pub(super) fn write_out(&self) -> Option<String> {
        let mut out = self.out.lock();
        let written = out.write_rest().and_then(|()| {
            let mut pending = self.pending.lock();
            mem::swap(&mut pending.lines, &mut out.rest);
            pending.is_listed = false;
            drop(pending);
            out.write_rest()
        });
        let mut pending = self.pending.lock();
        pending.is_failing = written.is_err();
        // With the next line it is tried again.
        pending.is_listed &= written.is_ok();
        drop(pending);
        if let Err(error) = written {
            out.error.get_or_insert_with(|| error.to_string());
        }
        let Out { error, is_told, .. } = &mut *out;
        let was_told = mem::replace(is_told, error.is_some());
        error.clone().filter(|_| !was_told)
    }

    /// Writes all, `last` behind it, for the last time, and says what came of it.
    pub(super) fn finish(&self, last: &[u8]) -> Outcome {
        // However many are kept: without its end a run is one that was interrupted.
        self.pending.lock().lines.extend_from_slice(last);
        self.write_out();
        let mut out = self.out.lock();
        let mut pending = self.pending.lock();
        let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        pending.lost += lines(&out.rest[out.written..]) + lines(&pending.lines);
        (out.rest, out.written, pending.lines) = Default::default();
        // It is written to no more, and what it has set aside others may need.
        out.writer = Box::new(io::sink());
        Outcome { lost: pending.lost, error: out.error.clone() }
    }
}

impl Out {
    fn write_rest(&mut self) -> io::Result<()> {
        let Self { writer, rest, written, .. } = self;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            // Not `write_all`, which does not tell how far it came.
            while *written < rest.len() {
                match writer.write(&rest[*written..]) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(count) => *written = rest.len().min(*written + count),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        }));
        outcome.unwrap_or_else(|payload| {
            discard(payload);
            Err(io::Error::other("the writer panicked"))
        })?;
        rest.clear();
        *written = 0;
        // One huge line is not to be paid for until the end.
        rest.shrink_to(LIMIT);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
