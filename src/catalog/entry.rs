//! What a name in a catalog stands for.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::access::Access;
use super::chunks::ChunkWriter;
use super::data::Value;
use super::error::{DatasetError, Doing, FormatError};
use super::parameters::Parameter;
use super::secret::Secrets;
use super::stored::{StoredDataset, Unfit};
use super::validator::Validator;
use super::version::Version;
use crate::context::discard;
use crate::executor::message_of;

/// What the full name of a parameter begins with.
pub(crate) const PARAMETER_PREFIX: &str = "params:";

/// The name of all parameters together.
pub(crate) const PARAMETERS: &str = "parameters";

/// Whether a name is that of a parameter, or of all of them.
pub(crate) fn is_parameter(name: &str) -> bool {
    name == PARAMETERS || name.starts_with(PARAMETER_PREFIX)
}

/// A dataset of the catalog. What it does may call user code, which may panic:
/// that is for the caller to catch.
pub(crate) struct Entry {
    pub(super) stored: Box<dyn StoredDataset>,
    /// The file and line that binds the name, where a file does.
    pub(super) origin: Option<String>,
    /// What the name is of the form of, where it is not bound itself.
    pub(super) pattern: Option<String>,
    pub(super) validators: Vec<Arc<dyn Validator>>,
    /// What no message may show.
    pub(super) secrets: Option<Arc<Secrets>>,
    /// The version to load where a run names none.
    pub(super) load_version: Option<Version>,
}

impl Entry {
    pub(super) fn new(stored: impl StoredDataset + 'static, origin: Option<String>) -> Self {
        Self::boxed(Box::new(stored), origin)
    }

    pub(super) fn boxed(stored: Box<dyn StoredDataset>, origin: Option<String>) -> Self {
        let (pattern, validators, secrets, load_version) = Default::default();
        Self { stored, origin, pattern, validators, secrets, load_version }
    }

    /// Where the name is bound, as the end of a sentence.
    pub(crate) fn origin(&self) -> String {
        self.origin.as_ref().map_or_else(String::new, |origin| format!(" ({origin})"))
    }

    /// Reads the value.
    pub(crate) fn load(&self, access: &Access<'_>) -> Result<Value, DatasetError> {
        self.load_counted(access).map(|(value, _)| value)
    }

    /// As [`load`](Self::load), and says how many bytes of storage were read.
    pub(crate) fn load_counted(
        &self,
        access: &Access<'_>,
    ) -> Result<(Value, Option<u64>), DatasetError> {
        let loaded = self.guarded(|| self.stored.load(&self.pinned(access)));
        let loaded = loaded.and_then(|(value, bytes)| {
            self.validate(&value)?;
            Ok((value, bytes))
        });
        loaded.map_err(|error| self.error(access.name, Doing::Load, error))
    }

    /// Writes the value, wholly or not at all, and says how many bytes of storage it
    /// came to.
    pub(crate) fn save(
        &self,
        access: &Access<'_>,
        value: &Value,
    ) -> Result<Option<u64>, DatasetError> {
        let valid = self.validate(value);
        let saved = valid.and_then(|()| self.guarded(|| self.stored.save(access, value)));
        saved.map_err(|error| self.error(access.name, Doing::Save, error))
    }

    /// Begins a save whose value comes in chunks; see [`StoredDataset::chunks`].
    /// A value that is validated is validated as one.
    pub(crate) fn chunks(&self, access: &Access<'_>) -> Result<Option<ChunkWriter>, DatasetError> {
        if !self.validators.is_empty() {
            return Ok(None);
        }
        let begun = self.guarded(|| self.stored.chunks(access));
        begun.map_err(|error| self.error(access.name, Doing::Save, error))
    }

    /// Whether there is something to load.
    pub(crate) fn exists(&self, access: &Access<'_>) -> Result<bool, DatasetError> {
        let exists = self.guarded(|| self.stored.exists(&self.pinned(access)));
        exists.map_err(|error| self.error(access.name, Doing::Look, error))
    }

    /// Says before the run what would go wrong in it; see
    /// [`StoredDataset::check`].
    pub(crate) fn check(&self, access: &Access<'_>) -> Result<(), Unfit> {
        self.guarded(|| self.stored.check(&self.pinned(access))).map_err(|unfit| {
            match (unfit, &self.secrets) {
                (Unfit::Wrong(error), Some(secrets)) => Unfit::Wrong(secrets.hide_in(error)),
                (Unfit::Absent(what), Some(secrets)) => Unfit::Absent(secrets.hide(&what)),
                (unfit, None) => unfit,
            }
        })
    }

    /// Lets go of what is kept in memory only to be quicker.
    pub(crate) fn release(&self, name: &str) -> Result<(), DatasetError> {
        let released = self.guarded(|| self.stored.release());
        released.map_err(|error| self.error(name, Doing::Release, error))
    }

