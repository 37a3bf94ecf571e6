//! Waiting for a token in async code.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::token::{CancelToken, Listening};
use crate::sync::Mutex;

/// A future that is ready when a [`CancelToken`] is cancelled; made by
/// [`CancelToken::cancelled`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is polled"]
pub struct UntilCancelled {
    token: CancelToken,
    /// Once it has been polled: whom to wake.
    waiting: Option<(Arc<Mutex<Option<Waker>>>, Listening)>,
}

impl UntilCancelled {
    pub(super) fn new(token: CancelToken) -> Self {
        Self { token, waiting: None }
    }
}

impl Future for UntilCancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.token.is_cancelled() {
            self.waiting = None;
            return Poll::Ready(());
        }
        match &self.waiting {
            Some((waker, _)) => {
                let new = cx.waker().clone();
                let before = waker.lock().replace(new);
                drop(before);
            }
            None => {
                let waker = Arc::new(Mutex::new(Some(cx.waker().clone())));
                let woken = waker.clone();
                let listening = self.token.on_cancel(move || {
                    let waker = woken.lock().take();
                    waker.into_iter().for_each(Waker::wake);
                });
                self.waiting = Some((waker, listening));
            }
        }
        // It may have been cancelled since, and taken the waker of the poll before.
        if self.token.is_cancelled() { Poll::Ready(()) } else { Poll::Pending }
    }
}
