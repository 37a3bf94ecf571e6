//! Runs that are told by hand, to a console whose clock is turned by hand.

mod drawn;
mod failing;
mod log;
mod plain;
mod summary;
mod surroundings;
mod text;

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::shared::Shared;
use super::surroundings::Surroundings;
use super::{Console, Settings};
use crate::events::{
    Event, EventKind, FailureCause, Listener, NodeEnd, NodeRef, ResumeFrom, RunEnd, RunEnded,
    RunListener, RunStarted, Transfer,
};
use crate::pipeline::{Pipeline, node};
use crate::sync::Mutex;
use crate::{Data, RunId};

/// What was written, and by how many calls.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<(Vec<u8>, usize)>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.0.lock();
        written.0.extend_from_slice(bytes);
        written.1 += 1;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    /// What was written since this was last asked.
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.0.lock().0)).unwrap()
    }

    fn calls(&self) -> usize {
        self.0.lock().1
    }
}

/// A console, its clock, and what it has written.
struct Desk {
    console: Console,
    now: Arc<AtomicU64>,
    written: Written,
    screen: vt100::Parser,
}

impl Desk {
    fn new(writer: impl io::Write + Send + 'static, written: Written) -> Self {
        let now = Arc::new(AtomicU64::new(0));
        let clock = now.clone();
        let shared = Shared::by_hand(
            Box::new(writer),
            Surroundings::of_writer(),
            Arc::new(move || Duration::from_millis(clock.load(Ordering::Relaxed))),
        );
        let console = Console { settings: Arc::new(Settings::default()), shared: Arc::new(shared) };
        Self { console, now, written, screen: parser(80, 24) }
    }

    /// One that is not a terminal.
    fn plain() -> Self {
        let written = Written::default();
        Self::new(written.clone(), written)
    }

    /// A terminal.
    fn drawn(columns: u16, rows: u16) -> Self {
        let mut desk = Self::plain().with(|console| console.terminal(columns, rows));
        desk.screen = parser(columns, rows);
        desk
    }

    fn with(mut self, change: impl FnOnce(Console) -> Console) -> Self {
        self.console = change(self.console);
        self
    }

    /// Lets time go by, and the console say and draw what it has to.
    fn after(&self, millis: u64) -> &Self {
        self.now.fetch_add(millis, Ordering::Relaxed);
        self.console.shared.tick();
        self
    }

    fn begin(&self, id: &str, nodes: usize) -> Run {
        self.begin_with(id, pipeline((0..nodes).map(|at| format!("n{at}"))))
    }

    fn begin_with(&self, id: &str, pipeline: Pipeline) -> Run {
        let listener = self.console.run(&RunId::from(id.to_owned()));
        listener.begin(&pipeline).unwrap();
        let nodes = pipeline.len() as u32;
        let places = pipeline.node_names().map(str::to_owned).zip(0..).collect();
        let began = self.now.load(Ordering::Relaxed);
        let mut run = Run { listener, pipeline, places, now: self.now.clone(), began, seq: 0 };
        run.tell(EventKind::RunStarted(Box::new(RunStarted {
            run_id: id.to_owned().into(),
            started: SystemTime::UNIX_EPOCH,
            runner: "thread".into(),
            workers: 2,
            nodes,
            save_version: "v".into(),
            load_versions: Vec::new(),
            parameters: Vec::new(),
        })));
        run
    }

    /// The rows of the terminal, as they are seen.
    fn seen(&mut self) -> String {
        let bytes = self.written.take();
        // A terminal begins a new line at its left.
        self.screen.process(bytes.replace('\n', "\r\n").as_bytes());
        let screen = self.screen.screen();
        let (_, columns) = screen.size();
        let rows: Vec<_> =
            screen.rows(0, columns.get()).map(|row| row.trim_end().to_owned()).collect();
        rows.join("\n").trim_end().to_owned()
    }
}

fn parser(columns: u16, rows: u16) -> vt100::Parser {
    let [rows, columns] = [rows, columns].map(|size| NonZero::new(size).unwrap());
    vt100::Parser::new(rows, columns, 1_000)
}

