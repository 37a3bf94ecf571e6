//! Tasks that borrow.

use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};

use super::carrier::Carrier;
use super::pool::Executor;
use crate::context::{
    Capture, Frame, Snapshot, discard, drop_clean, is_in_task, keep_first, leave_tasks,
    resume_frame, run_clean, sum_up,
};

/// Spawns tasks that may borrow whatever outlives the scope; made by
/// [`Executor::scope`] and its kin.
pub struct Scope<'a, 'scope>(Kind<'a, 'scope>);

/// All that a spawn has to ask, in one place: with propagation off it counts.
enum Kind<'a, 'scope> {
    Off(&'a rayon::Scope<'scope>),
    OffFifo(&'a rayon::ScopeFifo<'scope>),
    On(Inner<'a, 'scope>, &'a ScopeCarry<'a, 'scope>),
}

#[derive(Clone, Copy)]
enum Inner<'a, 'scope> {
    Lifo(&'a rayon::Scope<'scope>),
    Fifo(&'a rayon::ScopeFifo<'scope>),
}

/// What the tasks of a scope, or those spawned by one of them, are given.
struct ScopeCarry<'a, 'scope> {
    carrier: &'scope Carrier,
    /// What was current for the scope's caller, or what the spawning task was
    /// itself entered with.
    first: &'a Snapshot,
}

impl<'a, 'scope> ScopeCarry<'a, 'scope> {
    /// What a task is given that is spawned now: what all of the scope share, or
    /// what those spawned just before share, where the context changed. Only the
    /// former lasts as long as the scope: its span is entered for as long.
    #[inline]
    fn capture(&self, at: &'static Location<'static>) -> Snapshot {
        if self.carrier.is_current(self.first.as_capture()) {
            return self.first.clone();
        }
        self.carrier.capture_shared(None, at)
    }
}

impl Executor {
    /// Runs `op` on a worker, with a scope to spawn borrowing tasks in, and
    /// returns when all of them are done.
    ///
    /// ```
    /// # let pool = entourage::Executor::builder().num_threads(2).build()?;
    /// let mut halves = [vec![3, 1, 2], vec![9, 8]];
    /// let [left, right] = &mut halves;
    /// pool.scope(|s| {
    ///     s.spawn(|_| left.sort());
    ///     s.spawn(|_| right.sort());
    /// });
    /// assert_eq!(halves, [vec![1, 2, 3], vec![8, 9]]);
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// With `op`'s payload or that of a task, after all tasks are done.
    #[track_caller]
    pub fn scope<'scope, OP, R>(&'scope self, op: OP) -> R
    where
        OP: FnOnce(&Scope<'_, 'scope>) -> R + Send,
        R: Send,
    {
        self.install(|| self.in_place_scope(op))
    }

    /// As [`scope`](Self::scope), but a worker's tasks start in the order in
    /// which it spawned them.
    #[track_caller]
    pub fn scope_fifo<'scope, OP, R>(&'scope self, op: OP) -> R
    where
        OP: FnOnce(&Scope<'_, 'scope>) -> R + Send,
        R: Send,
    {
        self.install(|| self.in_place_scope_fifo(op))
    }

    /// As [`scope`](Self::scope), but `op` runs on the calling thread, whether
    /// or not that is a worker, and need not be `Send`.
    pub fn in_place_scope<'scope, OP, R>(&'scope self, op: OP) -> R
    where
        OP: FnOnce(&Scope<'_, 'scope>) -> R,
    {
        self.with_scope(|body| {
            self.pool().in_place_scope(|inner| run_body(Inner::Lifo(inner), body, op))
        })
    }

    /// As [`in_place_scope`](Self::in_place_scope), but a worker's tasks start
    /// in the order in which it spawned them.
    pub fn in_place_scope_fifo<'scope, OP, R>(&'scope self, op: OP) -> R
    where
        OP: FnOnce(&Scope<'_, 'scope>) -> R,
    {
        self.with_scope(|body| {
            self.pool().in_place_scope_fifo(|inner| run_body(Inner::Fifo(inner), body, op))
        })
    }

    fn with_scope<'scope, R>(&'scope self, run: impl FnOnce(ScopeBody<'_, 'scope>) -> R) -> R {
        if !self.is_off() {
            let first = self.carrier().capture_to_share(Location::caller());
            let carry = ScopeCarry { carrier: self.carrier(), first: &first };
            return run(ScopeBody { carry: Some(&carry), away: None });
        }
        let was_in_task = is_in_task();
        let mut away = Away { frame: None, was_in_task };
        run(ScopeBody { carry: None, away: Some(&mut away) })
    }
}

