//! A future is polled, and dropped, in its context, wherever that happens.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;

use entourage::{Executor, FutureContextExt, Instrumented, Snapshot};
use support::futures::{Gate, OnDrop, block_on, poll_once, yield_now};
use support::recorder::Recorder;
use support::spy::{Log, Spy, local, with_local};
use support::{one_worker, panic_of};
use tracing::dispatcher::{get_default, with_default};
use tracing::{Span, info, info_span};

entourage::context_key! { static TENANT: u32 = propagate; }

#[test]
fn context_is_captured_where_the_future_is_put_in_it_and_not_where_it_is_polled() {
    let future = TENANT.scope(1, || async { TENANT.get() }.in_context());
    assert_eq!(TENANT.scope(2, || block_on(future)), Some(1));
    let snapshot = TENANT.scope(3, Snapshot::capture);
    let future = TENANT.scope(1, || async { TENANT.get() }.in_snapshot(snapshot));
    assert_eq!(block_on(future), Some(3));
}

#[test]
fn one_word_puts_futures_streams_and_parallel_iterators_in_context() {
    use entourage::{ParallelIteratorExt, StreamContextExt};
    use rayon::prelude::*;
    struct Empty;
    impl futures_core::Stream for Empty {
        type Item = ();
        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<()>> {
            assert_eq!(TENANT.get(), Some(1));
            Poll::Ready(None)
        }
    }
    TENANT.scope(1, || {
        assert_eq!(block_on(async { TENANT.get() }.in_context()), Some(1));
        let mut stream = Empty.in_context();
        let mut cx = Context::from_waker(Waker::noop());
        let next = futures_core::Stream::poll_next(Pin::new(&mut stream), &mut cx);
        assert!(next.is_ready());
        assert!([(); 9].par_iter().in_context().all(|()| TENANT.get() == Some(1)));
    });
}

#[test]
fn context_is_entered_at_every_poll_and_at_drop_and_left_in_between() {
    Recorder::record(|recorder| {
        let spy = Spy::on("locale").leak();
        let pool = Executor::builder().num_threads(1).accessor(spy).build().unwrap();
        let (tell, told) = mpsc::channel();
        let look = || (TENANT.get(), local("locale"), Span::current().metadata().map(|m| m.name()));
        let snapshot = info_span!("future")
            .in_scope(|| with_local("locale", 1, || TENANT.scope(1, || pool.snapshot())));
        let future = async move {
            let _dropped = OnDrop(|| {
                info!("dropped");
                tell.send(look()).unwrap();
            });
            for _ in 0..3 {
                info!("polled");
                tell.send(look()).unwrap();
                yield_now().await;
            }
        };
        let mut future = Box::pin(future.in_snapshot(snapshot));
        // The thread has something of its own of every kind.
        info_span!("dirty").in_scope(|| {
            with_local("locale", 2, || {
                TENANT.scope(2, || {
                    for _ in 0..2 {
                        assert!(poll_once(&mut future).is_pending());
                        assert_eq!(look(), (Some(2), Some(2), Some("dirty")));
                    }
                    drop(future);
                    assert_eq!(look(), (Some(2), Some(2), Some("dirty")));
                });
            });
        });
        assert_eq!(told.iter().collect::<Vec<_>>(), [(Some(1), Some(1), Some("future")); 3]);
        let of_future = vec!["future".to_owned()];
        let expected = ["polled", "polled", "dropped"].map(|text| (text.into(), of_future.clone()));
        assert_eq!(recorder.events(), expected);
    });
}

#[test]
fn future_that_is_dropped_half_way_on_another_thread_is_dropped_in_its_context() {
    Recorder::record(|recorder| {
        let gate = Gate::default();
        let (tell, told) = mpsc::channel();
        let waits = gate.clone();
        let future = async move {
            let _dropped = OnDrop(|| {
                info!("dropped");
                tell.send((TENANT.get(), thread::current().id())).unwrap();
            });
            waits.pass().await;
        };
        let future = info_span!("future").in_scope(|| TENANT.scope(1, || future.in_context()));
        let mut future = Box::pin(future);
        assert!(poll_once(&mut future).is_pending());
        let elsewhere = thread::spawn(move || {
            TENANT.scope(2, || drop(future));
            thread::current().id()
        });
        assert_eq!(told.recv().unwrap(), (Some(1), elsewhere.join().unwrap()));
        // The dispatcher of the other thread is not that of this one.
        assert_eq!(recorder.spans_of("dropped"), ["future"]);
    });
}

