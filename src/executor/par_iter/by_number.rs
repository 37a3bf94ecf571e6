//! Adaptors that know their items by number. Rayon takes apart what these are
//! put on, rather than drive it, so they are moved to the inside of the context.

use rayon::iter::{
    Chunks, Enumerate, ExponentialBlocks, FoldChunks, FoldChunksWith, IndexedParallelIterator,
    Interleave, InterleaveShortest, IntoParallelIterator, MaxLen, MinLen, Positions, Rev, Skip,
    StepBy, Take, UniformBlocks, Zip, ZipEq,
};

use super::adaptor::InContext;

impl<I: IndexedParallelIterator> InContext<I> {
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

    /// As [`IndexedParallelIterator::positions`].
    pub fn positions<P>(self, predicate: P) -> InContext<Positions<I, P>>
    where
        P: Fn(I::Item) -> bool + Sync + Send,
    {
        self.inside(|base| base.positions(predicate))
    }
}
