//! Where a run tells its hooks of a node. Each of these is one branch in a run
//! that has none.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::error::HookError;
use super::node::NodeRun;
use super::rest::Rest;
use super::running::RunHooks;
use super::values::Values;
use crate::catalog::{DatasetError, Doing, FormatError, Value};
use crate::context::Payload;
use crate::executor::message_of;
use crate::pipeline::{DatasetIndex, NodeIndex};
use crate::runner::NodeFailure;
use crate::runner::dataset_state::Found;
use crate::runner::error::FailureKind;
use crate::runner::execute::Run;
use crate::runner::inputs::Inputs;
use crate::runner::turn::Turn;

impl Run {
    /// The hooks that are told of nodes here. Of one that runs elsewhere they are
    /// told there.
    #[inline]
    pub(in crate::runner) fn node_hooks(&self) -> Option<&RunHooks> {
        let hooks = self.hooks.as_deref()?;
        self.elsewhere.is_none().then_some(hooks)
    }

    fn node_run(&self, turn: Turn<'_>) -> NodeRun<'_> {
        let attempt = turn.number.unwrap_or(1);
        NodeRun::new(&self.bound.pipeline, turn.at, &self.run_id, attempt)
    }

    /// Makes every input of a node ready to be read, one after the other, and tells of
    /// each.
    pub(in crate::runner) fn told_loads(
        &self,
        hooks: &RunHooks,
        turn: Turn<'_>,
        wake: &dyn Fn(NodeIndex),
    ) -> Result<Inputs, FailureKind> {
        let at = turn.at;
        let reads = self.bound.pipeline.reads(at);
        for (place, &dataset) in reads.iter().enumerate().skip(hooks.told(at)) {
            if reads[..place].contains(&dataset) {
                continue;
            }
            let found = match self.is_loaded(dataset) {
                true => self.claim_or_wait(turn, dataset)?,
                false => Found::Value,
            };
            match found {
                Found::Nothing => self.told_load(hooks, turn, dataset, wake)?,
                Found::Value => self.told_value(hooks, turn, dataset)?,
                Found::Loading => return Ok(Inputs::Waiting),
                Found::Failed => return Ok(Inputs::Blocked(dataset)),
            }
            // Else the next attempt may have begun to count.
            turn.in_time(|| hooks.set_told(at, place + 1))?;
        }
        Ok(Inputs::Ready)
    }

    /// Tells of the inputs of a node that another attempt at it has read.
    pub(in crate::runner) fn told_inputs_again(
        &self,
        turn: Turn<'_>,
        inputs: &[Value],
    ) -> Result<(), FailureKind> {
        let Some(hooks) = self.node_hooks() else { return Ok(()) };
        let (node, reads) = (self.node_run(turn), self.bound.pipeline.reads(turn.at));
        for (place, (&dataset, value)) in reads.iter().zip(inputs).enumerate() {
            if !reads[..place].contains(&dataset) {
                turn.check()?;
                hooks.set.before_dataset_loaded(node, dataset).map_err(FailureKind::Hook)?;
                let told = hooks.set.after_dataset_loaded(node, dataset, value);
                told.map_err(FailureKind::Hook)?;
            }
        }
        Ok(())
    }

    /// Loads a dataset that this node was the first to claim.
    fn told_load(
        &self,
        hooks: &RunHooks,
        turn: Turn<'_>,
        dataset: DatasetIndex,
        wake: &dyn Fn(NodeIndex),
    ) -> Result<(), FailureKind> {
        let node = self.node_run(turn);
        if let Err(error) = hooks.set.before_dataset_loaded(node, dataset) {
            // A failure of this node's, and of nobody else's who wants the dataset.
            let waiting = self.state.datasets[dataset as usize].disclaim(turn.loader());
            waiting.into_iter().for_each(wake);
            return Err(FailureKind::Hook(error));
        }
        let load = AssertUnwindSafe(|| self.load(turn, dataset, wake));
        let tell = |error: &DatasetError| {
            if turn.check().is_ok() {
                let errors = hooks.set.on_dataset_load_error(node, dataset, error);
                self.keep_besides(turn.at, errors);
            }
        };
        match catch_unwind(load) {
            Ok(Ok(())) => self.told_after_load(hooks, turn, dataset),
            Ok(Err(error)) => {
                tell(&error);
                Err(FailureKind::Load(error))
            }
            Err(payload) => {
                tell(&self.panicked(dataset, Doing::Load, &payload));
                resume_unwind(payload)
            }
        }
    }

    /// Tells of an input that is there already.
    fn told_value(
        &self,
        hooks: &RunHooks,
        turn: Turn<'_>,
        dataset: DatasetIndex,
    ) -> Result<(), FailureKind> {
        let node = self.node_run(turn);
        hooks.set.before_dataset_loaded(node, dataset).map_err(FailureKind::Hook)?;
        self.told_after_load(hooks, turn, dataset)
    }

    fn told_after_load(
        &self,
        hooks: &RunHooks,
        turn: Turn<'_>,
        dataset: DatasetIndex,
    ) -> Result<(), FailureKind> {
        // What came too late may have been let go of.
        turn.check()?;
        let value = self.state.datasets[dataset as usize].peek();
        if value.is_none() {
            turn.check()?;
        }
        let Some(value) = value else {
            unreachable!("a dataset that a node has yet to read was written or loaded")
        };
        let node = self.node_run(turn);
        hooks.set.after_dataset_loaded(node, dataset, &value).map_err(FailureKind::Hook)
    }

    /// Tells that a node's function is about to be called with `inputs`, which may be
    /// replaced. What comes back is to be entered.
    #[inline]
    pub(in crate::runner) fn told_inputs(
        &self,
        turn: Turn<'_>,
        inputs: &mut [Value],
    ) -> Result<Option<Rest>, FailureKind> {
        let Some(hooks) = self.node_hooks() else { return Ok(None) };
        turn.check()?;
        hooks.set.before_node_run(self.node_run(turn), inputs).map(Some).map_err(FailureKind::Hook)
    }

    /// Tells that a node's function has returned `outputs`.
    #[inline]
    pub(in crate::runner) fn told_outputs(
        &self,
        turn: Turn<'_>,
        inputs: &[Value],
        outputs: &[Value],
    ) -> Result<(), FailureKind> {
        let Some(hooks) = self.node_hooks() else { return Ok(()) };
        turn.check()?;
        let pipeline = &self.bound.pipeline;
        let inputs = Values::new(pipeline, pipeline.reads(turn.at), inputs);
        let outputs = Values::new(pipeline, pipeline.writes(turn.at), outputs);
        hooks.set.after_node_run(self.node_run(turn), inputs, outputs).map_err(FailureKind::Hook)
    }

    /// Saves one output of a node, or a chunk of it, by `save`, and tells of it.
    #[inline]
    pub(in crate::runner) fn told_save(
        &self,
        turn: Turn<'_>,
        dataset: DatasetIndex,
        value: &Value,
        save: impl FnOnce() -> Result<(), DatasetError>,
    ) -> Result<(), FailureKind> {
        match self.node_hooks() {
            None => save().map_err(FailureKind::Save),
            Some(hooks) => self.told_save_to(hooks, turn, dataset, value, save),
        }
    }

    fn told_save_to(
        &self,
        hooks: &RunHooks,
        turn: Turn<'_>,
        dataset: DatasetIndex,
        value: &Value,
        save: impl FnOnce() -> Result<(), DatasetError>,
    ) -> Result<(), FailureKind> {
        let node = self.node_run(turn);
        hooks.set.before_dataset_saved(node, dataset, value).map_err(FailureKind::Hook)?;
        let tell = |error: &DatasetError| {
            self.keep_besides(
                turn.at,
                hooks.set.on_dataset_save_error(node, dataset, value, error),
            );
        };
        match catch_unwind(AssertUnwindSafe(save)) {
            Ok(Ok(())) => {
                hooks.set.after_dataset_saved(node, dataset, value).map_err(FailureKind::Hook)
            }
            Ok(Err(error)) => {
                tell(&error);
                Err(FailureKind::Save(error))
            }
            Err(payload) => {
                tell(&self.panicked(dataset, Doing::Save, &payload));
                resume_unwind(payload)
            }
        }
    }

    /// Tells of a save that failed where nothing else of it is told.
    pub(in crate::runner) fn told_failed_save(
        &self,
        turn: Turn<'_>,
        dataset: DatasetIndex,
        value: &Value,
        error: DatasetError,
    ) -> FailureKind {
        if let Some(hooks) = self.node_hooks() {
            let node = self.node_run(turn);
            let errors = hooks.set.on_dataset_save_error(node, dataset, value, &error);
            self.keep_besides(turn.at, errors);
        }
        FailureKind::Save(error)
    }

    /// Tells that a node failed, when its function had `inputs`.
    pub(in crate::runner) fn told_failure(
        &self,
        turn: Turn<'_>,
        inputs: &[Value],
        failure: &mut NodeFailure,
    ) {
        let at = turn.at;
        failure.besides(self.take_besides(at));
        let Some(hooks) = &self.hooks else { return };
        // Of a node elsewhere hooks were told there, unless it died with them, or has
        // no more say here.
        if self.elsewhere.is_some() && !failure.is_died() && !failure.is_timeout() {
            return;
        }
        // Another attempt would be told of from the beginning.
        hooks.set_told(at, 0);
        let pipeline = &self.bound.pipeline;
        let inputs = match self.elsewhere {
            None => Values::new(pipeline, pipeline.reads(at), inputs),
            Some(_) => Values::new(pipeline, &[], &[]),
        };
        let errors = hooks.set.on_node_error(self.node_run(turn), inputs, failure);
        failure.besides(errors);
    }

    /// Keeps what hooks did wrong that were told of something of node `at` which
    /// failed.
    pub(in crate::runner) fn keep_besides(&self, at: NodeIndex, errors: Vec<HookError>) {
        if !errors.is_empty() {
            self.state.besides.lock().extend(errors.into_iter().map(|error| (at, error)));
        }
    }

    fn take_besides(&self, at: NodeIndex) -> Vec<HookError> {
        let mut besides = self.state.besides.lock();
        besides.extract_if(.., |(of, _)| *of == at).map(|(_, error)| error).collect()
    }

    /// A load's or a save's panic, as the error that its hooks are told.
    pub(in crate::runner) fn panicked(
        &self,
        dataset: DatasetIndex,
        doing: Doing,
        payload: &Payload,
    ) -> DatasetError {
        let what = FormatError::plain(format!("panicked: {}", message_of(&**payload)));
        DatasetError::new(self.bound.name(dataset), doing, None, what)
    }
}
