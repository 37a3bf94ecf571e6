//! One node, from the moment it may start to what its end makes of others.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::bindings::Bindings;
use super::context::RunContext;
use super::control::Control;
use super::elsewhere::Elsewhere;
use super::error::{FailureKind, NodeFailure};
use super::events::{FailureCause, Told};
use super::hooks::RunHooks;
use super::progress::Progress;
use super::state::{RunState, Stage};
use super::turn::Turn;
use crate::catalog::Value;
use crate::context::{Context, RunId, drop_clean, swallow};
use crate::pipeline::{DatasetIndex, NodeIndex};

/// One execution of a pipeline. It owns all that a node of it may come to touch,
/// and borrows nothing.
pub(super) struct Run {
    pub(super) bound: Bindings,
    pub(super) state: RunState,
    /// Outlives the run for as long as a ticket of it does.
    pub(super) progress: Arc<Progress>,
    pub(super) context: RunContext,
    pub(super) run_id: RunId,
    pub(super) keep_going: bool,
    /// Where the nodes run, if it is not here.
    pub(super) elsewhere: Option<Box<dyn Elsewhere>>,
    /// Whether it is part of a run elsewhere, which tells how its nodes end.
    pub(super) is_part: bool,
    /// Which attempt it is as such a part, where there may be several.
    pub(super) attempt: Option<u32>,
    /// `None` where there are none.
    pub(super) hooks: Option<Arc<RunHooks>>,
    /// `None` where nobody listens.
    pub(super) told: Option<Box<Told>>,
    /// `None` where the run is told nothing but to run.
    pub(super) control: Option<Box<Control>>,
}

/// How far a node came within the current attempt.
pub(super) enum Attempt {
    Done,
    Failed(NodeFailure),
    /// It failed, and is to be tried again after a pause.
    Again(Again),
    /// It gave up because the run was called off.
    Cancelled,
    /// It took too long; what came of it is not to be seen.
    Late,
    /// It will be started again.
    Waiting,
    /// It cannot run, for want of this input, which another node failed to load.
    Blocked(DatasetIndex),
}

/// What is known of an attempt after which there will be another.
pub(super) struct Again {
    pub(super) pause: Duration,
    /// Where somebody is told.
    pub(super) cause: Option<Box<FailureCause>>,
}

/// What one thread uses again for node after node.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) inputs: Vec<Value>,
    pub(super) outputs: Vec<Value>,
    /// The context of the last node, to be made that of the next.
    pub(super) context: Option<Context>,
    /// The nodes that can be started since the last one is done.
    pub(super) ready: Vec<NodeIndex>,
    /// The pause before the node is to be tried again, if it is.
    pub(super) again: Option<Duration>,
    /// Whether somebody else has ended the node meanwhile.
    pub(super) is_lost: bool,
}

impl Run {
    /// The nodes that wait for nothing. All are found before the first is
    /// started: from then on others become ready, which are started for that.
    pub(super) fn roots(&self) -> Vec<NodeIndex> {
        let all = self.bound.pipeline.node_indices();
        all.filter(|at| self.state.nodes[*at as usize].is_ready()).collect()
    }

    /// Starts no further node.
    pub(super) fn stop(&self) {
        self.state.stop();
        self.progress.stop();
    }

    /// Runs node `at` from `began` on, and says when it ended. The nodes that
    /// waited for what it loads are passed to `wake` at once, those that can be
    /// started because it is done put into `scratch`. Never panics, whatever the
    /// node, its data or its context do.
    pub(super) fn execute(
        self: &Arc<Self>,
        at: NodeIndex,
        began: Duration,
        scratch: &mut Scratch,
        wake: &dyn Fn(NodeIndex),
    ) -> Duration {
        if self.state.is_stopped() {
            return began;
        }
        if let Some(control) = &self.control {
            return self.execute_told(at, control, began, scratch, wake);
        }
        self.tell_started(at, self.attempt, began);
        let name = self.bound.pipeline.name_of(at);
        // Once inside the node's context, so that its panic is filed there, and
        // once around it, for the panics of what the caller's context consists of.
        let mut context = scratch.context.take();
        let turn = Turn { at, number: self.attempt, lease: None };
        let attempt = self.entered(turn, |attempt| {
            let mut node = || self.caught(turn, || self.attempt(turn, scratch, wake));
            self.context.enter(name, &mut context, || *attempt = Some(node()));
        });
        scratch.context = context;
        self.settle(at, attempt, began, scratch)
    }

