//! A panic is a value: it reaches whoever waits, and leaves the worker clean.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::panic::panic_any;
use std::sync::{Mutex, mpsc};

use entourage::{Accessor, Executor, ParallelIteratorExt, TaskError};
use rayon::prelude::*;
use support::recorder::Recorder;
use support::spy::{Spy, Step, local, with_local};
use support::{one_worker, panic_of, payload_of, steal_one};
use tracing::{info, info_span};

entourage::context_key! {
    static TENANT: u32 = propagate;
    static BOMB: Bomb = propagate;
}

/// A value whose end is a panic; a clone of it has none.
struct Bomb(bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.0 {
            panic!("the bomb");
        }
    }
}

fn is_clean(pool: &Executor) -> bool {
    pool.rayon_pool().install(|| TENANT.get().is_none() && local("locale").is_none())
}

#[test]
fn payload_reaches_the_handle_intact_with_the_tasks_name_and_place() {
    #[derive(Debug, PartialEq)]
    struct Custom(u32);
    let pool = one_worker();
    let task = TENANT.scope(7, || pool.task("load flights").spawn(|| panic_any(Custom(5))));
    let line = line!() - 1;
    let error = task.join().unwrap_err();
    assert!(error.is_panic() && !error.is_deadlock() && !error.is_taken());
    assert_eq!(error.task(), "load flights");
    let submitted = error.submitted_at().unwrap();
    assert_eq!((submitted.file(), submitted.line()), ("tests/task_panics.rs", line));
    assert_eq!(error.place().unwrap().line(), line);
    assert!(error.to_string().contains("task `load flights`"), "{error}");
    assert_eq!(error.into_panic().unwrap().downcast_ref(), Some(&Custom(5)));
    assert!(is_clean(&pool));
}

#[test]
fn text_of_a_panic_is_in_the_error() {
    let error = one_worker().spawn(|| panic!("no more than {} rows", 3)).join().unwrap_err();
    assert!(error.to_string().ends_with(": no more than 3 rows"), "{error}");
    assert!(error.task().starts_with("tests/task_panics.rs:"), "{}", error.task());
}

#[test]
fn task_panic_leaves_the_worker_and_the_waiting_task_as_they_were() {
    Recorder::record(|recorder| {
        let pool = one_worker();
        let waiting = info_span!("waiting").in_scope(|| {
            TENANT.scope(1, || {
                pool.spawn(|| {
                    steal_one();
                    info!("after");
                    TENANT.get()
                })
            })
        });
        let stolen = info_span!("stolen").in_scope(|| {
            TENANT.scope(2, || {
                pool.spawn(|| {
                    let _open = info_span!("open").entered();
                    TENANT.scope(3, || panic!("stolen"))
                })
            })
        });
        assert!(stolen.join().unwrap_err().is_panic());
        assert_eq!(waiting.join().unwrap(), Some(1));
        assert_eq!(recorder.spans_of("after"), ["waiting"]);
        assert!(is_clean(&pool));
    });
}

#[test]
fn panic_comes_out_of_every_entry_point_that_waits() {
    let pool = one_worker();
    let fail = || panic!("inside");
    assert_eq!(panic_of(|| pool.install(fail)), "inside");
    assert_eq!(panic_of(|| pool.scope(|s| s.spawn(|_| fail()))), "inside");
    assert_eq!(panic_of(|| pool.in_place_scope(|s| s.spawn(|_| fail()))), "inside");
    assert_eq!(panic_of(|| pool.join(fail, || ())), "inside");
    assert_eq!(panic_of(|| pool.join(|| (), fail)), "inside");
    assert_eq!(panic_of(|| pool.broadcast(|_| fail())), "inside");
    assert!(is_clean(&pool));
}

/// What a task ends in, and the next one, with a spy that panics at `step`.
fn with_failing_accessor(step: Step) -> (Result<Option<u32>, TaskError>, Executor) {
    let sound = Spy::on("locale").leak();
    let failing = Spy::on("failing").panicking_at(step).leak();
    let builder = Executor::builder().num_threads(1);
    let pool = builder.accessor(sound).accessor(failing).build().unwrap();
    let outcome =
        TENANT.scope(7, || with_local("locale", 3, || pool.spawn(|| TENANT.get()).join()));
    assert!(is_clean(&pool), "{step:?}");
    (outcome, pool)
}

