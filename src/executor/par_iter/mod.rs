//! Parallel iterators whose every leaf runs in the caller's context.
//!
//! Rayon splits a parallel iterator into leaves and runs each on one thread
//! from its first item to its last. The context is entered once a leaf, in one
//! of two places. Where [`InContext`] is driven by a consumer, it wraps that
//! consumer, and everything of the leaf lies inside: the closures before it, the
//! closures after it, and the operation that joins two halves. Where rayon asks
//! for its producer instead (it was handed to a `zip`, say), it can only enter
//! when the leaf's iterator is made and leave when that is dropped, which covers
//! the closures but not the joining of halves. So the adaptors that would ask
//! for a producer are methods of `InContext` itself, which move it outwards.

mod adaptor;
mod consumer;
mod leaf;
mod producer;

pub use adaptor::{InContext, ParallelIteratorExt};
