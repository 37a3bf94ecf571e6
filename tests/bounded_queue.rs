//! A queue with a bound holds submitters back, and nobody hangs for it.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use entourage::{Accessor, Executor, ExecutorBuilder, Propagation, WhenFull};
use support::recorder::Recorder;
use support::{occupy, payload_of};
use tracing::{info, info_span};

entourage::context_key! { static TENANT: u32 = propagate; }

fn bounded(num_threads: usize, capacity: usize) -> ExecutorBuilder {
    Executor::builder().num_threads(num_threads).queue_capacity(capacity)
}

#[test]
fn try_spawn_gives_the_closure_back_when_the_queue_is_full_and_runs_nothing() {
    let pool = bounded(1, 2).build().unwrap();
    let busy = occupy(&pool);
    let tasks: Vec<_> = (0..2).map(|n| pool.try_spawn(move || n).unwrap()).collect();
    let refused = pool.task("third").try_spawn(|| 7).unwrap_err();
    assert!(refused.is_full() && !refused.is_shut_down());
    assert!(refused.to_string().contains("task `third`"), "{refused}");
    assert_eq!(refused.into_inner()(), 7);
    assert_eq!(pool.stats().queued, 2);
    // One that is cancelled makes room at once.
    assert!(tasks[0].cancel());
    let fourth = pool.try_spawn(|| 4).unwrap();
    assert!(pool.try_spawn(|| ()).is_err());
    drop(busy);
    assert_eq!(fourth.join().unwrap(), 4);
}

#[test]
fn outsider_waits_until_a_task_begins() {
    let pool = bounded(1, 1).build().unwrap();
    let busy = occupy(&pool);
    let first = pool.spawn(|| 1);
    thread::scope(|threads| {
        let pool = &pool;
        let waiting: Vec<_> =
            (2..6).map(|n| threads.spawn(move || pool.spawn(move || n).join().unwrap())).collect();
        // However long it takes them to get there: the queue has room for one.
        thread::yield_now();
        assert_eq!(pool.stats().queued, 1);
        drop(busy);
        let sum: u32 = waiting.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(sum, 2 + 3 + 4 + 5);
    });
    assert_eq!(first.join().unwrap(), 1);
}

#[test]
fn there_are_never_more_tasks_in_the_queue_than_it_holds() {
    let pool = bounded(2, 4).build().unwrap();
    let most = Arc::new(AtomicUsize::new(0));
    thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                for _ in 0..2000 {
                    let (inner, most) = (pool.clone(), most.clone());
                    pool.spawn_detached(move || {
                        most.fetch_max(inner.stats().queued as usize, Ordering::Relaxed);
                    });
                }
            });
        }
    });
    pool.shutdown(entourage::Shutdown::Drain);
    assert_eq!(pool.stats().finished, 6000);
    assert!(most.load(Ordering::Relaxed) <= 4);
}

#[test]
fn worker_that_submits_to_its_own_full_queue_runs_the_task_itself() {
    for propagation in [Propagation::all(), Propagation::off()] {
        let is_off = propagation.is_off();
        Recorder::record(|recorder| {
            let pool = bounded(1, 1).propagation(propagation.clone()).build().unwrap();
            let inner = pool.clone();
            let task = pool.spawn(move || {
                let _span = info_span!("submits").entered();
                TENANT.scope(1, || {
                    let queued = inner.spawn(|| ());
                    // Each in its own context, and without a trace of it afterwards.
                    let run = TENANT.scope(2, || {
                        inner.spawn(|| {
                            info!("in place");
                            let _left = info_span!("entered in place").entered();
                            TENANT.get()
                        })
                    });
                    assert!(run.is_finished() && !queued.is_finished());
                    inner.spawn_detached(|| assert_eq!(rayon::current_thread_index(), Some(0)));
                    info!("after");
                    (run.join().unwrap(), TENANT.get())
                })
            });
            let expected = (!is_off).then_some(2);
            assert_eq!(task.join().unwrap(), (expected, Some(1)));
            if !is_off {
                assert_eq!(recorder.spans_of("in place"), ["submits"]);
                assert_eq!(recorder.spans_of("after"), ["submits"]);
            }
            assert_eq!(pool.stats().stolen, 0);
        });
    }
}

#[test]
fn many_levels_of_tasks_that_submit_tasks_end_on_a_queue_of_one() {
    fn tree(pool: &Executor, depth: u32) -> u32 {
        if depth == 0 {
            return 1;
        }
        let halves = [(); 2].map(|()| {
            let inner = pool.clone();
            pool.spawn(move || tree(&inner, depth - 1))
        });
        halves.into_iter().map(|half| half.join().unwrap()).sum()
    }
    for num_threads in [1, 4] {
        let pool = bounded(num_threads, 1).build().unwrap();
        assert_eq!(tree(&pool, 10), 1024);
        assert_eq!(pool.stats().queued, 0);
    }
}

