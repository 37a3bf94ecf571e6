//! What has to hold for a dataset's value.

use std::any::type_name;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::data::{DataType, Value};
use super::error::{BoxError, FormatError};
use crate::context::discard;
use crate::executor::message_of;

/// A look at a value that was loaded, or is to be saved.
pub(crate) trait Validator: Send + Sync {
    fn check(&self, value: &Value) -> Result<(), FormatError>;
}

/// A function of the user's, as a validator.
pub(super) struct ByFunction<T: ?Sized, F> {
    check: F,
    _type: PhantomData<fn(&T)>,
}

impl<T: ?Sized, F> ByFunction<T, F> {
    pub(super) fn new(check: F) -> Self {
        Self { check, _type: PhantomData }
    }
}

impl<T, E, F> Validator for ByFunction<T, F>
where
    T: DataType + ?Sized,
    E: Into<BoxError>,
    F: Fn(&T) -> Result<(), E> + Send + Sync,
{
    fn check(&self, value: &Value) -> Result<(), FormatError> {
        let Some(owned) = value.downcast_ref::<T::Owned>() else {
            let wanted = type_name::<T>();
            return Err(FormatError::plain(format!(
                "it is validated as a `{wanted}`, and is none"
            )));
        };
        let checked = catch_unwind(AssertUnwindSafe(|| (self.check)(T::view(owned))));
        match checked {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                let error: BoxError = error.into();
                Err(FormatError::caused(format!("it is not valid: {error}"), error))
            }
            Err(payload) => {
                let message = message_of(&*payload);
                discard(payload);
                Err(FormatError::plain(format!("its validator panicked: {message}")))
            }
        }
    }
}
