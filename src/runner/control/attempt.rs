//! Attempts at a node that was told something: numbered, timed, made again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::lease::Lease;
use super::options::Controls;
use super::state::{Cancellation, Control, Told};
use super::token::{CANCEL, Cancelled};
use super::tries::Tried;
use crate::catalog::Value;
use crate::context::{ATTEMPT, drop_clean, quietly};
use crate::pipeline::{Failure, NodeIndex, Retry};
use crate::runner::error::{FailureKind, NodeFailure, RunError};
use crate::runner::execute::{Attempt, Run, Scratch};
use crate::runner::state::Stage;
use crate::runner::turn::Turn;
use crate::sync::atomic::Ordering;

impl Run {
    /// Starts no further node, because the run was called off.
    pub(in crate::runner) fn cancel(&self) {
        // What was stopped before was not stopped by this.
        if let Some(control) = &self.control
            && !self.state.is_stopped()
            && !control.is_cancelled.swap(true, Ordering::AcqRel)
        {
            self.tell_cancelled();
        }
        self.stop();
    }

    /// Whether somebody has called the run off, whoever has noticed.
    pub(in crate::runner) fn is_called_off(&self) -> bool {
        self.control.as_ref().is_some_and(|control| control.token.is_cancelled())
    }

    /// As [`execute`](Self::execute), for a node of a run with a [`Control`].
    pub(in crate::runner) fn execute_told(
        self: &Arc<Self>,
        at: NodeIndex,
        control: &Control,
        began: Duration,
        scratch: &mut Scratch,
        wake: &dyn Fn(NodeIndex),
    ) -> Duration {
        if self.state.nodes[at as usize].stage() != Stage::Unfinished {
            // It was given up while it waited for another node's load.
            return began;
        }
        let told = control.told(&self.bound.pipeline, at);
        let begun = told.retry.map(|_| control.tries.begin(at, began));
        let number = begun.or(self.attempt);
        // Before its time begins, or its end may be told first.
        self.tell_started(at, begun.or(self.attempt), began);
        let leased = told.timeout.map(|timeout| control.lease(at, timeout, began, number));
        let (lease, alarm) = leased.unzip();
        let turn = Turn { at, number, lease: lease.as_ref() };
        let name = self.bound.pipeline.name_of(at);
        let before = scratch.context.take();
        let mut context = before;
        let timeout = told.timeout.unwrap_or_default();
        let mut attempt = self.entered(turn, |attempt| {
            let node = || match self.caught(turn, || self.attempt(turn, scratch, wake)) {
                // Where the node is, so that it is filed there.
                Attempt::Late if !control.has_overdue() => {
                    self.caught(turn.over(), || self.too_late(turn, timeout, wake))
                }
                ended => ended,
            };
            let told = || *attempt = Some(self.in_told(begun, turn, node));
            self.context.enter(name, &mut context, told);
        });
        scratch.context = context;
        drop(alarm);
        match attempt {
            // Somebody else has said what became of it.
            Attempt::Late if control.has_overdue() => {
                scratch.is_lost = true;
                return self.state.elapsed();
            }
            // Its context has failed, too.
            Attempt::Late => attempt = self.too_late(turn, timeout, wake),
            _ => {}
        }
        self.settle(at, attempt, began, scratch)
    }

    /// Ends an attempt that took too long, by who made it.
    fn too_late(&self, turn: Turn<'_>, timeout: Duration, wake: &dyn Fn(NodeIndex)) -> Attempt {
        self.give_up_loads(turn, wake);
        self.failed(turn.over(), FailureKind::Timeout(timeout), &[])
    }

    /// Runs `f` where it sees the number of its attempt and its own token.
    fn in_told<R>(&self, begun: Option<u32>, turn: Turn<'_>, f: impl FnOnce() -> R) -> R {
        if self.context.is_off() {
            return f();
        }
        let f = || match turn.lease {
            Some(lease) => CANCEL.scope(lease.token.clone(), f),
            None => f(),
        };
        let Some(number) = begun else { return f() };
        tracing::Span::current().record("attempt", number);
        ATTEMPT.scope(number, f)
    }

    /// Ends the attempt of `lease`, which took too long and whose worker is still
    /// at it.
    pub(in crate::runner) fn overdue(
        self: &Arc<Self>,
        at: NodeIndex,
        lease: &Lease,
        scratch: &mut Scratch,
        wake: &dyn Fn(NodeIndex),
    ) {
        let turn = Turn { at, number: lease.number, lease: None };
        self.give_up_loads(turn, wake);
        let attempt = self.timed_out(turn, lease.timeout);
        self.settle(at, attempt, lease.began, scratch);
    }

    /// Tells that an attempt took too long, in the context that it had.
    fn timed_out(&self, turn: Turn<'_>, timeout: Duration) -> Attempt {
        let name = self.bound.pipeline.name_of(turn.at);
        let mut attempt = None;
        // The subscriber may panic.
        quietly(|| {
            let fail = || attempt = Some(self.failed(turn, FailureKind::Timeout(timeout), &[]));
            self.context.enter(name, &mut None, || self.in_told(turn.number, turn, fail));
        });
        attempt.unwrap_or_else(|| {
            let kind = FailureKind::Timeout(timeout);
            Attempt::Failed(NodeFailure::new(&self.bound.pipeline, turn.at, kind))
        })
    }

    /// Tells those who wait for what the attempt was loading that it will not be there.
    fn give_up_loads(&self, turn: Turn<'_>, wake: &dyn Fn(NodeIndex)) {
        for dataset in self.bound.pipeline.reads_once(turn.at) {
            let state = &self.state.datasets[dataset as usize];
            let waiting = match self.may_try_again(turn.at) {
                true => state.disclaim(turn.loader()),
                false => state.loaded(turn.loader(), None),
            };
            waiting.into_iter().for_each(wake);
        }
    }

