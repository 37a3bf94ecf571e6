//! Where a run tells what happens. Each of these is one branch in a run without
//! listeners.

use std::borrow::Cow;
use std::time::Duration;

use super::event::{EventKind, FailureCause, NodeEnd, Transfer};
use super::told::Told;
use crate::catalog::{DatasetError, Value};
use crate::pipeline::{DatasetIndex, NodeIndex};
use crate::runner::NodeFailure;
use crate::runner::bindings::Binding;
use crate::runner::elsewhere::MovedThere;
use crate::runner::error::FailureKind;
use crate::runner::execute::{Again, Run};
use crate::runner::state::Stage;
use crate::runner::turn::Turn;

/// A load or a save under way, in a run that tells of it.
#[derive(Clone, Copy)]
pub(in crate::runner) struct Moving {
    began: Duration,
    /// What parts of it took before.
    spent: Duration,
}

/// What a load or a save came to.
#[derive(Clone, Copy, Default)]
pub(in crate::runner) struct Moved {
    pub(in crate::runner) rows: Option<usize>,
    pub(in crate::runner) bytes: Option<u64>,
}

/// A load or a save that is over.
struct Over<'a> {
    is_load: bool,
    turn: Turn<'a>,
    dataset: DatasetIndex,
    /// What it came to, or why to nothing.
    moved: Result<Moved, String>,
}

impl Moving {
    /// The same, of what has taken so long before.
    pub(in crate::runner) fn after(self, spent: Duration) -> Self {
        Self { spent, ..self }
    }
}

impl Run {
    /// Tells that a worker begins node `at`.
    #[inline]
    pub(in crate::runner) fn tell_started(
        &self,
        at: NodeIndex,
        number: Option<u32>,
        began: Duration,
    ) {
        if let Some(told) = &self.told {
            let node = told.node(&self.bound.pipeline, at);
            let queued = self.state.nodes[at as usize].queued_until(began);
            let attempt = number.unwrap_or(1);
            told.tell(began, EventKind::NodeStarted { node, attempt, queued });
        }
    }

    /// Tells that a worker lets go of node `at`, which lacks `dataset`.
    #[cold]
    pub(in crate::runner) fn tell_given_back(
        &self,
        at: NodeIndex,
        number: Option<u32>,
        dataset: DatasetIndex,
    ) {
        let Some(told) = &self.told else { return };
        let node = told.node(&self.bound.pipeline, at);
        let (attempt, dataset) = (number.unwrap_or(1), Cow::Borrowed(self.bound.name(dataset)));
        told.tell(self.state.elapsed(), EventKind::NodeGivenBack { node, attempt, dataset });
    }

    /// Tells how an attempt at node `at` ended, if that is the node's end.
    #[inline]
    pub(in crate::runner) fn tell_ended(
        &self,
        at: NodeIndex,
        stage: Stage,
        failure: Option<Box<FailureCause>>,
        began: Duration,
        ended: Duration,
    ) {
        let Some(told) = &self.told else { return };
        let end = self.node_end(told, at, began, ended);
        let kind = match (stage, failure) {
            (Stage::Done, _) => EventKind::NodeDone(end),
            (Stage::Cancelled, _) => EventKind::NodeCancelled(end),
            (_, failure) => EventKind::NodeFailed { end, failure: failure.unwrap_or_default() },
        };
        told.tell(ended, kind);
    }

    /// Tells that the attempt at node `at` failed and that there will be another.
    #[cold]
    pub(in crate::runner) fn tell_retried(
        &self,
        at: NodeIndex,
        again: Again,
        began: Duration,
        ended: Duration,
    ) {
        let Some(told) = &self.told else { return };
        let Again { pause, cause } = again;
        let (end, failure) = (self.node_end(told, at, began, ended), cause.unwrap_or_default());
        told.tell(ended, EventKind::NodeRetried { end, failure, pause });
    }

