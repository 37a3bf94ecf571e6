//! The attempts at the nodes that are tried several times.

use std::collections::HashMap;
use std::time::Duration;

use crate::catalog::Value;
use crate::pipeline::NodeIndex;
use crate::runner::error::NodeFailure;
use crate::sync::Mutex;

/// The nodes that were begun and may be tried again, and those that were.
#[derive(Default)]
pub(in crate::runner) struct Tries(Mutex<HashMap<NodeIndex, Tried>>);

/// One node's attempts.
#[derive(Default)]
pub(in crate::runner) struct Tried {
    /// How many were begun.
    pub(in crate::runner) attempts: u32,
    /// When the first began, since the run's beginning.
    pub(in crate::runner) first: Duration,
    /// Of each attempt but the last.
    pub(in crate::runner) failures: Vec<NodeFailure>,
    /// What it read, for the next attempt to read. Nothing once that is the last,
    /// which is to have the very values.
    pub(super) inputs: Option<Vec<Value>>,
    /// Whether the last attempt failed, and the next has not begun.
    pub(in crate::runner) is_pausing: bool,
}

impl Tries {
    /// Notes that an attempt begins; its number, the first being 1.
    pub(super) fn begin(&self, at: NodeIndex, now: Duration) -> u32 {
        let mut tries = self.0.lock();
        let tried = tries.entry(at).or_insert_with(|| Tried { first: now, ..Tried::default() });
        tried.attempts += 1;
        tried.is_pausing = false;
        tried.attempts
    }

    /// Notes that the attempt that was begun was none: the node has to wait.
    pub(super) fn take_back(&self, at: NodeIndex) {
        if let Some(tried) = self.0.lock().get_mut(&at) {
            tried.attempts -= 1;
        }
    }

    /// How many attempts were begun, and when the first was.
    pub(in crate::runner) fn so_far(&self, at: NodeIndex) -> Option<(u32, Duration)> {
        self.0.lock().get(&at).map(|tried| (tried.attempts, tried.first))
    }

    pub(super) fn keep_inputs(&self, at: NodeIndex, inputs: &[Value]) {
        if let Some(tried) = self.0.lock().get_mut(&at) {
            tried.inputs = Some(inputs.to_vec());
        }
    }

    /// What an attempt before the current one has read.
    pub(super) fn inputs(&self, at: NodeIndex, is_last: bool) -> Option<Vec<Value>> {
        let mut tries = self.0.lock();
        let inputs = &mut tries.get_mut(&at)?.inputs;
        if is_last { inputs.take() } else { inputs.clone() }
    }

    /// Notes that an attempt failed, and that another will be made.
    pub(super) fn failed(&self, at: NodeIndex, failure: NodeFailure) {
        if let Some(tried) = self.0.lock().get_mut(&at) {
            tried.failures.push(failure);
            tried.is_pausing = true;
        }
    }

    /// Notes that there will be no further attempt. What it read is for the caller
    /// to drop.
    pub(super) fn end(&self, at: NodeIndex) -> Option<Vec<Value>> {
        let mut tries = self.0.lock();
        let tried = tries.get_mut(&at)?;
        let inputs = tried.inputs.take();
        // Of a node that was not tried again there is nothing to tell.
        if tried.failures.is_empty() {
            tries.remove(&at);
        }
        inputs
    }

    pub(super) fn take(&self) -> HashMap<NodeIndex, Tried> {
        std::mem::take(&mut *self.0.lock())
    }
}
