//! A node's failure to its parent, and there a failure again.

use std::error::Error;
use std::fmt;

use super::super::error::FailureKind;
use super::protocol::{self, Failure, said, shortened};
use crate::catalog::{DatasetError, Doing, FormatError};
use crate::executor::Place;

/// An error that a node of a [`ProcessRunner`](crate::ProcessRunner) returned:
/// what it said, with all its causes as the [source](Error::source).
///
/// The error itself has stayed in its process, so that it cannot be downcast.
///
/// ```
/// use std::error::Error;
/// use entourage::RemoteError;
///
/// /// All that is known of why a node failed.
/// fn causes(error: &RemoteError) -> Vec<String> {
///     let first: &(dyn Error + 'static) = error;
///     std::iter::successors(Some(first), |error| error.source()).map(ToString::to_string).collect()
/// }
/// ```
#[derive(Debug)]
pub struct RemoteError {
    text: String,
    cause: Option<Box<RemoteError>>,
}

impl RemoteError {
    /// The error of which these are the text and its causes' texts, if it has one.
    fn told(texts: Vec<String>) -> Option<Box<Self>> {
        texts.into_iter().rev().fold(None, |cause, text| Some(Box::new(Self { text, cause })))
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for RemoteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// A failure, as the worker tells it.
pub(super) fn to_parent(kind: &FailureKind) -> Failure {
    match kind {
        FailureKind::Error(error) => Failure::Error(said(Some(&**error))),
        FailureKind::Panic { message, place, thread } => Failure::Panic {
            message: shortened(message.clone()),
            place: place.as_ref().map(|place| protocol::Place {
                file: place.file().to_owned(),
                line: place.line(),
                column: place.column(),
            }),
            thread: thread.clone(),
        },
        FailureKind::Load(error) => Failure::Load(dataset(error)),
        FailureKind::Save(error) => Failure::Save(dataset(error)),
        FailureKind::Hook(error) => Failure::Error(said(Some(error))),
        FailureKind::Confirm(error) => Failure::Confirm(dataset(error)),
        FailureKind::Died { .. } => Failure::Refused("a worker of its own died".to_owned()),
    }
}

fn dataset(error: &DatasetError) -> protocol::Dataset {
    protocol::Dataset {
        name: error.dataset().to_owned(),
        place: error.place().map(str::to_owned),
        message: shortened(error.message().to_owned()),
        causes: said(error.source()),
    }
}

/// A failure, as the parent was told it.
pub(super) fn from_worker(failure: Failure) -> FailureKind {
    match failure {
        Failure::Error(texts) => match RemoteError::told(texts) {
            Some(error) => FailureKind::Error(error),
            None => FailureKind::Error("the worker told of an error, and not of which".into()),
        },
        Failure::Panic { message, place, thread } => FailureKind::Panic {
            message,
            place: place.map(|place| Place::told(place.file, place.line, place.column)),
            thread,
        },
        Failure::Load(dataset) => FailureKind::Load(told(dataset, Doing::Load)),
        Failure::Save(dataset) => FailureKind::Save(told(dataset, Doing::Save)),
        Failure::Confirm(dataset) => FailureKind::Confirm(told(dataset, Doing::Confirm)),
        Failure::Refused(problem) => FailureKind::Error(problem.into()),
    }
}

fn told(dataset: protocol::Dataset, doing: Doing) -> DatasetError {
    let protocol::Dataset { name, place, message, causes } = dataset;
    let error = match RemoteError::told(causes) {
        Some(cause) => FormatError::caused(message, cause),
        None => FormatError::plain(message),
    };
    DatasetError::new(&name, doing, place, error)
}
