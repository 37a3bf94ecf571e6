//! Two closures, potentially at the same time.

use std::panic::Location;

use super::pool::Executor;
use crate::context::{Capture, lend, run_clean, thread_token, within};

impl Executor {
    /// Runs `a` and `b`, potentially at the same time, and returns both values.
    /// Both may borrow.
    ///
    /// A closure that stays on its thread runs there as it is; one that moves to
    /// another worker runs in the context that was current here, or, with
    /// propagation off, with nothing to be seen.
    ///
    /// ```
    /// # let pool = entourage::Executor::builder().num_threads(2).build()?;
    /// fn sum(pool: &entourage::Executor, numbers: &[u64]) -> u64 {
    ///     match numbers {
    ///         [] => 0,
    ///         [one] => *one,
    ///         _ => {
    ///             let (left, right) = numbers.split_at(numbers.len() / 2);
    ///             let (left, right) = pool.join(|| sum(pool, left), || sum(pool, right));
    ///             left + right
    ///         }
    ///     }
    /// }
    /// assert_eq!(sum(&pool, &[1, 2, 3, 4, 5]), 15);
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// With the payload of `a`, or else of `b`, after both are done.
    #[inline]
    #[track_caller]
    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        if !self.is_off() {
            return self.join_on(a, b, Location::caller());
        }
        let here = thread_token();
        self.pool().install(move || {
            // In place it is the caller's own task that runs on.
            if thread_token() == here { join_off(a, b) } else { join_off_elsewhere(a, b) }
        })
    }

    /// `join` with propagation on.
    #[inline(never)]
    fn join_on<A, B, RA, RB>(&self, a: A, b: B, at: &'static Location<'static>) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        if !self.is_on_worker() {
            return self.install_at(at, || self.join_on(a, b, at));
        }
        lend(|lent| match lent {
            Some(capture) if self.carrier().is_current(capture) => join_in(capture, a, b),
            _ => {
                let capture = self.carrier().capture_to_move(at);
                within(&capture, || join_in(&capture, a, b))
            }
        })
    }
}

/// Joins on a worker; `b` runs in `capture` where it moves.
#[inline]
fn join_in<A, B, RA, RB>(capture: &Capture, a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    let second = |cx: rayon::FnContext| if cx.migrated() { capture.scope_forking(b) } else { b() };
    rayon::join_context(|_| a(), second)
}

#[inline]
fn join_off<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    let second = move |cx: rayon::FnContext| if cx.migrated() { run_moved(b) } else { b() };
    rayon::join_context(move |_| a(), second)
}

#[cold]
#[inline(never)]
fn join_off_elsewhere<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
where
    A: FnOnce() -> RA + Send,
    B: FnOnce() -> RB + Send,
    RA: Send,
    RB: Send,
{
    run_clean(|| join_off(a, b))
}

#[cold]
#[inline(never)]
fn run_moved<R>(f: impl FnOnce() -> R) -> R {
    run_clean(f)
}