#[test]
fn future_that_changes_threads_at_each_poll_is_in_its_context_on_each() {
    const POLLS: usize = 64;
    Recorder::record(|recorder| {
        let future = async {
            for _ in 0..POLLS {
                assert_eq!(TENANT.get(), Some(1));
                // What it enters across an `await` is its own affair; what it
                // enters in between must not stay on the thread.
                info_span!("inner").in_scope(|| info!("polled"));
                yield_now().await;
            }
        };
        let future = info_span!("future").in_scope(|| TENANT.scope(1, || future.in_context()));
        let mut future: Pin<Box<Instrumented<_>>> = Box::pin(future);
        let dispatch = get_default(Clone::clone);
        for n in 0..POLLS {
            let dirty = || {
                info_span!("dirty").in_scope(|| {
                    TENANT.scope(2, || {
                        assert!(poll_once(&mut future).is_pending());
                        info!("after {n}");
                        assert_eq!(TENANT.get(), Some(2));
                    });
                });
            };
            thread::scope(|threads| {
                threads.spawn(|| with_default(&dispatch, dirty)).join().unwrap();
            });
        }
        assert!(poll_once(&mut future).is_ready());
        let events = recorder.events();
        let polled = events.iter().filter(|(text, _)| text == "polled");
        assert!(polled.clone().all(|(_, spans)| *spans == ["future", "inner"]));
        assert_eq!(polled.count(), POLLS);
        let after = events.iter().filter(|(text, _)| text.starts_with("after"));
        assert!(after.clone().all(|(_, spans)| *spans == ["dirty"]));
        assert_eq!(after.count(), POLLS);
    });
}

#[test]
fn span_of_a_future_is_closed_when_the_future_is_dropped_and_not_before() {
    Recorder::record(|recorder| {
        let gate = Gate::default();
        let mut future = info_span!("future").in_scope(|| Box::pin(gate.pass().in_context()));
        assert!(poll_once(&mut future).is_pending());
        assert_eq!(recorder.closings_of("future"), 0);
        drop(future);
        assert_eq!(recorder.closings_of("future"), 1);
    });
}

#[test]
fn panic_in_a_poll_or_in_the_drop_leaves_the_thread_as_it_was() {
    TENANT.scope(2, || {
        let mut future = TENANT.scope(1, || Box::pin(async { panic!("poll") }.in_context()));
        assert_eq!(panic_of(|| poll_once(&mut future)), "poll");
        assert_eq!(TENANT.get(), Some(2));
        let bomb = OnDrop(|| panic!("drop in {:?}", TENANT.get()));
        let future = TENANT.scope(1, || async move { drop(bomb) }.in_context());
        assert_eq!(panic_of(|| drop(future)), "drop in Some(1)");
        assert_eq!(TENANT.get(), Some(2));
    });
}

#[test]
fn future_that_panics_in_its_drop_while_another_panic_unwinds_does_not_abort() {
    let text = panic_of(|| {
        let bomb = OnDrop(|| panic!("the second"));
        let _future = async move { drop(bomb) }.in_context();
        panic!("the first")
    });
    assert_eq!(text, "the first");
}

#[test]
fn future_polled_after_it_was_ready_does_what_the_one_inside_does() {
    TENANT.scope(2, || {
        // A handle answers with an error that says so ...
        let pool = one_worker();
        let mut handle = pool.spawn(|| 7).in_context();
        assert_eq!(block_on(&mut handle).unwrap(), 7);
        assert!(block_on(&mut handle).unwrap_err().is_taken());
        // ... and an `async` block panics, and no harm is done.
        let mut ready = Box::pin(async { 7 }.in_context());
        assert_eq!(poll_once(&mut ready), Poll::Ready(7));
        let again = panic_of(|| poll_once(&mut ready));
        assert!(again.contains("after completion"), "{again}");
        assert_eq!(TENANT.get(), Some(2));
    });
}

#[test]
fn what_is_inside_can_be_reached_and_taken_out_of_its_context() {
    let (tell, told) = mpsc::channel();
    let look = OnDrop(move || tell.send(TENANT.get()).unwrap());
    let mut kept = TENANT.scope(1, || Snapshot::capture().instrument((7, look)));
    assert_eq!(kept.inner().0, 7);
    kept.inner_mut().0 = 8;
    let mut kept = pin!(kept);
    assert_eq!(kept.as_ref().inner_pin_ref().0, 8);
    kept.as_mut().inner_pin_mut().0 = 9;
    assert_eq!(kept.snapshot().scope(|| TENANT.get()), Some(1));

    let (tell, taken) = mpsc::channel();
    let look = OnDrop(move || tell.send(TENANT.get()).unwrap());
    let wrapped = TENANT.scope(1, || Snapshot::capture().instrument(look));
    let inner = TENANT.scope(2, || wrapped.into_inner());
    // To take it out neither drops it nor leaves it in the context.
    assert!(taken.try_recv().is_err());
    TENANT.scope(2, || drop(inner));
    let log = Log::default();
    let pool =
        Executor::builder().accessor(Spy::on("counts").logging_to(&log).leak()).build().unwrap();
    assert_eq!(pool.snapshot().instrument(7).into_inner(), 7);
    assert_eq!(log.count("enter counts"), 0);
    assert_eq!(taken.iter().collect::<Vec<_>>(), [Some(2)]);
    assert!(told.try_recv().is_err());
}

#[test]
fn accessor_that_panics_fails_the_poll_and_nothing_else() {
    let spy = Spy::on("failing").panicking_at(support::spy::Step::Restore).leak();
    let pool = Executor::builder().num_threads(1).accessor(spy).build().unwrap();
    let mut future =
        Box::pin(TENANT.scope(1, || async { TENANT.get() }.in_snapshot(pool.snapshot())));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(panic_of(|| future.as_mut().poll(&mut cx)), "failing at Restore");
    assert_eq!(TENANT.get(), None);
    // The drop meets the same accessor.
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(future)));
    assert!(dropped.is_err());
}
