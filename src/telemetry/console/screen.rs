//! Where it is written to, which may fail.

use std::cell::Cell;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::surroundings::Shape;
use crate::context::{RunLogger, discard};
use crate::sync::Mutex;

/// What a writer that would block has not taken is kept, up to this.
const KEPT: usize = 1 << 20;

thread_local! {
    /// Whether this thread is inside the writer.
    static IN_WRITER: Cell<bool> = const { Cell::new(false) };
}

/// Whether a console's own writer is what runs here. What that writes to the
/// console would wait for itself.
pub(super) fn is_in_writer() -> bool {
    IN_WRITER.get()
}

/// The lines above, for ever, and the frame below them, drawn anew each time.
pub(super) struct Screen {
    writer: Box<dyn Write + Send>,
    canvas: Arc<Canvas>,
    /// Draws the frame, all of it as one bar with many lines. Bars of their own in a
    /// `MultiProgress` would each be drawn when they change.
    bar: ProgressBar,
    drawn: Option<Drawn>,
    /// The first one. Others look at it while the writer is at work.
    error: Arc<Mutex<Option<io::Error>>>,
    is_closed: bool,
}

#[derive(PartialEq)]
struct Drawn {
    frame: String,
    columns: u16,
    rows: u16,
}

impl Screen {
    pub(super) fn new(writer: Box<dyn Write + Send>, error: Arc<Mutex<Option<io::Error>>>) -> Self {
        let canvas = Arc::new(Canvas::default());
        let target = ProgressDrawTarget::term_like(Box::new(Drawing(canvas.clone())));
        let bar = ProgressBar::with_draw_target(None, target);
        let frame = canvas.clone();
        let style = ProgressStyle::default_spinner().with_key(
            "frame",
            move |_: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                // A line that cannot be written is a line less.
                let _ = out.write_str(&frame.frame.lock());
            },
        );
        // The template is as it must be: otherwise nothing is drawn.
        bar.set_style(style.template("{frame}").unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { writer, canvas, bar, drawn: None, error, is_closed: false }
    }

    /// Writes `above`, which ends with a line's end or is empty, and draws `frame`
    /// below it if it is another than is there: with one call of the writer.
    pub(super) fn show(&mut self, above: &[u8], frame: String, shape: Shape) {
        let next = (!frame.is_empty()).then(|| Drawn {
            frame: frame.clone(),
            columns: shape.columns,
            rows: shape.rows,
        });
        if next.is_none() && self.drawn.is_none() {
            self.canvas.bytes.lock().extend_from_slice(above);
        } else if !above.is_empty() || next != self.drawn {
            self.canvas.columns.store(shape.columns, Ordering::Relaxed);
            self.canvas.rows.store(shape.rows, Ordering::Relaxed);
            self.bar.suspend(|| {
                self.canvas.bytes.lock().extend_from_slice(above);
                *self.canvas.frame.lock() = frame;
            });
            self.drawn = next;
        }
        self.write_out();
    }

    fn write_out(&mut self) {
        let mut bytes = std::mem::take(&mut *self.canvas.bytes.lock());
        if bytes.is_empty() || self.is_closed {
            return;
        }
        let writer = &mut self.writer;
        let mut taken = 0;
        let written = catch_unwind(AssertUnwindSafe(|| {
            IN_WRITER.set(true);
            RunLogger::silenced(|| write_all(writer, &bytes, &mut taken))
        }));
        IN_WRITER.set(false);
        let error = match written {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(payload) => {
                discard(payload);
                self.is_closed = true;
                io::Error::other("the writer panicked")
            }
        };
        // A terminal that is not ready now is so later.
        if error.kind() == io::ErrorKind::WouldBlock && bytes.len() - taken <= KEPT {
            bytes.drain(..taken);
            *self.canvas.bytes.lock() = bytes;
            return;
        }
        // There is nobody behind a pipe that broke, and there will not be.
        self.is_closed |= error.kind() == io::ErrorKind::BrokenPipe;
        self.error.lock().get_or_insert(error);
    }
}

fn write_all(writer: &mut impl Write, bytes: &[u8], taken: &mut usize) -> io::Result<()> {
    while *taken < bytes.len() {
        match writer.write(&bytes[*taken..]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => *taken = bytes.len().min(*taken + count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    writer.flush()
}

/// What is to be written, and what is to be drawn.
#[derive(Debug, Default)]
struct Canvas {
    bytes: Mutex<Vec<u8>>,
    frame: Mutex<String>,
    columns: AtomicU16,
    rows: AtomicU16,
}

/// A terminal that keeps all that it is told, to be written at once.
#[derive(Debug)]
struct Drawing(Arc<Canvas>);

impl Drawing {
    fn push(&self, text: &str) -> io::Result<()> {
        self.0.bytes.lock().extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn move_cursor(&self, count: usize, direction: char) -> io::Result<()> {
        match count {
            0 => Ok(()),
            _ => self.push(&format!("\x1b[{count}{direction}")),
        }
    }
}

impl TermLike for Drawing {
    fn width(&self) -> u16 {
        self.0.columns.load(Ordering::Relaxed)
    }

    fn height(&self) -> u16 {
        self.0.rows.load(Ordering::Relaxed)
    }

    fn move_cursor_up(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'A')
    }

    fn move_cursor_down(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'B')
    }

    fn move_cursor_right(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'C')
    }

    fn move_cursor_left(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.push(text)?;
        self.push("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.push(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.push("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
