//! An executor ends when it is told to: what is there is drained or dropped, what
//! comes later is refused, and nobody hangs.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use entourage::{Executor, ExecutorBuilder, JoinHandle, PanicPolicy, Propagation, Shutdown};
use entourage::{ShutdownReport, TaskError};
use support::recorder::Recorder;
use support::{occupy, one_worker, workers};
use tracing::{info, info_span};

entourage::context_key! { static TENANT: u32 = propagate; }

/// Ran, dropped, unfinished.
fn counts(report: ShutdownReport) -> [u64; 3] {
    [report.ran, report.dropped, report.unfinished]
}

fn builder(num_threads: usize) -> ExecutorBuilder {
    Executor::builder().num_threads(num_threads)
}

/// Tells, when it is dropped, what it sees and where.
struct Tells(mpsc::Sender<(Option<u32>, bool)>);

impl Drop for Tells {
    fn drop(&mut self) {
        info!("dropped");
        let is_worker = rayon::current_thread_index().is_some();
        self.0.send((TENANT.get(), is_worker)).unwrap();
    }
}

#[test]
fn draining_runs_what_is_there_and_what_that_submits_and_takes_nothing_else() {
    let pool = one_worker();
    let busy = occupy(&pool);
    let inner = pool.clone();
    let tree = pool.spawn(move || {
        let again = inner.clone();
        inner.spawn(move || again.spawn(|| 7).join().unwrap()).join().unwrap()
    });
    let others: Vec<_> = (0..10).map(|n| pool.spawn(move || n)).collect();
    let report = thread::scope(|threads| {
        let draining = threads.spawn(|| pool.shutdown(Shutdown::Drain));
        while !pool.is_shut_down() {
            thread::yield_now();
        }
        // It is closed, and none of what was there has begun.
        assert!(pool.spawn(|| ()).join().unwrap_err().is_shut_down());
        assert_eq!(pool.stats().queued, 11);
        drop(busy);
        draining.join().unwrap()
    });
    assert_eq!(counts(report), [13, 0, 0]);
    assert!(others.iter().all(JoinHandle::is_finished));
    assert_eq!(tree.join().unwrap(), 7);
    let others: Vec<_> = JoinHandle::join_all(others).into_iter().map(Result::unwrap).collect();
    assert_eq!(others, (0..10).collect::<Vec<_>>());
    // Once and for all, also for what a worker submits from now on.
    let late = pool.install(|| pool.spawn(|| ()));
    assert!(late.join().unwrap_err().is_shut_down());
}

#[test]
fn what_has_not_begun_is_dropped_by_the_workers_in_its_own_context() {
    for is_off in [false, true] {
        Recorder::record(|recorder| {
            let on = builder(1).track_detached(true).build().unwrap();
            let off = on.with_propagation(Propagation::off()).unwrap();
            let pool = if is_off { off } else { on };
            let busy = occupy(&pool);
            let (tell, told) = mpsc::channel();
            let [first, second] = [(); 2].map(|()| Tells(tell.clone()));
            let task = info_span!("submits").in_scope(|| {
                TENANT.scope(1, || {
                    pool.spawn_detached(move || drop(first));
                    pool.task("late").spawn(move || drop(second))
                })
            });
            let report = thread::scope(|threads| {
                let dropping = threads.spawn(|| pool.shutdown(Shutdown::Drop));
                while !pool.is_shut_down() {
                    thread::yield_now();
                }
                assert!(told.try_recv().is_err());
                drop(busy);
                dropping.join().unwrap()
            });
            assert_eq!(counts(report), [0, 2, 0]);
            assert_eq!(pool.stats().cancelled, 2);
            let error = task.join().unwrap_err();
            assert!(error.is_shut_down() && !error.is_cancelled() && !error.is_panic());
            assert!(error.to_string().contains("task `late`"), "{error}");
            let seen: Vec<_> = told.try_iter().collect();
            assert_eq!(seen, [((!is_off).then_some(1), true); 2]);
            let events = recorder.events();
            assert!(events.iter().all(|(_, spans)| spans == &["submits"]), "{events:?}");
            assert_eq!(events.len(), if is_off { 0 } else { 2 });
        });
    }
}