#[test]
fn panic_in_an_accessors_capture_reaches_the_submitter() {
    let text = panic_of(|| with_failing_accessor(Step::Capture));
    assert_eq!(text, "failing at Capture");
}

#[test]
fn panic_in_an_accessors_enter_fails_its_task_and_leaves_the_worker_clean() {
    let (outcome, pool) = with_failing_accessor(Step::Enter);
    assert!(outcome.unwrap_err().to_string().ends_with(": failing at Enter"));
    assert_eq!(pool.rayon_pool().install(|| 1), 1);
}

#[test]
fn panic_in_an_accessors_restore_fails_its_task_and_leaves_the_worker_clean() {
    let (outcome, pool) = with_failing_accessor(Step::Restore);
    assert!(outcome.unwrap_err().to_string().ends_with(": failing at Restore"));
    // The task's own panic is the one that is told, if it has one.
    let error = pool.spawn(|| panic!("the task itself")).join().unwrap_err();
    assert!(error.to_string().ends_with(": the task itself"), "{error}");
}

#[test]
fn panic_in_an_accessor_comes_out_of_the_entry_points_that_wait() {
    for step in [Step::Enter, Step::Restore] {
        let spy = Spy::on("failing").panicking_at(step).leak();
        let pool = Executor::builder().num_threads(1).accessor(spy).build().unwrap();
        let expected = format!("failing at {step:?}");
        let leaves = || (0..10).into_par_iter().in_snapshot(pool.snapshot()).for_each(|_| ());
        assert_eq!(panic_of(|| pool.install(|| ())), expected);
        assert_eq!(panic_of(|| pool.in_place_scope(|s| s.spawn(|_| ()))), expected);
        assert_eq!(panic_of(|| pool.broadcast(|_| ())), expected);
        assert_eq!(panic_of(|| pool.rayon_pool().install(leaves)), expected);
        assert!(is_clean(&pool));
    }
}

#[test]
fn accessors_panic_in_a_task_that_nobody_waits_for_is_told() {
    for step in [Step::Enter, Step::Restore] {
        let (tell, told) = mpsc::channel();
        let spy = Spy::on("failing").panicking_at(step).leak();
        let handler = move |error: &TaskError| tell.send(error.to_string()).unwrap();
        let builder = Executor::builder().num_threads(1).accessor(spy).panic_handler(handler);
        let pool = builder.build().unwrap();
        pool.spawn_detached(|| ());
        pool.rayon_pool().install(|| ());
        assert!(told.try_recv().unwrap().ends_with(&format!(": failing at {step:?}")));
    }
}

/// What the next task to leave its context does as it leaves.
static ON_LEAVE: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

struct LeaveHook;

struct Leaving;

impl Drop for Leaving {
    fn drop(&mut self) {
        let hook = ON_LEAVE.lock().unwrap().take();
        hook.into_iter().for_each(|hook| hook());
    }
}

impl Accessor for LeaveHook {
    type Value = ();
    type Guard = Leaving;
    fn name(&self) -> &'static str {
        "leave hook"
    }
    fn capture(&self) -> Option<()> {
        None
    }
    fn enter(&self, _: Option<&()>) -> Leaving {
        Leaving
    }
}

#[test]
fn handle_that_is_dropped_while_its_task_leaves_its_context_loses_nothing() {
    let (tell, told) = mpsc::channel();
    let handler = move |error: &TaskError| tell.send((error.to_string(), TENANT.get())).unwrap();
    let builder = Executor::builder().num_threads(1).panic_handler(handler);
    let pool = builder.accessor(&LeaveHook).build().unwrap();
    let (open, gate) = mpsc::channel::<()>();
    let waiting = TENANT.scope(1, || {
        pool.spawn(move || {
            _ = gate.recv();
            steal_one();
        })
    });
    let task = TENANT.scope(2, || pool.spawn(|| panic!("on its way")));
    *ON_LEAVE.lock().unwrap() = Some(Box::new(move || drop(task)));
    drop(open);
    waiting.join().unwrap();
    let (error, tenant) = told.try_recv().unwrap();
    assert!(error.ends_with(": on its way"), "{error}");
    // The task's context is gone, and the waiting task's is none of its business.
    assert_eq!(tenant, None);
    assert!(told.try_recv().is_err());
}

