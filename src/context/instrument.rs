//! Futures and streams that take their context along from poll to poll.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{self, Poll};

use futures_core::{FusedFuture, FusedStream, Stream};
use pin_project_lite::pin_project;

use super::frame::Frame;
use super::snapshot::Snapshot;
use super::unwind::discard;

/// Adds [`in_context`](Self::in_context) to every future.
pub trait FutureContextExt: Future + Sized {
    /// Polls the future, and drops it, in the context that is current now, on
    /// whichever thread that comes to happen.
    ///
    /// ```
    /// use entourage::FutureContextExt;
    /// entourage::context_key! { static TENANT: u32 = propagate; }
    ///
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    /// #     let std::task::Poll::Ready(output) = std::pin::pin!(future).poll(&mut cx)
    /// #     else { unreachable!() };
    /// #     output
    /// # }
    /// let tenant = TENANT.scope(7, || async { TENANT.get() }.in_context());
    /// assert_eq!(block_on(tenant), Some(7));
    /// ```
    fn in_context(self) -> Instrumented<Self> {
        self.in_snapshot(Snapshot::capture())
    }

    /// Polls the future, and drops it, in `snapshot`; for an executor's own
    /// policy, `in_snapshot(pool.snapshot())`.
    fn in_snapshot(self, snapshot: Snapshot) -> Instrumented<Self> {
        Instrumented::new(snapshot, self)
    }
}

impl<F: Future> FutureContextExt for F {}

/// Adds [`in_context`](Self::in_context) to every stream.
pub trait StreamContextExt: Stream + Sized {
    /// Asks the stream for its items, and drops it, in the context that is
    /// current now, on whichever thread that comes to happen.
    ///
    /// Adaptors put on top are not inside: `stream.map(f).in_context()` runs `f`
    /// in the context, `stream.in_context().map(f)` does not.
    fn in_context(self) -> Instrumented<Self> {
        self.in_snapshot(Snapshot::capture())
    }

    /// Asks the stream for its items, and drops it, in `snapshot`; for an
    /// executor's own policy, `in_snapshot(pool.snapshot())`.
    fn in_snapshot(self, snapshot: Snapshot) -> Instrumented<Self> {
        Instrumented::new(snapshot, self)
    }
}

impl<S: Stream> StreamContextExt for S {}

pin_project! {
    /// A future or stream that is polled, and dropped, in a [`Snapshot`]; made by
    /// [`Snapshot::instrument`], [`FutureContextExt`] and [`StreamContextExt`].
    ///
    /// What is inside decides what it does when it is polled once too often: an
    /// `async` block panics, a handle answers with an error.
    #[derive(Debug)]
    #[must_use = "futures and streams do nothing unless polled"]
    pub struct Instrumented<T> {
        snapshot: Snapshot,
        // `None` only after `into_inner`, or after the drop below has begun.
        #[pin]
        inner: Option<T>,
    }

    impl<T> PinnedDrop for Instrumented<T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.inner.is_none() {
                return;
            }
            match Frame::run(this.snapshot.as_capture(), || this.inner.set(None)) {
                Ok(()) => {}
                // A second panic would abort.
                Err(payload) if std::thread::panicking() => discard(payload),
                Err(payload) => resume_unwind(payload),
            }
        }
    }
}

const IS_HERE: &str = "what is instrumented is taken out in `into_inner` and `drop` alone";

impl<T> Instrumented<T> {
    pub(super) fn new(snapshot: Snapshot, inner: T) -> Self {
        Self { snapshot, inner: Some(inner) }
    }

    /// What it is polled and dropped in.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The future or stream inside. What is done with it here is done in the
    /// context of whoever does it, as with all of these accessors.
    pub fn inner(&self) -> &T {
        self.inner.as_ref().expect(IS_HERE)
    }

    /// As [`inner`](Self::inner), to be changed.
    pub fn inner_mut(&mut self) -> &mut T {
        self.inner.as_mut().expect(IS_HERE)
    }

    /// As [`inner`](Self::inner), pinned.
    pub fn inner_pin_ref(self: Pin<&Self>) -> Pin<&T> {
        self.project_ref().inner.as_pin_ref().expect(IS_HERE)
    }

    /// As [`inner`](Self::inner), pinned and to be changed.
    pub fn inner_pin_mut(self: Pin<&mut Self>) -> Pin<&mut T> {
        self.project().inner.as_pin_mut().expect(IS_HERE)
    }

    /// Takes the future or stream out of its context.
    pub fn into_inner(mut self) -> T {
        self.inner.take().expect(IS_HERE)
    }
}

impl<F: Future> Future for Instrumented<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let future = this.inner.as_pin_mut().expect(IS_HERE);
        this.snapshot.scope(|| future.poll(cx))
    }
}

impl<S: Stream> Stream for Instrumented<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let stream = this.inner.as_pin_mut().expect(IS_HERE);
        this.snapshot.scope(|| stream.poll_next(cx))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner().size_hint()
    }
}

impl<F: FusedFuture> FusedFuture for Instrumented<F> {
    fn is_terminated(&self) -> bool {
        self.inner().is_terminated()
    }
}

impl<S: FusedStream> FusedStream for Instrumented<S> {
    fn is_terminated(&self) -> bool {
        self.inner().is_terminated()
    }
}
