//! From a pipeline, a catalog and options to a run that can begin.

use std::sync::Arc;

use super::bindings::Bindings;
use super::check::check;
use super::context::RunContext;
use super::error::RunError;
use super::execute::Run;
use super::options::RunOptions;
use super::plan::Narrowed;
use super::progress::Progress;
use super::state::RunState;
use super::versions::{self, Versions};
use crate::catalog::Catalog;
use crate::context::{PropagationError, RunId};
use crate::pipeline::Pipeline;

/// Binds the pipeline to the catalog, if they go together and the propagation
/// was not refused: else says everything that is wrong.
pub(super) fn checked(
    pipeline: &Pipeline,
    catalog: &Catalog,
    options: &RunOptions,
    refused: Option<&PropagationError>,
) -> Result<Bindings, RunError> {
    let (bound, problems) = examined(pipeline, catalog, options, refused);
    if problems.is_empty() { Ok(bound) } else { Err(RunError::refused(problems)) }
}

/// As [`checked`], for who has more to find wrong.
pub(super) fn examined(
    pipeline: &Pipeline,
    catalog: &Catalog,
    options: &RunOptions,
    refused: Option<&PropagationError>,
) -> (Bindings, Vec<String>) {
    let mut problems = Vec::new();
    let versions = Versions::of(options, &mut problems);
    let mut bound = Bindings::new(pipeline, catalog, versions.clone());
    if options.only_missing {
        match Narrowed::new(bound) {
            Ok(narrowed) => {
                bound = Bindings::new(&narrowed.part(), catalog, versions);
                bound.narrowed = Some(Box::new(narrowed));
            }
            Err(unknown) => {
                problems.extend(unknown);
                bound = Bindings::new(pipeline, catalog, versions);
            }
        }
    }
    problems.extend(check(&mut bound, catalog, options.deny_unused));
    versions::check(&bound, catalog, &mut problems);
    problems.extend(refused.map(ToString::to_string));
    (bound, problems)
}

/// Makes a run that can begin.
pub(super) fn prepare(
    bound: Bindings,
    options: &RunOptions,
    run_id: RunId,
    context: RunContext,
) -> Run {
    crate::executor::watch_panics();
    let state = RunState::new(&bound);
    let keep_going = options.keep_going;
    let progress = Arc::new(Progress::new());
    Run { bound, state, progress, context, run_id, keep_going, elsewhere: None, is_part: false }
}

/// The run's id: the one it was given, or one made up.
pub(super) fn run_id(options: &RunOptions) -> RunId {
    let made_up = || RunId::from(uuid::Uuid::now_v7().to_string());
    options.run_id.clone().unwrap_or_else(made_up)
}
