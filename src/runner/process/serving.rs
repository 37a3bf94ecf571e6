//! The line at the top of `main`.

use std::fmt;

use super::super::hooks::{HookSet, Hooks};
use crate::catalog::Catalog;
use crate::context::Wire;
use crate::pipeline::Pipeline;

/// What a program serves if it is started as a worker of a
/// [`ProcessRunner`](crate::ProcessRunner); made by [`serve_worker`].
#[must_use = "nothing is served until `if_asked` is called"]
pub struct ServeWorker {
    offers: Vec<(Pipeline, Catalog)>,
    wire: Option<Wire>,
    hooks: HookSet,
}

/// Lets this program be started as a worker of a
/// [`ProcessRunner`](crate::ProcessRunner), which runs it again with the same
/// arguments. For the top of `main`: after what every process needs (the
/// subscriber that logs, the arguments, the pipeline and the catalog), before
/// anything that is to happen once.
///
/// ```no_run
/// use entourage::{Catalog, Data, Pipeline, ProcessRunner, RunOptions, node, serve_worker};
///
/// const WORDS: Data<[String]> = Data::records("words");
/// const LONGEST: Data<str> = Data::text("longest");
///
/// fn longest(words: &[String]) -> Option<String> { words.iter().max_by_key(|w| w.len()).cloned() }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let longest = |words: &[String]| longest(words).ok_or("no words");
///     let pipeline = Pipeline::new([node(longest).reads(WORDS).writes(LONGEST).named("longest")])?;
///     let catalog = Catalog::from_yaml_file("catalog.yml")?;
///     serve_worker(&pipeline, &catalog).if_asked();
///
///     let runner = ProcessRunner::builder().workers(4).build()?;
///     runner.run(&pipeline, &catalog, RunOptions::new())?;
///     Ok(())
/// }
/// ```
///
/// The worker has to come to the same pipeline and the same catalog. Whether the
/// pipeline is the same is checked; of the catalog the parameters are the run's, and the
/// rest is taken on trust. What is
/// registered there as memory, each worker has for itself.
pub fn serve_worker(pipeline: &Pipeline, catalog: &Catalog) -> ServeWorker {
    let offers = vec![(pipeline.clone(), catalog.clone())];
    ServeWorker { offers, wire: None, hooks: HookSet::default() }
}

impl ServeWorker {
    /// Serves another pipeline, too: a program that runs several names them all.
    /// One that was cut out of another need not be named.
    pub fn and(mut self, pipeline: &Pipeline, catalog: &Catalog) -> Self {
        self.offers.push((pipeline.clone(), catalog.clone()));
        self
    }

    /// What of the caller's context comes along: the same as the
    /// [runner's](crate::ProcessRunnerBuilder::wire).
    pub fn wire(self, wire: &Wire) -> Self {
        Self { wire: Some(wire.clone()), ..self }
    }

    /// Has these told of the nodes that run in this worker: of loads, saves, the
    /// function and its failure. Given several times, the last one is called first.
    ///
    /// The hooks of the [options](crate::RunOptions::hooks) stay in the parent, and
    /// are told there of the run, and of a node whose process died. A program gives
    /// the same to both, and has as many values of them as processes.
    pub fn hooks(mut self, hooks: impl Hooks) -> Self {
        self.hooks.push(hooks);
        self
    }

    /// In a process that a [`ProcessRunner`](crate::ProcessRunner) has started as
    /// a worker, serves and never returns: the process ends with its parent, or
    /// when that lets go of it. In every other returns at once.
    ///
    /// Nodes run on the calling thread, one after the other. What they write to
    /// standard output and standard error goes where the parent's goes; standard
    /// input is empty.
    pub fn if_asked(self) {
        #[cfg(unix)]
        {
            use super::serve::{Offer, serve_if_asked};
            let hooks = self.hooks;
            let offer = |(pipeline, catalog)| Offer { pipeline, catalog, hooks: hooks.clone() };
            serve_if_asked(
                self.offers.into_iter().map(offer).collect(),
                wire_or_default(self.wire),
            );
        }
    }
}

/// The wire of those who name none: a trace's place, and its baggage.
#[cfg(unix)]
pub(super) fn wire_or_default(wire: Option<Wire>) -> Wire {
    let default = || Wire::builder().trace_context().baggage().build();
    wire.unwrap_or_else(|| default().unwrap_or_else(|error| unreachable!("{error}")))
}

impl fmt::Debug for ServeWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeWorker")
            .field("pipelines", &self.offers.len())
            .field("wire", &self.wire)
            .finish()
    }
}
