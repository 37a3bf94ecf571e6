//! How sync code waits for an object store.

use std::future::{Future, poll_fn};
use std::sync::mpsc;

use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Runtime};

use crate::catalog::error::FormatError;
use crate::context::{Snapshot, discard};
use crate::executor::message_of;
use crate::sync::thread;

/// Waits until `future` is done, on a runtime of the crate's own, and in the
/// context of this thread, so that what the store logs is filed where it belongs.
///
/// The thread sleeps, whatever it is: a worker, a thread of a tokio runtime, one
/// of none. It never runs the future itself, so that it does not matter whether
/// it is inside a runtime, and nobody's reactor has to turn for it.
pub(super) fn wait_for<T, F>(future: F) -> Result<T, FormatError>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let handle = runtime()?.handle().clone();
    let mut future = Box::pin(future);
    let own = handle.clone();
    let inside = poll_fn(move |cx| {
        // The context may carry the handle of a runtime that is waiting for us.
        let _entered = own.enter();
        future.as_mut().poll(cx)
    });
    let task = handle.spawn(Snapshot::capture().instrument(inside));
    let (done, outcome) = mpsc::sync_channel(1);
    handle.spawn(async move {
        // Nobody has given up waiting.
        let _ = done.send(task.await);
    });
    match outcome.recv() {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) if error.is_panic() => {
            let payload = error.into_panic();
            let what = format!("the object store panicked: {}", message_of(&*payload));
            discard(payload);
            Err(FormatError::plain(what))
        }
        Ok(Err(_)) | Err(_) => Err(FormatError::plain("the object store's runtime has ended")),
    }
}

fn runtime() -> Result<&'static Runtime, FormatError> {
    static RUNTIME: OnceCell<Runtime> = OnceCell::new();
    RUNTIME.get_or_try_init(|| {
        let threads = thread::available_parallelism().map_or(1, |threads| threads.get().min(4));
        let mut builder = Builder::new_multi_thread();
        let built = builder.worker_threads(threads).thread_name("entourage-store").enable_all();
        built.build().map_err(|error| {
            FormatError::caused(format!("no runtime for object stores: {error}"), error)
        })
    })
}