/// Submits itself again, `left` times, and reports how long the queue was.
fn again(pool: Executor, left: u32, longest: Arc<AtomicUsize>, done: mpsc::Sender<()>) {
    longest.fetch_max(pool.stats().queued as usize, Ordering::Relaxed);
    if left == 0 {
        return done.send(()).unwrap();
    }
    let inner = pool.clone();
    pool.spawn_detached(move || again(inner, left - 1, longest, done));
}

#[test]
fn tasks_that_submit_themselves_again_into_a_full_queue_all_go_on_and_do_not_nest_for_ever() {
    // More of them than the queue holds, on one worker: a hundred thousand in
    // place would overflow its stack, and waiting for one another would hang.
    let pool = bounded(1, 2).build().unwrap();
    let longest = Arc::new(AtomicUsize::new(0));
    let (done, all_done) = mpsc::channel();
    for _ in 0..5 {
        let (inner, longest, done) = (pool.clone(), longest.clone(), done.clone());
        pool.spawn_detached(move || again(inner, 100_000, longest, done));
    }
    drop(done);
    assert_eq!(all_done.iter().count(), 5);
    pool.shutdown(entourage::Shutdown::Drain);
    assert_eq!(pool.stats().finished, 500_005);
    assert!(longest.load(Ordering::Relaxed) <= 2 + 5, "{longest:?}");
}

#[test]
fn whoever_helps_runs_the_task_in_its_own_context_on_any_thread() {
    Recorder::record(|recorder| {
        let pool = bounded(1, 1).when_full(WhenFull::Help).build().unwrap();
        let off = pool.with_propagation(Propagation::off()).unwrap();
        let _busy = occupy(&pool);
        let queued = pool.spawn(|| ());
        let here = thread::current().id();
        info_span!("helps").in_scope(|| {
            TENANT.scope(1, || {
                let look = move || (thread::current().id() == here, TENANT.get());
                let task = pool.spawn(move || {
                    info!("helped");
                    look()
                });
                assert!(task.is_finished());
                assert_eq!(task.join().unwrap(), (true, Some(1)));
                assert_eq!(off.spawn(look).join().unwrap(), (true, None));
                assert!(pool.spawn(|| panic!("on purpose")).join().unwrap_err().is_panic());
                assert_eq!(TENANT.get(), Some(1));
            });
        });
        // Of spans that were entered without a key, too, one that is off sees
        // nothing.
        info_span!("helps").in_scope(|| off.spawn(|| info!("off")).join().unwrap());
        assert_eq!(recorder.spans_of("helped"), ["helps"]);
        assert_eq!(recorder.events().len(), 1);
        assert!(queued.cancel());
    });
}

#[test]
fn worker_of_another_pool_does_its_own_pools_work_while_it_waits_for_room() {
    let (here, there) = (support::one_worker(), bounded(1, 1).build().unwrap());
    let (beyond, back) = (there.clone(), here.clone());
    let task = here.spawn(move || {
        let (begun, has_begun) = mpsc::channel();
        // Keeps the other worker until this pool's only worker has done that.
        let first = beyond.spawn(move || {
            begun.send(()).unwrap();
            back.spawn(|| 1).join().unwrap()
        });
        has_begun.recv().unwrap();
        let second = beyond.spawn(|| 2);
        let third = beyond.spawn(|| 3);
        [first, second, third].map(|task| task.join().unwrap())
    });
    assert_eq!(task.join().unwrap(), [1, 2, 3]);
}

#[test]
fn panic_of_a_capture_gives_the_place_in_the_queue_back() {
    struct Fails;
    impl Accessor for Fails {
        type Value = ();
        type Guard = ();
        fn name(&self) -> &'static str {
            "fails"
        }
        fn capture(&self) -> Option<()> {
            if TENANT.get().is_some() {
                panic!("in the capture");
            }
            None
        }
        fn enter(&self, _: Option<&()>) {}
    }
    static FAILS: Fails = Fails;
    let pool = bounded(1, 1).accessor(&FAILS).build().unwrap();
    TENANT.scope(1, || {
        drop(payload_of(|| pool.spawn(|| ())));
        drop(payload_of(|| pool.try_spawn(|| ())));
        drop(payload_of(|| pool.spawn_detached(|| ())));
    });
    let stats = pool.stats();
    assert_eq!((stats.queued, stats.finished, stats.cancelled), (0, 0, 0));
    assert_eq!(pool.try_spawn(|| 7).unwrap().join().unwrap(), 7);
    let report = pool.shutdown(entourage::Shutdown::Drain);
    assert!(report.is_complete());
}

#[test]
fn queue_without_room_is_no_queue() {
    let error = bounded(1, 0).build().unwrap_err();
    assert!(error.is_queue_capacity() && !error.is_thread_count());
    assert!(error.to_string().contains("queue_capacity is 0"), "{error}");
}
