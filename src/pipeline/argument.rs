//! What the arguments of a node's function stand for.

use std::any::type_name;
use std::sync::Arc;
use std::{mem, slice};

use super::chunks::{Chunks, Sink};
use super::function::BoxError;
use crate::catalog::{Data, DataType, Taken, Value};

/// One argument of a node's function: a [`Data`] is handed as a reference, a
/// [`Taken`] as a value, and what the node yields as a [`Chunks`] to push into.
pub trait Argument: sealed::Sealed {
    /// What the function is handed.
    type Given<'a>;
    #[doc(hidden)]
    type Held<'a>;
    /// Does all that may fail or run code of the user's, before the first value
    /// is moved.
    #[doc(hidden)]
    fn hold<'a>(supply: &mut Supply<'a>) -> Result<Self::Held<'a>, BoxError>;
    #[doc(hidden)]
    fn give<'b, 'a: 'b>(held: &'b mut Self::Held<'a>) -> Result<Self::Given<'b>, BoxError>;
}

pub(super) mod sealed {
    pub trait Sealed {}
}

impl<T: DataType + ?Sized> sealed::Sealed for Data<T> {}
impl<T: DataType + ?Sized> sealed::Sealed for Taken<T> {}
impl<T: DataType + ?Sized> sealed::Sealed for Chunked<T> {}

/// An output that is written chunk by chunk, among a function's arguments.
#[derive(Debug)]
pub struct Chunked<T: ?Sized>(std::marker::PhantomData<fn() -> Box<T>>);

/// What a call has for the arguments, in their order.
pub struct Supply<'a> {
    inputs: slice::IterMut<'a, Value>,
    sinks: slice::Iter<'a, Arc<dyn Sink>>,
}

impl<'a> Supply<'a> {
    pub(super) fn new(inputs: &'a mut [Value], sinks: &'a [Arc<dyn Sink>]) -> Self {
        Self { inputs: inputs.iter_mut(), sinks: sinks.iter() }
    }

    fn input(&mut self) -> Result<&'a mut Value, BoxError> {
        self.inputs.next().ok_or_else(|| "a node has fewer inputs than arguments".into())
    }

    pub(super) fn check_empty(&self) -> Result<(), BoxError> {
        match self.inputs.len() + self.sinks.len() {
            0 => Ok(()),
            _ => Err("a node has more inputs and outputs than arguments".into()),
        }
    }
}

/// The graph was type-checked when it was built, so a miss is a defect of ours;
/// it is said, not panicked.
fn miss<T: DataType + ?Sized>() -> BoxError {
    format!("an input is not a {}", type_name::<T::Owned>()).into()
}

impl<T: DataType + ?Sized> Argument for Data<T> {
    type Given<'a> = &'a T;
    type Held<'a> = &'a T;

    fn hold<'a>(supply: &mut Supply<'a>) -> Result<&'a T, BoxError> {
        supply.input()?.downcast_ref::<T::Owned>().map(T::view).ok_or_else(miss::<T>)
    }

    fn give<'b, 'a: 'b>(held: &'b mut &'a T) -> Result<&'b T, BoxError> {
        Ok(held)
    }
}

impl<T: DataType<Owned: Clone> + ?Sized> Argument for Taken<T> {
    type Given<'a> = T::Owned;
    type Held<'a> = &'a mut Value;

    fn hold<'a>(supply: &mut Supply<'a>) -> Result<&'a mut Value, BoxError> {
        let value = supply.input()?;
        if Arc::get_mut(value).is_none() {
            let owned = value.downcast_ref::<T::Owned>().ok_or_else(miss::<T>)?;
            *value = Arc::new(owned.clone());
        }
        Ok(value)
    }

    fn give<'b, 'a: 'b>(held: &'b mut &'a mut Value) -> Result<T::Owned, BoxError> {
        let value = mem::replace(*held, Arc::new(()));
        value.downcast::<T::Owned>().ok().and_then(Arc::into_inner).ok_or_else(miss::<T>)
    }
}

impl<T: DataType + ?Sized> Argument for Chunked<T> {
    type Given<'a> = &'a mut Chunks<T>;
    type Held<'a> = Chunks<T>;

    fn hold<'a>(supply: &mut Supply<'a>) -> Result<Chunks<T>, BoxError> {
        let sink = supply.sinks.next().ok_or("a node has fewer outputs than it yields")?;
        Ok(Chunks::new(sink.clone()))
    }

    fn give<'b, 'a: 'b>(held: &'b mut Chunks<T>) -> Result<&'b mut Chunks<T>, BoxError> {
        Ok(held)
    }
}
