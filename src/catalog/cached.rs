//! A dataset that is loaded once.

use std::any::TypeId;
use std::mem;
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
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// Grows with every change of what is held. Whoever has been at the storage
    /// sees by it whether what it brings may have become old meanwhile.
    changes: u64,
}

struct Held {
    value: Value,
    type_id: TypeId,
    /// The one that was asked for, or saved.
    version: Option<Version>,
    /// Whether a load that asks for no version would have got it.
    is_latest: bool,
}

impl Cached {
    pub(super) fn new(stored: Box<dyn StoredDataset>) -> Self {
        Self { stored, state: Mutex::default() }
    }

    fn held(&self, access: &Access<'_>) -> Option<Value> {
        let version = access.load_version.filter(|_| self.is_versioned());
        let state = self.state.lock();
        let fits = |held: &&Held| {
            held.type_id == access.type_id
                && match version {
                    Some(wanted) => held.version.as_ref() == Some(wanted),
                    None => held.is_latest,
                }
        };
        state.held.as_ref().filter(fits).map(|held| held.value.clone())
    }

    fn changes(&self) -> u64 {
        self.state.lock().changes
    }

    /// Replaces what is held by what `next` makes of whether nothing has changed
    /// since `before`; `None` leaves it.
    fn change(&self, before: u64, next: impl FnOnce(bool) -> Option<Option<Held>>) {
        let mut state = self.state.lock();
        let next = next(state.changes == before);
        let old = next.map(|next| {
            state.changes += 1;
            mem::replace(&mut state.held, next)
        });
        drop(state);
        // Dropped here, after the lock: it is the user's value.
        drop(old);
    }
}

impl StoredDataset for Cached {
    fn load(&self, access: &Access<'_>) -> Result<(Value, Option<u64>), FormatError> {
        if let Some(value) = self.held(access) {
            // The storage was not asked.
            return Ok((value, Some(0)));
        }
        let before = self.changes();
        let (value, bytes) = self.stored.load(access)?;
        let version = access.load_version.filter(|_| self.is_versioned()).cloned();
        let is_latest = version.is_none();
        let held = Held { value: value.clone(), type_id: access.type_id, version, is_latest };
        self.change(before, |is_unchanged| is_unchanged.then_some(Some(held)));
        Ok((value, bytes))
    }

    fn save(&self, access: &Access<'_>, value: &Value) -> Result<Option<u64>, FormatError> {
        let version =
            self.is_versioned().then(|| access.save_version.cloned().unwrap_or_else(Version::now));
        let access = &Access { save_version: version.as_ref().or(access.save_version), ..*access };
        let before = self.changes();
        let bytes = self.stored.save(access, value)?;
        // A run may choose the name of a version, so that it need not be the latest.
        let is_latest = version.as_ref().is_none_or(|version| self.stored.is_latest(version));
        let held = Held { value: value.clone(), type_id: access.type_id, version, is_latest };
        // Of two that save at the same time it is not known who came last.
        self.change(before, |is_unchanged| Some(is_unchanged.then_some(held)));
        Ok(bytes)
    }

    fn exists(&self, access: &Access<'_>) -> Result<bool, FormatError> {
        if access.load_version.is_none() && self.state.lock().held.is_some() {
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
        self.change(0, |_| Some(None));
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

    fn is_latest(&self, version: &Version) -> bool {
        self.stored.is_latest(version)
    }

    fn is_persistent(&self) -> bool {
        self.stored.is_persistent()
    }
}
