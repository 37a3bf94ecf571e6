//! A watched subscriber is asked nothing, hears everything, and whoever changes
//! spans in ways that are not foreseen is found out. In a file of its own, since
//! there is one global subscriber for a process.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use entourage::{Executor, SpanWatch};
use support::recorder::Recorder;
use support::{one_worker, steal_one};
use tracing::dispatcher::{get_default, set_default};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::set_global_default;
use tracing::{Dispatch, Event, Metadata, Span, Subscriber, info, info_span};
use tracing_core::span::Current;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

thread_local! {
    /// Asked, as if by the executor, in the middle of entering a span.
    static ASKS: Cell<Option<fn()>> = const { Cell::new(None) };
    static PANICS: Cell<bool> = const { Cell::new(false) };
}

/// How often the subscriber was asked what is current.
static QUESTIONS: AtomicUsize = AtomicUsize::new(0);

/// Counts the questions; stands under the watch, over the registry.
struct Asked<S>(S);

impl<S: Subscriber> Subscriber for Asked<S> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.0.new_span(span)
    }
    fn record(&self, span: &Id, values: &Record<'_>) {
        self.0.record(span, values);
    }
    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.0.record_follows_from(span, follows);
    }
    fn event(&self, event: &Event<'_>) {
        self.0.event(event);
    }
    fn enter(&self, span: &Id) {
        self.0.enter(span);
    }
    fn exit(&self, span: &Id) {
        self.0.exit(span);
    }
    fn clone_span(&self, id: &Id) -> Id {
        self.0.clone_span(id)
    }
    fn try_close(&self, id: Id) -> bool {
        self.0.try_close(id)
    }
    fn current_span(&self) -> Current {
        QUESTIONS.fetch_add(1, Ordering::Relaxed);
        self.0.current_span()
    }
}

/// Does on entering what layers should not.
struct Meddler;

impl Layer<Registry> for Meddler {
    fn on_enter(&self, _: &Id, _: Context<'_, Registry>) {
        assert!(!PANICS.replace(false), "the layer");
        if let Some(ask) = ASKS.take() {
            ask();
        }
    }
}

fn global() -> (MutexGuard<'static, ()>, &'static Recorder) {
    static RECORDER: LazyLock<Recorder> = LazyLock::new(|| {
        let recorder = Recorder::default();
        let subscriber = tracing_subscriber::registry().with(Meddler).with(recorder.clone());
        set_global_default(SpanWatch::new(Asked(subscriber))).unwrap();
        recorder
    });
    static ALONE: Mutex<()> = Mutex::new(());
    (ALONE.lock().unwrap_or_else(PoisonError::into_inner), &RECORDER)
}

fn questions(f: impl FnOnce()) -> usize {
    let before = QUESTIONS.load(Ordering::Relaxed);
    f();
    QUESTIONS.load(Ordering::Relaxed) - before
}

fn spans_on(pool: &Executor, message: &'static str) {
    pool.rayon_pool().install(|| info!("{message}"));
}

#[test]
fn tasks_of_a_scope_ask_the_subscriber_nothing() {
    let (_alone, recorder) = global();
    let pool = one_worker();
    info_span!("caller").in_scope(|| {
        let asked = |tasks| {
            questions(|| {
                pool.scope(|s| (0..tasks).for_each(|_| s.spawn(|_| ())));
            })
        };
        asked(1);
        assert_eq!(asked(1000), asked(1));
        let joins = || pool.join(|| (), || ());
        let asked = |times| questions(|| pool.install(|| (0..times).for_each(|_| _ = joins())));
        assert_eq!(asked(1000), asked(1));
    });
    spans_on(&pool, "after the scopes");
    assert_eq!(recorder.spans_of("after the scopes"), [""; 0]);
}

