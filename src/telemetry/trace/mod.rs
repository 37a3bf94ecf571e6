//! A run drawn as a trace, for Perfetto and `chrome://tracing`.
//!
//! The format is Chrome's "Trace Event Format", as a JSON object. It has no word for
//! what a pipeline is made of, so this is how a run is told in it:
//!
//! - A thread of the run is a thread of the trace. An attempt at a node is a
//!   complete event (`X`) there, a load or a save a pair of `B` and `E`. Told in
//!   pairs, because Perfetto binds an arrow to what was begun last and not ended,
//!   and takes a complete event for not ended until the next one begins.
//! - What does not nest in its thread is put on a further one: see [`tracks`].
//! - A wait for a worker is in no thread. It is an asynchronous pair (`b`, `e`); its
//!   id is the row that it is drawn in, and no two of a row overlap: see [`waits`].
//! - What a node wrote for another is an arrow (`s`, `f`) from the end of the one to
//!   the beginning of the other's first attempt.
//! - How many nodes run, and how many wait for a worker, is a counter (`C`); that an
//!   attempt failed, or the run was called off, an instant (`i`).
//!
//! Times are microseconds since the run began, with the nanoseconds behind the
//! point.

mod arrows;
mod counters;
mod event;
mod header;
mod instants;
mod slices;
mod tracks;
mod waits;

use std::io::{self, BufWriter, Write};
use std::path::Path;

use self::event::Events;
use self::tracks::Tracks;
use self::waits::Waits;
use super::record::AttemptRecord;
use super::whole_file;
use super::{NodeState, RunRecord};

impl RunRecord {
    /// Writes the run as a trace into the file at `path`, which
    /// [Perfetto](https://ui.perfetto.dev) and `chrome://tracing` open: a lane a
    /// worker, with the attempts at nodes and in them their loads and saves, how long
    /// nodes waited for a worker, an arrow from each node to those that read what it
    /// wrote, and how many nodes ran and waited at each moment.
    ///
    /// What is at `path` is replaced when the trace is whole, and left as it is where
    /// that fails. Of a run that was interrupted, what was under way ends with its
    /// last event, and has `"unfinished": true` among its arguments.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let record = entourage::RunRecord::read("runs/nightly-42")?;
    /// record.write_trace("nightly-42.trace.json")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the file cannot be written; the error names it.
    pub fn write_trace(&self, path: impl AsRef<Path>) -> io::Result<()> {
        whole_file::write("trace", path.as_ref(), |out| self.to_trace(out))
    }

    /// Writes the run as a trace into `out`, piece by piece: see
    /// [`write_trace`](Self::write_trace). `out` need not have a buffer.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn to_trace(&self, out: impl Write) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 16, out);
        let (tracks, waits) = (Tracks::new(self), Waits::new(self));
        out.write_all(b"{\"traceEvents\":[")?;
        let mut events = Events::new(&mut out);
        // The names of the lanes come before what is on them, a slice before the
        // arrows that are bound to it: a viewer goes by the order in the file where
        // times are equal.
        header::write(&mut events, self, &tracks)?;
        slices::write(&mut events, self, &tracks)?;
        arrows::write(&mut events, self, &tracks)?;
        instants::write(&mut events, self, &tracks)?;
        waits.write(&mut events, self)?;
        counters::write(&mut events, self)?;
        out.write_all(b"\n],\"displayTimeUnit\":\"ms\",\"otherData\":")?;
        header::write_other_data(&mut out, self, &waits)?;
        out.write_all(b"}\n")?;
        out.flush()
    }
}

/// The attempts that are drawn, with their places in the record: not one that was given
/// back for want of a dataset, of which nothing came.
fn attempts(record: &RunRecord) -> impl Iterator<Item = (u32, &AttemptRecord)> {
    let all = (0..).zip(&record.attempts);
    all.filter(|(_, attempt)| attempt.outcome != NodeState::NeverStarted)
}

#[cfg(test)]
mod tests;
