//! Whoever asks is told what a task left behind, with file and line; and left
//! behind or not, the next task sees nothing of it.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::mem;
use std::panic::Location;
use std::sync::{Arc, Mutex};

use entourage::{Accessor, Executor, ExecutorBuilder, Leak, Propagation, Snapshot, context_key};
use support::recorder::Recorder;
use support::spy::{Spy, local, set_local, with_local};
use support::{one_worker, panic_of};
use tracing::{Span, info, info_span};

context_key! { static TENANT: u32 = propagate; }

/// What was told, in order.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Leak>>>);

impl Told {
    fn builder(&self) -> ExecutorBuilder {
        let told = self.clone();
        let tell = move |leak: &Leak| told.0.lock().unwrap().push(leak.clone());
        Executor::builder().num_threads(1).on_leak(tell)
    }

    fn take(&self) -> Vec<Leak> {
        mem::take(&mut *self.0.lock().unwrap())
    }

    #[track_caller]
    fn only(&self) -> Leak {
        let mut leaks = self.take();
        assert_eq!(leaks.len(), 1, "{leaks:?}");
        leaks.remove(0)
    }

    fn names(&self) -> Vec<Option<&'static str>> {
        self.take().iter().map(Leak::name).collect()
    }
}

fn watched() -> (Executor, Told) {
    let told = Told::default();
    (told.builder().build().unwrap(), told)
}

/// The line after this call's.
#[track_caller]
fn next_line() -> String {
    let here = Location::caller();
    format!("{}:{}", here.file(), here.line() + 1)
}

fn at(place: &Location<'_>) -> String {
    format!("{}:{}", place.file(), place.line())
}

fn leave_entered(span: Span) {
    mem::forget(span.entered());
}

#[test]
fn span_left_entered_is_told_with_the_tasks_name_and_places() {
    Recorder::record(|recorder| {
        let (pool, told) = watched();
        let task = || leave_entered(info_span!("left"));
        let line = next_line();
        let done = pool.task("careless").spawn(task).join();
        done.unwrap();
        let leak = told.only();
        assert!(leak.is_span() && !leak.is_dispatcher() && !leak.is_accessor());
        assert_eq!((leak.name(), leak.task()), (Some("left"), Some("careless")));
        assert_eq!(at(leak.place()), line);
        let text = leak.to_string();
        assert!(text.starts_with(&format!("task `careless`, submitted at {line}:")), "{text}");
        assert!(text.contains(&format!("left the span `left` of {}:", file!())), "{text}");

        pool.spawn(|| info!("later")).join().unwrap();
        assert_eq!(recorder.spans_of("later"), [""; 0]);
        assert!(told.take().is_empty());
    });
}

#[test]
fn every_span_that_was_left_is_told_and_none_that_was_not() {
    Recorder::record(|recorder| {
        let (pool, told) = watched();
        info_span!("request").in_scope(|| {
            let task = pool.spawn(|| {
                let _exited = info_span!("exited").entered();
                leave_entered(info_span!("first"));
                leave_entered(info_span!("second"));
            });
            task.join().unwrap();
            assert_eq!(told.names(), [Some("second"), Some("first")]);
            info!("here");
        });
        assert_eq!(recorder.spans_of("here"), ["request"]);
    });
}

#[test]
fn task_that_panics_is_told_of_too() {
    Recorder::record(|_| {
        let (pool, told) = watched();
        let task = pool.spawn(|| {
            leave_entered(info_span!("left"));
            panic!("and out");
        });
        assert!(task.join().unwrap_err().is_panic());
        assert_eq!(told.names(), [Some("left")]);
    });
}

#[test]
fn each_way_to_submit_names_its_own_line() {
    Recorder::record(|_| {
        let (pool, told) = watched();
        let leaves = || leave_entered(info_span!("left"));
        let mut lines = Vec::new();
        let mut check = |line: String| {
            assert_eq!(at(told.only().place()), line);
            lines.push(line);
        };
        let line = next_line();
        let task = pool.spawn(leaves);
        task.join().unwrap();
        check(line);
        let line = next_line();
        let task = pool.spawn_fifo(leaves);
        task.join().unwrap();
        check(line);
        let line = next_line();
        pool.spawn_detached(leaves);
        pool.rayon_pool().install(|| ());
        check(line);
        pool.in_place_scope(|s| s.spawn(move |_| leaves()));
        check(format!("{}:{}", file!(), line!() - 1));
        let line = next_line();
        pool.install(leaves);
        check(line);
        let line = next_line();
        pool.broadcast(|_| leaves());
        check(line);
        let line = next_line();
        let task = pool.spawn_future(async move { leaves() });
        task.join().unwrap();
        check(line);
        // From outside, so that both halves move.
        let line = next_line();
        pool.join(leaves, || ());
        check(line);
    });
}

