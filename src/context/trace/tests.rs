//! There is no global dispatcher in this process; what there is with one is
//! shown where one can be set for a whole process.

use std::mem;
use std::sync::{Arc, Mutex};

use tracing::dispatcher::{Dispatch, get_default, with_default};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber, info_span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use super::super::frame::Frame;
use super::global::{is_global, names_global};
use super::{Trace, TraceFrame};
use crate::Snapshot;

/// Keeps a log of what is entered and exited, and panics at one step of it if it
/// is told to.
#[derive(Clone, Default)]
struct Steps(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    log: Vec<String>,
    panics_at: Option<&'static str>,
}

impl Steps {
    fn over_a_registry(&self) -> Dispatch {
        Dispatch::new(tracing_subscriber::registry().with(self.clone()))
    }

    fn note(&self, step: String) {
        let mut state = self.0.lock().unwrap();
        let fails = state.panics_at == Some(&*step);
        state.log.push(step);
        drop(state);
        assert!(!fails, "the subscriber");
    }

    /// Takes the log, and says where to panic from now on.
    fn take(&self, panics_at: Option<&'static str>) -> Vec<String> {
        let mut state = self.0.lock().unwrap();
        state.panics_at = panics_at;
        mem::take(&mut state.log)
    }
}

impl Layer<Registry> for Steps {
    fn on_enter(&self, id: &Id, context: Context<'_, Registry>) {
        self.note(format!("+{}", context.metadata(id).unwrap().name()));
    }
    fn on_exit(&self, id: &Id, context: Context<'_, Registry>) {
        self.note(format!("-{}", context.metadata(id).unwrap().name()));
    }
}

/// A subscriber that does not say what is current.
struct Mute(Steps);

impl Subscriber for Mute {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, id: &Id) {
        self.0.note(format!("+{}", id.into_u64()));
    }
    fn exit(&self, id: &Id) {
        self.0.note(format!("-{}", id.into_u64()));
    }
}

#[test]
fn kind_of_a_dispatcher_is_read_from_its_debug() {
    assert!(names_global(&Dispatch::none()));
    assert!(!names_global(&Dispatch::new(Registry::default())));
    get_default(|dispatch| assert!(names_global(dispatch)));
}

#[test]
fn thread_without_a_dispatcher_of_its_own_has_the_global_one() {
    assert!(get_default(is_global));
    with_default(&Dispatch::new(Registry::default()), || assert!(!get_default(is_global)));
    // Nothing tells it from what the thread has by itself.
    with_default(&Dispatch::none(), || assert!(get_default(is_global)));
}

fn run_in(snapshot: &Snapshot, f: impl FnOnce()) -> Result<(), String> {
    Frame::run(snapshot.as_capture(), f)
        .map_err(|payload| (*payload.downcast_ref::<&str>().unwrap()).to_owned())
}

/// Within spans 1 and 2 runs a task in span 3, which enters span 4 and says so,
/// and returns its outcome and all steps from its entering to its end.
fn steps(panics_at: Option<&'static str>) -> (Result<(), String>, Vec<String>) {
    let steps = Steps::default();
    let dispatch = steps.over_a_registry();
    with_default(&dispatch, || {
        let snapshot = info_span!("3").in_scope(Snapshot::capture);
        let outer = [info_span!("1"), info_span!("2")];
        let [_first, _second] = outer.each_ref().map(|span| span.enter());
        steps.take(panics_at);
        let outcome = run_in(&snapshot, || {
            let _inner = info_span!("4").entered();
            steps.note("task".to_owned());
        });
        let taken = steps.take(None);
        assert_eq!(dispatch.current_span().id(), outer[1].id().as_ref());
        (outcome, taken)
    })
}

const ALL_STEPS: [&str; 9] = ["-2", "-1", "+3", "+4", "task", "-4", "-3", "+1", "+2"];

#[test]
fn spans_are_parked_and_resumed() {
    let (outcome, steps) = steps(None);
    assert_eq!(outcome, Ok(()));
    assert_eq!(steps, ALL_STEPS);
}

#[test]
fn spans_are_resumed_after_a_panic_of_the_subscriber_at_any_step_of_entering() {
    for (panics_at, expected) in [
        ("-2", &["-2", "-1", "+1", "+2"][..]),
        ("-1", &["-2", "-1", "+1", "+2"]),
        ("+3", &["-2", "-1", "+3", "-3", "+1", "+2"]),
    ] {
        let (outcome, steps) = steps(Some(panics_at));
        assert_eq!(outcome, Err("the subscriber".to_owned()), "{panics_at}");
        assert_eq!(steps, expected, "{panics_at}");
    }
}

#[test]
fn what_is_left_to_do_is_done_after_a_panic_of_the_subscriber_in_leaving() {
    for panics_at in ["-3", "+1", "+2"] {
        let (outcome, steps) = steps(Some(panics_at));
        assert_eq!(outcome, Err("the subscriber".to_owned()), "{panics_at}");
        assert_eq!(steps, ALL_STEPS, "{panics_at}");
    }
}

#[test]
fn subscriber_that_does_not_say_what_is_current_has_its_span_exited_even_so() {
    let steps = Steps::default();
    let dispatch = Dispatch::new(Mute(steps.clone()));
    with_default(&dispatch, || {
        let span = Some(info_span!("1"));
        let trace = Trace { dispatch: Some(dispatch.clone()), span };
        let mut frame = TraceFrame::default();
        assert!(frame.enter(&trace).is_ok());
        assert!(frame.leave().is_ok());
    });
    assert_eq!(steps.take(None), ["+1", "-1"]);
}

#[test]
fn forgotten_guards_are_undone_with_the_task() {
    let steps = Steps::default();
    let dispatch = steps.over_a_registry();
    with_default(&dispatch, || {
        let outer = info_span!("1");
        let elsewhere = info_span!("2").in_scope(Snapshot::capture);
        let _entered = outer.enter();
        steps.take(None);
        // In the very span that is current, and in another.
        run_in(&Snapshot::capture(), || mem::forget(info_span!("3").entered())).unwrap();
        run_in(&elsewhere, || mem::forget(info_span!("4").entered())).unwrap();
        assert_eq!(dispatch.current_span().id(), outer.id().as_ref());
    });
    assert_eq!(steps.take(None), ["+3", "-3", "-1", "+2", "+4", "-4", "-2", "+1", "-1"]);
}
