//! What a run keeps that was told anything but to run.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

#[cfg(unix)]
use super::interrupt::Interrupt;
use super::lease::Lease;
use super::options::Controls;
use super::ordered::{Order, Ordered};
use super::timer::{Alarm, Timer};
use super::token::{CANCEL, CancelToken, Listening};
use super::tries::Tries;
use crate::pipeline::{NodeIndex, Pipeline, Retry};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

/// The token of a run that can be called off, taken on the thread that asks for
/// the run.
pub(in crate::runner) struct Cancellation {
    pub(in crate::runner) token: CancelToken,
    /// For a run that two tokens call off.
    linked: Option<Listening>,
}

impl Cancellation {
    /// `None` where nobody could call the run off.
    pub(in crate::runner) fn new(controls: &Controls) -> Option<Self> {
        let around = CANCEL.get();
        let first = controls.token.as_ref().or(around.as_ref());
        if first.is_none() && !controls.on_ctrl_c {
            return None;
        }
        // One of its own, so that it is called off by others and calls off nobody.
        let token = first.map(CancelToken::child).unwrap_or_default();
        let both = around.filter(|_| controls.token.is_some());
        let linked = both.map(|around| {
            let token = token.clone();
            around.on_cancel(move || _ = token.cancel())
        });
        Some(Self { token, linked })
    }
}

/// There once a run, of which any node or the whole was told something.
pub(in crate::runner) struct Control {
    pub(in crate::runner) token: CancelToken,
    pub(in crate::runner) tries: Tries,
    pub(super) is_cancelled: AtomicBool,
    retry: Option<Retry>,
    timeout: Option<Duration>,
    /// Who ends an attempt that takes too long while its worker is still at it;
    /// nobody does in a run on one thread.
    overdue: OnceLock<Weak<dyn Overdue>>,
    /// `None` where neither a timeout nor a pause can come up.
    timer: Option<&'static Timer>,
    held: Mutex<Held>,
}

/// What ends with the run.
#[derive(Default)]
struct Held {
    is_over: bool,
    alarms: HashMap<NodeIndex, Alarm>,
    others: Vec<Alarm>,
    listening: Vec<Listening>,
    #[cfg(unix)]
    interrupt: Option<Interrupt>,
}

/// What one node is told.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    /// Where there may be more than one attempt.
    pub(super) retry: Option<&'a Retry>,
    pub(super) timeout: Option<Duration>,
}

/// Ends attempts for which there is no time left.
pub(in crate::runner) trait Overdue: Send + Sync {
    /// The attempt of `lease` at node `at` is over, as far as anybody will see.
    /// Called on a thread of its own.
    fn overdue(self: Arc<Self>, at: NodeIndex, lease: &Lease);
}

impl Control {
    /// `None` where there is nothing to keep.
    ///
    /// # Errors
    ///
    /// If the system does not give what is needed for it.
    pub(in crate::runner) fn new(
        pipeline: &Pipeline,
        controls: &Controls,
        cancellation: Option<Cancellation>,
    ) -> Result<Option<Box<Self>>, String> {
        let Controls { retry, timeout, .. } = controls;
        let retry = retry.clone().filter(Retry::is_some);
        let has_settings = pipeline.has_settings();
        if cancellation.is_none() && retry.is_none() && timeout.is_none() && !has_settings {
            return Ok(None);
        }
        let (token, linked) = match cancellation {
            Some(Cancellation { token, linked }) => (token, linked),
            None => (CancelToken::new(), None),
        };
        let told = |at| told(pipeline, at, retry.as_ref(), *timeout);
        let wants_time =
            |told: Told<'_>| told.timeout.is_some() || told.retry.is_some_and(Retry::may_pause);
        let needs_timer = wants_time(Told { retry: retry.as_ref(), timeout: *timeout })
            || has_settings && pipeline.node_indices().any(|at| wants_time(told(at)));
        let no_timer = |error: io::Error| format!("no thread for timeouts and pauses: {error}");
        let timer = needs_timer.then(Timer::global).transpose().map_err(no_timer)?;
        let mut held = Held::default();
        held.listening.extend(linked);
        #[cfg(unix)]
        if controls.on_ctrl_c {
            let no_handler = |error| format!("Ctrl-C cannot be listened for: {error}");
            held.interrupt = Some(Interrupt::listen(token.clone()).map_err(no_handler)?);
        }
        Ok(Some(Box::new(Self {
            token,
            tries: Tries::default(),
            is_cancelled: AtomicBool::new(false),
            retry,
            timeout: *timeout,
            overdue: OnceLock::new(),
            timer,
            held: Mutex::new(held),
        })))
    }

    pub(super) fn told<'a>(&'a self, pipeline: &'a Pipeline, at: NodeIndex) -> Told<'a> {
        told(pipeline, at, self.retry.as_ref(), self.timeout)
    }

    /// Whether a node may be tried again or given up.
    pub(in crate::runner) fn may_repeat(&self) -> bool {
        self.retry.is_some() || self.timeout.is_some()
    }

