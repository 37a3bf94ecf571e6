//! The adaptor, as its user meets it.

use rayon::iter::plumbing::{Consumer, ProducerCallback, UnindexedConsumer};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};

use super::consumer::ContextConsumer;
use super::producer::ContextCallback;
use crate::context::Snapshot;

/// Adds [`in_context`](Self::in_context) to every rayon iterator.
pub trait ParallelIteratorExt: ParallelIterator {
    /// Runs the iterator's closures, before and after this one, in the context
    /// that is current now, on whichever worker they come to run. The cost is
    /// per leaf of the split, not per item.
    ///
    /// It is what [`Snapshot::capture`] takes, and it runs on the pool that is
    /// current, as any of rayon's: `pool.install(|| …)` says on which. An executor's
    /// list is asked by `in_snapshot(pool.snapshot())`.
    ///
    /// ```
    /// use entourage::ParallelIteratorExt;
    /// use rayon::prelude::*;
    /// entourage::context_key! { static TENANT: usize = propagate; }
    ///
    /// let sum: usize = TENANT.scope(2, || {
    ///     (0..1000).into_par_iter().in_context().map(|n| n * TENANT.get().unwrap()).sum()
    /// });
    /// assert_eq!(sum, 999_000);
    /// ```
    fn in_context(self) -> InContext<Self> {
        self.in_snapshot(Snapshot::capture())
    }

    /// Runs the iterator's closures in `snapshot`; for an executor's own policy,
    /// `in_snapshot(pool.snapshot())`.
    fn in_snapshot(self, snapshot: Snapshot) -> InContext<Self> {
        InContext { base: self, snapshot }
    }
}

impl<I: ParallelIterator> ParallelIteratorExt for I {}

/// A parallel iterator that runs in a [`Snapshot`]; made by
/// [`ParallelIteratorExt::in_context`].
///
/// Everything that the iterator runs lies inside, before this adaptor and after
/// it, up to the operation by which a `reduce` joins two leaves. To that end all
/// of rayon's adaptors are methods of it (except `try_fold` and `try_fold_with`,
/// whose bounds cannot be written outside of rayon) and return it again.
///
/// Only where it is passed *into* an iterator (`x.zip(y.in_context())`), or to
/// code that knows it as a `ParallelIterator` and no more, is there less. What
/// runs for an item is in context still; but if an adaptor that knows its items
/// by number is put on top there, then not what runs once a leaf or a split
/// (what a `fold` begins with and what is done with what it ends in, a `map_with`'s
/// clone of its state, the operation of a `reduce`) and nothing after a `chunks`;
/// and if that is a `flat_map`, then not what another worker takes over of one of
/// the iterators it makes. So put `in_context` on the outermost.
#[derive(Clone, Debug)]
#[must_use = "iterator adaptors are lazy and do nothing unless consumed"]
pub struct InContext<I> {
    base: I,
    snapshot: Snapshot,
}

impl<I: ParallelIterator> InContext<I> {
    /// Moves an adaptor inwards, so that the context stays outermost.
    pub(super) fn inside<J: ParallelIterator>(self, adapt: impl FnOnce(I) -> J) -> InContext<J> {
        InContext { base: adapt(self.base), snapshot: self.snapshot }
    }

    /// Puts an adaptor between two layers of the context: one around whatever
    /// the adaptor does for a leaf, and one around what it starts anew beyond.
    pub(super) fn around<J: ParallelIterator>(self, adapt: impl FnOnce(Self) -> J) -> InContext<J> {
        let snapshot = self.snapshot.clone();
        InContext { base: adapt(self), snapshot }
    }
}

impl<I: ParallelIterator> ParallelIterator for InContext<I> {
    type Item = I::Item;

    fn drive_unindexed<C: UnindexedConsumer<I::Item>>(self, consumer: C) -> C::Result {
        self.base.drive_unindexed(ContextConsumer::new(consumer, &self.snapshot))
    }

    fn opt_len(&self) -> Option<usize> {
        self.base.opt_len()
    }
}

impl<I: IndexedParallelIterator> IndexedParallelIterator for InContext<I> {
    fn len(&self) -> usize {
        self.base.len()
    }

    fn drive<C: Consumer<I::Item>>(self, consumer: C) -> C::Result {
        self.base.drive(ContextConsumer::new(consumer, &self.snapshot))
    }

    fn with_producer<CB: ProducerCallback<I::Item>>(self, callback: CB) -> CB::Output {
        self.base.with_producer(ContextCallback { callback, snapshot: &self.snapshot })
    }
}
