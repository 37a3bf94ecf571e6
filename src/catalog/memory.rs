//! A dataset that lives in memory, for as long as its catalog does.

use std::any::{TypeId, type_name};

use super::access::Access;
use super::data::{DataType, Value};
use super::error::FormatError;
use super::stored::{StoredDataset, Unfit};
use crate::sync::Mutex;

/// A registered memory dataset. The run stores into it what a node writes; the
/// catalog itself does not change.
#[derive(Default)]
pub(crate) struct MemorySlot {
    held: Mutex<Option<Held>>,
}

#[derive(Clone)]
struct Held {
    value: Value,
    type_id: TypeId,
    type_name: &'static str,
}

impl MemorySlot {
    pub(crate) fn holding<T: DataType + ?Sized>(value: T::Owned) -> Self {
        let held = Held {
            value: std::sync::Arc::new(value),
            type_id: TypeId::of::<T::Owned>(),
            type_name: type_name::<T>(),
        };
        Self { held: Mutex::new(Some(held)) }
    }
}

impl StoredDataset for MemorySlot {
    fn load(&self, access: &Access<'_>) -> Result<(Value, Option<u64>), FormatError> {
        match self.held.lock().clone() {
            Some(held) if held.type_id == access.type_id => Ok((held.value, None)),
            Some(held) => Err(access.wrong_type(held.type_name)),
            None => Err(FormatError::plain("it is in memory, and nothing has been saved there")),
        }
    }

    fn save(&self, access: &Access<'_>, value: &Value) -> Result<Option<u64>, FormatError> {
        let &Access { type_id, type_name, .. } = access;
        let before = self.held.lock().replace(Held { value: value.clone(), type_id, type_name });
        // Dropped here, after the lock: it is the user's value.
        drop(before);
        Ok(None)
    }

    fn exists(&self, _: &Access<'_>) -> Result<bool, FormatError> {
        Ok(self.held.lock().is_some())
    }

    fn check(&self, access: &Access<'_>) -> Result<(), Unfit> {
        if access.is_written {
            return Ok(());
        }
        let held = self.held.lock().as_ref().map(|held| (held.type_id, held.type_name));
        match held {
            None => Err(Unfit::Absent(
                "it is in memory, nothing has been saved there, and no node writes it".to_owned(),
            )),
            Some((type_id, _)) if type_id == access.type_id => Ok(()),
            Some((_, found)) => Err(access.wrong_type(found).into()),
        }
    }

    fn kind(&self) -> String {
        "memory".to_owned()
    }

    fn is_persistent(&self) -> bool {
        false
    }

    fn is_memory(&self) -> bool {
        true
    }
}
