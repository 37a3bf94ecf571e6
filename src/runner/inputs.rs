//! What a node reads: taken from its producers, or loaded, each dataset once a
//! run.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::bindings::Binding;
use super::dataset_state::Found;
use super::error::FailureKind;
use super::execute::Run;
use super::turn::Turn;
use crate::catalog::{DatasetError, Doing, Value};
use crate::pipeline::{DatasetIndex, NodeIndex};

/// What came of a node's wish for its inputs.
pub(super) enum Inputs {
    Ready,
    /// One is being loaded for another node; when it is there, this one is started
    /// again.
    Waiting,
    /// One cannot be loaded, or a hook will not have it.
    Failed(FailureKind),
    /// Another node tried to load this one of them, and failed.
    Blocked(DatasetIndex),
}

impl Run {
    /// Puts every input of a node into `values`, loading what nobody is loading yet.
    /// Nodes that waited for such a load are passed to `wake` as soon as it is over.
    pub(super) fn inputs(
        &self,
        turn: Turn<'_>,
        values: &mut Vec<Value>,
        wake: &dyn Fn(NodeIndex),
    ) -> Inputs {
        let mut ready = || {
            if self.control.is_some() && self.read_again(turn, values)? {
                return Ok(Inputs::Ready);
            }
            let loads = match self.node_hooks() {
                None => self.loads(turn, wake),
                Some(hooks) => self.told_loads(hooks, turn, wake),
            }?;
            if matches!(loads, Inputs::Ready) {
                self.read(turn, values)?;
            }
            Ok(loads)
        };
        ready().unwrap_or_else(Inputs::Failed)
    }

    /// Makes every input of a node ready to be read.
    fn loads(&self, turn: Turn<'_>, wake: &dyn Fn(NodeIndex)) -> Result<Inputs, FailureKind> {
        let reads = self.bound.pipeline.reads(turn.at);
        let loaded = reads.iter().copied().filter(|dataset| self.is_loaded(*dataset));
        for dataset in loaded.clone() {
            let state = &self.state.datasets[dataset as usize];
            if turn.in_time(|| state.claim(turn.loader()))? == Found::Nothing {
                self.load(turn, dataset, wake).map_err(FailureKind::Load)?;
            }
        }
        // All that this node can load is there or under way, so that one wait is
        // enough for each of the others.
        for dataset in loaded {
            // What was under way may have been given back.
            while let Found::Nothing = match self.claim_or_wait(turn, dataset)? {
                Found::Loading => return Ok(Inputs::Waiting),
                Found::Failed => return Ok(Inputs::Blocked(dataset)),
                found @ (Found::Nothing | Found::Value) => found,
            } {
                self.load(turn, dataset, wake).map_err(FailureKind::Load)?;
            }
        }
        Ok(Inputs::Ready)
    }

    /// Makes the caller the one to load `dataset`, if nobody has, or has its node wait
    /// for who does. Then the attempt is over, and was none, before the node can be
    /// started again, which may be at once.
    pub(super) fn claim_or_wait(
        &self,
        turn: Turn<'_>,
        dataset: DatasetIndex,
    ) -> Result<Found, FailureKind> {
        let state = &self.state.datasets[dataset as usize];
        // Told before the node can be started again, too.
        let waits = || {
            self.take_back(turn.at);
            self.tell_given_back(turn.at, turn.number, dataset);
        };
        let look = || state.claim_or_wait(turn.loader(), waits);
        let Some(lease) = turn.lease else { return Ok(look()) };
        let mut found = Found::Loading;
        lease.close_if(|| {
            found = look();
            found == Found::Loading
        })?;
        Ok(found)
    }

    /// Reads every input of a node, and keeps them for another attempt if there may be
    /// one.
    fn read(&self, turn: Turn<'_>, values: &mut Vec<Value>) -> Result<(), FailureKind> {
        if turn.lease.is_none() {
            self.read_each(turn.at, values, |dataset| self.release(dataset));
            self.keep_inputs(turn.at, values);
            return Ok(());
        }
        // In one step: what one attempt has not kept the next one reads.
        let mut released = Vec::new();
        let read = turn.in_time(|| {
            self.read_each(turn.at, values, |dataset| released.push(dataset));
            self.keep_inputs(turn.at, values);
            // Told now: later the run may be over.
            released.retain(|dataset| self.is_released(*dataset));
            released.iter().for_each(|dataset| self.tell_released(*dataset));
        });
        released.into_iter().for_each(|dataset| self.release_storage(dataset));
        read
    }

    /// Counts node `at` among those that have read, and puts every input into
    /// `values`.
    fn read_each(
        &self,
        at: NodeIndex,
        values: &mut Vec<Value>,
        mut release: impl FnMut(DatasetIndex),
    ) {
        self.state.nodes[at as usize].reads();
        let reads = self.bound.pipeline.reads(at);
        for (place, &dataset) in reads.iter().enumerate() {
            // A second mention is the same value, and no second reader.
            let value = match reads[..place].iter().position(|before| *before == dataset) {
                Some(before) => values.get(before).cloned(),
                None => {
                    let (value, is_last) = self.state.datasets[dataset as usize].read();
                    if is_last {
                        release(dataset);
                    }
                    value
                }
            };
            let Some(value) = value else {
                unreachable!("a dataset that a node has yet to read was written or loaded")
            };
            values.push(value);
        }
    }

    /// Whether the first node that wants it loads it, rather than being given it
    /// by the node that wrote it.
    pub(super) fn is_loaded(&self, dataset: DatasetIndex) -> bool {
        matches!(self.bound.bindings[dataset as usize], Binding::Bound(_))
    }

    /// Loads what the caller has made itself the one to load.
    pub(super) fn load(
        &self,
        turn: Turn<'_>,
        dataset: DatasetIndex,
        wake: &dyn Fn(NodeIndex),
    ) -> Result<(), DatasetError> {
        let load = || {
            let name = self.bound.name(dataset);
            let span = tracing::debug_span!(target: "entourage::run", "load", dataset = %name);
            span.in_scope(|| self.bound.load(dataset))
        };
        let moving = self.moving(dataset);
        // Caught, so that nobody waits for a load that panicked.
        let loaded = catch_unwind(AssertUnwindSafe(load));
        let tell = |loaded: Result<&Value, &DatasetError>, bytes| {
            self.tell_loaded(moving, turn, dataset, loaded, bytes);
        };
        let (value, outcome) = match loaded {
            Ok(Ok((value, bytes))) => {
                tell(Ok(&value), bytes);
                (Some(value), Ok(Ok(())))
            }
            Ok(Err(error)) => {
                tell(Err(&error), None);
                (None, Ok(Err(error)))
            }
            Err(payload) => {
                tell(Err(&self.panicked(dataset, Doing::Load, &payload)), None);
                (None, Err(payload))
            }
        };
        let state = &self.state.datasets[dataset as usize];
        let waiting = match value {
            // This node, or whoever wants it next, is to try again.
            None if self.may_try_again(turn.at) => state.disclaim(turn.loader()),
            value => state.loaded(turn.loader(), value),
        };
        waiting.into_iter().for_each(wake);
        outcome.unwrap_or_else(|payload| resume_unwind(payload))
    }
}
