//! From a pipeline, a catalog and options to a run that can begin.

use std::sync::Arc;

use super::bindings::Bindings;
use super::check::check;
use super::context::{Loggers, RunContext};
use super::error::RunError;
use super::events::{Told, Who};
use super::execute::Run;
use super::hooks::{Changes, RunHooks};
use super::options::RunOptions;
use super::plan::Narrowed;
use super::progress::Progress;
use super::state::RunState;
use super::versions::{self, Versions};
use crate::catalog::Catalog;
use crate::context::{PropagationError, RunId, RunLogger};
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

/// What a run is asked for, and by whom.
pub(super) struct Asked<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) catalog: &'a Catalog,
    pub(super) options: &'a RunOptions,
    pub(super) run_id: RunId,
    pub(super) context: Result<RunContext, PropagationError>,
    pub(super) told: Option<Box<Told>>,
    pub(super) who: Who,
}

/// Makes a run that can begin, of what `bind` makes of the changes by its hooks, and
/// what `set_up` adds to that; hooks and listeners are told that it does. Where the
/// propagation was refused hooks have no context in which they could be told of
/// anything.
pub(super) fn begin(
    asked: Asked<'_>,
    bind: impl FnOnce(Option<&Changes>, Option<&PropagationError>) -> Result<Bindings, RunError>,
    set_up: impl FnOnce(&mut Run) -> Result<(), RunError>,
) -> Result<Run, RunError> {
    crate::executor::watch_panics();
    let Asked { pipeline, catalog, options, run_id, context, mut told, who } = asked;
    let begun = match context {
        Ok(context) => {
            with_hooks(pipeline, catalog, options, &run_id, &context, |changes| bind(changes, None))
                .map(|(bound, hooks)| prepare(bound, options, run_id, context, hooks))
        }
        Err(refused) => Err(bind(None, Some(&refused))
            .err()
            .unwrap_or_else(|| RunError::refused(vec![refused.to_string()]))),
    };
    let begun = begun.and_then(|mut run| {
        run.told = told.take();
        let set_up = set_up(&mut run).and_then(|()| run.tell_begin(pipeline, catalog, who));
        match set_up {
            Ok(()) => Ok(run),
            Err(error) => {
                told = run.told.take();
                Err(RunHooks::fail(run.hooks.as_deref(), &run.context, error))
            }
        }
    });
    if let (Err(error), Some(told)) = (&begun, &told) {
        told.tell_refused(error);
    }
    begun
}

/// What `bind` makes of the changes by the hooks, which are told of what comes of it.
fn with_hooks(
    pipeline: &Pipeline,
    catalog: &Catalog,
    options: &RunOptions,
    run_id: &RunId,
    context: &RunContext,
    bind: impl FnOnce(Option<&Changes>) -> Result<Bindings, RunError>,
) -> Result<(Bindings, Option<RunHooks>), RunError> {
    let begun = (!options.hooks.is_empty())
        .then(|| RunHooks::begin(&options.hooks, context, run_id, pipeline, catalog))
        .transpose()?;
    let (mut hooks, changes) = begun.unzip();
    match bind(changes.as_ref()) {
        Ok(bound) => {
            if let Some(hooks) = &mut hooks {
                hooks.bind(&bound.pipeline);
            }
            Ok((bound, hooks))
        }
        Err(error) => Err(RunHooks::fail(hooks.as_ref(), context, error)),
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
    let (told, control) = (None, None);
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
        told,
        control,
    }
}

/// Who is told of the run, and where its messages go: to whom the options name, and
/// to the listeners' loggers.
pub(super) fn listeners(options: &RunOptions, run_id: &RunId) -> (Option<Box<Told>>, Loggers) {
    let told = Told::new(options.listeners.of_run(run_id));
    let theirs = told.iter().flat_map(|told| told.loggers());
    let (shown, filed): (Vec<_>, Vec<_>) = theirs.partition(|(_, only_shows)| *only_shows);
    let [shown, filed] = [shown, filed].map(|some| some.into_iter().map(|(logger, _)| logger));
    let filed = options.run_logger.clone().into_iter().chain(filed);
    (told, Loggers { filed: RunLogger::all(filed), shown: RunLogger::all(shown) })
}

/// The run's id: the one it was given, or one made up.
pub(super) fn run_id(options: &RunOptions) -> RunId {
    let made_up = || RunId::from(uuid::Uuid::now_v7().to_string());
    options.run_id.clone().unwrap_or_else(made_up)
}
