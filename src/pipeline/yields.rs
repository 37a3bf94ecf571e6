//! The names of what a node yields chunk by chunk, singly or in tuples.

use std::sync::Arc;

use super::argument::{Chunked, sealed};
use super::chunks::{ChunkError, Collect, Collecting, Collector, Sink};
use super::node::Slot;
use super::wiring::{named, typed};
use crate::catalog::{Data, DataType};

/// What [`NodeBuilder::yields`](crate::NodeBuilder::yields) and
/// [`yields_from`](crate::NodeBuilder::yields_from) take: a [`Data`] or a tuple of up to four, of types that [`Collect`] chunks. The node
/// reads at most eight datasets.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not something this node can yield",
    label = "expected a `Data<T>` or a tuple of up to four of them",
    note = "a node that yields chunks reads at most eight datasets; plain string names go with `yields_named`"
)]
pub trait Yields<Args>: sealed::Sealed {
    /// What the node reads, and then what it yields.
    type Args;
    /// A chunk of each.
    type Chunk;
    #[doc(hidden)]
    const COLLECTORS: &'static [&'static dyn Collector];
    #[doc(hidden)]
    fn slots(&self) -> Vec<Slot>;
    #[doc(hidden)]
    fn push(chunk: Self::Chunk, sinks: &[Arc<dyn Sink>]) -> Result<(), ChunkError>;
}

/// What [`NodeBuilder::yields_named`](crate::NodeBuilder::yields_named) takes: a
/// string or a tuple of up to four, one for each `&mut Chunks` that the function
/// has after what it reads.
#[diagnostic::on_unimplemented(
    message = "these names do not fit the arguments of the function",
    label = "one string, or a tuple of up to four strings, one for each `&mut Chunks`"
)]
pub trait NamedYields<Read, Args>: sealed::Sealed {
    #[doc(hidden)]
    const COLLECTORS: &'static [&'static dyn Collector];
    #[doc(hidden)]
    fn slots(&self) -> Vec<Slot>;
}

fn too_few() -> ChunkError {
    ChunkError::new("a node has fewer outputs than it yields")
}

/// One string in a tuple of names.
macro_rules! string {
    ($type:ident) => {
        &'static str
    };
}

macro_rules! yields {
    ($(($($arg:ident),*))*) => {$(
        impl<$($arg,)* Y: DataType<Owned: Collect> + ?Sized> Yields<($($arg,)*)> for Data<Y> {
            type Args = ($($arg,)* Chunked<Y>,);
            type Chunk = Y::Owned;
            const COLLECTORS: &'static [&'static dyn Collector] = &[&Collecting::<Y>::COLLECTOR];
            fn slots(&self) -> Vec<Slot> {
                vec![typed(self)]
            }
            fn push(chunk: Y::Owned, sinks: &[Arc<dyn Sink>]) -> Result<(), ChunkError> {
                let [sink] = sinks else { return Err(too_few()) };
                sink.push(Arc::new(chunk))
            }
        }

        impl<$($arg,)* Y: DataType<Owned: Collect> + ?Sized>
            NamedYields<($($arg,)*), ($($arg,)* Chunked<Y>,)> for &str
        {
            const COLLECTORS: &'static [&'static dyn Collector] = &[&Collecting::<Y>::COLLECTOR];
            fn slots(&self) -> Vec<Slot> {
                vec![named::<Y>(self)]
            }
        }

        yields!(@ [$($arg),*] [V v]);
        yields!(@ [$($arg),*] [V v, W w]);
        yields!(@ [$($arg),*] [V v, W w, X x]);
        yields!(@ [$($arg),*] [V v, W w, X x, Y y]);
    )*};
    (@ [$($arg:ident),*] [$($out:ident $value:ident),*]) => {
        impl<$($arg,)* $($out: DataType<Owned: Collect> + ?Sized),*> Yields<($($arg,)*)>
            for ($(Data<$out>,)*)
        {
            type Args = ($($arg,)* $(Chunked<$out>,)*);
            type Chunk = ($($out::Owned,)*);
            const COLLECTORS: &'static [&'static dyn Collector] =
                &[$(&Collecting::<$out>::COLLECTOR),*];
            fn slots(&self) -> Vec<Slot> {
                let ($($value,)*) = self;
                vec![$(typed($value)),*]
            }
            fn push(chunk: Self::Chunk, sinks: &[Arc<dyn Sink>]) -> Result<(), ChunkError> {
                let ($($value,)*) = chunk;
                let mut sinks = sinks.iter();
                $(sinks.next().ok_or_else(too_few)?.push(Arc::new($value))?;)*
                Ok(())
            }
        }

        impl<$($arg,)* $($out: DataType<Owned: Collect> + ?Sized),*>
            NamedYields<($($arg,)*), ($($arg,)* $(Chunked<$out>,)*)> for ($(string!($out),)*)
        {
            const COLLECTORS: &'static [&'static dyn Collector] =
                &[$(&Collecting::<$out>::COLLECTOR),*];
            fn slots(&self) -> Vec<Slot> {
                let ($($value,)*) = *self;
                vec![$(named::<$out>($value)),*]
            }
        }
    };
}

yields! {
    ()
    (A)
    (A, B)
    (A, B, C)
    (A, B, C, D)
    (A, B, C, D, E)
    (A, B, C, D, E, F)
    (A, B, C, D, E, F, G)
    (A, B, C, D, E, F, G, H)
}
