//! What one submission may say for itself.

use std::borrow::Cow;

use super::submit::TaskBuilder;
use crate::context::{Propagation, PropagationError};

impl TaskBuilder<'_> {
    /// What goes along with this task, whatever the executor's policy is. What the
    /// task submits itself goes by the policy of the executor it uses for that.
    ///
    /// A task of a scope is told the same by a snapshot that another policy took,
    /// which it enters inside its own: `s.spawn(move |_| snapshot.scope(f))`.
    ///
    /// ```
    /// use entourage::{Executor, Propagation};
    /// entourage::context_key! {
    ///     static TENANT: u32 = propagate;
    ///     static TOKEN: u32 = clear;
    /// }
    ///
    /// let pool = Executor::builder().num_threads(1).build()?;
    /// TENANT.scope(7, || TOKEN.scope(8, || {
    ///     let both = Propagation::only([&TENANT, &TOKEN]);
    ///     let login = pool.task("login").propagation(both)?.spawn(|| (TENANT.get(), TOKEN.get()));
    ///     assert_eq!(login.join().unwrap(), (Some(7), Some(8)));
    ///     assert_eq!(pool.spawn(|| TOKEN.get()).join().unwrap(), None);
    ///
    ///     let narrow = pool.with_propagation(Propagation::only([&TOKEN]))?.snapshot();
    ///     pool.scope(|s| s.spawn(move |_| narrow.scope(|| {
    ///         assert_eq!((TENANT.get(), TOKEN.get()), (None, Some(8)));
    ///     })));
    ///     Ok::<(), entourage::PropagationError>(())
    /// })).unwrap();
    /// # Ok::<(), entourage::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the policy cannot be carried out; see [`Executor::with_propagation`].
    ///
    /// [`Executor::with_propagation`]: crate::Executor::with_propagation
    pub fn propagation(mut self, propagation: Propagation) -> Result<Self, PropagationError> {
        self.executor = Cow::Owned(self.executor.with_propagation(propagation)?);
        Ok(self)
    }
}