    /// Whether there may be another attempt at node `at` after the current one.
    pub(in crate::runner) fn may_try_again(&self, at: NodeIndex) -> bool {
        let Some(control) = &self.control else { return false };
        let retry = control.told(&self.bound.pipeline, at).retry;
        let so_far = control.tries.so_far(at);
        retry.zip(so_far).is_some_and(|(retry, (attempts, _))| attempts < retry.attempts())
    }

    /// Makes the run one that is told what its options say.
    pub(in crate::runner) fn set_control(
        &mut self,
        controls: &Controls,
        cancellation: Option<Cancellation>,
    ) -> Result<(), RunError> {
        let control = Control::new(&self.bound.pipeline, controls, cancellation);
        self.control = control.map_err(|problem| RunError::refused(vec![problem]))?;
        Ok(())
    }

    /// The pause before another attempt, if one is to be made after `failure`.
    pub(in crate::runner) fn pause_after(
        &self,
        at: NodeIndex,
        failure: &NodeFailure,
    ) -> Option<(u32, Duration)> {
        let control = self.control.as_ref()?;
        let Told { retry, .. } = control.told(&self.bound.pipeline, at);
        let retry = retry?;
        if self.state.is_stopped() || self.is_called_off() {
            return None;
        }
        let (attempts, first) = control.tries.so_far(at)?;
        let since_first = self.state.elapsed().saturating_sub(first);
        let pause = retry.pause(attempts, since_first, fastrand::f64())?;
        wants(retry, failure).then_some((attempts, pause))
    }

    /// Keeps a failure after which another attempt will be made.
    pub(in crate::runner) fn keep_failure(&self, at: NodeIndex, failure: NodeFailure) {
        if let Some(control) = &self.control {
            control.tries.failed(at, failure);
        }
    }

    /// Notes that the attempt at node `at` was none: the node has to wait.
    pub(in crate::runner) fn take_back(&self, at: NodeIndex) {
        if let Some(control) = &self.control {
            control.tries.take_back(at);
        }
    }

    /// Puts what another attempt at the node has read into `values`, and tells of it;
    /// `false` where none has come so far.
    pub(in crate::runner) fn read_again(
        &self,
        turn: Turn<'_>,
        values: &mut Vec<Value>,
    ) -> Result<bool, FailureKind> {
        let Some(control) = &self.control else { return Ok(false) };
        let is_last = !self.may_try_again(turn.at);
        let inputs = turn.in_time(|| control.tries.inputs(turn.at, is_last))?;
        let Some(inputs) = inputs else { return Ok(false) };
        values.extend(inputs);
        self.told_inputs_again(turn, values)?;
        Ok(true)
    }

    /// Keeps what node `at` has read for another attempt, if there may be one.
    pub(in crate::runner) fn keep_inputs(&self, at: NodeIndex, values: &[Value]) {
        if let Some(control) = &self.control
            && self.may_try_again(at)
        {
            control.tries.keep_inputs(at, values);
        }
    }

    /// Node `at` is tried no more.
    pub(in crate::runner) fn end_tries(&self, at: NodeIndex) {
        if let Some(control) = &self.control
            && let Some(inputs) = control.tries.end(at)
        {
            drop_clean(inputs);
        }
    }

    /// Ends what the control has set up, and the nodes that waited for another
    /// attempt: with the last one's failure, unless the run was called off.
    pub(in crate::runner) fn end_control(&self, control: &Control) -> HashMap<NodeIndex, Tried> {
        control.end();
        let mut tries = control.tries.take();
        // Kept for an attempt that will not be.
        tries.values_mut().for_each(|tried| drop_clean(tried.inputs.take()));
        tries.retain(|_, tried| !tried.failures.is_empty());
        for (at, tried) in tries.iter_mut().filter(|(_, tried)| tried.is_pausing) {
            let state = &self.state.nodes[*at as usize];
            if control.is_cancelled() {
                self.tell_given_up(*at, tried.attempts, None);
                state.end(Stage::Cancelled);
            } else if let Some(last) = tried.failures.pop() {
                self.tell_given_up(*at, tried.attempts, Some(&last));
                self.state.failures.lock().push((*at, last));
                state.end(Stage::Failed);
            }
        }
        tries
    }

    /// Whether the node gave up because the run was called off.
    pub(in crate::runner) fn gave_up(&self, kind: &FailureKind) -> bool {
        if !self.is_called_off() {
            return false;
        }
        let FailureKind::Error(error) = kind else { return false };
        // No deeper than that: an error may be its own cause.
        const DEEPEST: usize = 64;
        let first: &(dyn std::error::Error + 'static) = &**error;
        let causes = std::iter::successors(Some(first), |&error| error.source());
        causes.take(DEEPEST).any(|error| error.is::<Cancelled>())
    }
}

/// Whether `retry` wants another attempt after `failure`. A predicate that panics
/// does not.
fn wants(retry: &Retry, failure: &NodeFailure) -> bool {
    let mut wants = false;
    quietly(|| {
        wants = match &failure.kind {
            FailureKind::Error(error) => retry.wants(Failure::Error(&**error)),
            FailureKind::Load(error) | FailureKind::Save(error) | FailureKind::Confirm(error) => {
                retry.wants(Failure::Error(error))
            }
            FailureKind::Hook(error) => retry.wants(Failure::Error(error)),
            FailureKind::Panic { .. } => retry.wants(Failure::Panic),
            // Whether a process can be had, or has died of the node, is no error of
            // the node's that a predicate could be shown.
            FailureKind::Died { .. } => retry.wants(Failure::Panic),
            FailureKind::Timeout(_) => retry.wants(Failure::Timeout),
        }
    });
    wants
}
