//! One spawned future: who polls it, and where its output goes.
//!
//! ```text
//!   Idle ◀─────── pending ─────── Busy ── ready, panicked, cancelled ──▶ Finished ── take ──▶ Taken
//!    │                           ▲  │
//!    └── wake ──▶ Queued ─ claim ┘  │
//!                   ▲               │
//!                   └─ pending, and woken meanwhile
//! ```
//!
//! Whoever polls or drops the future first takes it out of the state, which is
//! under one lock, and leaves `Busy` there: so there is never a second. A wake
//! is never lost: it finds `Idle`, and makes it `Queued`; or `Busy`, and leaves a
//! mark that the poller finds when it puts the future back; or a poll is still to
//! come anyway. `Queued` means that a job in the pool's queue will poll, and there
//! is one such job at most, whoever else, joining on a worker, may have polled
//! before it.
//!
//! The future ends in its context before the state says `Finished`, and so does
//! the snapshot, so that a span is not kept open by a handle. No foreign code
//! runs under the lock, nor can a panic of it reach the pool.
//!
//! `async-task` would hold the future as well, in one allocation where this takes
//! two. But it ends the process when the `Drop` of the future or of an output, or
//! the waker of whoever awaits, panics; and a worker that joins must find the
//! future to poll it in place.

use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr;
use std::sync::{Arc, Weak};
use std::task::{self, Poll, Wake, Waker};

use super::ending::Why;
use super::requeue::{self, Enqueue};
use crate::executor::books::{Books, End, Entry, Suspended};
use crate::executor::error::TaskName;
use crate::executor::task::{Carry, Outcome};
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Condvar, Mutex};

pub(super) struct FutureTask<F, R> {
    pub(super) name: TaskName,
    pub(super) pool: Arc<rayon::ThreadPool>,
    pub(super) books: Arc<Books>,
    pub(super) shared: Mutex<Shared<F, R>>,
    /// Something for a thread that waits: an end, or a poll to be made.
    pub(super) changed: Condvar,
}

pub(super) struct Shared<F, R> {
    pub(super) state: State<F, R>,
    /// Whether a job that polls is in the pool's queue.
    has_job: bool,
    /// How many jobs workers of the pool queued since one went behind the others.
    local_jobs: u8,
    is_cancelled: bool,
    /// Whether the handle is gone.
    pub(super) is_detached: bool,
    pub(super) waker: Option<Waker>,
}

pub(super) enum State<F, R> {
    Idle(Body<F>),
    Queued(Body<F>),
    Busy { thread: ThreadId, is_woken: bool },
    Finished(Outcome<R>),
    Taken,
}

pub(super) struct Body<F> {
    pub(super) future: Pin<Box<F>>,
    pub(super) carry: Carry,
    /// In the books of the executor; `None` if it is in none.
    pub(super) entry: Option<Entry>,
}

enum Polled<F, R> {
    Pending(Pin<Box<F>>),
    Over(Option<Outcome<R>>),
}

/// How a job gets into the queue.
enum Way {
    Straight,
    Behind,
}

/// Of a task's jobs that workers of the pool queue, each time so many, one goes
/// behind everything else; see [`requeue`].
const LOCAL_JOBS: u8 = 61;

impl<F, R> Shared<F, R> {
    /// Notes that there is a job in the queue, and says how the caller has to
    /// put it there, if there was none.
    fn claim_job(&mut self, pool: &rayon::ThreadPool) -> Option<Way> {
        if mem::replace(&mut self.has_job, true) {
            return None;
        }
        if pool.current_thread_index().is_none() {
            return Some(Way::Straight);
        }
        self.local_jobs = (self.local_jobs + 1) % LOCAL_JOBS;
        Some(if self.local_jobs == 0 { Way::Behind } else { Way::Straight })
    }
}

impl<F, R> FutureTask<F, R> {
    /// A task that is to be polled.
    pub(super) fn new(
        name: TaskName,
        (books, pool): (Arc<Books>, Arc<rayon::ThreadPool>),
        body: Body<F>,
    ) -> Self {
        let shared = Shared {
            state: State::Queued(body),
            has_job: false,
            local_jobs: 0,
            is_cancelled: false,
            is_detached: false,
            waker: None,
        };
        Self { name, pool, books, shared: Mutex::new(shared), changed: Condvar::new() }
    }

    /// What tells it from every other, for as long as it is there.
    pub(super) fn address(&self) -> usize {
        ptr::from_ref(self).addr()
    }

    /// Ends a task that its executor did not take.
    pub(super) fn refuse(&self) {
        if let Some(body) = self.claim(|_| true) {
            self.end(body, Why::ShutDown);
        }
    }

    /// Takes the future out of the state, if it `is_due`, and marks this thread as
    /// busy with it.
    fn claim(&self, is_due: impl FnOnce(&State<F, R>) -> bool) -> Option<Body<F>> {
        let mut shared = self.shared.lock();
        if !is_due(&shared.state) {
            return None;
        }
        let busy = State::Busy { thread: thread::current().id(), is_woken: false };
        match mem::replace(&mut shared.state, busy) {
            State::Idle(body) | State::Queued(body) => Some(body),
            other => {
                shared.state = other;
                None
            }
        }
    }

