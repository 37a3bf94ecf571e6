//! A subscriber that lets us see, in a thread-local, when spans change.

use std::any::TypeId;
use std::cell::Cell;
use std::ptr;

use tracing::dispatcher::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread_local;

thread_local! {
    /// How many changes of this thread's spans went through a watch.
    static CHANGES: Cell<u64> = const { Cell::new(0) };
    static KNOWN: Cell<Known> = const { Cell::new(Known { changes: u64::MAX, span: 0 }) };
}

/// Whether the process's global dispatcher is watched. A hint, set before the
/// dispatcher's address is published: hence relaxed.
static IS_GLOBAL_WATCHED: AtomicBool = AtomicBool::new(false);

/// Which span, 0 for none, was current when there had been so many changes.
#[derive(Clone, Copy)]
struct Known {
    changes: u64,
    span: u64,
}

/// Wraps a subscriber so that the crate can tell by itself whether this thread's
/// spans have changed, where it would otherwise ask the subscriber before and
/// after each task. Nothing else changes: every call goes through.
///
/// Install it as the process's global subscriber, outside of everything else;
/// as a scoped one it helps nothing.
///
/// ```
/// use entourage::SpanWatch;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let subscriber = tracing_subscriber::registry().with(tracing_subscriber::fmt::layer());
/// tracing::subscriber::set_global_default(SpanWatch::new(subscriber))?;
/// # Ok::<(), tracing::subscriber::SetGlobalDefaultError>(())
/// ```
///
/// It holds as long as spans are entered and exited through `tracing`, not on the
/// wrapped subscriber directly.
#[derive(Clone, Debug, Default)]
pub struct SpanWatch<S> {
    subscriber: S,
    watched: Watched,
}

/// By which a dispatcher is asked whether there is a watch in it.
#[derive(Clone, Debug, Default)]
struct Watched;

impl<S: Subscriber> SpanWatch<S> {
    /// Watches the spans of `subscriber`.
    pub fn new(subscriber: S) -> Self {
        Self { subscriber, watched: Watched }
    }
}

/// Whether `dispatch` has a watch in it.
pub(super) fn is_watched(dispatch: &Dispatch) -> bool {
    dispatch.is::<Watched>()
}

pub(super) fn set_global(is_watched: bool) {
    IS_GLOBAL_WATCHED.store(is_watched, Ordering::Relaxed);
}

/// How many changes of this thread's spans there have been under the global
/// dispatcher; `None` where that is not watched.
#[inline]
pub(super) fn changes() -> Option<u64> {
    IS_GLOBAL_WATCHED.load(Ordering::Relaxed).then(|| CHANGES.get())
}

/// The span that is current on this thread under `dispatch`, which must be the
/// global one.
#[inline]
pub(super) fn current(dispatch: &Dispatch) -> Option<Id> {
    match changes() {
        Some(changes) => {
            let known = KNOWN.get();
            if known.changes == changes { id_of(known.span) } else { ask(dispatch, changes) }
        }
        None => dispatch.current_span().id().cloned(),
    }
}

#[inline(never)]
fn ask(dispatch: &Dispatch, changes: u64) -> Option<Id> {
    let current = dispatch.current_span().id().cloned();
    KNOWN.set(Known { changes, span: current.as_ref().map_or(0, Id::into_u64) });
    current
}

/// Notes that `span`, which was entered where none was, is current now, if that
/// is all that changed since there were `before` changes; says how many there are.
#[inline]
pub(super) fn know_after_one(before: u64, span: &Id) -> Option<u64> {
    // A change counts twice. A layer that enters spans of its own counts more.
    let changes = before.wrapping_add(2);
    (changes == CHANGES.get()).then(|| {
        KNOWN.set(Known { changes, span: span.into_u64() });
        changes
    })
}

fn id_of(span: u64) -> Option<Id> {
    (span != 0).then(|| Id::from_u64(span))
}

/// Counts a change when it begins and, dropped, when it is over: a layer may ask
/// what is current while it is half done, and what it hears must not be kept.
struct Change;

impl Change {
    fn begin() -> Self {
        count();
        Self
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        count();
    }
}

fn count() {
    CHANGES.set(CHANGES.get().wrapping_add(1));
}

impl<S: Subscriber> Subscriber for SpanWatch<S> {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.subscriber.on_register_dispatch(dispatch);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.subscriber.register_callsite(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.subscriber.enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.subscriber.max_level_hint()
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.subscriber.new_span(span)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.subscriber.record(span, values);
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.subscriber.record_follows_from(span, follows);
    }

    fn event_enabled(&self, event: &Event<'_>) -> bool {
        self.subscriber.event_enabled(event)
    }

    fn event(&self, event: &Event<'_>) {
        self.subscriber.event(event);
    }

    fn enter(&self, span: &Id) {
        let _change = Change::begin();
        self.subscriber.enter(span);
    }

    fn exit(&self, span: &Id) {
        let _change = Change::begin();
        self.subscriber.exit(span);
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.subscriber.clone_span(id)
    }

    fn try_close(&self, id: Id) -> bool {
        self.subscriber.try_close(id)
    }

    fn current_span(&self) -> Current {
        self.subscriber.current_span()
    }

    #[expect(unsafe_code, reason = "the trait's own method, by which a dispatcher is downcast")]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        if id == TypeId::of::<Self>() {
            Some(ptr::from_ref(self).cast())
        } else if id == TypeId::of::<Watched>() {
            Some(ptr::from_ref(&self.watched).cast())
        } else {
            // SAFETY: the caller's promise to us, that it dereferences the pointer
            // as the type it asked for and no longer than `self` lives, is what the
            // wrapped subscriber, a field of `self`, asks for.
            unsafe { self.subscriber.downcast_raw(id) }
        }
    }
}
