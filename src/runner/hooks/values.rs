//! The data that hooks are shown.

use std::fmt;

use crate::catalog::{Codec, Data, DataType, Value};
use crate::pipeline::{DatasetIndex, Pipeline};

/// A dataset's value, of a type that only its name tells.
#[derive(Clone, Copy)]
pub struct DataRef<'a> {
    name: &'a str,
    type_name: &'static str,
    codec: Option<&'static dyn Codec>,
    value: &'a Value,
}

impl<'a> DataRef<'a> {
    pub(in crate::runner) fn new(
        pipeline: &'a Pipeline,
        dataset: DatasetIndex,
        value: &'a Value,
    ) -> Self {
        let slot = pipeline.slot(dataset);
        Self { name: slot.name, type_name: slot.type_name, codec: slot.codec, value }
    }

    /// The dataset's full name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The value, if it is `data`'s.
    pub fn get<T: DataType + ?Sized>(&self, data: &Data<T>) -> Option<&'a T> {
        if self.name == data.name() { self.downcast() } else { None }
    }

    /// The value, if it is of this type, whatever the dataset's name.
    ///
    /// ```
    /// use entourage::hooks::{AfterDatasetLoaded, HookResult};
    /// fn after_dataset_loaded(call: &AfterDatasetLoaded<'_>) -> HookResult {
    ///     if let Some([]) = call.value.downcast::<[f64]>() {
    ///         return Err(format!("`{}` is empty", call.value.name()).into());
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn downcast<T: DataType + ?Sized>(&self) -> Option<&'a T> {
        self.value.downcast_ref().map(T::view)
    }

    /// The type's name, as the nodes have it.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// How many records it is, where it is records.
    pub fn rows(&self) -> Option<usize> {
        self.codec.and_then(|codec| codec.rows(self.value))
    }
}

impl fmt::Debug for DataRef<'_> {
    /// Its name and type, and nothing of what is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` of {}", self.name, self.type_name)
    }
}

/// A node's inputs or outputs.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    pipeline: &'a Pipeline,
    datasets: &'a [DatasetIndex],
    values: &'a [Value],
}

impl<'a> Values<'a> {
    /// As many values as datasets, or none at all.
    pub(in crate::runner) fn new(
        pipeline: &'a Pipeline,
        datasets: &'a [DatasetIndex],
        values: &'a [Value],
    ) -> Self {
        Self { pipeline, datasets, values }
    }

    /// All of them, in the order of the function's arguments, or of what it
    /// returns. An input that the function has taken is not among them any more.
    pub fn iter(&self) -> impl Iterator<Item = DataRef<'a>> + use<'a> {
        let Self { pipeline, datasets, values } = *self;
        let all = datasets.iter().zip(values);
        // In the place of what was taken there is a value of another type.
        let left = all.filter(|(at, value)| pipeline.slot(**at).type_id == (***value).type_id());
        left.map(|(at, value)| DataRef::new(pipeline, *at, value))
    }

    /// The value of `data`, if it is among them.
    pub fn get<T: DataType + ?Sized>(&self, data: &Data<T>) -> Option<&'a T> {
        self.iter().find_map(|value| value.get(data))
    }
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