    /// Tells of a node that ends while it waits for another attempt.
    #[cold]
    pub(in crate::runner) fn tell_given_up(
        &self,
        at: NodeIndex,
        attempts: u32,
        failure: Option<&NodeFailure>,
    ) {
        let Some(told) = &self.told else { return };
        let node = told.node(&self.bound.pipeline, at);
        let end = NodeEnd { node, attempt: attempts, ran: Duration::ZERO, rows: None };
        let kind = match failure {
            None => EventKind::NodeCancelled(end),
            Some(failure) => {
                EventKind::NodeFailed { end, failure: Box::new(FailureCause::of(failure)) }
            }
        };
        told.tell(self.state.elapsed(), kind);
    }

    /// Why a node failed, where somebody is told.
    pub(in crate::runner) fn cause(&self, failure: &NodeFailure) -> Option<Box<FailureCause>> {
        self.told.as_ref().map(|_| Box::new(FailureCause::of(failure)))
    }

    /// How many attempts at node `at` were begun, where there may be several.
    pub(in crate::runner) fn tries_of(&self, at: NodeIndex) -> Option<u32> {
        let so_far = self.control.as_ref()?.tries.so_far(at);
        so_far.map(|(attempts, _)| attempts)
    }

    fn node_end(
        &self,
        told: &Told,
        at: NodeIndex,
        began: Duration,
        ended: Duration,
    ) -> NodeEnd<'_> {
        let pipeline = &self.bound.pipeline;
        let node = told.node(pipeline, at);
        let attempt = self.tries_of(at).unwrap_or(1);
        let rows = self.state.nodes[at as usize].rows().map(|rows| rows as u64);
        NodeEnd { node, attempt, ran: ended.saturating_sub(began), rows }
    }

    /// Begins to measure a load or a save of `dataset`, where that goes to storage and
    /// somebody is told.
    #[inline]
    pub(in crate::runner) fn moving(&self, dataset: DatasetIndex) -> Option<Moving> {
        self.told.as_ref()?;
        match &self.bound.bindings[dataset as usize] {
            // Of what moves elsewhere is told from there.
            Binding::Bound(entry) if !entry.is_memory() && !self.bound.is_elsewhere => {
                Some(Moving { began: self.state.elapsed(), spent: Duration::ZERO })
            }
            _ => None,
        }
    }

    /// What a load or a save has taken so far.
    pub(in crate::runner) fn spent(&self, moving: Moving) -> Duration {
        moving.spent + self.state.elapsed().saturating_sub(moving.began)
    }

    /// Tells of a load that is over.
    pub(in crate::runner) fn tell_loaded(
        &self,
        moving: Option<Moving>,
        turn: Turn<'_>,
        dataset: DatasetIndex,
        loaded: Result<&Value, &DatasetError>,
        bytes: Option<u64>,
    ) {
        let Some(moving) = moving else { return };
        let rows = || self.bound.codec(dataset).and_then(|codec| codec.rows(loaded.ok()?));
        let moved = loaded.map(|_| Moved { rows: rows(), bytes }).map_err(in_words);
        let over = Over { is_load: true, turn, dataset, moved };
        self.tell_moved(over, |at| moving.spent + at.saturating_sub(moving.began));
    }

    /// Tells of a save that is over.
    pub(in crate::runner) fn tell_saved(
        &self,
        moving: Option<Moving>,
        turn: Turn<'_>,
        dataset: DatasetIndex,
        saved: Result<Moved, &DatasetError>,
    ) {
        let Some(moving) = moving else { return };
        let over = Over { is_load: false, turn, dataset, moved: saved.map_err(in_words) };
        self.tell_moved(over, |at| moving.spent + at.saturating_sub(moving.began));
    }

    /// Tells of a load or a save that is over where the node runs, which is not here.
    /// It cannot have taken longer than the node has been there, since `began`.
    pub(in crate::runner) fn tell_moved_there(
        &self,
        turn: Turn<'_>,
        began: Duration,
        there: MovedThere,
    ) {
        let MovedThere { is_load, dataset, took, moved } = there;
        let over = Over { is_load, turn, dataset, moved };
        self.tell_moved(over, |at| took.min(at.saturating_sub(began)));
    }

    fn tell_moved(&self, over: Over<'_>, took: impl FnOnce(Duration) -> Duration) {
        let Some(told) = &self.told else { return };
        let Over { is_load, turn, dataset, moved } = over;
        let (moved, error) = match moved {
            Ok(moved) => (moved, None),
            Err(error) => (Moved::default(), Some(Cow::Owned(error))),
        };
        // Nothing is told of an attempt after its end. What comes too late for that is
        // found to be late by who made it, too.
        let _ = turn.in_time(|| {
            let at = self.state.elapsed();
            let transfer = Transfer {
                node: told.node(&self.bound.pipeline, turn.at),
                attempt: turn.number.unwrap_or(1),
                dataset: Cow::Borrowed(self.bound.name(dataset)),
                took: took(at),
                rows: moved.rows.map(|rows| rows as u64),
                bytes: moved.bytes,
                error,
            };
            let kind = match is_load {
                true => EventKind::DatasetLoaded(transfer),
                false => EventKind::DatasetSaved(transfer),
            };
            told.tell(at, kind);
        });
    }

    /// Tells that nobody of this run will read a dataset any more.
    #[inline]
    pub(in crate::runner) fn tell_released(&self, dataset: DatasetIndex) {
        if let Some(told) = &self.told {
            let dataset = Cow::Borrowed(self.bound.name(dataset));
            told.tell(self.state.elapsed(), EventKind::DatasetReleased { dataset });
        }
    }

    /// Tells that the run was called off.
    #[cold]
    pub(in crate::runner) fn tell_cancelled(&self) {
        if let Some(told) = &self.told {
            told.tell_cancelled(self.state.elapsed());
        }
    }
}

