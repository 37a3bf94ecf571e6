//! The sentry hub goes along, a fork for each task.

use std::sync::Arc;

use entourage::Executor;
use entourage::accessors::SENTRY;
use entourage_foreign_tests::{for_each_in_context, one_worker, steal_one};
use sentry_core::test::with_captured_events;
use sentry_core::{Hub, Level, add_breadcrumb, capture_message, configure_scope};
use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

fn workers(num_threads: usize) -> Executor {
    Executor::builder().num_threads(num_threads).accessor(&SENTRY).build().unwrap()
}

#[test]
fn event_of_a_task_has_the_submitters_tags_and_its_own() {
    let events = with_captured_events(|| {
        configure_scope(|scope| scope.set_tag("tenant", "acme"));
        let pool = workers(2);
        pool.scope(|s| {
            for step in 0..20 {
                s.spawn(move |_| {
                    // Alone with its scope: nobody else's step or breadcrumb is in it.
                    configure_scope(|scope| {
                        let event = scope.apply_to_event(Default::default()).unwrap();
                        assert_eq!(event.tags.get("step"), None);
                        assert!(event.breadcrumbs.is_empty());
                        scope.set_tag("step", step);
                    });
                    add_breadcrumb(sentry_core::Breadcrumb::default());
                    capture_message("inside", Level::Error);
                });
            }
        });
        capture_message("outside", Level::Error);
    });
    assert_eq!(events.len(), 21);
    let (inside, outside): (Vec<_>, Vec<_>) =
        events.into_iter().partition(|event| event.message.as_deref() == Some("inside"));
    let mut steps: Vec<u32> =
        inside.iter().map(|event| event.tags["step"].parse().unwrap()).collect();
    steps.sort_unstable();
    assert!(steps.into_iter().eq(0..20));
    assert!(inside.iter().all(|event| event.tags["tenant"] == "acme"));
    assert!(inside.iter().all(|event| event.breadcrumbs.len() == 1));
    assert!(outside[0].breadcrumbs.is_empty());
    assert_eq!(outside[0].tags.get("step"), None);
}

#[test]
fn tasks_that_share_a_capture_share_no_hub() {
    with_captured_events(|| {
        let pool = workers(4);
        let snapshot = pool.snapshot();
        let hub = || Arc::as_ptr(&Hub::current()).addr();
        // Both alive at once, so that one address is one hub.
        snapshot.scope(|| {
            let outer = hub();
            snapshot.scope(|| assert_ne!(hub(), outer));
            assert_eq!(hub(), outer);
        });
        let submitter = hub();
        for_each_in_context(&pool, || assert_ne!(hub(), submitter));
    });
}

#[test]
fn task_without_a_client_sends_nothing_through_a_waiting_tasks() {
    let pool = one_worker(&SENTRY);
    let stolen = {
        let pool = pool.clone();
        move || {
            pool.spawn(|| {
                (capture_message("stolen", Level::Error), Hub::current().client().is_none())
            })
        }
    };
    let mut no_client = None;
    let (go, told) = std::sync::mpsc::channel();
    let events = with_captured_events(|| {
        let waiting = pool.spawn(move || {
            told.recv().unwrap();
            steal_one();
            capture_message("waiting", Level::Error);
        });
        // From a thread with a hub of its own, without a client.
        let stolen = std::thread::spawn(stolen).join().unwrap();
        go.send(()).unwrap();
        no_client = Some(stolen.join().unwrap().1);
        waiting.join().unwrap();
    });
    assert_eq!(no_client, Some(true));
    let messages: Vec<_> = events.iter().filter_map(|event| event.message.as_deref()).collect();
    assert_eq!(messages, ["waiting"]);
}

#[test]
fn waiting_task_keeps_its_hub_where_the_layer_switches_hubs() {
    let _default =
        tracing_subscriber::registry().with(sentry_tracing::SpanLayer::new()).set_default();
    let events = with_captured_events(|| {
        let pool = one_worker(&SENTRY);
        let submit = |name: &'static str, task: fn()| {
            info_span!("request").in_scope(|| {
                configure_scope(|scope| scope.set_tag("tenant", name));
                pool.spawn(task)
            })
        };
        let waiting = submit("waiting", || {
            configure_scope(|scope| scope.set_tag("step", "first"));
            let inner = info_span!("inner").entered();
            steal_one();
            capture_message("inner", Level::Error);
            drop(inner);
            steal_one();
            capture_message("after", Level::Error);
        });
        let stolen = || {
            capture_message("stolen", Level::Error);
        };
        let stolen = ["stolen 1", "stolen 2"].map(|name| submit(name, stolen));
        waiting.join().unwrap();
        for task in stolen {
            task.join().unwrap();
        }
    });
    let seen: Vec<_> = events
        .iter()
        .map(|event| {
            let tag = |name: &str| event.tags.get(name).map(String::as_str);
            (event.message.as_deref().unwrap(), tag("tenant").unwrap(), tag("step"))
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("stolen", "stolen 1", None),
            ("inner", "waiting", Some("first")),
            ("stolen", "stolen 2", None),
            ("after", "waiting", Some("first")),
        ]
    );
}

#[test]
fn hub_is_used_from_a_thread_local_destructor() {
    struct AtExit(Executor);
    impl Drop for AtExit {
        fn drop(&mut self) {
            self.0.spawn(|| ()).join().unwrap();
            self.0.snapshot().scope(|| ());
        }
    }
    thread_local! {
        static AT_EXIT: std::cell::RefCell<Option<AtExit>> = const { std::cell::RefCell::new(None) };
    }
    let pool = workers(1);
    let thread = std::thread::spawn(move || {
        AT_EXIT.set(Some(AtExit(pool)));
        // Used after, so torn down before.
        drop(Hub::current());
        // That of the random numbers in a new scope, too.
        drop(Hub::new(None, Arc::default()));
    });
    thread.join().unwrap();
}
