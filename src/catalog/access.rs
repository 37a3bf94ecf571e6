//! One run's way to one dataset.

use std::any::TypeId;
use std::sync::Arc;

use super::codec::Codec;
use super::data::{Data, DataType, Value};
use super::error::{DatasetError, Doing, FormatError};
use super::own_versions::OwnVersions;
use super::version::Version;

/// What the nodes of a pipeline know of a dataset: all that its storage needs to
/// be told.
#[derive(Clone, Copy)]
pub(crate) struct Access<'a> {
    /// The full name.
    pub(crate) name: &'a str,
    /// Of the owned type.
    pub(crate) type_id: TypeId,
    pub(crate) type_name: &'static str,
    /// `None` where nodes name the dataset by string only.
    pub(crate) codec: Option<&'static dyn Codec>,
    /// Whether a node of the same run writes it.
    pub(crate) is_written: bool,
    /// The version to save, where versions are kept; one made up if `None`.
    pub(crate) save_version: Option<&'a Version>,
    /// The version to load; the latest if `None`.
    pub(crate) load_version: Option<&'a Version>,
    /// What the run has written of that; none outside of runs.
    pub(crate) own_versions: Option<&'a OwnVersions>,
}

impl<'a> Access<'a> {
    /// The way to a dataset from outside of any run.
    pub(crate) fn of<T: DataType + ?Sized>(data: &Data<T>, name: &'a str) -> Self {
        let codec = data.codec();
        let (type_id, type_name) = (codec.type_id(), codec.type_name());
        let codec = Some(codec);
        Self { codec, type_id, type_name, ..Self::untyped(name) }
    }

    /// The same where no type is known, and none is asked for.
    pub(super) fn untyped(name: &'a str) -> Self {
        let (type_id, type_name) = (TypeId::of::<()>(), "()");
        let (save_version, load_version, own_versions) = (None, None, None);
        Self {
            name,
            type_id,
            type_name,
            codec: None,
            is_written: false,
            save_version,
            load_version,
            own_versions,
        }
    }

    pub(super) fn codec(&self) -> Result<&'static dyn Codec, FormatError> {
        self.codec.ok_or_else(|| FormatError::plain(UNDECLARED))
    }

    /// A loaded value, as what it should be.
    pub(crate) fn typed<T: DataType + ?Sized>(
        &self,
        value: Value,
    ) -> Result<Arc<T::Owned>, DatasetError> {
        value.downcast().map_err(|_| {
            let what = self.wrong_type("value of another type");
            DatasetError::new(self.name, Doing::Load, None, what)
        })
    }

    /// Why a dataset of the type `found` is not one for these nodes.
    pub(super) fn wrong_type(&self, found: &str) -> FormatError {
        let wanted = self.type_name;
        FormatError::plain(format!(
            "it is a `{wanted}` to its nodes and a `{found}` in the catalog"
        ))
    }
}

const UNDECLARED: &str = "its nodes name it by string only, so its format cannot be \
     chosen: declare it with `Pipeline::declare`, or use a typed name";