impl FailureCause {
    fn of(failure: &NodeFailure) -> Self {
        use std::error::Error;
        let kind = match &failure.kind {
            FailureKind::Error(_) => "error",
            FailureKind::Panic { .. } => "panic",
            FailureKind::Load(_) => "load",
            FailureKind::Save(_) => "save",
            FailureKind::Hook(_) => "hook",
            FailureKind::Confirm(_) => "confirm",
            FailureKind::Died { .. } => "died",
            FailureKind::Timeout(_) => "timeout",
        };
        // No deeper than that: an error may be its own cause.
        const DEEPEST: usize = 64;
        // The first is told by the failure itself.
        let first = failure.source();
        let mut causes = Vec::new();
        // Foreign code, which may panic.
        crate::context::quietly(|| {
            let mut next = first.and_then(Error::source);
            while let Some(cause) = next.filter(|_| causes.len() < DEEPEST) {
                causes.push(in_words(cause));
                next = cause.source();
            }
        });
        Self {
            kind: Cow::Borrowed(kind),
            message: in_words(failure),
            causes,
            place: failure.place().map(ToString::to_string),
        }
    }
}

impl Default for FailureCause {
    /// Of what could not be told.
    fn default() -> Self {
        Self {
            kind: Cow::Borrowed("error"),
            message: String::new(),
            causes: Vec::new(),
            place: None,
        }
    }
}

/// What an error says of itself, as far as anybody reads. That is foreign code, which
/// may fail, panic or never end.
pub(super) fn in_words(error: &(impl std::fmt::Display + ?Sized)) -> String {
    use std::fmt::{Error, Result, Write};

    const LONGEST: usize = 64 * 1024;
    struct Words {
        text: String,
        is_cut: bool,
    }
    impl Write for Words {
        fn write_str(&mut self, more: &str) -> Result {
            let room = LONGEST - self.text.len();
            self.is_cut |= more.len() > room;
            self.text.push_str(&more[..more.floor_char_boundary(room)]);
            if self.is_cut { Err(Error) } else { Ok(()) }
        }
    }
    let (mut words, mut is_whole) = (Words { text: String::new(), is_cut: false }, false);
    crate::context::quietly(|| is_whole = write!(words, "{error}").is_ok());
    let Words { mut text, is_cut } = words;
    match (is_whole, is_cut) {
        (true, _) => {}
        (false, true) => text.push_str(" … <and more>"),
        (false, false) => text.push_str("<an error that cannot be shown>"),
    }
    text
}
