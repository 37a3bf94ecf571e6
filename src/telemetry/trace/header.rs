//! What the trace says of itself: the names of its lanes, and of which run it is.

use std::io::{self, Write};
use std::time::SystemTime;

use serde::Serialize;

use super::event::{Events, TraceEvent};
use super::tracks::{QUEUE_TRACK, RUN_TRACK, Tracks, tid};
use super::waits::Waits;
use crate::telemetry::RunRecord;

#[derive(Serialize)]
#[serde(untagged)]
enum Metadata<'a> {
    Name { name: &'a str },
    SortIndex { sort_index: u32 },
    Labels { labels: &'a str },
}

pub(super) fn write<W: Write>(
    events: &mut Events<'_, W>,
    record: &RunRecord,
    tracks: &Tracks,
) -> io::Result<()> {
    let started = record.started.as_ref();
    let name = record.run_id().map_or_else(|| "run".to_owned(), |id| format!("run {id}"));
    let name = Metadata::Name { name: &name };
    events.write(&TraceEvent::metadata("process_name", RUN_TRACK, name))?;
    if let Some(started) = started {
        let labels = format!("{} runner, {} at once", started.runner, started.workers);
        let labels = Metadata::Labels { labels: &labels };
        events.write(&TraceEvent::metadata("process_labels", RUN_TRACK, labels))?;
    }
    write_thread(events, RUN_TRACK, "run")?;
    write_thread(events, QUEUE_TRACK, "queue")?;
    for (at, track) in tracks.tracks.iter().enumerate() {
        let name = &*record.lanes.names()[track.lane as usize];
        match track.number {
            0 => write_thread(events, tid(at), name)?,
            number => write_thread(events, tid(at), &format!("{name} ({})", number + 1))?,
        }
    }
    Ok(())
}

fn write_thread<W: Write>(events: &mut Events<'_, W>, tid: u32, name: &str) -> io::Result<()> {
    events.write(&TraceEvent::metadata("thread_name", tid, Metadata::Name { name }))?;
    let order = Metadata::SortIndex { sort_index: tid };
    events.write(&TraceEvent::metadata("thread_sort_index", tid, order))
}

#[derive(Serialize)]
struct OtherData<'a> {
    producer: &'static str,
    version: &'static str,
    run_id: Option<&'a str>,
    /// By the wall clock; the times of the trace count from here.
    started: Option<String>,
    runner: Option<&'a str>,
    workers: Option<u32>,
    save_version: Option<&'a str>,
    end: &'static str,
    /// How many waits are not drawn, since too many others went on at once.
    waits_left_out: u64,
}

pub(super) fn write_other_data(
    out: &mut impl Write,
    record: &RunRecord,
    waits: &Waits,
) -> io::Result<()> {
    let started = record.started.as_ref();
    let data = OtherData {
        producer: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        run_id: record.run_id(),
        started: started.map(|it| rfc3339(it.started)),
        runner: started.map(|it| &*it.runner),
        workers: started.map(|it| it.workers),
        save_version: started.map(|it| &*it.save_version),
        end: end(record),
        waits_left_out: waits.left_out,
    };
    serde_json::to_writer(out, &data).map_err(io::Error::from)
}

/// How the run ended, in a word.
pub(super) fn end(record: &RunRecord) -> &'static str {
    record.ended.as_ref().map_or("interrupted", |ended| ended.end.as_str())
}

fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_nanos(time).to_string()
}
