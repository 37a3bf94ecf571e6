//! The leaf as a consumer sees it.

use rayon::iter::plumbing::{Consumer, Folder, Reducer, UnindexedConsumer};

use super::leaf::Leaf;
use crate::context::Snapshot;

pub(super) struct ContextConsumer<'s, C> {
    base: C,
    snapshot: &'s Snapshot,
}

impl<'s, C> ContextConsumer<'s, C> {
    pub(super) fn new(base: C, snapshot: &'s Snapshot) -> Self {
        Self { base, snapshot }
    }
}

impl<'s, T, C: Consumer<T>> Consumer<T> for ContextConsumer<'s, C> {
    type Folder = ContextFolder<C::Folder>;
    type Reducer = ContextReducer<'s, C::Reducer>;
    type Result = C::Result;

    fn split_at(self, index: usize) -> (Self, Self, Self::Reducer) {
        let snapshot = self.snapshot;
        // A split clones the state that a `map_with` was given.
        let (left, right, reducer) = snapshot.scope(|| self.base.split_at(index));
        let reducer = ContextReducer { base: reducer, snapshot };
        (Self::new(left, snapshot), Self::new(right, snapshot), reducer)
    }

    fn into_folder(self) -> Self::Folder {
        let leaf = Leaf::enter(self.snapshot);
        ContextFolder { base: self.base.into_folder(), leaf }
    }

    fn full(&self) -> bool {
        self.base.full()
    }
}

impl<T, C: UnindexedConsumer<T>> UnindexedConsumer<T> for ContextConsumer<'_, C> {
    fn split_off_left(&self) -> Self {
        Self::new(self.snapshot.scope(|| self.base.split_off_left()), self.snapshot)
    }

    fn to_reducer(&self) -> Self::Reducer {
        ContextReducer { base: self.base.to_reducer(), snapshot: self.snapshot }
    }
}

/// The base is dropped before the leaf is left: fields drop in their order.
pub(super) struct ContextFolder<F> {
    base: F,
    leaf: Leaf,
}

impl<T, F: Folder<T>> Folder<T> for ContextFolder<F> {
    type Result = F::Result;

    fn consume(self, item: T) -> Self {
        Self { base: self.base.consume(item), leaf: self.leaf }
    }

    fn consume_iter<I: IntoIterator<Item = T>>(self, iter: I) -> Self {
        Self { base: self.base.consume_iter(iter), leaf: self.leaf }
    }

    fn complete(self) -> F::Result {
        let Self { base, leaf } = self;
        let result = base.complete();
        drop(leaf);
        result
    }

    fn full(&self) -> bool {
        self.base.full()
    }
}

pub(super) struct ContextReducer<'s, R> {
    base: R,
    snapshot: &'s Snapshot,
}

impl<T, R: Reducer<T>> Reducer<T> for ContextReducer<'_, R> {
    fn reduce(self, left: T, right: T) -> T {
        self.snapshot.scope(|| self.base.reduce(left, right))
    }
}
