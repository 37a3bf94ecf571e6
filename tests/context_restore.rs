//! Whatever a task did, its thread holds afterwards what it held before.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::cell::RefCell;
use std::mem;
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use entourage::{Executor, JoinHandle, Snapshot, suppress};
use support::recorder::Recorder;
use support::spy::{Spy, local, set_local, with_local};
use support::{one_worker, panic_of, steal_one};
use tracing::dispatcher::get_default;
use tracing::subscriber::NoSubscriber;
use tracing::{Span, info, info_span};

entourage::context_key! {
    static TENANT: u32 = propagate;
    static ATTEMPT: u32 = propagate;
}

/// What a bare rayon job sees on the only worker: whether it is clean.
fn is_clean(pool: &Executor) -> bool {
    pool.rayon_pool().install(|| {
        let none = TENANT.get().is_none() && ATTEMPT.get().is_none() && local("locale").is_none();
        none && Span::current().is_none() && get_default(|dispatch| dispatch.is::<NoSubscriber>())
    })
}

fn with_spy() -> Executor {
    Executor::builder().num_threads(1).accessor(Spy::on("locale").leak()).build().unwrap()
}

#[test]
fn task_run_on_its_submitters_thread_restores_the_submitters_values() {
    Recorder::record(|recorder| {
        let pool = one_worker();
        let parent = info_span!("parent").in_scope(|| {
            let pool = pool.clone();
            TENANT.scope(1, || {
                pool.clone().spawn(move || {
                    let child = info_span!("child")
                        .in_scope(|| TENANT.scope(2, || pool.spawn(|| TENANT.get())));
                    // There is no other worker: the child runs right here.
                    assert_eq!(child.join().unwrap(), Some(2));
                    info!("after");
                    TENANT.get()
                })
            })
        });
        assert_eq!(parent.join().unwrap(), Some(1));
        assert_eq!(recorder.spans_of("after"), ["parent"]);
    });
}

#[test]
fn snapshot_entered_by_hand_restores_also_on_a_panic() {
    let snapshot = TENANT.scope(2, Snapshot::capture);
    TENANT.scope(1, || {
        assert_eq!(snapshot.scope(|| TENANT.get()), Some(2));
        assert_eq!(panic_of(|| snapshot.scope(|| panic!("inside"))), "inside");
        assert_eq!(TENANT.get(), Some(1));
    });
}

#[test]
fn only_worker_is_clean_after_a_task_that_carried_everything() {
    Recorder::record(|recorder| {
        let pool = with_spy();
        let task = info_span!("request").in_scope(|| {
            with_local("locale", 3, || {
                TENANT.scope(1, || {
                    pool.spawn(|| {
                        info!("inside");
                        (TENANT.get(), local("locale"))
                    })
                })
            })
        });
        assert_eq!(task.join().unwrap(), (Some(1), Some(3)));
        assert_eq!(recorder.spans_of("inside"), ["request"]);
        assert!(is_clean(&pool));
    });
}

/// Leaves behind all that a task can: a foreign thread-local, a span whose
/// guard is forgotten.
fn make_a_mess() {
    set_local("locale", Some(99));
    mem::forget(info_span!("forgotten").entered());
}

#[test]
fn what_a_task_sets_reaches_neither_worker_nor_sibling_nor_parent() {
    Recorder::record(|recorder| {
        let pool = with_spy();
        let inner = pool.clone();
        let parent = info_span!("parent").in_scope(|| {
            with_local("locale", 3, || {
                pool.spawn(move || {
                    let messy = info_span!("messy")
                        .in_scope(|| inner.spawn(|| ATTEMPT.scope(9, make_a_mess)));
                    messy.join().unwrap();
                    info!("in the parent");
                    (local("locale"), ATTEMPT.get())
                })
            })
        });
        assert_eq!(parent.join().unwrap(), (Some(3), None));
        assert_eq!(recorder.spans_of("in the parent"), ["parent"]);

        let sibling = pool.spawn(|| {
            info!("in the sibling");
            (local("locale"), ATTEMPT.get())
        });
        assert_eq!(sibling.join().unwrap(), (None, None));
        assert_eq!(recorder.spans_of("in the sibling"), [""; 0]);
        assert!(is_clean(&pool));
    });
}