    /// What an attempt at node `at` makes of the node and of others; when it ended.
    #[inline]
    pub(super) fn settle(
        &self,
        at: NodeIndex,
        attempt: Attempt,
        began: Duration,
        scratch: &mut Scratch,
    ) -> Duration {
        let ended = self.state.elapsed();
        let mut cause = None;
        let stage = match attempt {
            Attempt::Done => Stage::Done,
            Attempt::Failed(failure) => {
                cause = self.cause(&failure);
                self.state.failures.lock().push((at, failure));
                Stage::Failed
            }
            Attempt::Cancelled => Stage::Cancelled,
            Attempt::Again(again) => {
                let pause = again.pause;
                self.tell_retried(at, again, began, ended);
                self.state.nodes[at as usize].set_ready(ended + pause);
                scratch.again = Some(pause);
                return ended;
            }
            Attempt::Waiting | Attempt::Late => return ended,
            Attempt::Blocked(dataset) => {
                self.tell_given_back(at, self.tries_of(at), dataset);
                self.take_back(at);
                self.abandon(at);
                return ended;
            }
        };
        self.state.nodes[at as usize].finish(stage, began, ended);
        self.tell_ended(at, stage, cause, began, ended);
        if self.control.is_some() {
            self.end_tries(at);
        }
        match stage {
            Stage::Done => self.release_dependents(at, ended, &mut scratch.ready),
            Stage::Cancelled => self.cancel(),
            _ if self.keep_going => self.abandon(at),
            _ => self.stop(),
        }
        ended
    }

    /// Makes a panic of `f` the node's failure.
    pub(super) fn caught(&self, turn: Turn<'_>, f: impl FnOnce() -> Attempt) -> Attempt {
        catch_unwind(AssertUnwindSafe(f))
            .unwrap_or_else(|payload| self.failed(turn, FailureKind::panic(payload), &[]))
    }

    /// What `enter` puts down, which comes from inside of a context; where the
    /// context itself panics, that is the node's failure, unless it failed inside, or
    /// will be started again and may have been already.
    pub(super) fn entered(
        &self,
        turn: Turn<'_>,
        enter: impl FnOnce(&mut Option<Attempt>),
    ) -> Attempt {
        let mut attempt = None;
        match (catch_unwind(AssertUnwindSafe(|| enter(&mut attempt))), attempt) {
            (Ok(()), Some(attempt)) => attempt,
            (
                entered,
                Some(
                    ended @ (Attempt::Failed(_)
                    | Attempt::Again(_)
                    | Attempt::Late
                    | Attempt::Waiting),
                ),
            ) => {
                swallow(entered);
                ended
            }
            (Err(payload), _) => self.failed(turn, FailureKind::panic(payload), &[]),
            (Ok(()), None) => unreachable!("a context was entered and nothing was run in it"),
        }
    }

    /// Tells of a failure, in the context that is current. What the node's function
    /// has, or had, is in `inputs`.
    pub(super) fn failed(&self, turn: Turn<'_>, kind: FailureKind, inputs: &[Value]) -> Attempt {
        if !turn.close() {
            return Attempt::Late;
        }
        let at = turn.at;
        if self.gave_up(&kind) {
            if !self.is_part {
                tracing::warn!(target: "entourage::run::node", "node cancelled");
            }
            return Attempt::Cancelled;
        }
        let mut failure = NodeFailure::new(&self.bound.pipeline, at, kind);
        if let Some((attempt, pause)) = self.pause_after(at, &failure) {
            tracing::warn!(
                target: "entourage::run::node", attempt, "{failure}; to be tried again in {pause:.1?}"
            );
            self.told_failure(turn, inputs, &mut failure);
            let cause = self.cause(&failure);
            self.keep_failure(at, failure);
            return Attempt::Again(Again { pause, cause });
        }
        if !self.is_part {
            tracing::error!(target: "entourage::run::node", "{failure}");
        }
        self.told_failure(turn, inputs, &mut failure);
        Attempt::Failed(failure)
    }

    fn release_dependents(&self, at: NodeIndex, now: Duration, ready: &mut Vec<NodeIndex>) {
        for &dependent in self.bound.pipeline.dependents(at) {
            let state = &self.state.nodes[dependent as usize];
            if state.producer_done() {
                state.set_ready(now);
                ready.push(dependent);
            }
        }
    }

    /// Lets go of what node `at` and all that wait for it would have read.
    #[cold]
    fn abandon(&self, at: NodeIndex) {
        self.forgo(at);
        let mut abandoned = vec![at];
        while let Some(at) = abandoned.pop() {
            let dependents = self.bound.pipeline.dependents(at);
            abandoned.extend(dependents.iter().filter(|at| self.forgo(**at)));
        }
    }

    /// Counts node `at` among those that have read; whether that is new.
    fn forgo(&self, at: NodeIndex) -> bool {
        let is_new = self.state.nodes[at as usize].reads();
        if is_new {
            for dataset in self.bound.pipeline.reads_once(at) {
                let (value, is_last) = self.state.datasets[dataset as usize].forgo();
                if let Some(value) = value {
                    drop_clean(value);
                }
                if is_last {
                    self.release(dataset);
                }
            }
        }
        is_new
    }
}