#[test]
fn closure_that_an_accessor_kept_from_running_is_dropped_and_may_panic_as_well() {
    let spy = Spy::on("failing").panicking_at(Step::Enter).leak();
    let pool = Executor::builder().num_threads(1).accessor(spy).build().unwrap();
    let bomb = Bomb(true);
    let error = pool.spawn(move || drop(bomb)).join().unwrap_err();
    assert!(error.to_string().ends_with(": failing at Enter"), "{error}");
}

#[test]
fn panic_in_the_drop_of_a_carried_value_is_told_to_the_task_that_drops_it() {
    let pool = one_worker();
    let (open, gate) = mpsc::channel();
    let task = BOMB.scope(Bomb(true), || pool.spawn(move || gate.recv().unwrap()));
    // The last of it is in the task.
    open.send(()).unwrap();
    let error = task.join().unwrap_err();
    assert!(error.to_string().ends_with(": the bomb"), "{error}");
    assert!(is_clean(&pool));
}

#[test]
fn panic_in_the_drop_of_a_value_comes_out_of_its_scope_after_everything_is_restored() {
    TENANT.scope(1, || {
        assert_eq!(panic_of(|| BOMB.scope(Bomb(true), || ())), "the bomb");
        // The body's own panic goes first, and does not become an abort.
        assert_eq!(panic_of(|| BOMB.scope(Bomb(true), || panic!("the body"))), "the body");
        assert_eq!(TENANT.get(), Some(1));
        assert!(BOMB.with(|bomb| bomb.is_none()));
    });
}

#[test]
fn panic_in_the_drop_of_what_a_task_returns_or_throws_does_not_abort() {
    let pool = one_worker();
    pool.spawn(|| Bomb(true)).detach();
    pool.spawn_detached(|| panic_any(Bomb(true)));
    assert!(is_clean(&pool));
    let error = pool.spawn(|| panic_any(Bomb(true))).join().unwrap_err();
    assert_eq!(panic_of(|| drop(error)), "the bomb");
}

#[test]
fn task_that_is_run_while_another_panic_unwinds_may_panic_in_turn() {
    struct Cleanup(Executor);
    impl Drop for Cleanup {
        fn drop(&mut self) {
            assert!(std::thread::panicking());
            // On the only worker: the task runs right here, while unwinding.
            let error = self.0.spawn(|| panic!("cleaning up")).join().unwrap_err();
            assert!(error.to_string().ends_with(": cleaning up"), "{error}");
            let text = panic_of(|| TENANT.scope(2, || panic!("by hand")));
            assert_eq!((text.as_str(), TENANT.get()), ("by hand", Some(1)));
        }
    }
    let pool = one_worker();
    let inner = pool.clone();
    let task = TENANT.scope(1, || {
        pool.spawn(move || {
            let _cleanup = Cleanup(inner);
            panic!("the task")
        })
    });
    assert!(task.join().unwrap_err().to_string().ends_with(": the task"));
    assert!(is_clean(&pool));
}

#[test]
fn accessor_that_panics_while_another_panic_unwinds_does_not_abort() {
    let spy = Spy::on("failing").panicking_at(Step::Enter).leak();
    let pool = Executor::builder().num_threads(1).accessor(spy).build().unwrap();
    struct Cleanup(entourage::Snapshot);
    impl Drop for Cleanup {
        fn drop(&mut self) {
            drop(payload_of(|| self.0.scope(|| ())));
        }
    }
    let text = panic_of(|| {
        let _cleanup = Cleanup(pool.snapshot());
        panic!("the first")
    });
    assert_eq!(text, "the first");
}
