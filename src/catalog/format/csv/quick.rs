//! The quick path: a file without a quote can be cut at any line end, and a line
//! at any delimiter. It is read and parsed in pieces, in parallel on a worker.
//!
//! Whatever is not plain sailing (a quote, a row that cannot be read) makes it
//! give up, and the file is read again by the careful path, which says where.

use parking_lot::Mutex;
use rayon::prelude::*;
use serde::de::DeserializeOwned;

use super::CsvOptions;
use super::layout::Layout;
use super::lines::Lines;
use super::row::Row;
use crate::catalog::source::Source;
use crate::context::Snapshot;
use crate::executor::ParallelIteratorExt;

/// How many bytes one leaf parses.
const PIECE: u64 = 1 << 19;

/// Reads the records from byte `start` on, or gives up.
pub(super) fn read<R: DeserializeOwned + Send>(
    source: &Source,
    start: u64,
    layout: &Layout,
    options: &CsvOptions,
) -> Option<Vec<R>> {
    let reader = PieceReader { source, start, layout, options, buffers: Mutex::default() };
    let end = source.len();
    let pieces: Vec<u64> = (start..end).step_by(PIECE as usize).collect();
    let mut records = Vec::new();
    if rayon::current_thread_index().is_none() || pieces.len() == 1 {
        for piece in pieces {
            reader.parse(piece, &mut records)?;
        }
        return Some(records);
    }
    // While a batch is parsed, the one before is put where it belongs: so the
    // pieces stay few, and their memory is used again.
    let batch = 4 * rayon::current_num_threads();
    let snapshot = Snapshot::capture();
    let mut parsed: Vec<Vec<R>> = Vec::new();
    for pieces in pieces.chunks(batch) {
        let parse = || reader.parse_all(pieces, &snapshot);
        let ((), next) = rayon::join(|| append(&mut records, &mut parsed, end), parse);
        parsed = next?;
    }
    append(&mut records, &mut parsed, end);
    Some(records)
}

fn append<R>(records: &mut Vec<R>, parsed: &mut Vec<Vec<R>>, end: u64) {
    if records.is_empty() && !parsed.is_empty() {
        // As many as there will be if all pieces are like the first.
        let rows = parsed.iter().map(Vec::len).sum::<usize>() as u64;
        let share = (parsed.len() as u64 * PIECE).min(end).max(1);
        records.reserve(usize::try_from(rows * end / share + rows / 64).unwrap_or(0));
    }
    for mut part in parsed.drain(..) {
        records.append(&mut part);
    }
}

struct PieceReader<'a> {
    source: &'a Source,
    start: u64,
    layout: &'a Layout,
    options: &'a CsvOptions,
    /// Those that nobody is using: their memory is used again.
    buffers: Mutex<Vec<Vec<u8>>>,
}

impl PieceReader<'_> {
    fn parse_all<R: DeserializeOwned + Send>(
        &self,
        pieces: &[u64],
        snapshot: &Snapshot,
    ) -> Option<Vec<Vec<R>>> {
        let pieces = pieces.par_iter().in_snapshot(snapshot.clone());
        let parts = pieces.map(|piece| {
            let mut records = Vec::new();
            self.parse(*piece, &mut records).map(|()| records)
        });
        parts.collect()
    }

    fn parse<R: DeserializeOwned>(&self, from: u64, records: &mut Vec<R>) -> Option<()> {
        let mut buffer = self.buffers.lock().pop().unwrap_or_default();
        let parsed = self.parse_in(&mut buffer, from, records);
        self.buffers.lock().push(buffer);
        parsed
    }

    /// Reads the lines that begin within the piece at `from`.
    fn parse_in<R: DeserializeOwned>(
        &self,
        buffer: &mut Vec<u8>,
        from: u64,
        records: &mut Vec<R>,
    ) -> Option<()> {
        // From the byte before: if that is a line end, a line begins at `from`.
        let from = if from == self.start { from } else { from - 1 };
        let to = (from + PIECE + u64::from(from != self.start)).min(self.source.len());
        self.source.read_at(from, to, buffer).ok()?;
        let begin = match from == self.start {
            true => 0,
            false => memchr::memchr(b'\n', buffer)? + 1,
        };
        self.read_on_to_line_end(to, buffer)?;
        // A carriage return that ends no line is a line end of its own to CSV.
        let is_line_end = |at: usize| buffer.get(at..at + 2) == Some(b"\r\n");
        if !memchr::memchr2_iter(b'"', b'\r', buffer).all(is_line_end) {
            return None;
        }
        if !buffer.ends_with(b"\n") {
            buffer.push(b'\n');
        }
        let mut lines = Lines::new(&buffer[begin..], self.options.delimiter, self.layout.width);
        records.reserve(lines.at_most());
        while lines.advance()? {
            let row = Row::in_order(&lines, self.layout, self.options);
            records.push(R::deserialize(row).ok()?);
        }
        Some(())
    }

    /// Reads on until `buffer` ends with a line, or the file ends. A piece of one
    /// line that is longer than the piece has nothing to give: the line belongs
    /// to the piece in which it begins.
    fn read_on_to_line_end(&self, mut to: u64, buffer: &mut Vec<u8>) -> Option<()> {
        const STEP: u64 = 1 << 10;
        let mut more = Vec::new();
        while buffer.last() != Some(&b'\n') && to < self.source.len() {
            let next = (to + STEP).min(self.source.len());
            self.source.read_at(to, next, &mut more).ok()?;
            match memchr::memchr(b'\n', &more) {
                Some(end) => {
                    buffer.extend_from_slice(&more[..=end]);
                    return Some(());
                }
                None => buffer.extend_from_slice(&more),
            }
            to = next;
        }
        Some(())
    }
}
