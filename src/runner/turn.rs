//! One attempt at a node while it goes on.

use std::sync::Arc;

use super::control::Lease;
use super::error::FailureKind;
use crate::pipeline::NodeIndex;

/// Which attempt at which node it is, and how long it may take.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) at: NodeIndex,
    /// From 1, where there may be several.
    pub(super) number: Option<u32>,
    /// Where it may take only so long.
    pub(super) lease: Option<&'a Arc<Lease>>,
}

/// Who is loading a dataset. Another attempt at the same node is somebody else: the
/// one before may still be at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loader {
    pub(super) at: NodeIndex,
    number: Option<u32>,
}

impl<'a> Turn<'a> {
    pub(super) fn loader(self) -> Loader {
        Loader { at: self.at, number: self.number }
    }

    /// The same, for whoever has the say over it when its time is over.
    pub(super) fn over(self) -> Self {
        Self { lease: None, ..self }
    }

    /// Gives the say to the worker; `false` where it is too late.
    pub(super) fn close(self) -> bool {
        self.lease.is_none_or(|lease| lease.close())
    }

    /// Runs `f`, which must not wait, or fails where it is too late. It does not
    /// become too late before `f` is done.
    pub(super) fn in_time<R>(self, f: impl FnOnce() -> R) -> Result<R, FailureKind> {
        match self.lease {
            None => Ok(f()),
            Some(lease) => lease.in_time(f),
        }
    }

    /// Fails where it is too late.
    pub(super) fn check(self) -> Result<(), FailureKind> {
        self.in_time(|| ())
    }
}