#[test]
fn what_a_task_sets_does_not_reach_a_parent_in_the_very_same_context() {
    Recorder::record(|recorder| {
        let pool = with_spy();
        let inner = pool.clone();
        let parent = info_span!("request").in_scope(|| {
            with_local("locale", 3, || {
                TENANT.scope(1, || {
                    pool.spawn(move || {
                        // Everything the child carries is current here already.
                        inner.spawn(|| ATTEMPT.scope(9, make_a_mess)).join().unwrap();
                        info!("in the parent");
                        (local("locale"), ATTEMPT.get(), TENANT.get())
                    })
                })
            })
        });
        assert_eq!(parent.join().unwrap(), (Some(3), None, Some(1)));
        assert_eq!(recorder.spans_of("in the parent"), ["request"]);
        assert!(is_clean(&pool));
    });
}

#[test]
fn wrapped_closure_on_a_propagating_executor_runs_in_its_own_context() {
    Recorder::record(|recorder| {
        let pool = one_worker();
        let wrapped =
            info_span!("inner").in_scope(|| TENANT.scope(2, Snapshot::capture)).wrap(|| {
                info!("wrapped");
                (TENANT.get(), ATTEMPT.get())
            });
        let outer = info_span!("outer");
        let task = outer.in_scope(|| TENANT.scope(1, || ATTEMPT.scope(1, || pool.spawn(wrapped))));
        // The inner one wins whole: it does not mix with the outer.
        assert_eq!(task.join().unwrap(), (Some(2), None));
        assert_eq!(recorder.spans_of("wrapped"), ["inner"]);
    });
}

#[test]
fn closure_wrapped_in_the_context_it_is_submitted_in_enters_it_once() {
    Recorder::record(|recorder| {
        let pool = one_worker();
        let worker = pool.spawn(|| thread::current().id()).join().unwrap();
        let span = info_span!("request");
        let task = span.in_scope(|| pool.spawn(Snapshot::capture().wrap(|| info!("inside"))));
        task.join().unwrap();
        assert_eq!(recorder.steps_on(worker), ["+request", "inside", "-request"]);
    });
}

#[test]
fn one_snapshot_is_entered_on_64_threads_at_once() {
    Recorder::record(|recorder| {
        let snapshot = info_span!("request").in_scope(|| TENANT.scope(7, Snapshot::capture));
        let all_inside = Barrier::new(64);
        thread::scope(|threads| {
            for _ in 0..64 {
                threads.spawn(|| {
                    snapshot.scope(|| {
                        all_inside.wait();
                        info!("inside");
                        assert_eq!(TENANT.get(), Some(7));
                    });
                    assert_eq!(TENANT.get(), None);
                    assert!(Span::current().is_none());
                });
            }
        });
        let request = ("inside".to_owned(), vec!["request".to_owned()]);
        assert_eq!(recorder.events(), vec![request; 64]);
    });
}

#[test]
fn snapshot_is_reused_a_thousand_times() {
    Recorder::record(|recorder| {
        let snapshot = info_span!("request").in_scope(|| TENANT.scope(7, Snapshot::capture));
        for _ in 0..1000 {
            snapshot.scope(|| {
                info!("inside");
                assert_eq!(TENANT.get(), Some(7));
            });
            assert_eq!(TENANT.get(), None);
            assert!(Span::current().is_none());
        }
        let request = ("inside".to_owned(), vec!["request".to_owned()]);
        assert_eq!(recorder.events(), vec![request; 1000]);
        // It keeps its span open for as long as it may be used.
        assert_eq!(recorder.closings_of("request"), 0);
        drop(snapshot);
        assert_eq!(recorder.closings_of("request"), 1);
    });
}