#[test]
fn what_runs_is_waited_for_and_what_it_waits_for_is_dropped() {
    let pool = one_worker();
    let inner = pool.clone();
    let (begun, has_begun) = mpsc::channel();
    let (open, gate) = mpsc::channel::<()>();
    let task = pool.spawn(move || {
        let queued = inner.spawn(|| ());
        begun.send(()).unwrap();
        gate.recv().unwrap();
        let late = inner.spawn(|| ());
        [queued, late].map(|task| task.join().unwrap_err().is_shut_down())
    });
    has_begun.recv().unwrap();
    let report = pool.shutdown_timeout(Shutdown::Drop, Duration::from_millis(2));
    assert_eq!((counts(report), report.is_complete()), ([0, 0, 2], false));
    open.send(()).unwrap();
    assert_eq!(counts(pool.shutdown(Shutdown::Drop)), [1, 1, 0]);
    assert_eq!(task.join().unwrap(), [true, true]);
}

#[test]
fn what_comes_too_late_is_dropped_at_once_in_its_own_context_and_says_so() {
    for propagation in [Propagation::all(), Propagation::off()] {
        let is_off = propagation.is_off();
        let pool = builder(1).propagation(propagation).build().unwrap();
        assert_eq!(counts(pool.shutdown(Shutdown::Drain)), [0, 0, 0]);
        let (tell, told) = mpsc::channel();
        let tells = || Tells(tell.clone());
        let expected = Ok(((!is_off).then_some(1), false));
        TENANT.scope(1, || {
            let late = tells();
            assert!(pool.spawn(move || drop(late)).join().unwrap_err().is_shut_down());
            assert_eq!(told.try_recv(), expected);
            let late = tells();
            pool.spawn_detached(move || drop(late));
            assert_eq!(told.try_recv(), expected);
            let refused = pool.try_spawn(|| 7).unwrap_err();
            assert!(refused.is_shut_down() && !refused.is_full());
            assert_eq!(refused.into_inner()(), 7);
        });
        // What was never taken is in no count.
        assert_eq!(pool.stats().cancelled, 0);
    }
}

#[test]
fn calls_that_wait_themselves_go_on_working() {
    let pool = workers(2);
    pool.shutdown(Shutdown::Drop);
    let mut sum = 0;
    pool.scope(|s| s.spawn(|_| sum = 3));
    assert_eq!((sum, pool.join(|| 1, || 2)), (3, (1, 2)));
    assert_eq!((pool.install(|| 4), pool.broadcast(|_| ()).len()), (4, 2));
}

#[test]
fn worker_of_the_pool_does_not_wait_for_itself() {
    let pool = one_worker();
    for how in [Shutdown::Drain, Shutdown::Drop] {
        let inner = pool.clone();
        let task = pool.spawn(move || inner.shutdown(how));
        match task.join() {
            Ok(report) => assert_eq!(counts(report), [0, 0, 1]),
            // The second time there is no first time any more.
            Err(error) => assert!(how == Shutdown::Drop && error.is_shut_down()),
        }
    }
    assert_eq!(counts(pool.shutdown(Shutdown::Drain)), [1, 0, 0]);
}

#[test]
fn worker_of_another_pool_does_its_own_pools_work_while_it_waits() {
    let (here, there) = (one_worker(), one_worker());
    let back = here.clone();
    let task = here.spawn(move || {
        // To end, that task needs the very worker that waits for it.
        let needs = there.spawn(move || back.spawn(|| 7).join().unwrap());
        (there.shutdown(Shutdown::Drain).is_complete(), needs.join().unwrap())
    });
    assert_eq!(task.join().unwrap(), (true, 7));
}

