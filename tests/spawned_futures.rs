//! A spawned future is polled by the workers in its submitter's context, and
//! dropped in it, whatever else is on the thread.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::panic::panic_any;
use std::sync::{Arc, mpsc};
use std::thread;

use entourage::{Executor, Propagation, suppress};
use support::futures::{Gate, OnDrop, block_on, yield_now};
use support::recorder::Recorder;
use support::spy::{Spy, local, with_local};
use support::{one_worker, steal_one, workers};
use tracing::{Span, info, info_span};

entourage::context_key! { static TENANT: u32 = propagate; }

/// What a future could see of its own context, or of another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    tenant: Option<u32>,
    locale: Option<u32>,
    span: Option<&'static str>,
}

const NOTHING: Seen = Seen { tenant: None, locale: None, span: None };

fn look() -> Seen {
    let span = Span::current().metadata().map(tracing::Metadata::name);
    Seen { tenant: TENANT.get(), locale: local("locale"), span }
}

/// Runs `f` with something to be seen of every kind.
fn dressed<R>(n: u32, f: impl FnOnce() -> R) -> R {
    let span = if n == 1 { info_span!("one") } else { info_span!("two") };
    span.in_scope(|| with_local("locale", n, || TENANT.scope(n, f)))
}

const ONE: Seen = Seen { tenant: Some(1), locale: Some(1), span: Some("one") };
const TWO: Seen = Seen { tenant: Some(2), locale: Some(2), span: Some("two") };

fn on_and_off() -> (Executor, Executor) {
    let spy = Spy::on("locale").leak();
    let on = Executor::builder().num_threads(1).accessor(spy).build().unwrap();
    let off = on.with_propagation(Propagation::off()).unwrap();
    (on, off)
}

/// A future that looks around at two polls and when it is dropped.
fn looks(tell: &mpsc::Sender<Seen>) -> impl Future<Output = ()> + Send + 'static {
    let (at_poll, at_drop) = (tell.clone(), tell.clone());
    async move {
        let _dropped = OnDrop(move || at_drop.send(look()).unwrap());
        at_poll.send(look()).unwrap();
        yield_now().await;
        at_poll.send(look()).unwrap();
    }
}

#[test]
fn every_poll_and_the_drop_are_in_the_submitters_context_on_a_clean_worker() {
    Recorder::record(|recorder| {
        let (on, _) = on_and_off();
        let (tell, told) = mpsc::channel();
        dressed(1, || on.spawn_future(looks(&tell))).join().unwrap();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [ONE; 3]);
        assert_eq!(on.broadcast(|_| look()), [NOTHING]);
        assert_eq!(recorder.closings_of("one"), 1);
    });
}

/// Has a dressed task on the only worker run what `submit` submits on top of
/// itself, until that is done, and returns what was seen.
fn seen_on_a_dirty_worker(submit: fn(&Executor, &Executor, &mpsc::Sender<Seen>)) -> Vec<Seen> {
    Recorder::record(|_| {
        let (on, off) = on_and_off();
        let (tell, told) = mpsc::channel();
        let (hand, handed) = mpsc::channel::<()>();
        let waiting = dressed(2, || {
            on.spawn(move || {
                handed.recv().unwrap();
                // One for each poll.
                steal_one();
                steal_one();
                look()
            })
        });
        submit(&on, &off, &tell);
        hand.send(()).unwrap();
        assert_eq!(waiting.join().unwrap(), TWO);
        drop(tell);
        told.iter().collect()
    })
}

#[test]
fn future_polled_on_top_of_a_waiting_task_is_in_its_own_context() {
    let seen = seen_on_a_dirty_worker(|on, _, tell| {
        dressed(1, || on.spawn_future(looks(tell)).detach());
    });
    assert_eq!(seen, [ONE; 3]);
    let seen = seen_on_a_dirty_worker(|on, _, tell| on.spawn_future(looks(tell)).detach());
    assert_eq!(seen, [NOTHING; 3]);
}

#[test]
fn off_future_sees_nothing_and_takes_no_snapshot() {
    let seen = seen_on_a_dirty_worker(|_, off, tell| {
        let before = off.stats().snapshots;
        dressed(1, || off.task("off").spawn_future(looks(tell)).detach());
        assert_eq!(off.stats().snapshots, before);
    });
    assert_eq!(seen, [NOTHING; 3]);
}

#[test]
fn suppressed_future_sees_nothing() {
    let seen = seen_on_a_dirty_worker(|on, _, tell| {
        dressed(1, || suppress(|| on.spawn_future(looks(tell))).detach());
    });
    assert_eq!(seen, [NOTHING; 3]);
}