#[test]
fn panic_handler_sees_the_tasks_context_and_leaves_the_worker_clean() {
    Recorder::record(|recorder| {
        let (told, seen) = mpsc::channel();
        let handler = move |error: &entourage::TaskError| {
            info!("told");
            told.send((error.task(), TENANT.get())).unwrap();
            // A handler's mess is a task's mess.
            mem::forget(info_span!("forgotten").entered());
        };
        let pool = Executor::builder().num_threads(1).panic_handler(handler).build().unwrap();
        info_span!("request").in_scope(|| {
            TENANT.scope(7, || pool.spawn_detached(|| panic!("unseen")));
        });
        let (task, tenant) = seen.recv().unwrap();
        assert!(task.contains("context_restore.rs"), "{task}");
        assert_eq!(tenant, Some(7));
        assert!(is_clean(&pool));
        assert_eq!(recorder.spans_of("told"), ["request"]);
    });
}

/// A task that waits, with a key and a span, and steals one job once it is told.
fn waiting_task(pool: &Executor) -> (JoinHandle<()>, mpsc::Sender<()>) {
    let (tell, told) = mpsc::channel();
    let body = move || {
        told.recv().unwrap();
        steal_one();
    };
    (info_span!("waiting").in_scope(|| TENANT.scope(1, || pool.spawn(body))), tell)
}

#[test]
fn value_that_nobody_takes_is_dropped_in_the_tasks_context() {
    struct Tells(mpsc::Sender<Option<u32>>);
    impl Drop for Tells {
        fn drop(&mut self) {
            info!("dropped");
            self.0.send(TENANT.get()).unwrap();
        }
    }
    Recorder::record(|recorder| {
        let pool = one_worker();
        let (tells, told) = mpsc::channel();
        let (waiting, detached) = waiting_task(&pool);
        let value =
            info_span!("stolen").in_scope(|| TENANT.scope(2, || pool.spawn(|| Tells(tells))));
        value.detach();
        detached.send(()).unwrap();
        waiting.join().unwrap();
        assert_eq!(told.recv().unwrap(), Some(2));
        assert_eq!(recorder.spans_of("dropped"), ["stolen"]);
    });
}

#[test]
fn last_drop_of_a_carried_value_sees_nothing_of_a_waiting_task() {
    struct Tells(mpsc::Sender<(Option<u32>, bool)>);
    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.send((TENANT.get(), Span::current().is_none())).unwrap();
        }
    }
    entourage::context_key! { static TELLS: Arc<Tells> = propagate; }

    Recorder::record(|_| {
        let pool = one_worker();
        let (tells, told) = mpsc::channel();
        let (waiting, submitted) = waiting_task(&pool);
        TELLS.scope(Arc::new(Tells(tells)), || pool.spawn_detached(|| ()));
        submitted.send(()).unwrap();
        waiting.join().unwrap();
        assert_eq!(told.recv().unwrap(), (None, true));
    });
}

#[test]
fn context_is_used_from_a_thread_local_destructor() {
    struct AtExit(Executor, mpsc::Sender<(Option<u32>, Option<u32>, Option<u32>)>);
    impl Drop for AtExit {
        fn drop(&mut self) {
            let here = TENANT.scope(1, || TENANT.get());
            let snapshot = Snapshot::empty().scope(|| suppress(|| TENANT.get()));
            let task = TENANT.scope(1, || self.0.spawn(|| TENANT.get())).join().unwrap();
            self.1.send((here, snapshot, task)).unwrap();
        }
    }
    thread_local! { static AT_EXIT: RefCell<Option<AtExit>> = const { RefCell::new(None) } }

    let pool = one_worker();
    let (tells, told) = mpsc::channel();
    let thread = thread::spawn(move || {
        AT_EXIT.set(Some(AtExit(pool, tells)));
        // Used after, so torn down before.
        TENANT.scope(0, || Snapshot::capture().scope(|| ()));
    });
    thread.join().unwrap();
    // What is set is not kept on a thread that is coming to its end.
    assert_eq!(told.recv().unwrap(), (None, None, None));
}