/// How a scope's body is run, and where its state is kept during the wait.
struct ScopeBody<'b, 'scope> {
    carry: Option<&'b ScopeCarry<'b, 'scope>>,
    away: Option<&'b mut Away>,
}

/// The state of a task that waits in a scope with propagation off, put away
/// once for the whole wait, so that its tasks begin on a clean thread.
struct Away {
    frame: Option<Frame>,
    was_in_task: bool,
}

impl Drop for Away {
    fn drop(&mut self) {
        if let Some(frame) = self.frame.take() {
            resume_frame();
            if let Err(payload) = frame.leave() {
                if std::thread::panicking() {
                    discard(payload);
                } else {
                    resume_unwind(payload);
                }
            }
        }
    }
}

fn run_body<'scope, OP, R>(inner: Inner<'_, 'scope>, body: ScopeBody<'_, 'scope>, op: OP) -> R
where
    OP: FnOnce(&Scope<'_, 'scope>) -> R,
{
    let scope = Scope(match (body.carry, inner) {
        (Some(carry), inner) => Kind::On(inner, carry),
        (None, Inner::Lifo(inner)) => Kind::Off(inner),
        (None, Inner::Fifo(inner)) => Kind::OffFifo(inner),
    });
    let Some(away) = body.away.filter(|away| away.was_in_task) else {
        return op(&scope);
    };
    let answer = catch_unwind(AssertUnwindSafe(|| op(&scope)));
    // Rayon's wait begins when this function returns.
    match (Frame::enter(&Capture::default()), answer) {
        (Ok(frame), answer) => {
            away.frame = Some(frame);
            leave_tasks();
            answer.unwrap_or_else(|payload| resume_unwind(payload))
        }
        (Err(second), Err(payload)) => {
            discard(second);
            resume_unwind(payload)
        }
        (Err(payload), Ok(answer)) => {
            drop_clean(answer);
            resume_unwind(payload)
        }
    }
}

impl<'scope> Scope<'_, 'scope> {
    /// Runs `f` on a worker before the scope ends, in the context that is
    /// current now. `f` is handed a scope to spawn more with.
    ///
    /// # Panics
    ///
    /// Not here: a panic of `f` comes out of the scope, when all tasks are done.
    #[inline]
    #[track_caller]
    pub fn spawn<F>(&self, f: F)
    where
        F: FnOnce(&Scope<'_, 'scope>) + Send + 'scope,
    {
        match &self.0 {
            Kind::Off(inner) => {
                inner.spawn(|inner| run_clean(|| f(&Scope(Kind::Off(inner)))));
            }
            Kind::OffFifo(inner) => {
                inner.spawn_fifo(|inner| run_clean(|| f(&Scope(Kind::OffFifo(inner)))));
            }
            Kind::On(inner, carry) => spawn_on(*inner, carry, Location::caller(), f),
        }
    }
}

fn spawn_on<'scope, F>(
    inner: Inner<'_, 'scope>,
    carry: &ScopeCarry<'_, 'scope>,
    at: &'static Location<'static>,
    f: F,
) where
    F: FnOnce(&Scope<'_, 'scope>) + Send + 'scope,
{
    let (snapshot, carrier) = (carry.capture(at), carry.carrier);
    let run = move |inner: Inner<'_, 'scope>| run_on(inner, snapshot, carrier, f);
    match inner {
        Inner::Lifo(inner) => inner.spawn(|inner| run(Inner::Lifo(inner))),
        Inner::Fifo(inner) => inner.spawn_fifo(|inner| run(Inner::Fifo(inner))),
    }
}

fn run_on<'scope>(
    inner: Inner<'_, 'scope>,
    snapshot: Snapshot,
    carrier: &'scope Carrier,
    f: impl FnOnce(&Scope<'_, 'scope>),
) {
    let (ran, mut outcome) = Frame::run_apart(snapshot.as_capture(), || {
        let carry = ScopeCarry { carrier, first: &snapshot };
        f(&Scope(Kind::On(inner, &carry)));
    });
    keep_first(&mut outcome, snapshot.retire());
    sum_up(ran, outcome, drop).unwrap_or_else(|payload| resume_unwind(payload));
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scope")
    }
}
