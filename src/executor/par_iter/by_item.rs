//! Adaptors that go from item to item. On the inside of the context they stay
//! there whatever is put on top.

use rayon::iter::{
    Chain, Cloned, Copied, Filter, FilterMap, FlatMap, FlatMapIter, Flatten, FlattenIter, Fold,
    FoldWith, Inspect, Intersperse, IntoParallelIterator, Map, MapInit, MapWith, PanicFuse,
    ParallelIterator, SkipAny, SkipAnyWhile, TakeAny, TakeAnyWhile, Update, WhileSome,
};

use super::adaptor::InContext;

impl<I: ParallelIterator> InContext<I> {
    /// As [`ParallelIterator::map`].
    pub fn map<F, R>(self, f: F) -> InContext<Map<I, F>>
    where
        F: Fn(I::Item) -> R + Sync + Send,
        R: Send,
    {
        self.inside(|base| base.map(f))
    }

    /// As [`ParallelIterator::inspect`].
    pub fn inspect<F>(self, f: F) -> InContext<Inspect<I, F>>
    where
        F: Fn(&I::Item) + Sync + Send,
    {
        self.inside(|base| base.inspect(f))
    }

    /// As [`ParallelIterator::update`].
    pub fn update<F>(self, f: F) -> InContext<Update<I, F>>
    where
        F: Fn(&mut I::Item) + Sync + Send,
    {
        self.inside(|base| base.update(f))
    }

    /// As [`ParallelIterator::cloned`].
    pub fn cloned<'a, T>(self) -> InContext<Cloned<I>>
    where
        T: 'a + Clone + Send + Sync,
        I: ParallelIterator<Item = &'a T>,
    {
        self.inside(|base| base.cloned())
    }

    /// As [`ParallelIterator::copied`].
    pub fn copied<'a, T>(self) -> InContext<Copied<I>>
    where
        T: 'a + Copy + Send + Sync,
        I: ParallelIterator<Item = &'a T>,
    {
        self.inside(|base| base.copied())
    }

    /// As [`ParallelIterator::filter`].
    pub fn filter<P>(self, predicate: P) -> InContext<Filter<I, P>>
    where
        P: Fn(&I::Item) -> bool + Sync + Send,
    {
        self.inside(|base| base.filter(predicate))
    }

    /// As [`ParallelIterator::filter_map`].
    pub fn filter_map<F, R>(self, f: F) -> InContext<FilterMap<I, F>>
    where
        F: Fn(I::Item) -> Option<R> + Sync + Send,
        R: Send,
    {
        self.inside(|base| base.filter_map(f))
    }

    /// As [`ParallelIterator::flat_map_iter`].
    pub fn flat_map_iter<F, S>(self, f: F) -> InContext<FlatMapIter<I, F>>
    where
        F: Fn(I::Item) -> S + Sync + Send,
        S: IntoIterator<Item: Send>,
    {
        self.inside(|base| base.flat_map_iter(f))
    }

    /// As [`ParallelIterator::flatten_iter`].
    pub fn flatten_iter(self) -> InContext<FlattenIter<I>>
    where
        I::Item: IntoIterator<Item: Send>,
    {
        self.inside(|base| base.flatten_iter())
    }

    /// As [`ParallelIterator::chain`].
    pub fn chain<C>(self, other: C) -> InContext<Chain<I, C::Iter>>
    where
        C: IntoParallelIterator<Item = I::Item>,
    {
        self.inside(|base| base.chain(other))
    }

    /// As [`ParallelIterator::while_some`].
    pub fn while_some<T>(self) -> InContext<WhileSome<I>>
    where
        I: ParallelIterator<Item = Option<T>>,
        T: Send,
    {
        self.inside(|base| base.while_some())
    }

    /// As [`ParallelIterator::panic_fuse`].
    pub fn panic_fuse(self) -> InContext<PanicFuse<I>> {
        self.inside(|base| base.panic_fuse())
    }

    /// As [`ParallelIterator::take_any`].
    pub fn take_any(self, n: usize) -> InContext<TakeAny<I>> {
        self.inside(|base| base.take_any(n))
    }

    /// As [`ParallelIterator::skip_any`].
    pub fn skip_any(self, n: usize) -> InContext<SkipAny<I>> {
        self.inside(|base| base.skip_any(n))
    }

    /// As [`ParallelIterator::take_any_while`].
    pub fn take_any_while<P>(self, predicate: P) -> InContext<TakeAnyWhile<I, P>>
    where
        P: Fn(&I::Item) -> bool + Sync + Send,
    {
        self.inside(|base| base.take_any_while(predicate))
    }

    /// As [`ParallelIterator::skip_any_while`].
    pub fn skip_any_while<P>(self, predicate: P) -> InContext<SkipAnyWhile<I, P>>
    where
        P: Fn(&I::Item) -> bool + Sync + Send,
    {
        self.inside(|base| base.skip_any_while(predicate))
    }

    /// As [`ParallelIterator::fold`].
    pub fn fold<T, ID, F>(self, identity: ID, f: F) -> InContext<Fold<I, ID, F>>
    where
        ID: Fn() -> T + Sync + Send,
        F: Fn(T, I::Item) -> T + Sync + Send,
        T: Send,
    {
        self.inside(|base| base.fold(identity, f))
    }
}

/// Adaptors that drive further iterators from within a leaf, which rayon splits
/// in turn, or that keep a state of their own from split to split.
impl<I: ParallelIterator> InContext<I> {
    /// As [`ParallelIterator::flat_map`].
    pub fn flat_map<F, P>(self, f: F) -> InContext<FlatMap<Self, F>>
    where
        F: Fn(I::Item) -> P + Sync + Send,
        P: IntoParallelIterator,
    {
        self.around(|layer| ParallelIterator::flat_map(layer, f))
    }

    /// As [`ParallelIterator::flatten`].
    pub fn flatten(self) -> InContext<Flatten<Self>>
    where
        I::Item: IntoParallelIterator,
    {
        self.around(ParallelIterator::flatten)
    }

    /// As [`ParallelIterator::map_with`].
    pub fn map_with<F, T, R>(self, init: T, f: F) -> InContext<MapWith<Self, T, F>>
    where
        F: Fn(&mut T, I::Item) -> R + Sync + Send,
        T: Send + Clone,
        R: Send,
    {
        self.around(|layer| ParallelIterator::map_with(layer, init, f))
    }

    /// As [`ParallelIterator::map_init`].
    pub fn map_init<F, INIT, T, R>(self, init: INIT, f: F) -> InContext<MapInit<Self, INIT, F>>
    where
        INIT: Fn() -> T + Sync + Send,
        F: Fn(&mut T, I::Item) -> R + Sync + Send,
        R: Send,
    {
        self.around(|layer| ParallelIterator::map_init(layer, init, f))
    }

    /// As [`ParallelIterator::fold_with`].
    pub fn fold_with<F, T>(self, init: T, f: F) -> InContext<FoldWith<Self, T, F>>
    where
        F: Fn(T, I::Item) -> T + Sync + Send,
        T: Send + Clone,
    {
        self.around(|layer| ParallelIterator::fold_with(layer, init, f))
    }

    /// As [`ParallelIterator::intersperse`].
    pub fn intersperse(self, element: I::Item) -> InContext<Intersperse<Self>>
    where
        I::Item: Clone,
    {
        self.around(|layer| ParallelIterator::intersperse(layer, element))
    }
}
