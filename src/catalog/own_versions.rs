//! What a run may write over, where versions are kept.

use std::collections::HashSet;
use std::sync::Arc;

use super::place::Over;
use crate::sync::Mutex;

/// The datasets of which a run has written its version. A node that is tried again
/// writes that once more; what another run wrote stays. Its clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnVersions {
    names: Arc<Mutex<HashSet<Box<str>>>>,
    /// An attempt before may have written any of them, in another process.
    may_have_all: bool,
}

impl OwnVersions {
    /// Of a node in a process of its own, of which an earlier attempt was in
    /// another one, or has died. The run has made sure before its first node that
    /// its version was not there.
    pub(crate) fn of_later_attempt() -> Self {
        Self { may_have_all: true, ..Self::default() }
    }

    pub(super) fn over(&self, dataset: &str) -> Over {
        match self.may_have_all || self.names.lock().contains(dataset) {
            true => Over::Replace,
            false => Over::Refuse,
        }
    }

    pub(super) fn add(&self, dataset: &str) {
        self.names.lock().insert(dataset.into());
    }
}
