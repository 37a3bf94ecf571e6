//! Parallel iterators whose every leaf runs in the caller's context.
//!
//! Rayon splits a parallel iterator into leaves and runs each on one thread
//! from its first item to its last. The context is entered once a leaf, in one
//! of two places. Where [`InContext`] is driven by a consumer, it wraps that
//! consumer, and everything of the leaf lies inside: the closures before it, the
//! closures after it, and the operation that joins two halves. Where rayon asks
//! for its producer instead (it was handed to a `zip`, say), it can only enter
//! when the leaf's iterator is made and leave when that is dropped, which covers
//! the closures but not the joining of halves. And a `flat_map` drives an iterator
//! from within a leaf, halves of which go to other workers without a word to what
//! the `flat_map` stands on. So rayon's adaptors are methods of `InContext` itself,
//! which stays outermost.

mod adaptor;
mod by_item;
mod by_number;
mod consumer;
mod leaf;
mod producer;

pub use adaptor::{InContext, ParallelIteratorExt};
