//! A worker's part in a run: a pipeline of one node.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::super::bindings::{Binding, Bindings};
use super::super::context::{Loggers, RunContext};
use super::super::control::{CancelToken, Cancellation};
use super::super::events::Told;
use super::super::execute::Scratch;
use super::super::hooks::RunHooks;
use super::super::options::RunOptions;
use super::super::prepare::{prepare, run_id};
use super::super::report::{Fate, RunReport};
use super::super::versions::Versions;
use super::channel::{Forward, Outgoing};
use super::failures::to_parent;
use super::held::Held;
use super::protocol::{Execute, Failure, Outcome, shortened};
use super::serve::Offer;
use super::storable;
use crate::catalog::{Catalog, Entry, FileDataset, OwnVersions, Version};
use crate::context::{Propagation, RunLogger, Snapshot, Wire};
use crate::pipeline::{NodeIndex, Pipeline};

/// Runs one node as its parent would.
pub(super) fn run(
    offer: &Offer,
    node: NodeIndex,
    execute: &Execute,
    wire: &Wire,
    outgoing: &Arc<Outgoing>,
    token: CancelToken,
    held: &mut Held,
) -> Outcome {
    let refused = |problem: String| Outcome::Failed(Failure::Refused(shortened(problem)));
    let (propagation, caller) = match &execute.context {
        None => (Propagation::off(), Snapshot::empty()),
        Some(context) => match wire.extract(context) {
            // In the worker's own subscriber, and its span.
            Ok(caller) => (Propagation::all(), caller.here(|context| context)),
            Err(error) => return refused(format!("the caller's context: {error}")),
        },
    };
    let pipeline = offer.pipeline.alone(node);
    let bound = match bound(&pipeline, &offer.catalog, execute) {
        Ok(bound) => bound,
        Err(problem) => return refused(problem),
    };
    held.hold(execute.pipeline, &bound);
    let mut options = RunOptions::new().run_id(execute.run_id.as_str()).cancel_token(token);
    let longest_text = execute.longest_text.unwrap_or_default();
    let forward = Arc::new(Forward { to: outgoing.clone(), task: execute.task, longest_text });
    if execute.longest_text.is_some() {
        options = options.run_logger(RunLogger::new(forward.clone()));
    }
    // This thread is one that somebody else has begun.
    let is_clean = false;
    let run_id = run_id(&options);
    let logger = Loggers { filed: options.run_logger.clone(), shown: None };
    let cancellation = Cancellation::new(&options.controls);
    let token = cancellation.as_ref().map(|cancellation| &cancellation.token);
    let context = RunContext::new(&propagation, is_clean, || caller, run_id.clone(), logger, token)
        .of_attempt(execute.attempt);
    let hooks = RunHooks::of_part(&offer.hooks, &run_id, &pipeline, &offer.catalog);
    let mut run = prepare(bound, &options, run_id, context, hooks);
    run.is_part = true;
    if execute.has_listener {
        run.told = Told::new(vec![forward]);
    }
    run.attempt = execute.attempt;
    if let Err(error) = run.set_control(&options.controls, cancellation) {
        return refused(error.to_string());
    }
    let run = Arc::new(run);
    run.execute(0, run.state.elapsed(), &mut Scratch::default(), &|_| ());
    match run.conclude() {
        Ok(report) => outcome(&report),
        Err(error) => error.report().map_or_else(|| refused(error.to_string()), outcome),
    }
}

fn outcome(report: &RunReport) -> Outcome {
    let Some(node) = report.nodes().next() else {
        return Outcome::Failed(Failure::Refused("a run of no node".to_owned()));
    };
    match node.fate {
        Fate::Done => Outcome::Done { rows: node.rows.map(|rows| rows as u64) },
        Fate::Cancelled | Fate::NeverStarted => Outcome::Failed(Failure::Cancelled),
        Fate::Failed(failure) => to_parent(failure),
        other => Outcome::Failed(Failure::Refused(format!("the worker: {other}"))),
    }
}

/// Binds the node to the catalog, and to the folder of the run where that binds
/// nothing.
fn bound(pipeline: &Pipeline, catalog: &Catalog, execute: &Execute) -> Result<Bindings, String> {
    let folder = PathBuf::from(OsString::from_vec(execute.folder.clone()));
    let version = |name: &str| Version::new(name).map_err(|error| error.to_string());
    let loads = execute.load_versions.iter();
    let loads = loads.map(|(name, load)| Ok((name.clone(), version(load)?)));
    let loads = loads.collect::<Result<_, String>>()?;
    let own = match execute.attempt {
        Some(2..) => OwnVersions::of_later_attempt(),
        _ => OwnVersions::default(),
    };
    let versions = Versions { save: version(&execute.save_version)?, loads, own };
    let mut bound = Bindings::new(pipeline, catalog, versions, None);
    if !bound.problems.is_empty() {
        return Err(bound.problems.join("; "));
    }
    let mut kept = Catalog::builder();
    for file in &execute.kept {
        let dataset = pipeline.dataset_indices().find(|at| bound.name(*at) == file.dataset);
        let family = dataset.and_then(|at| bound.codec(at)).map(|codec| codec.family());
        let format = family.and_then(storable::format_of);
        let format =
            format.ok_or_else(|| format!("dataset `{}` cannot be stored", file.dataset))?;
        kept = kept.file(&*file.dataset, FileDataset::new(folder.join(&file.file), format));
    }
    let kept = kept.build().map_err(|error| error.to_string())?;
    let parameters: HashMap<&str, &str> =
        execute.parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
    for dataset in pipeline.dataset_indices() {
        if let Some(value) = parameters.get(bound.name(dataset)) {
            let value = serde_json::from_str(value).map_err(|error| error.to_string())?;
            let read = Entry::parameter(value).load(&bound.access(dataset));
            bound.bindings[dataset as usize] =
                Binding::Ready(read.map_err(|error| error.to_string())?);
            continue;
        }
        let binding = match kept.entry(bound.name(dataset)) {
            Some(entry) => Binding::Bound(entry),
            None => match &bound.bindings[dataset as usize] {
                Binding::Bound(entry) if entry.is_parameter() => {
                    let read = entry.load(&bound.access(dataset));
                    Binding::Ready(read.map_err(|error| error.to_string())?)
                }
                Binding::Bound(_) | Binding::Ready(_) => continue,
                Binding::Unbound => {
                    let name = bound.name(dataset);
                    return Err(format!("dataset `{name}` is not in the worker's catalog"));
                }
            },
        };
        bound.bindings[dataset as usize] = binding;
    }
    Ok(bound)
}
