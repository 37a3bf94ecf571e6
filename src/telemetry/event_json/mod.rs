//! An event as one line of JSON, and back.
//!
//! Every line is an object with `seq`, `at_ns`, `event` and `worker`, and what
//! [`EventKind`](crate::events::EventKind) has for the event under the same names;
//! `_ns` behind one says that it is a duration, in nanoseconds. What is not known,
//! such as the number of rows, is left out. Nodes are told by name alone: the place
//! of each is in `pipeline.json`.

mod pairs;
mod read;
mod write;

/// Changes when the meaning of a key does; keys and events may be added without.
pub(crate) const SCHEMA: u32 = 1;

pub(crate) use read::{Line, LineError, read_line};
pub(crate) use write::{nanoseconds, rfc3339, write_line};

#[cfg(test)]
mod tests;
