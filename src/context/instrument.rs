//! Futures that take their context along from poll to poll.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{self, Poll};

use pin_project_lite::pin_project;

use super::accessor::discard;
use super::frame::Frame;
use super::snapshot::Snapshot;

pin_project! {
    /// A future that is polled, and dropped, in a [`Snapshot`]; made by
    /// [`Snapshot::instrument`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Instrumented<F> {
        snapshot: Snapshot,
        // `None` only after the drop below has begun.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Instrumented<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            match Frame::run(this.snapshot, || this.future.set(None)) {
                Ok(()) => {}
                // A second panic would abort.
                Err(payload) if std::thread::panicking() => discard(payload),
                Err(payload) => resume_unwind(payload),
            }
        }
    }
}

impl<F> Instrumented<F> {
    pub(super) fn new(snapshot: Snapshot, future: F) -> Self {
        Self { snapshot, future: Some(future) }
    }
}

impl<F: Future> Future for Instrumented<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(future) = this.future.as_pin_mut() else {
            unreachable!("the future is taken in `drop` alone");
        };
        this.snapshot.scope(|| future.poll(cx))
    }
}
