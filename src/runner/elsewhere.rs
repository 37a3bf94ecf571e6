//! Nodes that run somewhere else, where their data are, too.

use std::time::Duration;

use super::control::CancelToken;
use super::error::FailureKind;
use super::events::Moved;
use super::execute::Run;
use super::hooks::HookError;
use super::turn::Turn;
use crate::catalog::Value;
use crate::pipeline::{DatasetIndex, NodeIndex};

/// Another place for the nodes of a run. Here is then only what stands for their
/// data.
pub(super) trait Elsewhere: Send + Sync {
    /// Runs node `at`, loads, saves and hooks included.
    fn call(
        &self,
        at: NodeIndex,
        until: Until<'_>,
        aside: &mut Aside<'_>,
    ) -> Result<Called, FailureKind>;
}

/// What is told of a node beside what it comes to.
pub(super) struct Aside<'a> {
    /// What hooks did wrong there that were told of its failure.
    pub(super) besides: Vec<HookError>,
    /// Takes each load and save as soon as it is over; `None` where nobody is told.
    pub(super) moved: Option<&'a mut dyn FnMut(MovedThere)>,
}

/// A load or a save that is over.
pub(super) struct MovedThere {
    pub(super) is_load: bool,
    pub(super) dataset: DatasetIndex,
    pub(super) took: Duration,
    pub(super) moved: Result<Moved, String>,
}

/// Which attempt it is, and who may call it off: nobody where the run is told nothing
/// but to run.
#[derive(Clone, Copy)]
pub(super) struct Until<'a> {
    /// The run's token.
    pub(super) run: Option<&'a CancelToken>,
    /// That of an attempt which may take only so long.
    pub(super) attempt: Option<&'a CancelToken>,
    /// Which attempt it is, where there may be several.
    pub(super) number: Option<u32>,
}

/// What a node has come to elsewhere.
pub(super) struct Called {
    /// What is to be kept of each of its outputs.
    pub(super) outputs: Vec<Value>,
    /// How many records they are.
    pub(super) rows: Option<usize>,
}

impl Run {
    /// One attempt at a node that runs elsewhere.
    pub(super) fn call_elsewhere(
        &self,
        turn: Turn<'_>,
        elsewhere: &dyn Elsewhere,
        outputs: &mut Vec<Value>,
    ) -> Result<Option<usize>, FailureKind> {
        let until = Until {
            run: self.control.as_ref().map(|control| &control.token),
            attempt: turn.lease.map(|lease| &lease.token),
            number: turn.number,
        };
        let began = self.state.elapsed();
        let mut tell = |moved| self.tell_moved_there(turn, began, moved);
        let moved = self.told.is_some().then_some(&mut tell as &mut dyn FnMut(_));
        let mut aside = Aside { besides: Vec::new(), moved };
        let called = elsewhere.call(turn.at, until, &mut aside);
        let besides = aside.besides;
        self.keep_besides(turn.at, besides);
        let called = called?;
        *outputs = called.outputs;
        Ok(called.rows)
    }
}
