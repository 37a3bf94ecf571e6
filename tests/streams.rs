//! A stream is asked for its items, and dropped, in its context.

#[expect(dead_code, reason = "each test file needs some of the helpers")]
mod support;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;

use entourage::{Instrumented, Propagation, Snapshot, StreamContextExt, suppress};
use futures_core::{FusedStream, Stream};
use support::futures::block_on;
use support::recorder::Recorder;
use support::{one_worker, panic_of};
use tracing::dispatcher::{get_default, with_default};
use tracing::{info, info_span};

entourage::context_key! { static TENANT: u32 = propagate; }

/// Gives what `item` makes of each number, after having been pending once for it.
struct Numbers<F: FnMut(u32) -> T, T, D: FnMut()> {
    left: VecDeque<u32>,
    is_due: bool,
    item: F,
    dropped: D,
}

impl<T, F: FnMut(u32) -> T, D: FnMut()> Numbers<F, T, D> {
    fn up_to(end: u32, item: F, dropped: D) -> Self {
        Self { left: (0..end).collect(), is_due: false, item, dropped }
    }
}

impl<F: FnMut(u32) -> T + Unpin, T, D: FnMut() + Unpin> Stream for Numbers<F, T, D> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.is_due = !self.is_due;
        if self.is_due {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = self.left.pop_front();
        Poll::Ready(next.map(|n| (self.item)(n)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left.len(), Some(self.left.len()))
    }
}

impl<F: FnMut(u32) -> T + Unpin, T, D: FnMut() + Unpin> FusedStream for Numbers<F, T, D> {
    fn is_terminated(&self) -> bool {
        self.left.is_empty()
    }
}

impl<F: FnMut(u32) -> T, T, D: FnMut()> Drop for Numbers<F, T, D> {
    fn drop(&mut self) {
        (self.dropped)();
    }
}

async fn collect<S: Stream>(stream: S) -> Vec<S::Item> {
    let mut stream = pin!(stream);
    let mut items = Vec::new();
    while let Some(item) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        items.push(item);
    }
    items
}

fn next<S: Stream>(stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
    stream.poll_next(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn stream_makes_every_item_in_its_context_and_is_dropped_in_it() {
    Recorder::record(|recorder| {
        let (tell, told) = mpsc::channel();
        let stream = Numbers::up_to(
            3,
            |n| {
                info!("item");
                (n, TENANT.get())
            },
            || tell.send(TENANT.get()).unwrap(),
        );
        let stream = info_span!("stream").in_scope(|| TENANT.scope(1, || stream.in_context()));
        // On a thread that has something of its own.
        let items = info_span!("dirty").in_scope(|| {
            TENANT.scope(2, || {
                let items = block_on(collect(stream));
                info!("after");
                assert_eq!(TENANT.get(), Some(2));
                items
            })
        });
        assert_eq!(items, [(0, Some(1)), (1, Some(1)), (2, Some(1))]);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [Some(1)]);
        let events = recorder.events();
        assert_eq!(events.len(), 4);
        assert!(events[..3].iter().all(|(_, spans)| *spans == ["stream"]));
        assert_eq!(recorder.spans_of("after"), ["dirty"]);
        assert_eq!(recorder.closings_of("stream"), 1);
    });
}

#[test]
fn stream_that_changes_threads_at_each_poll_is_in_its_context_on_each() {
    Recorder::record(|recorder| {
        let stream = Numbers::up_to(16, |_| info!("item"), || info!("dropped"));
        let stream = info_span!("stream").in_scope(|| stream.in_context());
        let mut stream = Box::pin(stream);
        let dispatch = get_default(Clone::clone);
        let mut ended = false;
        while !ended {
            let poll = || {
                let _dirty = info_span!("dirty").entered();
                ended = next(stream.as_mut()) == Poll::Ready(None);
            };
            thread::scope(|threads| {
                threads.spawn(|| with_default(&dispatch, poll)).join().unwrap();
            });
        }
        // And dropped on one whose dispatcher is none of this.
        thread::spawn(move || drop(stream)).join().unwrap();
        let events = recorder.events();
        assert_eq!(events.len(), 17);
        assert!(events.iter().all(|(_, spans)| *spans == ["stream"]));
    });
}

#[test]
fn size_hint_and_termination_are_those_of_the_stream_inside() {
    let mut stream = pin!(Numbers::up_to(2, |n| n, || ()).in_context());
    assert_eq!((stream.size_hint(), stream.is_terminated()), ((2, Some(2)), false));
    for expected in [Some(0), Some(1), None] {
        assert!(next(stream.as_mut()).is_pending());
        assert_eq!(next(stream.as_mut()), Poll::Ready(expected));
    }
    assert_eq!((stream.size_hint(), stream.is_terminated()), ((0, Some(0)), true));
}

#[test]
fn stream_spawned_as_a_future_is_in_the_context_of_each() {
    let pool = one_worker();
    let stream = TENANT.scope(1, || Numbers::up_to(2, |_| TENANT.get(), || ()).in_context());
    let task = TENANT.scope(2, || {
        pool.spawn_future(async move {
            let items = collect(stream).await;
            (items, TENANT.get())
        })
    });
    assert_eq!(task.join().unwrap(), (vec![Some(1); 2], Some(2)));
}

#[test]
fn stream_with_propagation_off_or_suppressed_sees_nothing_of_whoever_polls_it() {
    let pool = one_worker().with_propagation(Propagation::off()).unwrap();
    let numbers = || Numbers::up_to(1, |_| TENANT.get(), || assert_eq!(TENANT.get(), None));
    let off = TENANT.scope(1, || numbers().in_snapshot(pool.snapshot()));
    let suppressed = TENANT.scope(1, || suppress(|| numbers().in_context()));
    for stream in [off, suppressed] {
        assert!(stream.snapshot().is_empty());
        assert_eq!(TENANT.scope(2, || block_on(collect(stream))), [None]);
    }
}

#[test]
fn panic_in_a_stream_leaves_the_thread_as_it_was_and_the_stream_to_be_polled_again() {
    let fail = |n| {
        assert_ne!(n, 1, "item {n} in {:?}", TENANT.get());
        n
    };
    let stream = Numbers::up_to(3, fail, || ());
    let stream: Instrumented<_> = TENANT.scope(7, Snapshot::capture).instrument(stream);
    let mut stream = Box::pin(stream);
    TENANT.scope(2, || {
        let mut item = || {
            assert!(next(stream.as_mut()).is_pending());
            next(stream.as_mut())
        };
        assert_eq!(item(), Poll::Ready(Some(0)));
        assert!(panic_of(&mut item).contains("item 1 in Some(7)"));
        assert_eq!(TENANT.get(), Some(2));
        assert_eq!(item(), Poll::Ready(Some(2)));
        assert_eq!(item(), Poll::Ready(None));
    });
}
