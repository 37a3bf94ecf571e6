//! The leaf as a producer's iterator sees it.

use rayon::iter::plumbing::{Folder, Producer, ProducerCallback};

use super::leaf::Leaf;
use crate::context::Snapshot;

pub(super) struct ContextCallback<'s, CB> {
    pub(super) callback: CB,
    pub(super) snapshot: &'s Snapshot,
}

impl<T, CB: ProducerCallback<T>> ProducerCallback<T> for ContextCallback<'_, CB> {
    type Output = CB::Output;

    fn callback<P: Producer<Item = T>>(self, base: P) -> CB::Output {
        self.callback.callback(ContextProducer { base, snapshot: self.snapshot })
    }
}

struct ContextProducer<'s, P> {
    base: P,
    snapshot: &'s Snapshot,
}

impl<P: Producer> Producer for ContextProducer<'_, P> {
    type Item = P::Item;
    type IntoIter = ContextIter<P::IntoIter>;

    fn into_iter(self) -> Self::IntoIter {
        let leaf = Leaf::enter(self.snapshot);
        ContextIter { base: self.base.into_iter(), _leaf: leaf }
    }

    fn min_len(&self) -> usize {
        self.base.min_len()
    }

    fn max_len(&self) -> usize {
        self.base.max_len()
    }

    fn split_at(self, index: usize) -> (Self, Self) {
        let snapshot = self.snapshot;
        // A split clones the state that a `map_with` was given.
        let (left, right) = snapshot.scope(|| self.base.split_at(index));
        (Self { base: left, snapshot }, Self { base: right, snapshot })
    }

    fn fold_with<F: Folder<Self::Item>>(self, folder: F) -> F {
        let _leaf = Leaf::enter(self.snapshot);
        self.base.fold_with(folder)
    }
}

/// The base is dropped before the leaf is left: fields drop in their order.
struct ContextIter<I> {
    base: I,
    _leaf: Leaf,
}

impl<I: Iterator> Iterator for ContextIter<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.base.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.base.size_hint()
    }

    fn fold<B, F: FnMut(B, I::Item) -> B>(self, init: B, f: F) -> B {
        let Self { base, _leaf } = self;
        base.fold(init, f)
    }
}

impl<I: DoubleEndedIterator> DoubleEndedIterator for ContextIter<I> {
    fn next_back(&mut self) -> Option<I::Item> {
        self.base.next_back()
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for ContextIter<I> {}
