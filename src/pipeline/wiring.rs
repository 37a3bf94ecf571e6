//! The names a node reads and writes, singly or in tuples.

use std::any::{TypeId, type_name};
use std::marker::PhantomData;
use std::sync::Arc;

use smol_str::SmolStr;

use super::argument::{Argument, sealed};
use super::node::Slot;
use crate::catalog::{Codec, Data, DataType, Family, Format, Taken, Value};

/// What [`NodeBuilder::reads`](crate::NodeBuilder::reads) takes: a
/// [`Data`] or a [`Taken`], a tuple of up to twelve of them, or `()`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not something a node can read",
    label = "expected a `Data<T>` or a tuple of up to twelve of them",
    note = "plain string names go with `reads_named`"
)]
pub trait Reads: sealed::Sealed {
    /// The same as a tuple.
    type Args;
    #[doc(hidden)]
    fn slots(&self) -> Vec<Slot>;
}

/// What [`NodeBuilder::writes`](crate::NodeBuilder::writes) takes: a
/// [`Data`] or a tuple of up to twelve, or `()`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not something a node can write",
    label = "expected a `Data<T>` or a tuple of up to twelve of them",
    note = "plain string names go with `writes_named`"
)]
pub trait Writes: sealed::Sealed {
    /// What the node's function has to return for it.
    type Output: Send + 'static;
    #[doc(hidden)]
    fn slots(&self) -> Vec<Slot>;
    #[doc(hidden)]
    fn erase(output: Self::Output, into: &mut Vec<Value>);
}

/// What [`NodeBuilder::reads_named`](crate::NodeBuilder::reads_named) takes: a
/// string or a tuple of them, as many as the function has arguments.
#[diagnostic::on_unimplemented(
    message = "these names do not fit the arguments of the function",
    label = "one string, or a tuple of strings, as many as the function has arguments"
)]
pub trait NamedReads<Args>: sealed::Sealed {
    #[doc(hidden)]
    fn slots(&self) -> Vec<Slot>;
}

/// What [`NodeBuilder::writes_named`](crate::NodeBuilder::writes_named) takes: a
/// string, or a tuple of them for a function that returns a tuple.
#[diagnostic::on_unimplemented(
    message = "these names do not fit the return type of the function",
    label = "one string, or a tuple of strings for a function that returns a tuple"
)]
pub trait NamedWrites<Output>: sealed::Sealed {
    #[doc(hidden)]
    fn slots(&self) -> Vec<Slot>;
    #[doc(hidden)]
    fn erase(output: Output, into: &mut Vec<Value>);
}

/// One of what a node reads.
trait Read: Argument {
    fn slot(&self) -> Slot;
}

impl<T: DataType + ?Sized> Read for Data<T> {
    fn slot(&self) -> Slot {
        typed(self)
    }
}

impl<T: DataType<Owned: Clone> + ?Sized> Read for Taken<T> {
    fn slot(&self) -> Slot {
        typed(self.data())
    }
}

/// Of a dataset that is named by a string alone: its type is known, and that it
/// can be in memory.
struct Undeclared<T: ?Sized>(PhantomData<fn() -> Box<T>>);

impl<T: ?Sized> Undeclared<T> {
    const CODEC: Self = Self(PhantomData);
}

impl<T: DataType + ?Sized> Codec for Undeclared<T> {
    fn family(&self) -> Family {
        Family::Memory
    }

    fn type_name(&self) -> &'static str {
        type_name::<T>()
    }

    fn type_id(&self) -> TypeId {
        TypeId::of::<T::Owned>()
    }

    fn rows(&self, value: &Value) -> Option<usize> {
        value.downcast_ref::<T::Owned>().and_then(T::rows)
    }

    fn is_declared(&self) -> bool {
        false
    }

    fn supports(&self, _: &Format) -> bool {
        false
    }
}