/// Submits itself again for as long as that is taken.
fn for_ever(pool: &Executor) {
    let inner = pool.clone();
    pool.spawn_detached(move || for_ever(&inner));
}

#[test]
fn task_that_submits_itself_again_is_ended_by_dropping_and_wakes_whoever_drains() {
    for num_threads in [1, 4] {
        let pool = builder(num_threads).track_detached(true).build().unwrap();
        for _ in 0..8 {
            for_ever(&pool);
        }
        let reports: Vec<_> = thread::scope(|threads| {
            let draining: Vec<_> =
                (0..3).map(|_| threads.spawn(|| pool.shutdown(Shutdown::Drain))).collect();
            while !pool.is_shut_down() {
                thread::yield_now();
            }
            let dropping = threads.spawn(|| pool.shutdown(Shutdown::Drop));
            draining.into_iter().chain([dropping]).map(|call| call.join().unwrap()).collect()
        });
        // All tell the same, and so does a later one.
        assert!(reports.iter().all(|report| report == &reports[0]), "{reports:?}");
        assert!(reports[0].is_complete());
        assert_eq!(pool.shutdown(Shutdown::Drain), reports[0]);
        let stats = pool.stats();
        assert_eq!((stats.queued, stats.running, stats.cancelled), (0, 0, reports[0].dropped));
    }
}

#[test]
fn shutdown_wakes_those_who_wait_for_room() {
    for how in [Shutdown::Drain, Shutdown::Drop] {
        let pool = builder(1).queue_capacity(1).build().unwrap();
        let busy = occupy(&pool);
        let queued = pool.spawn(|| ());
        thread::scope(|threads| {
            let pool = &pool;
            let wait = || pool.spawn(|| ()).join().unwrap_err().is_shut_down();
            let waiting: Vec<_> = (0..4).map(|_| threads.spawn(wait)).collect();
            let report = pool.shutdown_timeout(how, Duration::from_millis(1));
            assert_eq!(counts(report), [0, 0, 1]);
            assert!(waiting.into_iter().all(|thread| thread.join().unwrap()));
        });
        drop(busy);
        assert!(pool.shutdown(how).is_complete());
        assert_eq!(queued.join().is_ok(), how == Shutdown::Drain);
    }
}

#[test]
fn each_of_many_tasks_is_taken_and_ends_or_is_refused_while_the_executor_is_shut_down() {
    for round in 0..100 {
        let how = if round % 2 == 0 { Shutdown::Drain } else { Shutdown::Drop };
        let pool = workers(2);
        let (outcomes, report) = thread::scope(|threads| {
            let submit = || JoinHandle::join_all((0..64).map(|n| pool.spawn(move || n)));
            let submitting = [(); 2].map(|()| threads.spawn(submit));
            while pool.stats().finished == 0 {
                thread::yield_now();
            }
            let report = pool.shutdown(how);
            (submitting.map(|thread| thread.join().unwrap()), report)
        });
        assert!(report.is_complete());
        let (ran, refused): (Vec<_>, Vec<_>) =
            outcomes.into_iter().flatten().partition(Result::is_ok);
        assert!(refused.into_iter().filter_map(Result::err).all(|error| error.is_shut_down()));
        let stats = pool.stats();
        assert_eq!((stats.finished, stats.queued), (ran.len() as u64, 0));
        assert_eq!(stats.cancelled, report.dropped);
        assert!(how == Shutdown::Drop || report.dropped == 0);
    }
}

