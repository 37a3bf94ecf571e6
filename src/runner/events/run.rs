//! How a run tells its beginning and its end.

use std::borrow::Cow;
use std::time::SystemTime;

use super::event::{EventKind, NodeRef, ResumeFrom, RunEnd, RunEnded, RunStarted};
use super::told::Told;
use crate::catalog::Catalog;
use crate::context::RunId;
use crate::pipeline::{NodeIndex, Pipeline};
use crate::runner::bindings::Bindings;
use crate::runner::execute::Run;
use crate::runner::plan::Narrowed;
use crate::runner::{RunError, RunReport};

/// Who runs it.
#[derive(Clone, Copy)]
pub(in crate::runner) struct Who {
    pub(in crate::runner) runner: &'static str,
    pub(in crate::runner) workers: usize,
}

impl Run {
    /// Tells that the run begins, if no listener has anything against it.
    pub(in crate::runner) fn tell_begin(
        &mut self,
        pipeline: &Pipeline,
        catalog: &Catalog,
        who: Who,
    ) -> Result<(), RunError> {
        let Some(told) = &mut self.told else { return Ok(()) };
        let places = self.bound.narrowed.as_deref().map(Narrowed::places);
        if let Some(whole) = &places {
            let runs = (0..).zip(&whole.places).filter(|(_, place)| place.is_some());
            told.set_places(runs.map(|(at, _)| at).collect::<Box<[NodeIndex]>>());
        }
        let problems = told.begin(pipeline);
        if !problems.is_empty() {
            return Err(RunError::refused(problems));
        }
        // What the listeners needed to begin is no time of a node's.
        self.state.begin_now();
        let started = started(&self.bound, pipeline, catalog, &self.run_id, who);
        told.tell(self.state.elapsed(), EventKind::RunStarted(Box::new(started)));
        let Some(whole) = &places else { return Ok(()) };
        for (index, place) in (0..).zip(&whole.places) {
            if place.is_none() {
                let name = Cow::Borrowed(pipeline.name_of(index));
                let node = NodeRef { name, index };
                told.tell(self.state.elapsed(), EventKind::NodeUpToDate { node });
            }
        }
        Ok(())
    }

    /// Tells the end, and before it what became of the nodes that could not run.
    pub(in crate::runner) fn tell_end(&self, outcome: &Result<RunReport, RunError>) {
        let Some(told) = &self.told else { return };
        let report = outcome.as_ref().map_or_else(RunError::report, Some);
        if let Some(report) = report {
            let mut skipped: Vec<_> = report.skipped.iter().collect();
            skipped.sort();
            for (at, by) in skipped {
                let [node, by] = [at, by].map(|at| told.node(&self.bound.pipeline, *at));
                told.tell(self.state.elapsed(), EventKind::NodeSkipped { node, by });
            }
        }
        let took = report.map_or_else(|| self.state.elapsed(), RunReport::took);
        let ended = RunEnded { took, ..ended(outcome.as_ref().err()) };
        told.tell_end(self.state.elapsed(), ended);
    }
}

impl Told {
    /// Tells of a run that does not begin.
    pub(in crate::runner) fn tell_refused(&self, error: &RunError) {
        self.tell_end(std::time::Duration::ZERO, ended(Some(error)));
    }
}

fn started<'a>(
    bound: &'a Bindings,
    pipeline: &'a Pipeline,
    catalog: &Catalog,
    run_id: &'a RunId,
    who: Who,
) -> RunStarted<'a> {
    let versions = &bound.versions;
    let loads = versions.loads.iter();
    let parameter = |dataset| {
        let slot = pipeline.slot(dataset);
        if !slot.is_parameter() {
            return None;
        }
        let value = catalog.entry(slot.name)?.as_json()?.to_string();
        Some((Cow::Borrowed(slot.name), Cow::Owned(value)))
    };
    RunStarted {
        run_id: Cow::Borrowed(run_id.as_str()),
        started: SystemTime::now(),
        runner: Cow::Borrowed(who.runner),
        workers: who.workers.try_into().unwrap_or(u32::MAX),
        nodes: pipeline.len().try_into().unwrap_or(u32::MAX),
        save_version: Cow::Borrowed(versions.save.as_str()),
        load_versions: loads
            .map(|(name, version)| (Cow::Borrowed(&**name), Cow::Borrowed(version.as_str())))
            .collect(),
        parameters: pipeline.dataset_indices().filter_map(parameter).collect(),
    }
}

fn ended(error: Option<&RunError>) -> RunEnded<'_> {
    let end = match error {
        None => RunEnd::Done,
        Some(error) if error.is_refused() => RunEnd::Refused,
        Some(error) if error.is_cancelled() => RunEnd::Cancelled,
        Some(_) => RunEnd::Failed,
    };
    let resume = error.and_then(RunError::resume).map(|resume| ResumeFrom {
        nodes: resume.nodes().to_vec(),
        from_nodes: resume.from_nodes().to_vec(),
        is_exact: resume.is_exact(),
        is_whole: resume.is_whole(),
    });
    RunEnded {
        end,
        took: std::time::Duration::ZERO,
        error: error.map(|error| Cow::Owned(super::tell::in_words(error))),
        problems: error
            .into_iter()
            .flat_map(RunError::problems)
            .map(|problem| Cow::Borrowed(&**problem))
            .collect(),
        resume,
    }
}