pub(super) fn typed<T: DataType + ?Sized>(data: &Data<T>) -> Slot {
    Slot { name: SmolStr::new(data.name()), codec: data.codec() }
}

pub(super) fn named<T: DataType + ?Sized>(name: &str) -> Slot {
    Slot { name: SmolStr::new(name), codec: &Undeclared::<T>::CODEC }
}

impl sealed::Sealed for &str {}

impl<T: DataType + ?Sized> Reads for Data<T> {
    type Args = (Data<T>,);
    fn slots(&self) -> Vec<Slot> {
        vec![typed(self)]
    }
}

impl<T: DataType<Owned: Clone> + ?Sized> Reads for Taken<T> {
    type Args = (Taken<T>,);
    fn slots(&self) -> Vec<Slot> {
        vec![typed(self.data())]
    }
}

impl<T: DataType + ?Sized> Writes for Data<T> {
    type Output = T::Owned;
    fn slots(&self) -> Vec<Slot> {
        vec![typed(self)]
    }
    fn erase(output: T::Owned, into: &mut Vec<Value>) {
        into.push(Arc::new(output));
    }
}

impl<T: DataType + ?Sized> NamedReads<(Data<T>,)> for &str {
    fn slots(&self) -> Vec<Slot> {
        vec![named::<T>(self)]
    }
}

impl<T: Send + Sync + 'static> NamedWrites<T> for &str {
    fn slots(&self) -> Vec<Slot> {
        vec![named::<T>(self)]
    }
    fn erase(output: T, into: &mut Vec<Value>) {
        into.push(Arc::new(output));
    }
}

/// One string in a tuple of names.
macro_rules! string {
    ($type:ident) => {
        &'static str
    };
}

macro_rules! tuples {
    ($(($($type:ident $value:ident),*))*) => {$(
        impl<$($type: Read),*> Reads for ($($type,)*) {
            type Args = Self;
            fn slots(&self) -> Vec<Slot> {
                let ($($value,)*) = self;
                vec![$($value.slot()),*]
            }
        }

        impl<$($type: DataType + ?Sized),*> Writes for ($(Data<$type>,)*) {
            type Output = ($($type::Owned,)*);
            fn slots(&self) -> Vec<Slot> {
                let ($($value,)*) = self;
                vec![$(typed($value)),*]
            }
            fn erase(output: Self::Output, into: &mut Vec<Value>) {
                let ($($value,)*) = output;
                $(into.push(Arc::new($value));)*
                let _ = into;
            }
        }

        impl<$($type: sealed::Sealed),*> sealed::Sealed for ($($type,)*) {}

        impl<$($type: DataType + ?Sized),*> NamedReads<($(Data<$type>,)*)> for ($(string!($type),)*) {
            fn slots(&self) -> Vec<Slot> {
                let ($($value,)*) = *self;
                vec![$(named::<$type>($value)),*]
            }
        }

        impl<$($type: Send + Sync + 'static),*> NamedWrites<($($type,)*)> for ($(string!($type),)*) {
            fn slots(&self) -> Vec<Slot> {
                let ($($value,)*) = *self;
                vec![$(named::<$type>($value)),*]
            }
            fn erase(output: ($($type,)*), into: &mut Vec<Value>) {
                let ($($value,)*) = output;
                $(into.push(Arc::new($value));)*
                let _ = into;
            }
        }
    )*};
}

tuples! {
    ()
    (A a)
    (A a, B b)
    (A a, B b, C c)
    (A a, B b, C c, D d)
    (A a, B b, C c, D d, E e)
    (A a, B b, C c, D d, E e, F f)
    (A a, B b, C c, D d, E e, F f, G g)
    (A a, B b, C c, D d, E e, F f, G g, H h)
    (A a, B b, C c, D d, E e, F f, G g, H h, I i)
    (A a, B b, C c, D d, E e, F f, G g, H h, I i, J j)
    (A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k)
    (A a, B b, C c, D d, E e, F f, G g, H h, I i, J j, K k, L l)
}