    /// Drops the future here, unless it is being polled: then whoever polls it
    /// does.
    pub(super) fn cancel_here(&self) {
        self.shared.lock().is_cancelled = true;
        // Who polls it now, and puts it back before the next line, saw the mark.
        if let Some(body) = self.claim(|_| true) {
            self.end(body, Why::Cancelled);
        }
    }

    /// Makes a poll due, and says whether a job has to be queued for it.
    fn rouse(&self) -> Option<Way> {
        let mut shared = self.shared.lock();
        match mem::replace(&mut shared.state, State::Taken) {
            State::Idle(body) => shared.state = State::Queued(body),
            State::Busy { thread, .. } => {
                shared.state = State::Busy { thread, is_woken: true };
                return None;
            }
            other => {
                shared.state = other;
                return None;
            }
        }
        let way = shared.claim_job(&self.pool);
        drop(shared);
        self.changed.notify_all();
        way
    }
}

impl<F, R> FutureTask<F, R>
where
    F: Future<Output = R> + Send + 'static,
    R: Send + 'static,
{
    /// Puts a new task in the queue.
    pub(super) fn submit(self: Arc<Self>) {
        self.shared.lock().has_job = true;
        self.enqueue();
    }

    /// What the job in the queue does.
    fn run_job(self: Arc<Self>) {
        self.shared.lock().has_job = false;
        self.poll_if_due();
    }

    /// Polls the future here if a poll is due, and says whether it was.
    pub(super) fn poll_if_due(self: &Arc<Self>) -> bool {
        let body = self.claim(|state| matches!(state, State::Queued(_)));
        body.map(|body| self.poll(body)).is_some()
    }

    fn poll(self: &Arc<Self>, Body { mut future, carry, entry }: Body<F>) {
        let was_suspended = entry.as_ref().is_some_and(Entry::is_suspended);
        let mut stay = self.books.begin(entry);
        if stay.is_dropping() {
            let outcome = self.drop_future(future, carry, Why::ShutDown, &mut stay);
            return self.finish(outcome, was_suspended);
        }
        stay.run();
        let waker = Waker::from(self.clone());
        let mut end = End::Panicked;
        let (ran, left) = carry.run(|| {
            let mut cx = task::Context::from_waker(&waker);
            let why = match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx))) {
                Ok(Poll::Pending) => return Polled::Pending(future),
                Ok(Poll::Ready(output)) => Why::Ready(output),
                Err(payload) => Why::Panicked(payload),
            };
            Polled::Over(self.observe(future, why, &mut end))
        });
        let outcome = match (ran, left) {
            (Ok(Polled::Pending(future)), Ok(())) => {
                let body = Body { future, carry, entry: stay.suspend() };
                return self.put_back(body, was_suspended);
            }
            (Ok(Polled::Pending(future)), Err(payload)) => {
                self.drop_future(future, carry, Why::Panicked(payload), &mut stay)
            }
            (Ok(Polled::Over(outcome)), left) => {
                self.settle(Ok(outcome), left, carry, end, &mut stay)
            }
            (Err(payload), left) => self.settle(Err(payload), left, carry, end, &mut stay),
        };
        self.finish(outcome, was_suspended);
    }

    /// Leaves the future to the next poll.
    fn put_back(self: &Arc<Self>, body: Body<F>, was_suspended: bool) {
        if !was_suspended && body.entry.is_some() {
            let this: Weak<Self> = Arc::downgrade(self);
            if self.books.suspend(self.address(), this) {
                return self.end(body, Why::ShutDown);
            }
        }
        let mut shared = self.shared.lock();
        if shared.is_cancelled {
            drop(shared);
            return self.end(body, Why::Cancelled);
        }
        if !matches!(shared.state, State::Busy { is_woken: true, .. }) {
            shared.state = State::Idle(body);
            return;
        }
        shared.state = State::Queued(body);
        let way = shared.claim_job(&self.pool);
        drop(shared);
        self.changed.notify_all();
        self.clone().queue(way);
    }

    fn queue(self: Arc<Self>, way: Option<Way>) {
        match way {
            None => {}
            Some(Way::Straight) => self.enqueue(),
            Some(Way::Behind) => requeue::behind_everything(self),
        }
    }
}

impl<F, R> Suspended for FutureTask<F, R>
where
    F: Future<Output = R> + Send + 'static,
    R: Send + 'static,
{
    fn wake_up(self: Arc<Self>) {
        self.wake();
    }
}

impl<F, R> Enqueue for FutureTask<F, R>
where
    F: Future<Output = R> + Send + 'static,
    R: Send + 'static,
{
    fn enqueue(self: Arc<Self>) {
        let pool = self.pool.clone();
        // In the order of waking, so that the futures of one worker take turns.
        pool.spawn_fifo(move || self.run_job());
    }
}

impl<F, R> Wake for FutureTask<F, R>
where
    F: Future<Output = R> + Send + 'static,
    R: Send + 'static,
{
    fn wake(self: Arc<Self>) {
        let way = self.rouse();
        self.queue(way);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let way @ Some(_) = self.rouse() {
            self.clone().queue(way);
        }
    }
}