    /// Has `overdue` end the attempts that take too long.
    pub(in crate::runner) fn set_overdue(&self, overdue: Weak<dyn Overdue>) {
        _ = self.overdue.set(overdue);
    }

    /// Whether somebody ends the attempts that take too long, or their worker has
    /// to do so itself.
    pub(super) fn has_overdue(&self) -> bool {
        self.overdue.get().is_some()
    }

    /// Has `f` called when the run is called off, unless it is over by then.
    pub(in crate::runner) fn on_cancel(&self, f: impl FnOnce() + Send + 'static) {
        let listening = self.token.on_cancel(f);
        self.held.lock().listening.push(listening);
    }

    /// Begins the time of an attempt. Until it is dropped the alarm is set.
    pub(super) fn lease(
        &self,
        at: NodeIndex,
        timeout: Duration,
        began: Duration,
        number: Option<u32>,
    ) -> (Arc<Lease>, Option<Alarm>) {
        let lease = Arc::new(Lease::new(&self.token, timeout, began, number));
        let (theirs, overdue) = (lease.clone(), self.overdue.get().cloned());
        let alarm =
            self.timer.map(|timer| timer.after(timeout, move || expired(at, &theirs, overdue)));
        (lease, alarm)
    }

    /// Calls `f` after the pause before another attempt at node `at`, unless the
    /// run is over by then.
    pub(in crate::runner) fn after_pause(
        &self,
        at: NodeIndex,
        pause: Duration,
        f: impl FnOnce() + Send + 'static,
    ) {
        let Some(timer) = self.timer else { return f() };
        // Set under the lock: it may go off at once, and the node may fail again and
        // have another set, which this one must not take the place of.
        let mut held = self.held.lock();
        if !held.is_over {
            let alarm = timer.after(pause, f);
            held.alarms.insert(at, alarm);
        }
    }

    /// Calls `f` after `delay`, unless the run is over by then.
    pub(in crate::runner) fn later(&self, delay: Duration, f: impl FnOnce() + Send + 'static) {
        let Some(timer) = self.timer else { return f() };
        let mut held = self.held.lock();
        if !held.is_over {
            let alarm = timer.after(delay, f);
            held.others.push(alarm);
        }
    }

    /// The run is over: nobody is to call it any more.
    pub(in crate::runner) fn end(&self) {
        let mut held = self.held.lock();
        let left = std::mem::replace(&mut *held, Held { is_over: true, ..Held::default() });
        drop(held);
        drop(left);
    }

    /// Whether there was a Ctrl-C that the run was to hear, though it may have had no
    /// node left to start.
    pub(in crate::runner) fn is_interrupted(&self) -> bool {
        #[cfg(unix)]
        let is_told = self.held.lock().interrupt.as_ref().is_some_and(Interrupt::is_told);
        #[cfg(not(unix))]
        let is_told = false;
        is_told
    }

    pub(in crate::runner) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }
}

fn told<'a>(
    pipeline: &'a Pipeline,
    at: NodeIndex,
    retry: Option<&'a Retry>,
    timeout: Option<Duration>,
) -> Told<'a> {
    let settings = pipeline.settings(at);
    let own = settings.and_then(|settings| settings.retry.as_ref());
    let retry = own.or(retry).filter(|retry| retry.is_some());
    Told { retry, timeout: settings.and_then(|settings| settings.timeout).or(timeout) }
}

/// The time of an attempt is over. On the timer's thread, which is not to wait for
/// what the user's code makes of it: hence another.
fn expired(at: NodeIndex, lease: &Arc<Lease>, overdue: Option<Weak<dyn Overdue>>) {
    if !lease.expire() {
        return;
    }
    let lease = lease.clone();
    let end = move || {
        if let Some(overdue) = overdue.as_ref().and_then(Weak::upgrade) {
            overdue.overdue(at, &lease);
        }
        // Last: whoever is called by the token may block.
        lease.token.cancel();
    };
    let end = Arc::new(Mutex::new(Some(end)));
    let theirs = end.clone();
    let call = move || {
        let end = theirs.lock().take();
        end.into_iter().for_each(|end| end());
    };
    let thread = std::thread::Builder::new().name("entourage-overdue".to_owned());
    if thread.spawn(call).is_err() {
        // Better late than never.
        let end = end.lock().take();
        end.into_iter().for_each(|end| end());
    }
}

/// The order of a run's nodes, where it is not all the same which goes first.
pub(in crate::runner) fn ordered(
    pipeline: &Pipeline,
    controls: &Controls,
    control: Option<&Control>,
    threads: usize,
) -> Option<Ordered> {
    let has_settings = pipeline.has_settings();
    let repeats = control.is_some_and(Control::may_repeat);
    if controls.limits.is_empty() && !has_settings && !repeats {
        return None;
    }
    let priority = |at| pipeline.settings(at).map_or(0, |settings| settings.priority);
    let tags = |at, each: &mut dyn FnMut(&str)| pipeline.tags_of(at).for_each(each);
    Some(Ordered::new(&Order {
        nodes: pipeline.len(),
        priorities: has_settings.then_some(&priority),
        limits: &controls.limits,
        tags: &tags,
        threads,
    }))
}
