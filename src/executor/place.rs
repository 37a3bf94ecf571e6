//! Where a panic happened.
//!
//! A payload does not say where it was thrown; only the panic hook is told. The
//! first executor of a process therefore puts a hook in front of the one that is
//! installed (and calls that one, always), which notes the place of each panic
//! inside a task. A payload may surface on another thread than the one that
//! panicked, after a `join` or a scope, so the notes are the process's and are
//! found again by thread and message.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{self, PanicHookInfo};
use std::sync::Once;

use crate::context::is_in_task;
use crate::sync::Mutex;
use crate::sync::thread::{self, ThreadId};

/// A line of a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    file: String,
    line: u32,
    column: u32,
}

impl Place {
    /// A place that another process told of.
    #[cfg(feature = "pipeline")]
    pub(crate) fn told(file: String, line: u32, column: u32) -> Self {
        Self { file, line, column }
    }

    /// The file, as the compiler was given it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The column, from 1.
    pub fn column(&self) -> u32 {
        self.column
    }
}

impl From<&panic::Location<'_>> for Place {
    fn from(at: &panic::Location<'_>) -> Self {
        Self { file: at.file().to_owned(), line: at.line(), column: at.column() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

struct Note {
    thread: ThreadId,
    message: Option<String>,
    place: Place,
}

/// Notes that nobody asked for (the task caught its own panic) go, oldest
/// first, when there are more than this.
const MOST_NOTES: usize = 256;

static NOTES: Mutex<VecDeque<Note>> = Mutex::new(VecDeque::new());

/// Puts the noting hook in front of the installed one, once a process. A hook
/// set later replaces both; places are then unknown, and nothing else changes.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    if thread::panicking() {
        return;
    }
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            note(info);
            previous(info);
        }));
    });
}

fn note(info: &PanicHookInfo<'_>) {
    if !is_in_task() {
        return;
    }
    let Some(location) = info.location() else { return };
    let message = text_of(info.payload()).map(str::to_owned);
    let note = Note { thread: thread::current().id(), message, place: location.into() };
    let mut notes = NOTES.lock();
    if notes.len() == MOST_NOTES {
        notes.pop_front();
    }
    notes.push_back(note);
}

/// Takes the place at which `payload` was thrown, if the hook saw it.
pub(crate) fn place_of(payload: &(dyn Any + Send)) -> Option<Place> {
    let message = text_of(payload);
    let here = thread::current().id();
    let mut notes = NOTES.lock();
    let matches = |note: &Note| note.message.as_deref() == message;
    let at = notes
        .iter()
        .rposition(|note| note.thread == here && matches(note))
        .or_else(|| notes.iter().rposition(|note| message.is_some() && matches(note)))?;
    notes.remove(at).map(|note| note.place)
}

/// What a payload says, where it is text.
pub(crate) fn message_of(payload: &(dyn Any + Send)) -> String {
    text_of(payload).unwrap_or("a payload that is not text").to_owned()
}

fn text_of(payload: &(dyn Any + Send)) -> Option<&str> {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}