/// Nodes without any order among them.
fn pipeline(names: impl IntoIterator<Item = String>) -> Pipeline {
    let nodes = names.into_iter().enumerate().map(|(at, name)| {
        let output: Data<u8> = Data::memory("").named(format!("d{at}"));
        node(|| 1_u8).reads(()).writes(output).named(name)
    });
    Pipeline::new(nodes).unwrap()
}

/// A run that is told by hand.
struct Run {
    listener: Arc<dyn RunListener>,
    pipeline: Pipeline,
    places: HashMap<String, u32>,
    now: Arc<AtomicU64>,
    began: u64,
    seq: u64,
}

impl Run {
    fn tell(&mut self, kind: EventKind<'_>) {
        let at = Duration::from_millis(self.now.load(Ordering::Relaxed) - self.began);
        self.listener.event(&Event { seq: self.seq, at, worker: Cow::Borrowed("w0"), kind });
        self.seq += 1;
    }

    fn node(&self, name: &str) -> NodeRef<'static> {
        NodeRef { name: name.to_owned().into(), index: self.places[name] }
    }

    fn start(&mut self, name: &str) {
        self.start_attempt(name, 1);
    }

    fn start_attempt(&mut self, name: &str, attempt: u32) {
        let node = self.node(name);
        let queued = Duration::from_millis(1);
        self.tell(EventKind::NodeStarted { node, attempt, queued });
    }

    fn done(&mut self, name: &str, ran: u64) {
        self.done_with(name, ran, None);
    }

    fn done_with(&mut self, name: &str, ran: u64, rows: Option<u64>) {
        let end = self.end(name, 1, ran, rows);
        self.tell(EventKind::NodeDone(end));
    }

    fn end(&self, name: &str, attempt: u32, ran: u64, rows: Option<u64>) -> NodeEnd<'static> {
        NodeEnd { node: self.node(name), attempt, ran: Duration::from_millis(ran), rows }
    }

    fn fail(&mut self, name: &str, attempt: u32, message: &str) {
        let end = self.end(name, attempt, 5, None);
        let failure = Box::new(failure(message));
        self.tell(EventKind::NodeFailed { end, failure });
    }

    fn retry(&mut self, name: &str, attempt: u32, message: &str) {
        let end = self.end(name, attempt, 5, None);
        let (failure, pause) = (Box::new(failure(message)), Duration::from_secs(2));
        self.tell(EventKind::NodeRetried { end, failure, pause });
    }

    fn skip(&mut self, name: &str, by: &str) {
        let (node, by) = (self.node(name), self.node(by));
        self.tell(EventKind::NodeSkipped { node, by });
    }

    fn save(&mut self, name: &str, bytes: u64) {
        let node = self.node(name);
        self.tell(EventKind::DatasetSaved(Transfer {
            node,
            attempt: 1,
            dataset: "d".into(),
            took: Duration::ZERO,
            rows: None,
            bytes: Some(bytes),
            error: None,
        }));
    }

    /// Its last node is done, and with that the run.
    fn over_done(&mut self, name: &str, attempt: u32, ran: u64) {
        let end = self.end(name, attempt, ran, None);
        self.tell(EventKind::NodeDone(end));
        self.over(RunEnd::Done);
    }

    fn over(&mut self, end: RunEnd) {
        self.over_with(end, None);
    }

    fn over_with(&mut self, end: RunEnd, resume: Option<ResumeFrom>) {
        let took = Duration::from_millis(self.now.load(Ordering::Relaxed) - self.began);
        let ended = RunEnded { end, took, error: None, problems: Vec::new(), resume };
        self.tell(EventKind::RunEnded(Box::new(ended)));
    }
}

fn failure(message: &str) -> FailureCause {
    FailureCause {
        kind: "error".into(),
        message: message.to_owned(),
        causes: vec!["the disk is full".to_owned(), "no room".to_owned()],
        place: Some("src/fit.rs:3:9".to_owned()),
    }
}

/// Whether there is anything in it that is not a character to be seen, or the end of
/// a line.
fn is_harmless(text: &str) -> bool {
    !text.chars().any(|character| character != '\n' && character.is_control())
}
