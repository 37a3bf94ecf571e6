//! The adaptor, as its user meets it.

use rayon::iter::plumbing::{Consumer, ProducerCallback, UnindexedConsumer};
use rayon::iter::{
    Chunks, Enumerate, ExponentialBlocks, FoldChunks, FoldChunksWith, IndexedParallelIterator,
    Interleave, InterleaveShortest, IntoParallelIterator, MaxLen, MinLen, ParallelIterator, Rev,
    Skip, StepBy, Take, UniformBlocks, Zip, ZipEq,
};

use super::consumer::ContextConsumer;
use super::producer::ContextCallback;
use crate::context::Snapshot;

/// Adds [`in_context`](Self::in_context) to every rayon iterator.
pub trait ParallelIteratorExt: ParallelIterator {
    /// Runs the iterator's closures, before and after this one, in the context
    /// that is current now, on whichever worker they come to run. The cost is
    /// per leaf of the split, not per item.
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
/// Everything that the iterator runs for a leaf lies inside, before this adaptor
/// and after it, up to the operation by which a `reduce` joins two leaves.
///
/// One order gives less. Rayon takes an iterator apart rather than drives it
/// where an adaptor has to know its items by number, such as `zip`, `rev` or
/// `enumerate`. Directly after this adaptor they are moved inwards and all is
/// well. Where such a one comes later (`.in_context().map(f).enumerate()`), or
/// this iterator is passed *into* one (`x.zip(y.in_context())`), what runs for
/// an item is in context still, but not what runs once a leaf: what a `fold`
/// begins with and what is done with what it ends in, the operation by which a
/// `reduce` joins two leaves, and all that comes after a `chunks`. Then put
/// `in_context` last, or right before them.
#[derive(Clone, Debug)]
#[must_use = "iterator adaptors are lazy and do nothing unless consumed"]
pub struct InContext<I> {
    base: I,
    snapshot: Snapshot,
}

/// The adaptors that would ask for a producer: they are moved inwards, so that
/// the context stays outermost.
impl<I: IndexedParallelIterator> InContext<I> {
    fn inside<J: ParallelIterator>(self, adapt: impl FnOnce(I) -> J) -> InContext<J> {
        InContext { base: adapt(self.base), snapshot: self.snapshot }
    }

    /// As [`IndexedParallelIterator::enumerate`].
    pub fn enumerate(self) -> InContext<Enumerate<I>> {
        self.inside(I::enumerate)
    }

    /// As [`IndexedParallelIterator::zip`].
    pub fn zip<Z>(self, other: Z) -> InContext<Zip<I, Z::Iter>>
    where
        Z: IntoParallelIterator<Iter: IndexedParallelIterator>,
    {
        self.inside(|base| base.zip(other))
    }

    /// As [`IndexedParallelIterator::rev`].
    pub fn rev(self) -> InContext<Rev<I>> {
        self.inside(I::rev)
    }

    /// As [`IndexedParallelIterator::chunks`].
    ///
    /// # Panics
    ///
    /// If `size` is 0.
    #[track_caller]
    pub fn chunks(self, size: usize) -> InContext<Chunks<I>> {
        self.inside(|base| base.chunks(size))
    }

    /// As [`IndexedParallelIterator::take`].
    pub fn take(self, n: usize) -> InContext<Take<I>> {
        self.inside(|base| base.take(n))
    }

    /// As [`IndexedParallelIterator::skip`].
    pub fn skip(self, n: usize) -> InContext<Skip<I>> {
        self.inside(|base| base.skip(n))
    }

    /// As [`IndexedParallelIterator::step_by`].
    ///
    /// # Panics
    ///
    /// If `step` is 0.
    #[track_caller]
    pub fn step_by(self, step: usize) -> InContext<StepBy<I>> {
        self.inside(|base| base.step_by(step))
    }
}

/// As above, for those that pair items, set the size of a leaf, or fold.
impl<I: IndexedParallelIterator> InContext<I> {
    /// As [`IndexedParallelIterator::zip_eq`].
    ///
    /// # Panics
    ///
    /// If the two are not of one length.
    #[track_caller]
    pub fn zip_eq<Z>(self, other: Z) -> InContext<ZipEq<I, Z::Iter>>
    where
        Z: IntoParallelIterator<Iter: IndexedParallelIterator>,
    {
        self.inside(|base| base.zip_eq(other))
    }

    /// As [`IndexedParallelIterator::interleave`].
    pub fn interleave<J>(self, other: J) -> InContext<Interleave<I, J::Iter>>
    where
        J: IntoParallelIterator<Item = I::Item, Iter: IndexedParallelIterator>,
    {
        self.inside(|base| base.interleave(other))
    }

    /// As [`IndexedParallelIterator::interleave_shortest`].
    pub fn interleave_shortest<J>(self, other: J) -> InContext<InterleaveShortest<I, J::Iter>>
    where
        J: IntoParallelIterator<Item = I::Item, Iter: IndexedParallelIterator>,
    {
        self.inside(|base| base.interleave_shortest(other))
    }

    /// As [`IndexedParallelIterator::with_min_len`].
    pub fn with_min_len(self, min: usize) -> InContext<MinLen<I>> {
        self.inside(|base| base.with_min_len(min))
    }

    /// As [`IndexedParallelIterator::with_max_len`].
    pub fn with_max_len(self, max: usize) -> InContext<MaxLen<I>> {
        self.inside(|base| base.with_max_len(max))
    }

    /// As [`IndexedParallelIterator::by_exponential_blocks`].
    pub fn by_exponential_blocks(self) -> InContext<ExponentialBlocks<I>> {
        self.inside(I::by_exponential_blocks)
    }

    /// As [`IndexedParallelIterator::by_uniform_blocks`].
    ///
    /// # Panics
    ///
    /// If `size` is 0.
    #[track_caller]
    pub fn by_uniform_blocks(self, size: usize) -> InContext<UniformBlocks<I>> {
        self.inside(|base| base.by_uniform_blocks(size))
    }

    /// As [`IndexedParallelIterator::fold_chunks`].
    ///
    /// # Panics
    ///
    /// If `size` is 0.
    #[track_caller]
    pub fn fold_chunks<T, ID, F>(
        self,
        size: usize,
        identity: ID,
        f: F,
    ) -> InContext<FoldChunks<I, ID, F>>
    where
        ID: Fn() -> T + Send + Sync,
        F: Fn(T, I::Item) -> T + Send + Sync,
        T: Send,
    {
        self.inside(|base| base.fold_chunks(size, identity, f))
    }

    /// As [`IndexedParallelIterator::fold_chunks_with`].
    ///
    /// # Panics
    ///
    /// If `size` is 0.
    #[track_caller]
    pub fn fold_chunks_with<T, F>(
        self,
        size: usize,
        init: T,
        f: F,
    ) -> InContext<FoldChunksWith<I, T, F>>
    where
        F: Fn(T, I::Item) -> T + Send + Sync,
        T: Send + Clone,
    {
        self.inside(|base| base.fold_chunks_with(size, init, f))
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
