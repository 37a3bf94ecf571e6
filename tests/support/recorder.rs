//! A `tracing` layer that remembers everything: which event in which spans on
//! which thread, and in what order spans were entered and exited.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use entourage::SpanWatch;
use tracing::dispatcher::{self, Dispatch};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Enter(String),
    Exit(String),
    Close(String),
    Event { message: String, spans: Vec<String> },
}

/// Everything that was recorded, in one order for all threads.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    seen: Arc<Mutex<Vec<(ThreadId, What)>>>,
}

impl Recorder {
    /// Runs `f` with a recorder as the dispatcher of this thread, and of no
    /// other: what is not carried to a worker is not recorded there.
    pub(crate) fn record<R>(f: impl FnOnce(&Self) -> R) -> R {
        let recorder = Self::default();
        dispatcher::with_default(&recorder.dispatch(), || f(&recorder))
    }

    pub(crate) fn dispatch(&self) -> Dispatch {
        Dispatch::new(tracing_subscriber::registry().with(self.clone()))
    }

    /// As [`dispatch`](Self::dispatch), watched.
    pub(crate) fn watched_dispatch(&self) -> Dispatch {
        Dispatch::new(SpanWatch::new(tracing_subscriber::registry().with(self.clone())))
    }

    /// The spans of the one event with this message, outermost first.
    #[track_caller]
    pub(crate) fn spans_of(&self, wanted: &str) -> Vec<String> {
        let mut found: Vec<_> =
            self.events().into_iter().filter(|event| event.0 == wanted).collect();
        assert_eq!(found.len(), 1, "events `{wanted}`: {found:?}");
        found.remove(0).1
    }

    /// Every event's message and spans.
    pub(crate) fn events(&self) -> Vec<(String, Vec<String>)> {
        let event = |(_, what): &(ThreadId, What)| match what {
            What::Event { message, spans } => Some((message.clone(), spans.clone())),
            _ => None,
        };
        self.seen.lock().unwrap().iter().filter_map(event).collect()
    }

    /// What happened on `thread`, in order: `+a` is span a's entering, `-a` its
    /// exit, and a plain word an event.
    pub(crate) fn steps_on(&self, thread: ThreadId) -> Vec<String> {
        let step = |(on, what): &(ThreadId, What)| match what {
            _ if *on != thread => None,
            What::Enter(span) => Some(format!("+{span}")),
            What::Exit(span) => Some(format!("-{span}")),
            What::Event { message, .. } => Some(message.clone()),
            What::Close(_) => None,
        };
        self.seen.lock().unwrap().iter().filter_map(step).collect()
    }

    /// How often a span of this name was closed.
    pub(crate) fn closings_of(&self, span: &str) -> usize {
        let is_it = |(_, what): &&(ThreadId, What)| *what == What::Close(span.to_owned());
        self.seen.lock().unwrap().iter().filter(is_it).count()
    }

    fn note(&self, what: What) {
        self.seen.lock().unwrap().push((thread::current().id(), what));
    }
}

/// A span's name and, after a dash, its field `id` if it has one.
struct Label(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut visitor = Texts::default();
        attributes.record(&mut visitor);
        let name = attributes.metadata().name();
        let label = visitor.id.map_or(name.to_owned(), |id| format!("{name}-{id}"));
        context.span(id).unwrap().extensions_mut().insert(Label(label));
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.note(What::Enter(label(&context.span(id).unwrap())));
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.note(What::Exit(label(&context.span(id).unwrap())));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.note(What::Close(label(&context.span(&id).unwrap())));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut visitor = Texts::default();
        event.record(&mut visitor);
        let scope = context.event_scope(event);
        let spans = scope.map(|scope| scope.from_root().map(|span| label(&span)).collect());
        self.note(What::Event { message: visitor.message, spans: spans.unwrap_or_default() });
    }
}

fn label<'a, S: LookupSpan<'a>>(span: &SpanRef<'a, S>) -> String {
    span.extensions().get::<Label>().map_or_else(String::new, |label| label.0.clone())
}

#[derive(Default)]
struct Texts {
    message: String,
    id: Option<String>,
}

impl Visit for Texts {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "id" => self.id = Some(format!("{value:?}")),
            _ => {}
        }
    }
}