    /// Tells the dataset that what was made of it is saved.
    pub(crate) fn confirm(&self, name: &str) -> Result<(), DatasetError> {
        let confirmed = self.guarded(|| self.stored.confirm());
        confirmed.map_err(|error| self.error(name, Doing::Confirm, error))
    }

    /// What it is, for people.
    pub(crate) fn describe(&self) -> Description {
        Description {
            kind: self.stored.kind(),
            place: self.shown_place(),
            origin: self.origin.clone(),
            pattern: self.pattern.clone(),
            is_versioned: self.is_versioned(),
            is_persistent: self.is_persistent(),
        }
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.stored.path()
    }

    /// Where it is once every link is followed: the same for two names of one
    /// file, whether it is there yet or not.
    pub(crate) fn real_path(&self) -> Option<PathBuf> {
        self.stored.real_path()
    }

    /// Whether it outlives the process.
    pub(crate) fn is_persistent(&self) -> bool {
        self.stored.is_persistent()
    }

    /// Whether values are kept as they are; see [`StoredDataset::is_memory`].
    pub(crate) fn is_memory(&self) -> bool {
        self.stored.is_memory()
    }

    pub(crate) fn is_parameter(&self) -> bool {
        self.stored.is_parameter()
    }

    /// The parameter of this value.
    pub(crate) fn parameter(value: serde_json::Value) -> Self {
        Self::new(Parameter(value), None)
    }

    /// What a parameter is read from.
    pub(crate) fn as_json(&self) -> Option<&serde_json::Value> {
        self.stored.as_json()
    }

    /// Whether every version is kept.
    pub(crate) fn is_versioned(&self) -> bool {
        self.stored.is_versioned()
    }

    /// The version to load that the catalog names.
    pub(crate) fn load_version(&self) -> Option<&Version> {
        self.load_version.as_ref()
    }

    fn pinned<'a>(&'a self, access: &Access<'a>) -> Access<'a> {
        let load_version = access.load_version.or(self.load_version.as_ref());
        Access { load_version, ..*access }
    }

    /// Says whether a value may be stored here, or be what was loaded.
    pub(crate) fn validate(&self, value: &Value) -> Result<(), FormatError> {
        self.validators.iter().try_for_each(|validator| validator.check(value))
    }

    fn shown_place(&self) -> Option<String> {
        let place = self.stored.place()?;
        Some(self.secrets.as_ref().map_or(place.clone(), |secrets| secrets.hide(&place)))
    }

    fn error(&self, name: &str, doing: Doing, error: FormatError) -> DatasetError {
        let error = match &self.secrets {
            Some(secrets) => secrets.hide_in(error),
            None => error,
        };
        DatasetError::new(name, doing, self.shown_place(), error)
    }

    /// Has a panic of a dataset that knows secrets tell none.
    fn guarded<R>(&self, f: impl FnOnce() -> R) -> R {
        let Some(secrets) = &self.secrets else { return f() };
        catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
            let message = message_of(&*payload);
            let hidden = secrets.hide(&message);
            if hidden == message {
                resume_unwind(payload);
            }
            discard(payload);
            resume_unwind(Box::new(hidden))
        })
    }
}

/// What a name of a [`Catalog`](crate::Catalog) is bound to. Its `Display` is a
/// line for people.
#[derive(Clone, Debug)]
pub struct Description {
    kind: String,
    place: Option<String>,
    origin: Option<String>,
    pattern: Option<String>,
    is_versioned: bool,
    is_persistent: bool,
}

impl Description {
    /// Of a name that is bound to nothing.
    pub(super) fn unbound() -> Self {
        let kind = "memory".to_owned();
        let (place, origin, pattern) = Default::default();
        Self { kind, place, origin, pattern, is_versioned: false, is_persistent: false }
    }

    /// The type, as a catalog file has it: `csv`, say, or `memory`; `parameter`
    /// for a parameter.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The path, where there is one.
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// The file and line that bind the name, where a file does.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The pattern that the name is of the form of, where the name itself is not
    /// bound.
    pub fn pattern(&self) -> Option<&str> {
        self.pattern.as_deref()
    }

    /// Whether every version is kept.
    pub fn is_versioned(&self) -> bool {
        self.is_versioned
    }

    /// Whether what is saved outlives the process.
    pub fn is_persistent(&self) -> bool {
        self.is_persistent
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_versioned {
            f.write_str("versioned ")?;
        }
        f.write_str(&self.kind)?;
        if let Some(place) = &self.place {
            write!(f, " {place}")?;
        }
        match (&self.origin, &self.pattern) {
            (Some(origin), Some(pattern)) => write!(f, " ({origin}, `{pattern}`)"),
            (Some(origin), None) => write!(f, " ({origin})"),
            _ => Ok(()),
        }
    }
}
