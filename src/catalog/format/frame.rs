//! Parquet and Arrow IPC files, by polars.

use std::io::{self, Cursor, Write};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use polars::error::PolarsResult;
use polars::frame::DataFrame;
use polars::io::parquet::write::BatchedWriter;
use polars::prelude::{IpcReader, IpcWriter, ParquetReader, ParquetWriter, SerReader, SerWriter};

use crate::catalog::error::FormatError;
use crate::catalog::format::Format;
use crate::catalog::place::Start;
use crate::context::discard;
use crate::executor::message_of;
use crate::sync::Mutex;

/// What each kind of file begins with, and ends with, too.
const PARQUET: &[u8] = b"PAR1";
const ARROW: &[u8] = b"ARROW1";

/// How many rows a row group has at most.
const ROW_GROUP: usize = 1 << 18;

/// Says of a file that it is of another kind.
pub(in crate::catalog) fn check(format: &Format, start: &Start) -> Result<(), FormatError> {
    let mark = match format {
        Format::Parquet => PARQUET,
        Format::Arrow => ARROW,
        _ => return Ok(()),
    };
    check_mark(&start.bytes, mark, format.name())
}

fn check_mark(bytes: &[u8], mark: &[u8], name: &str) -> Result<(), FormatError> {
    if bytes.is_empty() {
        return Err(FormatError::plain(format!(
            "the file is empty; a file of {name} was expected"
        )));
    }
    if bytes.starts_with(mark) {
        return Ok(());
    }
    let (mark, found) = (mark.escape_ascii(), &bytes[..bytes.len().min(mark.len())]);
    let found = found.escape_ascii();
    Err(FormatError::plain(format!(
        "it is no file of {name}, which begins with `{mark}`; found `{found}`"
    )))
}

pub(in crate::catalog) fn read_parquet(bytes: Vec<u8>) -> Result<DataFrame, FormatError> {
    check_marks(&bytes, PARQUET, "parquet")?;
    guarded(|| ParquetReader::new(Cursor::new(bytes)).finish())
}

pub(in crate::catalog) fn read_arrow(bytes: Vec<u8>) -> Result<DataFrame, FormatError> {
    check_marks(&bytes, ARROW, "arrow")?;
    guarded(|| IpcReader::new(Cursor::new(bytes)).finish())
}

/// Polars trusts the lengths in a file, so that what is cut off is found before.
fn check_marks(bytes: &[u8], mark: &[u8], name: &str) -> Result<(), FormatError> {
    check_mark(bytes, mark, name)?;
    match bytes[mark.len()..].ends_with(mark) {
        true => Ok(()),
        false => Err(FormatError::plain("its end is missing: the file is cut off")),
    }
}

pub(in crate::catalog) fn write_arrow(
    frame: &DataFrame,
    out: &mut dyn Write,
) -> Result<(), FormatError> {
    // Columns are shared, not copied.
    let mut frame = frame.clone();
    guarded(|| IpcWriter::new(out).finish(&mut frame))
}

/// A Parquet file to which frames are added, each as row groups of its own.
#[derive(Default)]
pub(in crate::catalog) struct RowGroups {
    begun: Option<Begun>,
}

struct Begun {
    writer: BatchedWriter<Buffer>,
    buffer: Buffer,
    /// Of the first frame, empty: what the others are to be like.
    like: DataFrame,
}

impl RowGroups {
    pub(in crate::catalog) fn push(
        &mut self,
        frame: &DataFrame,
        out: &mut dyn Write,
    ) -> Result<(), FormatError> {
        let begun = self.begin(frame)?;
        if frame.schema() != begun.like.schema() {
            return Err(FormatError::plain(format!(
                "a chunk has other columns than those before: found {:?}, expected {:?}",
                frame.schema(),
                begun.like.schema()
            )));
        }
        for from in (0..frame.height()).step_by(ROW_GROUP) {
            let mut rows = frame.slice(from as i64, ROW_GROUP);
            guarded(|| begun.writer.write_batch(rows.rechunk_mut_par()))?;
            begun.buffer.drain(out)?;
        }
        Ok(())
    }

    /// A file of no chunks has no columns.
    pub(in crate::catalog) fn end(&mut self, out: &mut dyn Write) -> Result<(), FormatError> {
        let begun = self.begin(&DataFrame::empty())?;
        guarded(|| begun.writer.finish())?;
        Ok(begun.buffer.drain(out)?)
    }

    fn begin(&mut self, frame: &DataFrame) -> Result<&mut Begun, FormatError> {
        match &mut self.begun {
            Some(begun) => Ok(begun),
            none => {
                let buffer = Buffer::default();
                let like = frame.clear();
                let writer = guarded(|| ParquetWriter::new(buffer.clone()).batched(like.schema()))?;
                Ok(none.insert(Begun { writer, buffer, like }))
            }
        }
    }
}

/// Where polars writes to, which wants to own it, and from where it goes on.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn drain(&self, out: &mut dyn Write) -> io::Result<()> {
        let bytes = mem::take(&mut *self.0.lock());
        out.write_all(&bytes)
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A damaged file makes polars fail, or panic.
fn guarded<T>(act: impl FnOnce() -> PolarsResult<T>) -> Result<T, FormatError> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(FormatError::caused(error.to_string(), error)),
        Err(payload) => {
            let what = format!("polars panicked: {}", message_of(&*payload));
            discard(payload);
            Err(FormatError::plain(what))
        }
    }
}
