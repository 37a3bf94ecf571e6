//! Files of which every version is kept: `<path>/<version>/<file name>`.

use std::borrow::Cow;
use std::path::PathBuf;

use super::access::Access;
use super::error::FormatError;
use super::file::FileDataset;
use super::stored::Unfit;
use super::version::Version;

/// How many versions a message names.
const MOST_NAMED: usize = 5;

impl FileDataset {
    fn path_of(&self, version: &Version) -> PathBuf {
        let mut path = self.path().join(version.as_str());
        path.push(self.path().file_name().unwrap_or_default());
        path
    }

    /// The versions that are there, the latest first. One whose save did not come
    /// to its end is not there: it has a folder at most.
    fn versions(&self) -> Result<impl Iterator<Item = Result<Version, FormatError>>, FormatError> {
        let names = self.place_of_bytes().list(self.path())?;
        let mut versions: Vec<_> =
            names.into_iter().filter_map(|name| Version::new(name).ok()).collect();
        versions.sort();
        let is_there = |version: &Version| self.place_of_bytes().exists(&self.path_of(version));
        Ok(versions.into_iter().rev().filter_map(move |version| match is_there(&version) {
            Ok(true) => Some(Ok(version)),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }))
    }

    /// The version that is the latest, if there is one.
    pub(super) fn latest(&self) -> Result<Option<Version>, FormatError> {
        self.versions()?.next().transpose()
    }

    /// The file to load: of the version that is wanted, else of the latest.
    pub(super) fn to_load(&self, access: &Access<'_>) -> Result<Cow<'_, Self>, FormatError> {
        if !self.is_versioned() {
            return Ok(Cow::Borrowed(self));
        }
        let version = match access.load_version {
            Some(version) => version.clone(),
            None => match self.latest()? {
                Some(latest) => latest,
                None => return Err(self.absent("no version of it has been saved yet")),
            },
        };
        let file = self.at(self.path_of(&version));
        if access.load_version.is_some() && !self.place_of_bytes().exists(file.path())? {
            let mut there = Vec::new();
            for version in self.versions()?.take(MOST_NAMED + 1) {
                there.push(format!("`{}`", version?));
            }
            if there.len() > MOST_NAMED {
                there[MOST_NAMED] = "older ones".to_owned();
            }
            let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
            return Err(FormatError::plain(format!(
                "there is no version `{version}` of it (there: {there})"
            )));
        }
        Ok(Cow::Owned(file))
    }

    /// The file to save, which is not to be there yet if it is of a version.
    pub(super) fn to_save(&self, access: &Access<'_>) -> Cow<'_, Self> {
        if !self.is_versioned() {
            return Cow::Borrowed(self);
        }
        let version = access.save_version.cloned().unwrap_or_else(Version::now);
        Cow::Owned(self.at(self.path_of(&version)))
    }

    /// Whether there is the version that is wanted, or any.
    pub(super) fn exists_in_versions(&self, access: &Access<'_>) -> Result<bool, FormatError> {
        match access.load_version.filter(|_| !access.is_written) {
            Some(version) => self.place_of_bytes().exists(&self.path_of(version)),
            None => Ok(self.latest()?.is_some()),
        }
    }

    /// Says before the run that a version could not be saved.
    pub(super) fn check_version(&self, access: &Access<'_>) -> Result<(), Unfit> {
        if self.place_of_bytes().exists(self.path())? {
            return Err(self.absent("").at(&self.describe()).into());
        }
        match access.save_version {
            Some(version) if self.place_of_bytes().exists(&self.path_of(version))? => {
                let what = format!("version `{version}` of it is there already");
                Err(FormatError::plain(what).into())
            }
            _ => Ok(()),
        }
    }

    /// Why there is no version: more often than not because the dataset was not
    /// versioned before.
    fn absent(&self, what: &str) -> FormatError {
        match self.place_of_bytes().exists(self.path()) {
            Ok(true) => FormatError::plain(
                "is a file, where the folder of its versions is to be: it was saved before it was \
                 versioned",
            ),
            _ => FormatError::plain(what),
        }
    }
}
