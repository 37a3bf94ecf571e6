//! With one subscriber for the whole process nothing is set per thread. In a
//! file of its own, since there is one global subscriber for a process.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use entourage::{Executor, Propagation, Snapshot};
use support::recorder::Recorder;
use support::watched::{is_watched, run_again_without};
use support::{one_worker, steal_one, workers};
use tracing::dispatcher::{Dispatch, get_default, set_global_default, with_default};
use tracing::subscriber::NoSubscriber;
use tracing::{info, info_span};

/// The global recorder, for one test at a time: some of them set scoped
/// dispatchers, of which `tracing` keeps one count for the whole process.
fn global() -> (MutexGuard<'static, ()>, &'static Recorder) {
    static RECORDER: LazyLock<Recorder> = LazyLock::new(|| {
        let recorder = Recorder::default();
        let dispatch = if is_watched() { recorder.watched_dispatch() } else { recorder.dispatch() };
        set_global_default(dispatch).unwrap();
        recorder
    });
    static ALONE: Mutex<()> = Mutex::new(());
    (ALONE.lock().unwrap_or_else(PoisonError::into_inner), &RECORDER)
}

/// Whether any thread of the process has a scoped dispatcher now. While there is
/// none, `tracing` looks for none: then even a nested look-up, which otherwise
/// is answered with no subscriber, finds the global one.
fn is_any_dispatcher_scoped() -> bool {
    get_default(|_| get_default(|nested| nested.is::<NoSubscriber>()))
}

#[test]
fn all_is_the_same_where_the_subscriber_is_watched() {
    run_again_without("all_is_the_same_where_the_subscriber_is_watched");
}

#[test]
fn global_dispatcher_is_not_set_again_on_the_workers() {
    let (_alone, recorder) = global();
    let pool = workers(2);
    info_span!("request").in_scope(|| {
        let look = || {
            info!("global");
            is_any_dispatcher_scoped()
        };
        assert!(!look());
        assert!(!pool.spawn(look).join().unwrap());
        assert!(!pool.install(look));
        let inner = pool.clone();
        assert!(!pool.spawn(move || inner.spawn(look).join().unwrap()).join().unwrap());
        pool.scope(|s| s.spawn(move |_| assert!(!look())));
        assert!(!Snapshot::empty().scope(is_any_dispatcher_scoped));
        // It would show, if it were.
        let dispatch = get_default(Dispatch::clone);
        assert!(with_default(&dispatch, is_any_dispatcher_scoped));
    });
    let events = recorder.events().into_iter().filter(|event| event.0 == "global");
    let spans: Vec<_> = events.map(|event| event.1).collect();
    assert_eq!(spans, vec![["request"]; 5]);
}

#[test]
fn tasks_of_one_scope_share_one_capture_of_the_span() {
    let (_alone, recorder) = global();
    let pool = one_worker();
    info_span!("scope").in_scope(|| {
        pool.in_place_scope(|s| {
            (0..10).for_each(|_| s.spawn(|_| info!("shared")));
            info_span!("within").in_scope(|| s.spawn(|_| info!("apart")));
        });
    });
    assert_eq!(pool.stats().snapshots, 2);
    assert_eq!(recorder.spans_of("apart"), ["scope", "within"]);
    let shared = recorder.events().into_iter().filter(|event| event.0 == "shared");
    assert!(shared.map(|event| event.1).eq(vec![["scope"]; 10]));
}

#[test]
fn spans_that_a_task_leaves_entered_are_exited_where_it_found_its_own_current() {
    let (_alone, recorder) = global();
    let pool = one_worker();
    let forget = || std::mem::forget(info_span!("forgotten").entered());
    // Without a span on an idle worker, and in the span of a task that waits.
    pool.spawn(forget).join().unwrap();
    pool.spawn(|| info!("after one without")).join().unwrap();
    let inner = pool.clone();
    let parent = info_span!("parent").in_scope(|| {
        pool.spawn(move || {
            inner.spawn(forget).join().unwrap();
            info!("after one in the same");
        })
    });
    parent.join().unwrap();
    assert_eq!(recorder.spans_of("after one without"), [""; 0]);
    assert_eq!(recorder.spans_of("after one in the same"), ["parent"]);
}

#[test]
fn task_of_a_thread_with_a_scoped_dispatcher_has_that_and_no_other() {
    let (_alone, recorder) = global();
    let pool = one_worker();
    let scoped = Recorder::record(|scoped| {
        let task = info_span!("scoped").in_scope(|| pool.spawn(|| info!("on the scoped one")));
        task.join().unwrap();
        scoped.clone()
    });
    assert_eq!(scoped.spans_of("on the scoped one"), ["scoped"]);
    assert!(recorder.events().iter().all(|event| event.0 != "on the scoped one"));
    assert!(!pool.rayon_pool().install(is_any_dispatcher_scoped));
}

#[test]
fn task_without_a_scoped_dispatcher_has_the_global_one_on_a_worker_that_set_it_aside() {
    let (_alone, recorder) = global();
    for policy in [Propagation::all(), Propagation::off()] {
        let on = one_worker();
        let pool = on.with_propagation(policy.clone()).unwrap();
        let name = format!("under {policy:?}");
        let scoped = Recorder::default();
        let waiting = with_default(&scoped.dispatch(), || {
            info_span!("waiting").in_scope(|| {
                on.spawn(|| {
                    steal_one();
                    info!("after");
                })
            })
        });
        let message = name.clone();
        let stolen = pool.spawn(move || info!("{message}"));
        for task in [stolen, waiting] {
            task.join().unwrap();
        }
        assert_eq!(recorder.spans_of(&name), [""; 0]);
        assert_eq!(scoped.spans_of("after"), ["waiting"]);
        assert_eq!(scoped.events().len(), 1);
    }
}

#[test]
fn thread_that_set_the_global_dispatcher_aside_for_none_has_none_in_its_tasks_either() {
    let (_alone, recorder) = global();
    let pool = one_worker();
    with_default(&Dispatch::none(), || pool.spawn(|| info!("silent")).join().unwrap());
    assert!(recorder.events().iter().all(|event| event.0 != "silent"));
}

#[test]
fn executor_built_before_a_scoped_dispatcher_knows_the_global_one() {
    let (_alone, recorder) = global();
    let off = Executor::builder().num_threads(1).propagation(Propagation::off()).build().unwrap();
    let waiting = off.spawn(|| with_default(&Recorder::default().dispatch(), steal_one));
    let stolen = off.spawn(|| info!("not lost"));
    for task in [stolen, waiting] {
        task.join().unwrap();
    }
    assert_eq!(recorder.spans_of("not lost"), [""; 0]);
}
