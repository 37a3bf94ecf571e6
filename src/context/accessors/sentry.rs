//! The sentry hub.

use std::fmt;
use std::sync::Arc;

use sentry_core::{Hub, HubSwitchGuard};

use super::unless_torn_down;
use crate::context::Accessor;

/// The type of [`SENTRY`].
#[derive(Debug)]
pub struct Sentry {
    _private: u8,
}

/// Carries the current sentry [`Hub`]: its client, and its scope with tags, user,
/// breadcrumbs and span.
///
/// Each task gets a hub of its own, forked at the submit from the top of the
/// submitter's ([`Hub::new_from_top`]), as in sentry's own integrations. What a
/// task puts on its scope reaches neither the submitter nor another task, and
/// the submitter's [`Hub::last_event_id`] does not tell of the task's events. A
/// task submitted without a client sees an empty hub.
///
/// ```
/// use std::sync::Arc;
/// use entourage::{Executor, accessors};
/// use sentry_core::{Client, ClientOptions, Hub};
///
/// /// A tag as it would be on an event sent now.
/// fn tag(name: &str) -> Option<String> {
///     let event = Hub::current().configure_scope(|scope| scope.apply_to_event(Default::default()));
///     event.and_then(|mut event| event.tags.remove(name))
/// }
///
/// let pool = Executor::builder().num_threads(2).accessor(&accessors::SENTRY).build()?;
/// let client = Client::from_config(ClientOptions::default());
/// let hub = Arc::new(Hub::new(Some(Arc::new(client)), Default::default()));
/// Hub::run(hub, || {
///     Hub::current().configure_scope(|scope| scope.set_tag("tenant", "acme"));
///     let task = pool.spawn(|| {
///         Hub::current().configure_scope(|scope| scope.set_tag("step", "clean"));
///         tag("tenant")
///     });
///     assert_eq!(task.join().unwrap().as_deref(), Some("acme"));
///     assert_eq!(tag("step"), None);
/// });
/// # Ok::<(), entourage::BuildError>(())
/// ```
///
/// # With `sentry-tracing`
///
/// Its layer switches to a hub of its own for every span that is entered, a fork
/// of the one that the span was made under. The executor enters the span first
/// and this accessor after it, so that the task's hub is the fork of what was
/// current at the submit, with the span and with all that was put on the scope
/// since. It stays the task's hub when the task has waited and its span was
/// exited and entered again.
pub static SENTRY: Sentry = Sentry { _private: 0 };

/// A fork that is never current anywhere: each task is given a fork of it, so
/// that tasks which share a capture do not share a hub.
#[doc(hidden)]
pub struct Forked(Arc<Hub>);

/// Puts the outer hub back.
#[doc(hidden)]
#[must_use = "the outer hub is put back when the guard is dropped"]
pub struct Switched {
    /// `None` on a thread that is being torn down.
    hub: Option<Arc<Hub>>,
    /// `None` while it is suspended, too.
    guard: Option<HubSwitchGuard>,
}

impl Switched {
    fn new(hub: Option<Hub>) -> Self {
        let mut switched = Self { hub: hub.map(Arc::new), guard: None };
        switched.switch();
        switched
    }

    fn switch(&mut self) {
        let switch = |hub| unless_torn_down(|| HubSwitchGuard::new(hub));
        self.guard = self.hub.clone().and_then(switch);
    }
}

impl Accessor for Sentry {
    type Value = Forked;
    type Guard = Switched;

    fn name(&self) -> &'static str {
        "entourage::accessors::SENTRY"
    }

    fn capture(&self) -> Option<Forked> {
        let hub = unless_torn_down(Hub::current)?;
        hub.client().is_some().then(|| Forked(Arc::new(Hub::new_from_top(hub))))
    }

    fn enter(&self, value: Option<&Forked>) -> Switched {
        // To make a scope takes a thread-local, too: that of the random numbers.
        Switched::new(unless_torn_down(|| match value {
            Some(Forked(hub)) => Hub::new_from_top(hub),
            None => Hub::new(None, Arc::default()),
        }))
    }

    /// The layer of `sentry-tracing` switches to a hub for each span.
    fn follows_spans(&self) -> bool {
        true
    }

    fn suspend(&self, switched: &mut Switched) {
        switched.guard = None;
    }

    fn resume(&self, switched: &mut Switched) {
        switched.switch();
    }
}

impl fmt::Debug for Forked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forked")
    }
}

impl fmt::Debug for Switched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Switched")
    }
}
