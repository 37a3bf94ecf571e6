//! What a node does when it is run.

use std::any::TypeId;
use std::sync::Arc;

use super::chunks::{Collector, Sink};
use super::function::BoxError;
use crate::catalog::Value;

/// A node's function, behind the types of its datasets.
pub(crate) trait NodeBody: Send + Sync + 'static {
    /// Calls the function.
    fn call(&self, call: Call<'_>) -> Result<(), BoxError>;

    /// Which function it is, whatever it has captured: closures have a type each.
    fn identity(&self) -> TypeId;

    /// One an output, of a node that yields chunks; else none, and what it writes
    /// is in [`Call::outputs`] after the call.
    fn collectors(&self) -> &'static [&'static dyn Collector] {
        &[]
    }
}

/// What one call of a node's function has before it. All of it stays the
/// caller's, so that what a panic leaves is dropped by the caller and not by the
/// panic.
pub(crate) struct Call<'a> {
    /// In the function's order. In the place of what is taken a `()` is left.
    pub(crate) inputs: &'a mut [Value],
    /// Empty at first.
    pub(crate) outputs: &'a mut Vec<Value>,
    /// One an output, of a node that yields chunks.
    pub(crate) sinks: &'a [Arc<dyn Sink>],
}

/// A function that returns what the node writes.
pub(super) struct Returning<F, C> {
    pub(super) function: F,
    pub(super) call: C,
}

impl<F, C> NodeBody for Returning<F, C>
where
    F: Send + Sync + 'static,
    C: Fn(&F, Call<'_>) -> Result<(), BoxError> + Send + Sync + 'static,
{
    fn identity(&self) -> TypeId {
        TypeId::of::<F>()
    }

    fn call(&self, call: Call<'_>) -> Result<(), BoxError> {
        (self.call)(&self.function, call)
    }
}

/// A function that yields what the node writes, chunk by chunk.
pub(super) struct Yielding<F, C> {
    pub(super) function: F,
    pub(super) call: C,
    pub(super) collectors: &'static [&'static dyn Collector],
}

impl<F, C> NodeBody for Yielding<F, C>
where
    F: Send + Sync + 'static,
    C: Fn(&F, Call<'_>) -> Result<(), BoxError> + Send + Sync + 'static,
{
    fn identity(&self) -> TypeId {
        TypeId::of::<F>()
    }

    fn call(&self, call: Call<'_>) -> Result<(), BoxError> {
        (self.call)(&self.function, call)
    }

    fn collectors(&self) -> &'static [&'static dyn Collector] {
        self.collectors
    }
}