#[test]
fn cancelled_future_is_dropped_in_its_own_context_and_not_in_the_cancellers() {
    Recorder::record(|_| {
        let (on, off) = on_and_off();
        let cancellers = dressed(2, || on.snapshot());
        for (pool, expected) in [(on, ONE), (off, NOTHING)] {
            let (gate, (tell, told)) = (Gate::default(), mpsc::channel());
            let waits = gate.clone();
            let task = dressed(1, || {
                pool.spawn_future(async move {
                    let _dropped = OnDrop(|| tell.send(look()).unwrap());
                    waits.pass().await;
                })
            });
            while gate.waiting() == 0 {
                thread::yield_now();
            }
            pool.install(|| ());
            cancellers.scope(|| {
                task.cancel();
                assert_eq!(look(), TWO);
            });
            assert_eq!(told.try_recv().unwrap(), expected);
        }
    });
}

#[test]
fn future_that_nothing_can_wake_is_dropped_in_its_context_with_what_could() {
    let pool = one_worker();
    let (tell, told) = mpsc::channel();
    let endless = |tell: mpsc::Sender<_>, gate: Gate| async move {
        let _dropped = OnDrop(move || tell.send(TENANT.get()).unwrap());
        gate.pass().await;
    };
    let gate = Gate::default();
    let task = TENANT.scope(1, || pool.spawn_future(endless(tell.clone(), gate.clone())));
    pool.install(|| ());
    // Its waker is taken from under it, and the handle is there still.
    let waker = gate.take_waker();
    drop(waker);
    assert!(told.try_recv().is_err());
    TENANT.scope(2, || drop(task));
    assert_eq!(told.try_recv().unwrap(), Some(1));

    // The other way round, and on another thread.
    let gate = Gate::default();
    TENANT.scope(3, || pool.spawn_future(endless(tell, gate.clone())).detach());
    pool.install(|| ());
    let waker = gate.take_waker();
    thread::spawn(move || TENANT.scope(2, || drop(waker))).join().unwrap();
    assert_eq!(told.try_recv().unwrap(), Some(3));
}

#[test]
fn what_a_future_carried_is_gone_when_its_handle_is_ready() {
    entourage::context_key! { static LARGE: Arc<()> = propagate; }
    Recorder::record(|recorder| {
        let pool = workers(2);
        for n in 1..=100 {
            let (value, held) = (Arc::new(()), Arc::new(()));
            let holds = held.clone();
            let task = info_span!("future").in_scope(|| {
                LARGE.scope(value.clone(), || {
                    pool.spawn_future(async move {
                        yield_now().await;
                        drop(holds);
                        info!("{n}");
                    })
                })
            });
            while !task.is_finished() {
                thread::yield_now();
            }
            assert_eq!((Arc::strong_count(&value), Arc::strong_count(&held)), (1, 1));
            assert_eq!(recorder.closings_of("future"), n);
            task.join().unwrap();
        }
    });
}

#[test]
fn future_whose_handle_is_dropped_runs_on_and_its_output_ends_in_its_context() {
    let pool = one_worker();
    let (tell, told) = mpsc::channel();
    let gate = Gate::default();
    let waits = gate.clone();
    let output = OnDrop(move || tell.send(TENANT.get()).unwrap());
    let task = TENANT.scope(1, || {
        pool.spawn_future(async move {
            waits.pass().await;
            output
        })
    });
    drop(task);
    drop(pool);
    // Nor does the pool end before it.
    gate.open();
    assert_eq!(told.recv().unwrap(), Some(1));
}

#[test]
fn handle_that_is_awaited_again_after_it_was_ready_says_so() {
    let pool = one_worker();
    let mut task = pool.task("once").spawn_future(async { 7 });
    assert_eq!(block_on(&mut task).unwrap(), 7);
    let error = block_on(&mut task).unwrap_err();
    assert!(error.is_taken() && !error.is_cancelled() && !error.is_panic());
    assert!(error.to_string().contains("task `once`"), "{error}");
    assert!(task.is_finished());
    assert!(task.join().unwrap_err().is_taken());
}

#[test]
fn future_awaits_tasks_and_futures_of_its_own_pool() {
    let pool = one_worker();
    let inner = pool.clone();
    let sum = TENANT.scope(1, || {
        pool.spawn_future(async move {
            let closure = inner.spawn(|| TENANT.get());
            let future = TENANT.scope(2, || inner.spawn_future(async { TENANT.get() }));
            let failing = inner.spawn_future(async { panic_any(7) });
            let failed = failing.await.unwrap_err().into_panic().unwrap();
            (closure.await.unwrap(), future.await.unwrap(), *failed.downcast::<i32>().unwrap())
        })
    });
    assert_eq!(block_on(sum).unwrap(), (Some(1), Some(2), 7));
}
