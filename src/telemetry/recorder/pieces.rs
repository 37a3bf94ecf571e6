//! Long lists of JSON, written as they are made.

use std::io::{self, Write};

/// How much is collected before it is written.
const PIECE: usize = 64 * 1024;

/// Lists on their way to `out`.
pub(super) struct Pieces<'o> {
    piece: Vec<u8>,
    out: &'o mut dyn Write,
    is_first: bool,
}

impl<'o> Pieces<'o> {
    /// `beginning` goes to `out` first, and is to end where a list begins.
    pub(super) fn new(beginning: Vec<u8>, out: &'o mut dyn Write) -> Self {
        Self { piece: beginning, out, is_first: true }
    }

    /// One more of the list, which `write` puts behind what is there.
    pub(super) fn item(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), serde_json::Error>,
    ) -> io::Result<()> {
        if !std::mem::replace(&mut self.is_first, false) {
            self.piece.push(b',');
        }
        write(&mut self.piece)?;
        if self.piece.len() > PIECE {
            self.out.write_all(&self.piece)?;
            self.piece.clear();
        }
        Ok(())
    }

    /// The end of a list, and all up to the beginning of the next.
    pub(super) fn next_list(&mut self, between: &[u8]) {
        self.piece.extend_from_slice(between);
        self.is_first = true;
    }

    /// The end of the last list, and all behind it.
    pub(super) fn end(mut self, rest: &[u8]) -> io::Result<()> {
        self.piece.extend_from_slice(rest);
        self.out.write_all(&self.piece)
    }
}

/// Puts a key, with the comma before it, and a number behind `piece`.
pub(super) fn number(piece: &mut Vec<u8>, key: &[u8], number: u64) {
    piece.extend_from_slice(key);
    // A vector takes all that is written to it.
    let _ = serde_json::to_writer(piece, &number);
}
