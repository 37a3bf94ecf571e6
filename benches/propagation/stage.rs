//! What subscriber there is. A process has one, for good, so that each stage is
//! a process of its own.

use std::sync::atomic::{AtomicUsize, Ordering};

use entourage::SpanWatch;
use tracing::dispatcher::{self, Dispatch};
use tracing::{Event, Subscriber, info_span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::hand::Hand;

/// A stage, by what its figures are called after.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nobody listens.
    NoSubscriber,
    /// The process's own subscriber.
    Subscriber,
    /// The same, wrapped in a watch.
    Watched,
    /// A subscriber for the caller's thread only, to be carried like its span.
    Dispatcher,
}

/// What the caller is in when it submits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    WithoutSpan,
    InSpan,
}

impl Stage {
    /// In the order of the figures.
    pub(crate) const ALL: [Self; 4] =
        [Self::NoSubscriber, Self::Subscriber, Self::Watched, Self::Dispatcher];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoSubscriber => "no_subscriber",
            Self::Subscriber => "subscriber",
            Self::Watched => "watched",
            Self::Dispatcher => "dispatcher",
        }
    }

    /// Whether propagation off is measured here, too.
    pub(crate) fn has_off(self) -> bool {
        matches!(self, Self::NoSubscriber | Self::Subscriber)
    }

    /// The callers to measure, and what their figures are called after.
    pub(crate) fn callers(self) -> &'static [(Caller, &'static str)] {
        match self {
            Self::NoSubscriber => &[(Caller::WithoutSpan, "no_subscriber")],
            Self::Subscriber => &[(Caller::WithoutSpan, "subscriber"), (Caller::InSpan, "span")],
            Self::Watched => &[(Caller::WithoutSpan, "watched"), (Caller::InSpan, "watched_span")],
            Self::Dispatcher => &[(Caller::InSpan, "dispatcher")],
        }
    }

    /// Runs `f` with this stage's subscriber.
    pub(crate) fn run<R>(self, f: impl FnOnce() -> R) -> R {
        match self {
            Self::NoSubscriber => f(),
            Self::Subscriber => {
                dispatcher::set_global_default(subscriber().into()).expect("no other was set");
                f()
            }
            Self::Watched => {
                let watched = SpanWatch::new(subscriber());
                dispatcher::set_global_default(watched.into()).expect("no other was set");
                f()
            }
            Self::Dispatcher => {
                Hand::carries_dispatcher();
                dispatcher::with_default(&subscriber().into(), f)
            }
        }
    }
}

impl Caller {
    /// Runs `f` as this caller.
    pub(crate) fn run<R>(self, f: impl FnOnce() -> R) -> R {
        match self {
            Self::WithoutSpan => f(),
            Self::InSpan => {
                let span = info_span!("caller");
                assert!(!span.is_disabled(), "the subscriber must want the span");
                span.in_scope(f)
            }
        }
    }
}

/// The registry that everybody has, and the least that can listen on it.
fn subscriber() -> impl Subscriber + Into<Dispatch> {
    tracing_subscriber::registry().with(CountEvents::default())
}

#[derive(Default)]
struct CountEvents {
    events: AtomicUsize,
}

impl<S: Subscriber> Layer<S> for CountEvents {
    fn on_event(&self, _event: &Event<'_>, _cx: Context<'_, S>) {
        self.events.fetch_add(1, Ordering::Relaxed);
    }
}