#[test]
fn task_that_changed_its_spans_is_undone_on_an_idle_worker_and_over_a_waiting_task() {
    let (_alone, recorder) = global();
    let pool = one_worker();
    let leaves = || {
        info!("inside");
        mem::forget(info_span!("forgotten").entered());
    };
    info_span!("own").in_scope(|| pool.spawn(leaves)).join().unwrap();
    spans_on(&pool, "idle");
    assert_eq!(recorder.spans_of("idle"), [""; 0]);

    let waiting = info_span!("waiting").in_scope(|| {
        pool.spawn(|| {
            steal_one();
            info!("goes on");
        })
    });
    let stolen = info_span!("stolen").in_scope(|| pool.spawn(leaves));
    for task in [waiting, stolen] {
        task.join().unwrap();
    }
    assert_eq!(recorder.spans_of("goes on"), ["waiting"]);
    spans_on(&pool, "idle again");
    assert_eq!(recorder.spans_of("idle again"), [""; 0]);
}

#[test]
fn task_that_exits_a_span_that_is_not_its_own_to_exit_leaves_the_worker_clean() {
    let (_alone, recorder) = global();
    let pool = one_worker();
    let task = info_span!("own").in_scope(|| {
        pool.spawn(|| {
            let id = Span::current().id().unwrap();
            get_default(Dispatch::clone).exit(&id);
            info!("outside of its own");
        })
    });
    task.join().unwrap();
    assert_eq!(recorder.spans_of("outside of its own"), [""; 0]);
    spans_on(&pool, "after an exit");
    assert_eq!(recorder.spans_of("after an exit"), [""; 0]);
    info_span!("next").in_scope(|| pool.spawn(|| info!("next task"))).join().unwrap();
    assert_eq!(recorder.spans_of("next task"), ["next"]);
}

#[test]
fn what_is_asked_in_the_middle_of_entering_is_not_remembered() {
    let (_alone, recorder) = global();
    let pool = one_worker();
    let task = info_span!("own").in_scope(|| {
        let inner = pool.clone();
        pool.spawn(move || {
            // The layer captures while `inner` is half entered.
            ASKS.set(Some(|| drop(entourage::Snapshot::capture())));
            let _inner = info_span!("inner").entered();
            info!("within");
            inner.scope(|s| s.spawn(|_| info!("spawned within")));
        })
    });
    task.join().unwrap();
    assert_eq!(recorder.spans_of("within"), ["own", "inner"]);
    assert_eq!(recorder.spans_of("spawned within"), ["own", "inner"]);
}

#[test]
fn layer_that_panics_on_entering_fails_the_task_and_leaves_the_worker_clean() {
    let (_alone, recorder) = global();
    let pool = one_worker();
    pool.rayon_pool().install(|| PANICS.set(true));
    let task = info_span!("own").in_scope(|| pool.spawn(|| info!("never said")));
    assert!(task.join().unwrap_err().is_panic());
    spans_on(&pool, "after the panic");
    assert_eq!(recorder.spans_of("after the panic"), [""; 0]);
    info_span!("later").in_scope(|| pool.spawn(|| info!("later task"))).join().unwrap();
    assert_eq!(recorder.spans_of("later task"), ["later"]);

    // The same where a span is entered by hand, and caught.
    let task = pool.spawn(|| {
        PANICS.set(true);
        let span = info_span!("by hand");
        assert!(catch_unwind(AssertUnwindSafe(|| mem::forget(span.enter()))).is_err());
    });
    task.join().unwrap();
    spans_on(&pool, "after that");
    assert_eq!(recorder.spans_of("after that"), [""; 0]);
}

#[test]
fn dispatcher_that_a_task_forgot_to_unset_is_not_that_of_the_next() {
    let (_alone, recorder) = global();
    let pool = one_worker();
    let other = Recorder::default();
    let dispatch = other.dispatch();
    let forgets = move || mem::forget(set_default(&dispatch));
    info_span!("own").in_scope(|| pool.spawn(forgets)).join().unwrap();
    spans_on(&pool, "after a dispatcher");
    pool.spawn(|| info!("next to forget")).join().unwrap();
    info_span!("its own").in_scope(|| pool.spawn(|| info!("one more"))).join().unwrap();
    assert_eq!(recorder.spans_of("after a dispatcher"), [""; 0]);
    assert_eq!(recorder.spans_of("next to forget"), [""; 0]);
    assert_eq!(recorder.spans_of("one more"), ["its own"]);
    assert_eq!(other.events(), []);
}
