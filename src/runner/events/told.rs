//! The listeners of one run, and the one place that tells them.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::event::{Event, EventKind, NodeRef, RunEnd, RunEnded};
use super::listen::RunListener;
use crate::context::{RunLogger, discard};
use crate::executor::message_of;
use crate::pipeline::{NodeIndex, Pipeline};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Who is told of one run; a run without listeners has none of it.
pub(in crate::runner) struct Told {
    listeners: Vec<Arc<dyn RunListener>>,
    next: AtomicU64,
    /// The place of each node in the whole, where the run is of a part of it.
    places: Option<Box<[NodeIndex]>>,
    /// For who comes from outside of the run and calls it off: what happens in it
    /// happens before its end.
    phase: Mutex<Phase>,
}

/// What was told last of those things that happen once.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Going,
    CalledOff,
    Over,
}

impl Told {
    /// `None` where there is nobody.
    pub(in crate::runner) fn new(listeners: Vec<Arc<dyn RunListener>>) -> Option<Box<Self>> {
        let (next, places, phase) = Default::default();
        (!listeners.is_empty()).then(|| Box::new(Self { listeners, next, places, phase }))
    }

    /// Where they want the run's messages, and whether these are only shown there.
    pub(in crate::runner) fn loggers(&self) -> impl Iterator<Item = (RunLogger, bool)> + '_ {
        let ask = |listener: &Arc<dyn RunListener>| {
            let ask = || Some((listener.logger()?, listener.only_shows()));
            catch_unwind(AssertUnwindSafe(|| RunLogger::silenced(ask))).unwrap_or_else(|payload| {
                discard(payload);
                None
            })
        };
        self.listeners.iter().filter_map(ask)
    }

    /// Says where the nodes of a part are in the whole.
    pub(super) fn set_places(&mut self, places: Box<[NodeIndex]>) {
        self.places = Some(places);
    }

    /// Has every listener begin. What one of them refuses the run for comes back.
    pub(super) fn begin(&self, pipeline: &Pipeline) -> Vec<String> {
        let begin = |listener: &Arc<dyn RunListener>| {
            let begin = || RunLogger::silenced(|| listener.begin(pipeline));
            match catch_unwind(AssertUnwindSafe(begin)) {
                Ok(begun) => begun.err().map(|error| super::tell::in_words(&*error)),
                Err(payload) => {
                    let what = message_of(&*payload);
                    discard(payload);
                    Some(format!("a listener panicked as the run was to begin: {what}"))
                }
            }
        };
        self.listeners.iter().filter_map(begin).collect()
    }

    /// Where node `at` of the run is in the whole.
    pub(super) fn node<'a>(&self, pipeline: &'a Pipeline, at: NodeIndex) -> NodeRef<'a> {
        let index = self.places.as_ref().map_or(at, |places| places[at as usize]);
        NodeRef { name: Cow::Borrowed(pipeline.name_of(at)), index }
    }

    /// Tells every listener. A panic of one goes no further than the panic hook.
    pub(super) fn tell(&self, at: Duration, kind: EventKind<'_>) {
        // Relaxed: whoever was told before, and is the cause, has come here before.
        let seq = self.next.fetch_add(1, Ordering::Relaxed);
        let thread = std::thread::current();
        let worker = match thread.name() {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(format!("{:?}", thread.id())),
        };
        let event = Event { seq, at, worker, kind };
        RunLogger::silenced(|| {
            for listener in &self.listeners {
                let told = catch_unwind(AssertUnwindSafe(|| listener.event(&event)));
                told.unwrap_or_else(discard);
            }
        });
    }

    /// Tells that the run was called off, which may come from outside of it: once, and
    /// not after its end.
    pub(super) fn tell_cancelled(&self, at: Duration) {
        self.call_off(&mut self.phase.lock(), at);
    }

    /// Tells the end. Of a run that was called off that is told before: who did so may
    /// have come too late to tell it.
    pub(super) fn tell_end(&self, at: Duration, ended: RunEnded<'_>) {
        let mut phase = self.phase.lock();
        if ended.end == RunEnd::Cancelled {
            self.call_off(&mut phase, at);
        }
        *phase = Phase::Over;
        drop(phase);
        self.tell(at, EventKind::RunEnded(Box::new(ended)));
    }

    /// Told under the lock, so that it comes before the end.
    fn call_off(&self, phase: &mut Phase, at: Duration) {
        if *phase == Phase::Going {
            *phase = Phase::CalledOff;
            self.tell(at, EventKind::RunCancelled);
        }
    }
}

#[cfg(test)]
mod tests;
