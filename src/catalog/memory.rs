//! A dataset that lives in memory, for as long as its catalog does.

use std::any::{TypeId, type_name};

use super::data::{DataType, Value};
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

    pub(crate) fn get(&self) -> Option<Value> {
        self.held.lock().as_ref().map(|held| held.value.clone())
    }

    pub(crate) fn set(&self, value: Value, type_id: TypeId, type_name: &'static str) {
        let before = self.held.lock().replace(Held { value, type_id, type_name });
        // Dropped here, after the lock: it is the user's value.
        drop(before);
    }

    /// The type of what is held.
    pub(crate) fn held_type(&self) -> Option<(TypeId, &'static str)> {
        self.held.lock().as_ref().map(|held| (held.type_id, held.type_name))
    }
}