#[test]
fn two_tasks_of_one_scope_are_told_apart() {
    Recorder::record(|_| {
        let (pool, told) = watched();
        pool.in_place_scope(|s| {
            s.spawn(|_| ());
            s.spawn(|_| leave_entered(info_span!("left")));
        });
        assert_eq!(told.only().place().line(), line!() - 2);
    });
}

#[test]
fn dispatcher_left_set_is_told_and_seen_by_no_later_task() {
    let (pool, told) = watched();
    let other = Recorder::default();
    let dispatch = other.dispatch();
    let task = pool.spawn(move || mem::forget(tracing::dispatcher::set_default(&dispatch)));
    task.join().unwrap();
    let leak = told.only();
    assert!(leak.is_dispatcher() && leak.name().is_none());
    assert!(leak.to_string().ends_with("left a dispatcher set on its worker"), "{leak}");
    pool.spawn(|| info!("later")).join().unwrap();
    assert_eq!(other.events(), []);
    assert!(told.take().is_empty());
}

#[test]
fn tidy_tasks_are_told_of_nothing() {
    Recorder::record(|_| {
        let told = Told::default();
        let spy = Spy::on("locale").sharing().leak();
        let pool = told.builder().accessor(spy).build().unwrap();
        let tidy = || {
            info_span!("inner").in_scope(|| info!("tidy"));
            let other = Recorder::default().dispatch();
            tracing::dispatcher::with_default(&other, || info_span!("other").in_scope(|| ()));
        };
        info_span!("request").in_scope(|| {
            TENANT.scope(7, || {
                pool.spawn(tidy).join().unwrap();
                pool.scope(|s| s.spawn(move |_| tidy()));
                pool.join(tidy, tidy);
                let inner = pool.clone();
                with_local("locale", 1, || pool.spawn(move || inner.install(tidy))).join().unwrap();
            });
        });
        drop(pool);
        assert!(told.take().is_empty());
    });
}

/// Forgets to restore what it replaced.
struct Forgets;

impl Accessor for Forgets {
    type Value = u32;
    type Guard = ();
    fn name(&self) -> &'static str {
        "forgets"
    }
    fn capture(&self) -> Option<u32> {
        local("forgotten")
    }
    fn enter(&self, value: Option<&u32>) {
        set_local("forgotten", value.copied());
    }
    fn is_unchanged(&self, captured: Option<&u32>) -> bool {
        local("forgotten").as_ref() == captured
    }
}

static FORGETS: Forgets = Forgets;

#[test]
fn accessor_that_does_not_restore_is_told_by_name() {
    let told = Told::default();
    let tidy = Spy::on("tidy").sharing().leak();
    let pool = told.builder().accessor(&FORGETS).accessor(tidy).build().unwrap();
    with_local("forgotten", 1, || with_local("tidy", 1, || pool.spawn(|| ()))).join().unwrap();
    let leak = told.only();
    assert!(leak.is_accessor());
    assert_eq!(leak.name(), Some("forgets"));
    assert!(leak.to_string().ends_with("what the accessor `forgets` did not restore"), "{leak}");
}

#[test]
fn tasks_that_might_share_a_capture_are_told_apart_too() {
    let told = Told::default();
    let pool = told.builder().accessor(&FORGETS).build().unwrap();
    let mut line = 0;
    pool.in_place_scope(|s| {
        with_local("forgotten", 1, || {
            // This one puts right by hand what its accessor will not.
            s.spawn(|_| _ = set_local("forgotten", None));
            s.spawn(|_| ());
            line = line!() - 1;
        });
    });
    assert_eq!(told.only().place().line(), line);
}

#[test]
fn accessor_that_cannot_tell_is_not_accused() {
    let told = Told::default();
    let pool = told.builder().accessor(Spy::on("locale").leak()).build().unwrap();
    with_local("locale", 1, || pool.spawn(|| ())).join().unwrap();
    assert!(told.take().is_empty());
}

