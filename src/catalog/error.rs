//! What can be wrong with a catalog, and with a dataset.

use std::error::Error;
use std::fmt;
use std::io;

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// Something in the content of a file that a format could not take. It does not
/// know the dataset or the file: [`DatasetError`] says those around it.
#[derive(Debug)]
pub(crate) struct FormatError {
    message: String,
    source: Option<BoxError>,
}

impl FormatError {
    pub(crate) fn plain(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    pub(crate) fn caused(message: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self { message: message.into(), source: Some(source.into()) }
    }

    pub(super) fn into_parts(self) -> (String, Option<BoxError>) {
        (self.message, self.source)
    }

    pub(super) fn from_parts(message: String, source: Option<BoxError>) -> Self {
        Self { message, source }
    }

    /// The same with the place in front.
    pub(super) fn at(self, place: &str) -> Self {
        Self { message: format!("{place}: {}", self.message), source: self.source }
    }

    /// An error of the user's, as it is.
    pub(crate) fn own(error: BoxError) -> Self {
        Self { message: error.to_string(), source: Some(error) }
    }
}

impl From<io::Error> for FormatError {
    fn from(error: io::Error) -> Self {
        Self::caused(error.to_string(), error)
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// For the way through a writer that knows of no other errors than those of
/// input and output.
impl Error for FormatError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// A dataset could not be loaded, saved or looked at. Its message says which
/// dataset, which file, and where in it.
#[derive(Debug)]
pub struct DatasetError {
    dataset: String,
    doing: Doing,
    place: Option<String>,
    message: String,
    source: Option<BoxError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Load,
    Save,
    Look,
    Release,
    Confirm,
}

impl DatasetError {
    pub(crate) fn new(
        dataset: &str,
        doing: Doing,
        place: Option<String>,
        error: FormatError,
    ) -> Self {
        let FormatError { message, source } = error;
        Self { dataset: dataset.to_owned(), doing, place, message, source }
    }

    /// What went wrong, without the dataset and its place.
    pub(crate) fn what(&self) -> &str {
        &self.message
    }

    /// The dataset's name.
    pub fn dataset(&self) -> &str {
        &self.dataset
    }

    /// The file, where there is one.
    pub(crate) fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// What went wrong, without what and where.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether the dataset was being loaded.
    pub fn is_load(&self) -> bool {
        self.doing == Doing::Load
    }

    /// Whether the dataset was being saved.
    pub fn is_save(&self) -> bool {
        self.doing == Doing::Save
    }
}

impl fmt::Display for DatasetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doing = match self.doing {
            Doing::Load => "loading ",
            Doing::Save => "saving ",
            Doing::Look => "looking for ",
            Doing::Release => "releasing ",
            Doing::Confirm => "confirming ",
        };
        write!(f, "{doing}dataset `{}`", self.dataset)?;
        if let Some(place) = &self.place {
            write!(f, " ({place})")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Error for DatasetError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// A catalog that cannot be: says everything that is wrong with it at once, each
/// with file and line.
#[derive(thiserror::Error)]
#[error("the catalog cannot be used:\n{}", listed(problems))]
pub struct CatalogError {
    problems: Vec<String>,
}

/// As told to a person, for that is where `unwrap` and `main` bring it.
impl fmt::Debug for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CatalogError({self})")
    }
}

impl CatalogError {
    pub(crate) fn check(problems: Vec<String>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self { problems }) }
    }

    /// One sentence a problem.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

pub(crate) fn listed(problems: &[String]) -> String {
    problems.iter().map(|problem| format!("  - {problem}")).collect::<Vec<_>>().join("\n")
}
