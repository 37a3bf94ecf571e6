//! Two closures, potentially at the same time.

use super::pool::Executor;
use crate::context::run_clean;

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
    pub fn join<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        if !self.is_on_worker() {
            return self.install(|| self.join_here(a, b));
        }
        self.join_here(a, b)
    }

    /// `join`, on a worker and in the caller's context.
    #[inline]
    fn join_here<A, B, RA, RB>(&self, a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        if self.is_off() {
            let second = |cx: rayon::FnContext| if cx.migrated() { run_clean(b) } else { b() };
            return rayon::join_context(|_| a(), second);
        }
        let snapshot = self.snapshot();
        let second = |cx: rayon::FnContext| if cx.migrated() { snapshot.scope(b) } else { b() };
        rayon::join_context(|_| a(), second)
    }
}