#[test]
fn snapshot_that_outlives_its_executor_is_told_with_the_place_it_was_taken_at() {
    let (pool, told) = watched();
    let narrow = pool.with_propagation(Propagation::only([&TENANT])).unwrap();
    let line = next_line();
    let held = TENANT.scope(7, || narrow.snapshot());
    let (clone, ended) = (held.clone(), pool.snapshot());
    drop((ended, pool));
    assert!(told.take().is_empty(), "one of its clones is left");
    drop(narrow);
    let leak = told.only();
    assert!(leak.is_snapshot() && leak.task().is_none());
    assert_eq!(at(leak.place()), line);
    assert!(leak.to_string().contains("outlives its executor"), "{leak}");
    assert_eq!(clone.scope(|| TENANT.get()), Some(7));
    drop((held, clone));
}

#[test]
fn snapshot_of_a_task_that_runs_on_is_no_leak_of_its_executor() {
    let (pool, told) = watched();
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let task = TENANT.scope(7, || {
        pool.spawn(move || {
            _ = gate.recv();
            TENANT.get()
        })
    });
    drop(pool);
    drop(open);
    assert_eq!(task.join().unwrap(), Some(7));
    assert!(told.take().is_empty());
}

#[test]
fn live_snapshots_are_listed_with_their_places_until_they_end() {
    let (pool, _) = watched();
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = std::sync::mpsc::channel();
    let line = next_line();
    let task = pool.task("slow").spawn(move || {
        begun.send(()).unwrap();
        _ = gate.recv();
    });
    has_begun.recv().unwrap();
    let held = pool.snapshot();
    let live = pool.live_snapshots();
    assert_eq!(live.iter().map(|one| one.is_by_hand()).collect::<Vec<_>>(), [false, true]);
    assert_eq!((live[0].task(), at(live[0].place())), (Some("slow"), line.clone()));
    let text = live[0].to_string();
    assert!(
        text.starts_with(&format!("the snapshot of task `slow`, submitted at {line}")),
        "{text}"
    );
    drop((held, open));
    task.join().unwrap();
    // It is gone before the handle is ready.
    assert!(pool.live_snapshots().is_empty());
}

#[test]
fn nothing_is_listed_and_nothing_told_where_nobody_asked() {
    let pool = one_worker();
    let held = pool.snapshot();
    assert!(pool.live_snapshots().is_empty() && held.is_empty());
}

#[test]
fn watched_snapshot_of_nothing_counts_as_empty() {
    let (pool, _) = watched();
    assert!(pool.snapshot().is_empty());
    pool.spawn(|| ()).join().unwrap();
    assert_eq!(pool.stats().snapshots, 0);
}

#[test]
fn handler_sees_nothing_of_the_task_and_its_panic_goes_no_further() {
    Recorder::record(|recorder| {
        let seen = Arc::new(Mutex::new(None));
        let tell = seen.clone();
        let pool = Executor::builder().num_threads(1).on_leak(move |_| {
            *tell.lock().unwrap() = Some((TENANT.get(), Span::current().is_none()));
            panic!("of the handler");
        });
        let pool = pool.build().unwrap();
        let task = TENANT.scope(7, || {
            pool.spawn(|| {
                leave_entered(info_span!("left"));
                TENANT.get()
            })
        });
        assert_eq!(task.join().unwrap(), Some(7));
        assert_eq!(*seen.lock().unwrap(), Some((None, true)));
        assert_eq!(pool.spawn(|| 1).join().unwrap(), 1);
        assert_eq!(recorder.events(), []);
    });
}

#[test]
fn panic_of_a_body_keeps_its_payload_under_watch() {
    let (pool, _) = watched();
    assert_eq!(panic_of(|| pool.install(|| panic!("as it was"))), "as it was");
    let error = pool.task("doomed").spawn(|| panic!("no more rows")).join().unwrap_err();
    assert!(error.to_string().ends_with("no more rows"), "{error}");
}

#[test]
fn snapshot_entered_by_hand_is_watched_like_a_task() {
    Recorder::record(|_| {
        let (pool, told) = watched();
        let line = next_line();
        let snapshot = pool.snapshot();
        std::thread::scope(|threads| {
            threads.spawn(|| snapshot.scope(|| leave_entered(info_span!("left"))));
        });
        assert_eq!(at(told.only().place()), line);
        // One of no executor is nobody's to watch.
        Snapshot::capture().scope(|| leave_entered(info_span!("unseen")));
        assert!(told.take().is_empty());
    });
}
