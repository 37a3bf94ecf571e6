//! What hooks are told of the run.

use super::setup::RunSetup;
use crate::catalog::Catalog;
use crate::context::RunId;
use crate::pipeline::Pipeline;
use crate::runner::{RunError, RunReport};

/// A run, as its hooks are told of it.
#[derive(Clone, Copy, Debug)]
pub struct PipelineRun<'a> {
    run_id: &'a RunId,
    pipeline: &'a Pipeline,
    catalog: &'a Catalog,
}

impl<'a> PipelineRun<'a> {
    pub(in crate::runner) fn new(
        run_id: &'a RunId,
        pipeline: &'a Pipeline,
        catalog: &'a Catalog,
    ) -> Self {
        Self { run_id, pipeline, catalog }
    }

    /// The run's id.
    pub fn run_id(&self) -> &'a RunId {
        self.run_id
    }

    /// What is run.
    pub fn pipeline(&self) -> &'a Pipeline {
        self.pipeline
    }

    /// What it was given to read from and write to, without what hooks changed.
    pub fn catalog(&self) -> &'a Catalog {
        self.catalog
    }
}

/// The run has its catalog.
#[derive(Debug)]
#[non_exhaustive]
pub struct AfterCatalogCreated<'a> {
    /// The run.
    pub run: PipelineRun<'a>,
    /// What its datasets are bound to, in this run alone.
    pub setup: RunSetup<'a>,
}

/// The run is about to begin.
#[derive(Debug)]
#[non_exhaustive]
pub struct BeforePipelineRun<'a> {
    /// The run.
    pub run: PipelineRun<'a>,
    /// What its datasets are bound to, in this run alone.
    pub setup: RunSetup<'a>,
}

/// The run is over, and every node of it is done.
#[derive(Debug)]
#[non_exhaustive]
pub struct AfterPipelineRun<'a> {
    /// The run.
    pub run: PipelineRun<'a>,
    /// How it went, and what came out.
    pub report: &'a RunReport,
}

/// The run is over without having come to its end.
#[derive(Debug)]
#[non_exhaustive]
pub struct OnPipelineError<'a> {
    /// The run.
    pub run: PipelineRun<'a>,
    /// Why; with every node's fate, if the first was begun.
    pub error: &'a RunError,
}
