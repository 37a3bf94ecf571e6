//! A dataset that is loaded once.

use std::any::TypeId;
use std::path::{Path, PathBuf};

use super::access::Access;
use super::data::Value;
use super::error::FormatError;
use super::stored::{StoredDataset, Unfit};
use super::version::Version;
use crate::sync::Mutex;

/// Keeps what was loaded or saved until it is released. Two that load at the same
/// time may both go to the storage: to have one wait for the other could have a
/// worker wait for itself.
pub(super) struct Cached {
    stored: Box<dyn StoredDataset>,
    held: Mutex<Option<Held>>,
}

struct Held {
    value: Value,
    type_id: TypeId,
    /// The one that was asked for, or saved.
    version: Option<Version>,
}

impl Cached {
    pub(super) fn new(stored: Box<dyn StoredDataset>) -> Self {
        Self { stored, held: Mutex::new(None) }
    }

    fn held(&self, access: &Access<'_>) -> Option<Value> {
        let held = self.held.lock();
        let fits = |held: &&Held| {
            // Where no version is asked for, what is held was the latest.
            let wanted = access.load_version.filter(|_| self.is_versioned());
            held.type_id == access.type_id
                && wanted.is_none_or(|wanted| held.version.as_ref() == Some(wanted))
        };
        held.as_ref().filter(fits).map(|held| held.value.clone())
    }

    fn hold(&self, access: &Access<'_>, value: &Value, version: Option<&Version>) {
        let version = version.cloned();
        let held = Held { value: value.clone(), type_id: access.type_id, version };
        let before = self.held.lock().replace(held);
        // Dropped here, after the lock: it is the user's value.
        drop(before);
    }
}

impl StoredDataset for Cached {
    fn load(&self, access: &Access<'_>) -> Result<Value, FormatError> {
        if let Some(value) = self.held(access) {
            return Ok(value);
        }
        let value = self.stored.load(access)?;
        self.hold(access, &value, access.load_version);
        Ok(value)
    }

    fn save(&self, access: &Access<'_>, value: &Value) -> Result<(), FormatError> {
        self.stored.save(access, value)?;
        self.hold(access, value, access.save_version);
        Ok(())
    }

    fn exists(&self, access: &Access<'_>) -> Result<bool, FormatError> {
        if access.load_version.is_none() && self.held.lock().is_some() {
            return Ok(true);
        }
        self.stored.exists(access)
    }

    fn check(&self, access: &Access<'_>) -> Result<(), Unfit> {
        match !access.is_written && self.held(access).is_some() {
            true => Ok(()),
            false => self.stored.check(access),
        }
    }

    fn release(&self) -> Result<(), FormatError> {
        let before = self.held.lock().take();
        drop(before);
        self.stored.release()
    }

    fn confirm(&self) -> Result<(), FormatError> {
        self.stored.confirm()
    }

    fn kind(&self) -> String {
        format!("cached {}", self.stored.kind())
    }

    fn place(&self) -> Option<String> {
        self.stored.place()
    }

    fn path(&self) -> Option<&Path> {
        self.stored.path()
    }

    fn real_path(&self) -> Option<PathBuf> {
        self.stored.real_path()
    }

    fn is_versioned(&self) -> bool {
        self.stored.is_versioned()
    }

    fn is_persistent(&self) -> bool {
        self.stored.is_persistent()
    }
}
