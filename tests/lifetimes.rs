//! What a task carried ends with the task, once, whatever it does as it ends;
//! and chains of tasks and scopes, however long, take no memory and no stack.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::sync::{Arc, mpsc};
use std::thread;

use entourage::{Context, Executor, ParallelIteratorExt, Scope, Snapshot};
use rayon::prelude::*;
use support::recorder::Recorder;
use support::{one_worker, steal_one, workers};
use tracing::info_span;

entourage::context_key! {
    static TENANT: u32 = propagate;
    static ATTEMPT: u32 = propagate;
}

#[test]
fn span_closes_when_the_last_task_in_it_is_over_and_not_before() {
    Recorder::record(|recorder| {
        let pool = one_worker();
        let (open, gate) = mpsc::channel();
        let tasks = info_span!("request").in_scope(|| {
            let last = pool.spawn(move || gate.recv().unwrap());
            let first = pool.spawn_fifo(|| ());
            [last, first]
        });
        // Nobody here holds the span any more, and a task does.
        assert_eq!(recorder.closings_of("request"), 0);
        open.send(()).unwrap();
        pool.install(|| ());
        // The handles are held still.
        assert!(tasks.iter().all(|task| task.is_finished()));
        assert_eq!(recorder.closings_of("request"), 1);
        tasks.into_iter().for_each(|task| task.join().unwrap());
        assert_eq!(recorder.closings_of("request"), 1);
    });
}

#[test]
fn span_closes_once_by_each_way_onto_a_worker() {
    type Way = fn(&Executor);
    let ways: [(&str, Way); 8] = [
        ("spawn", |pool| pool.spawn(|| ()).join().unwrap()),
        ("panic", |pool| assert!(pool.spawn(|| panic!("in the span")).join().is_err())),
        ("spawn_detached", |pool| {
            pool.spawn_detached(|| ());
            pool.rayon_pool().install(|| ());
        }),
        ("scope", |pool| pool.scope(|s| (0..9).for_each(|_| s.spawn(|s| s.spawn(|_| ()))))),
        ("join", |pool| _ = pool.join(|| pool.join(|| (), || ()), || ())),
        ("install", |pool| pool.install(|| ())),
        ("broadcast", |pool| drop(pool.broadcast(|_| ()))),
        ("parallel iterator", |pool| {
            pool.install(|| (0..99).into_par_iter().in_context().for_each(|_| ()));
        }),
    ];
    for num_threads in [1, 4] {
        let pool = workers(num_threads);
        for (name, way) in ways {
            Recorder::record(|recorder| {
                info_span!("request").in_scope(|| way(&pool));
                // A worker may be about to let go of it: all of them have, when
                // each has done something else.
                pool.rayon_pool().broadcast(|_| ());
                assert_eq!(recorder.closings_of("request"), 1, "{name}");
            });
        }
    }
}

/// Submits a task when it is dropped, waits for it, and tells what it saw.
struct Submits {
    pool: Executor,
    tell: mpsc::Sender<(Option<u32>, Option<u32>)>,
}

impl Drop for Submits {
    fn drop(&mut self) {
        let look = || (TENANT.get(), ATTEMPT.get());
        let task = ATTEMPT.scope(3, || self.pool.spawn(look));
        self.tell.send(task.join().unwrap()).unwrap();
    }
}

#[test]
fn value_that_ends_with_its_task_may_submit_another() {
    entourage::context_key! { static SUBMITS: Arc<Submits> = propagate; }
    let pool = one_worker();
    let (tell, told) = mpsc::channel();
    let (submitted, is_submitted) = mpsc::channel();
    // On top of a task that waits, of which it is to see nothing.
    let waiting = TENANT.scope(1, || {
        pool.spawn(move || {
            is_submitted.recv().unwrap();
            steal_one();
        })
    });
    let value = Arc::new(Submits { pool: pool.clone(), tell });
    SUBMITS.scope(value, || TENANT.scope(2, || pool.spawn_detached(|| ())));
    submitted.send(()).unwrap();
    waiting.join().unwrap();
    assert_eq!(told.recv().unwrap(), (None, Some(3)));
    assert!(told.recv().is_err());
}

#[test]
fn value_that_ends_with_its_task_may_be_the_last_to_hold_the_pool() {
    entourage::context_key! { static SUBMITS: Arc<Submits> = propagate; }
    let pool = one_worker();
    let (tell, told) = mpsc::channel();
    let (open, gate) = mpsc::channel::<()>();
    let value = Arc::new(Submits { pool: pool.clone(), tell });
    SUBMITS.scope(value, || pool.spawn_detached(move || _ = gate.recv()));
    drop(pool);
    drop(open);
    // The task is run, and then the worker ends.
    assert_eq!(told.recv().unwrap(), (None, Some(3)));
}

const MANY: u32 = 100_000;

/// Runs `f` on a thread whose stack is of so many bytes.
fn with_stack(bytes: usize, f: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(bytes).spawn(f).unwrap().join().unwrap();
}

#[test]
fn hundred_thousand_tasks_each_in_a_scope_of_the_one_before_take_no_stack() {
    fn next<'s>(scope: &Scope<'_, 's>, n: u32, tell: &'s mpsc::Sender<u32>) {
        assert_eq!(TENANT.get(), Some(n));
        if n == MANY {
            tell.send(n).unwrap();
        } else {
            TENANT.scope(n + 1, || scope.spawn(move |scope| next(scope, n + 1, tell)));
        }
    }
    for num_threads in [1, 2] {
        let pool = workers(num_threads);
        let (tell, told) = mpsc::channel();
        TENANT.scope(0, || pool.scope(|s| next(s, 0, &tell)));
        assert_eq!(told.recv().unwrap(), MANY);
    }
}

#[test]
fn hundred_thousand_scopes_in_one_another_restore_each_its_own() {
    fn nest(n: u32) {
        if n < MANY {
            TENANT.scope(n + 1, || nest(n + 1));
            assert_eq!(TENANT.get(), Some(n));
        } else {
            // The innermost context has nothing of those around it to drag along.
            assert_eq!(Context::current().len(), 1);
            drop(Snapshot::capture());
        }
    }
    // A call is a call: in Rust the frames of the closures themselves have to lie
    // somewhere, and that is all that grows.
    with_stack(1 << 30, || TENANT.scope(0, || nest(0)));
}

#[test]
fn snapshot_taken_in_another_a_hundred_thousand_times_ends_in_no_recursion() {
    with_stack(1 << 16, || {
        let mut snapshot = Snapshot::empty();
        for n in 0..MANY {
            snapshot = snapshot.scope(|| TENANT.scope(n, Snapshot::capture));
        }
        assert_eq!(snapshot.scope(|| TENANT.get()), Some(MANY - 1));
        drop(snapshot);
    });
}

#[test]
fn span_of_a_task_closes_while_the_scope_it_was_spawned_in_goes_on() {
    Recorder::record(|recorder| {
        let pool = workers(2);
        let (done, is_done) = std::sync::mpsc::channel();
        pool.in_place_scope(|s| {
            for _ in 0..3 {
                let done = done.clone();
                info_span!("piece").in_scope(|| s.spawn(move |_| done.send(()).unwrap()));
            }
            (0..3).for_each(|_| is_done.recv().unwrap());
            // Each worker has left its tasks when it comes to this.
            pool.broadcast(|_| ());
            assert_eq!(recorder.closings_of("piece"), 3);
        });
    });
}
