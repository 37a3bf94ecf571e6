//! From a pipeline, a catalog and options to a run that can begin.

use std::sync::Arc;

use super::bindings::Bindings;
use super::check::check;
use super::context::RunContext;
use super::error::RunError;
use super::execute::Run;
use super::hooks::{Changes, RunHooks};
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
    changes: Option<&Changes>,
    refused: Option<&PropagationError>,
) -> Result<Bindings, RunError> {
    let (bound, problems) = examined(pipeline, catalog, options, changes, refused);
    if problems.is_empty() { Ok(bound) } else { Err(RunError::refused(problems)) }
}

/// As [`checked`], for who has more to find wrong.
pub(super) fn examined(
    pipeline: &Pipeline,
    catalog: &Catalog,
    options: &RunOptions,
    changes: Option<&Changes>,
    refused: Option<&PropagationError>,
) -> (Bindings, Vec<String>) {
    let mut problems = Vec::new();
    let versions = Versions::of(options, &mut problems);
    let mut bound = Bindings::new(pipeline, catalog, versions.clone(), changes);
    if options.only_missing {
        match Narrowed::new(bound) {
            Ok(narrowed) => {
                bound = Bindings::new(&narrowed.part(), catalog, versions, changes);
                bound.narrowed = Some(Box::new(narrowed));
            }
            Err(unknown) => {
                problems.extend(unknown);
                bound = Bindings::new(pipeline, catalog, versions, changes);
            }
        }
    }
    problems.extend(check(&mut bound, catalog, options.deny_unused));
    versions::check(&bound, catalog, &mut problems);
    problems.extend(options.controls.problems(pipeline));
    problems.extend(refused.map(ToString::to_string));
    (bound, problems)
}

/// Makes a run that can begin, of what `bind` makes of the changes by its hooks;
/// these are told that it does. Where the propagation was refused they have no
/// context in which they could be told of anything.
pub(super) fn begin(
    pipeline: &Pipeline,
    catalog: &Catalog,
    options: &RunOptions,
    run_id: RunId,
    context: Result<RunContext, PropagationError>,
    bind: impl FnOnce(Option<&Changes>, Option<&PropagationError>) -> Result<Bindings, RunError>,
) -> Result<Run, RunError> {
    crate::executor::watch_panics();
    let context = match context {
        Ok(context) => context,
        Err(refused) => {
            let error = bind(None, Some(&refused)).err();
            return Err(error.unwrap_or_else(|| RunError::refused(vec![refused.to_string()])));
        }
    };
    let begun = (!options.hooks.is_empty())
        .then(|| RunHooks::begin(&options.hooks, &context, &run_id, pipeline, catalog))
        .transpose()?;
    let (mut hooks, changes) = begun.unzip();
    match bind(changes.as_ref(), None) {
        Ok(bound) => {
            if let Some(hooks) = &mut hooks {
                hooks.bind(&bound.pipeline);
            }
            Ok(prepare(bound, options, run_id, context, hooks))
        }
        Err(error) => Err(RunHooks::fail(hooks.as_ref(), &context, error)),
    }
}

/// Makes a run that can begin, and tells nobody.
pub(super) fn prepare(
    bound: Bindings,
    options: &RunOptions,
    run_id: RunId,
    context: RunContext,
    hooks: Option<RunHooks>,
) -> Run {
    crate::executor::watch_panics();
    let (state, progress) = (RunState::new(&bound), Arc::new(Progress::new()));
    let (keep_going, hooks) = (options.keep_going, hooks.map(Arc::new));
    let (elsewhere, is_part, attempt) = (None, false, None);
    let control = None;
    Run {
        bound,
        state,
        progress,
        context,
        run_id,
        keep_going,
        elsewhere,
        is_part,
        attempt,
        hooks,
        control,
    }
}

/// The run's id: the one it was given, or one made up.
pub(super) fn run_id(options: &RunOptions) -> RunId {
    let made_up = || RunId::from(uuid::Uuid::now_v7().to_string());
    options.run_id.clone().unwrap_or_else(made_up)
}