#[test]
fn panic_in_the_drop_of_a_dropped_closure_is_told() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the bomb");
        }
    }
    let (tell, told) = mpsc::channel();
    let handler = move |error: &TaskError| tell.send((error.to_string(), TENANT.get())).unwrap();
    let pool = builder(1).track_detached(true).panic_handler(handler).build().unwrap();
    let busy = occupy(&pool);
    let bomb = Bomb;
    TENANT.scope(1, || pool.spawn_detached(move || drop(bomb)));
    assert!(!pool.shutdown_timeout(Shutdown::Drop, Duration::ZERO).is_complete());
    drop(busy);
    assert_eq!(counts(pool.shutdown(Shutdown::Drop)), [0, 1, 0]);
    // And of one that is refused.
    let bomb = Bomb;
    TENANT.scope(2, || drop(pool.spawn(move || drop(bomb))));
    for tenant in [1, 2] {
        let (text, seen) = told.try_recv().unwrap();
        assert!(text.ends_with(": the bomb") && seen == Some(tenant), "{text} {seen:?}");
    }
    assert!(told.try_recv().is_err());
}

#[test]
fn panic_shuts_the_executor_down_where_that_is_its_policy_and_is_told_as_ever() {
    for is_off in [false, true] {
        for policy in [PanicPolicy::Continue, PanicPolicy::ShutDown] {
            let shuts = policy == PanicPolicy::ShutDown;
            let (tell, told) = mpsc::channel();
            let handler = move |error: &TaskError| tell.send(error.to_string()).unwrap();
            let builder = builder(1).panic_policy(policy).panic_handler(handler);
            let on = builder.build().unwrap();
            let pool =
                if is_off { on.with_propagation(Propagation::off()).unwrap() } else { on.clone() };

            let busy = occupy(&pool);
            let first = pool.spawn(|| panic!("the first"));
            let second = pool.spawn(|| 2);
            drop(busy);
            assert!(first.join().unwrap_err().to_string().ends_with(": the first"));
            assert_eq!((pool.is_shut_down(), on.is_shut_down()), (shuts, shuts));
            match second.join() {
                Ok(value) => assert!(!shuts && value == 2),
                Err(error) => assert!(shuts && error.is_shut_down()),
            }
            assert!(told.try_recv().is_err());

            pool.spawn_detached(|| panic!("detached"));
            pool.install(|| ());
            assert_eq!(told.try_recv().is_ok(), !shuts);
            assert!(pool.shutdown(Shutdown::Drain).is_complete());
        }
    }
}

#[test]
fn panic_of_a_detached_task_shuts_down_too_and_one_that_is_caught_does_not() {
    let pool = builder(1).panic_policy(PanicPolicy::ShutDown).build().unwrap();
    let inner = pool.clone();
    let caught = pool.spawn(move || {
        let fails = || inner.scope(|s| s.spawn(|_| panic!("in a scope")));
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(fails)).is_err()
    });
    assert!(caught.join().unwrap() && !pool.is_shut_down());
    pool.spawn_detached(|| panic!("detached"));
    pool.install(|| ());
    assert!(pool.is_shut_down());
}

#[test]
fn executor_and_its_threads_have_the_name_that_was_given() {
    let thread = |pool: &Executor| {
        pool.install(|| thread::current().name().map(str::to_owned)).unwrap_or_default()
    };
    let unnamed = one_worker();
    assert_eq!((unnamed.name(), &*thread(&unnamed)), (None, "entourage-0"));
    let named = builder(1).name("etl").build().unwrap();
    assert_eq!((named.name(), &*thread(&named)), (Some("etl"), "etl-0"));
    assert!(format!("{named:?}").contains("etl"));
    let both = builder(1).name("etl").thread_name("worker").build().unwrap();
    assert_eq!((both.name(), &*thread(&both)), (Some("etl"), "worker-0"));
    // A pool that is there already has named its threads.
    let other = std::sync::Arc::new(rayon::ThreadPoolBuilder::new().build().unwrap());
    assert_eq!(Executor::builder().name("b\0").pool(other).build().unwrap().name(), Some("b\0"));
    let error = builder(1).name("b\0").build().unwrap_err();
    assert!(error.to_string().contains(r#""b\0""#), "{error}");
}
