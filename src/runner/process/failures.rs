//! A node's failure to its parent, and there a failure again.

use std::error::Error;
use std::fmt;

use super::super::control::Cancelled;
use super::super::error::{FailureKind, NodeFailure};
use super::super::hooks::{HookCause, HookError};
use super::protocol::{self, Failure, Outcome, said, shortened};
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
///     let (mut causes, mut next) = (vec![error.to_string()], error.source());
///     while let Some(cause) = next {
///         causes.push(cause.to_string());
///         next = cause.source();
///     }
///     causes
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
pub(super) fn to_parent(failure: &NodeFailure) -> Outcome {
    let besides: Vec<_> = failure.hook_errors().iter().map(hook).collect();
    let failure = first(&failure.kind);
    match besides.is_empty() {
        true => Outcome::Failed(failure),
        false => Outcome::FailedBesides { failure, besides },
    }
}

fn first(kind: &FailureKind) -> Failure {
    match kind {
        FailureKind::Error(error) => Failure::Error(said(Some(&**error))),
        FailureKind::Panic { message, place, thread } => Failure::Panic {
            message: shortened(message.clone()),
            place: place.as_ref().map(place_in),
            thread: thread.clone(),
        },
        FailureKind::Load(error) => Failure::Load(dataset(error)),
        FailureKind::Save(error) => Failure::Save(dataset(error)),
        FailureKind::Hook(error) => Failure::Hook(hook(error)),
        FailureKind::Confirm(error) => Failure::Confirm(dataset(error)),
        FailureKind::Timeout(_) => Failure::Refused("the worker set itself a limit".to_owned()),
        FailureKind::Died { .. } => Failure::Refused("a worker of its own died".to_owned()),
    }
}

fn place_in(place: &Place) -> protocol::Place {
    let file = place.file().to_owned();
    protocol::Place { file, line: place.line(), column: place.column() }
}

fn hook(error: &HookError) -> protocol::Hook {
    let cause = match error.cause() {
        HookCause::Error(error) => protocol::HookCause::Error(said(Some(&**error))),
        HookCause::Panic { message, place, thread } => protocol::HookCause::Panic {
            message: shortened(message.clone()),
            place: place.as_deref().map(place_in),
            thread: thread.clone(),
        },
    };
    protocol::Hook { name: error.hook().to_owned(), method: error.method().to_owned(), cause }
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
        Failure::Hook(hook) => FailureKind::Hook(hook_error(hook)),
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
        Failure::Cancelled => FailureKind::Error(Box::new(Cancelled)),
        Failure::Refused(problem) => FailureKind::Error(problem.into()),
    }
}

/// What a hook did wrong, as the parent was told it.
pub(super) fn hook_error(hook: protocol::Hook) -> HookError {
    let protocol::Hook { name, method, cause } = hook;
    let cause = match cause {
        protocol::HookCause::Panic { message, place, thread } => HookCause::Panic {
            message,
            place: place.map(|place| Box::new(Place::told(place.file, place.line, place.column))),
            thread,
        },
        protocol::HookCause::Error(texts) => HookCause::Error(match RemoteError::told(texts) {
            Some(error) => error,
            None => "the worker told of an error, and not of which".into(),
        }),
    };
    HookError::told(name, method, cause)
}

fn told(dataset: protocol::Dataset, doing: Doing) -> DatasetError {
    let protocol::Dataset { name, place, message, causes } = dataset;
    let error = match RemoteError::told(causes) {
        Some(cause) => FormatError::caused(message, cause),
        None => FormatError::plain(message),
    };
    DatasetError::new(&name, doing, place, error)
}
