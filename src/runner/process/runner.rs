//! The runner that keeps nodes apart.

use std::fmt;

use super::super::error::RunError;
use super::super::options::RunOptions;
use super::super::report::RunReport;
use super::builder::ProcessRunnerBuilder;
use crate::catalog::Catalog;
use crate::pipeline::Pipeline;

/// Runs each node of a pipeline in a process of its own kind: this program,
/// started again as a worker.
///
/// What becomes of a node's process becomes of no other. One that aborts, exits,
/// overflows its stack, runs out of memory or is killed has failed, as
/// [`NodeFailure::is_died`](crate::NodeFailure::is_died) says; the worker is
/// replaced, and the others go on. One that is called off and does not end is
/// killed, and what it has started with it.
///
/// The program calls [`serve_worker`](crate::serve_worker) at the top of its
/// `main`. Where it does not, the run is refused.
///
/// # Data
///
/// Nodes pass each other data by storage. What a node writes is bound in the
/// catalog to something that other processes find, or, where it is bound to
/// nothing, of a family that can be stored: it is then kept in a temporary folder
/// of the run. Before the run every dataset is named that is neither: of the
/// family [`Memory`](crate::Family::Memory), or bound to what is not
/// [persistent](crate::Dataset::is_persistent), as memory is. Free outputs
/// are values of the report as in any run. What is registered as memory and only
/// read, each worker has from its own catalog.
///
/// A process runs one node after another, and is shared by them as threads of a pool
/// are: a working directory that a node changes, or a thread that it leaves behind,
/// meets the next one.
///
/// # Context propagation
///
/// A node sees what is on the [wire](ProcessRunnerBuilder::wire) of the caller's
/// context, and its run and node. What it says to the run's logger, by
/// [`logger`](crate::logger) or as an event that a `RunLogLayer` of
/// the worker's subscriber files, goes to the logger of the run, in the parent.
/// Other subscribers are each process's own.
///
/// # Events
///
/// Listeners are told in the parent, of a load or a save as soon as its worker has said
/// that it is over; the thread they are told of is the one that waits for the worker.
/// What passes through the temporary folder stands for memory, and is neither. A worker
/// loads for itself what nodes of another runner share, and again for each attempt. Of
/// what a process was at when it died nothing is told but the failure of its node.
/// A dataset is told as released when the last node that reads it was given to a worker.
///
/// # Errors of nodes
///
/// An error does not leave its process: it arrives as a
/// [`RemoteError`](crate::RemoteError), with its text and those of its causes, and
/// cannot be downcast.
#[derive(Clone)]
pub struct ProcessRunner {
    #[cfg(unix)]
    inner: std::sync::Arc<unix::Inner>,
    #[cfg(not(unix))]
    inner: std::convert::Infallible,
}

impl ProcessRunner {
    /// Sets up a runner.
    pub fn builder() -> ProcessRunnerBuilder {
        ProcessRunnerBuilder::new()
    }

    #[cfg(unix)]
    pub(super) fn new(builder: ProcessRunnerBuilder) -> Result<Self, String> {
        Ok(Self { inner: std::sync::Arc::new(unix::Inner::new(builder)?) })
    }

    #[cfg(not(unix))]
    pub(super) fn new(_: ProcessRunnerBuilder) -> Result<Self, String> {
        Err("nodes run in processes on Unix systems alone".to_owned())
    }

    /// Runs every node, and returns when all are done. Workers that were started
    /// stay, for the runner's next run.
    ///
    /// # Errors
    ///
    /// Before the first node, if pipeline, catalog and options do not go together,
    /// if a dataset cannot pass between processes, or if no worker can be started
    /// that serves the pipeline; after the last, if a node failed.
    pub fn run(
        &self,
        pipeline: &Pipeline,
        catalog: &Catalog,
        options: RunOptions,
    ) -> Result<RunReport, RunError> {
        #[cfg(unix)]
        {
            self.inner.run(pipeline, catalog, options)
        }
        #[cfg(not(unix))]
        {
            let _ = (pipeline, catalog, options);
            match self.inner {}
        }
    }
}

impl fmt::Debug for ProcessRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessRunner").finish_non_exhaustive()
    }
}

#[cfg(unix)]
mod unix {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::super::bindings::Bindings;
    use super::super::super::context::RunContext;
    use super::super::super::control::Cancellation;
    use super::super::super::events::Who;
    use super::super::super::execute::Run;
    use super::super::super::hooks::Changes;
    use super::super::super::options::RunOptions;
    use super::super::super::prepare::{Asked, begin, examined, listeners, run_id};
    use super::super::super::thread::drive;
    use super::super::launch::{Launch, Wanted};
    use super::super::remote::Remote;
    use super::super::scratch::Scratch;
    use super::super::serve::is_unserved_worker;
    use super::super::serving::wire_or_default;
    use super::super::storable;
    use super::super::workers::Workers;
    use super::{Catalog, Pipeline, ProcessRunnerBuilder, RunError, RunReport};
    use crate::context::{Propagation, PropagationError, RunId, Snapshot, Wire};
    use crate::executor::Executor;
    use crate::sync::atomic::AtomicU64;

    pub(super) struct Inner {
        /// A thread for each worker that may be, which waits for it.
        threads: Executor,
        workers: Arc<Workers>,
        wire: Wire,
        folder: Option<std::path::PathBuf>,
        grace: Duration,
    }

    impl Inner {
        pub(super) fn new(builder: ProcessRunnerBuilder) -> Result<Self, String> {
            let ProcessRunnerBuilder {
                workers,
                wire,
                memory_limit,
                greeting_timeout,
                grace,
                folder,
                command,
            } = builder;
            let mut threads = Executor::builder().thread_name("entourage-process");
            if let Some(workers) = workers {
                threads = threads.num_threads(workers);
            }
            let threads = threads.build().map_err(|error| error.to_string())?;
            let workers = Workers::new(Launch { command, memory_limit, greeting_timeout });
            let wire = wire_or_default(wire);
            Ok(Self { threads, workers: Arc::new(workers), wire, folder, grace })
        }

        pub(super) fn run(
            &self,
            pipeline: &Pipeline,
            catalog: &Catalog,
            options: RunOptions,
        ) -> Result<RunReport, RunError> {
            let propagation = options.propagation.clone().unwrap_or_default();
            let run_id = run_id(&options);
            let cancellation = Cancellation::new(&options.controls);
            let token = cancellation.as_ref().map(|cancellation| &cancellation.token);
            let (told, logger) = listeners(&options, &run_id);
            let run_context = propagation.validate().map(|()| {
                let capture = || Snapshot::capture_with(&propagation);
                RunContext::new(&propagation, true, capture, run_id.clone(), logger, token)
            });
            let mut remote = None;
            let bind = |changes: Option<&_>, refused: Option<&_>| {
                let (bound, made) =
                    self.bind(pipeline, catalog, &options, &run_id, changes, refused)?;
                remote = Some(made);
                Ok(bound)
            };
            let who = Who { runner: "process", workers: self.threads.num_threads() };
            let (options, run_id) = (&options, run_id.clone());
            let asked =
                Asked { pipeline, catalog, options, run_id, context: run_context, told, who };
            let set_up = |run: &mut Run| run.set_control(&options.controls, cancellation);
            let mut run = begin(asked, bind, set_up)?;
            let scratch = remote.as_ref().map(|remote| remote.scratch.clone());
            run.elsewhere = remote.map(|remote| Box::new(remote) as Box<_>);
            let ended = drive(&self.threads, run, &options.controls);
            self.workers.release();
            if let Some(scratch) = scratch {
                scratch.clear();
            }
            ended
        }

        /// Binds the pipeline, and finds it workers.
        fn bind(
            &self,
            pipeline: &Pipeline,
            catalog: &Catalog,
            options: &RunOptions,
            run_id: &RunId,
            changes: Option<&Changes>,
            refused: Option<&PropagationError>,
        ) -> Result<(Bindings, Remote), RunError> {
            let propagation = options.propagation.clone().unwrap_or_default();
            let (mut bound, mut problems) = examined(pipeline, catalog, options, changes, refused);
            problems.extend(storable::offenders(&bound));
            let registered = changes.into_iter().flat_map(Changes::registered);
            problems.extend(registered.map(|name| {
                format!("dataset `{name}` is bound to a value by a hook, of which other processes do not know")
            }));
            let context = self.context(options, &propagation).unwrap_or_else(|problem| {
                problems.push(problem);
                None
            });
            if is_unserved_worker() {
                problems.push(
                    "this process was started as a worker: `entourage::serve_worker` has to be \
                     called before a run is begun"
                        .to_owned(),
                );
            }
            let refuse = |problem| RunError::refused(vec![problem]);
            if !problems.is_empty() {
                return Err(RunError::refused(problems));
            }
            let wanted = Arc::new(Wanted::new(&bound.pipeline));
            if !bound.pipeline.is_empty() {
                // One that is there before the first node, to find out that the
                // program cannot be a worker, or is one for another pipeline.
                let mut worker = self.workers.take().map_err(refuse)?;
                wanted.of(&mut worker).map_err(refuse)?;
                self.workers.put_back(worker);
            }
            let scratch = Scratch::new(self.folder.as_deref()).map_err(|error| {
                refuse(format!("no folder can be made for what the catalog does not bind: {error}"))
            })?;
            let scratch = Arc::new(scratch);
            let kept = kept(&bound);
            bound.is_elsewhere = true;
            let remote = Remote {
                workers: self.workers.clone(),
                catalog: catalog.clone(),
                wanted,
                kept,
                scratch,
                run: self.workers.next_run(),
                run_id: run_id.clone(),
                versions: bound.versions.clone(),
                context,
                grace: self.grace,
            };
            Ok((bound, remote))
        }

        /// What is on the wire of the context of the caller; nothing at all where
        /// the run carries none.
        fn context(
            &self,
            options: &RunOptions,
            propagation: &Propagation,
        ) -> Result<Option<Vec<(String, String)>>, String> {
            if propagation.is_off() {
                return Ok(None);
            }
            let caller = match options.propagation {
                Some(_) => Snapshot::capture_with(propagation),
                None => self.wire.capture(),
            };
            let mut carrier = Vec::new();
            let injected = self.wire.inject(&caller, &mut carrier);
            injected.map_err(|error| format!("the caller's context: {error}"))?;
            Ok(Some(carrier))
        }
    }

    /// What is left of a run on a thread may hold on to the workers: those that
    /// wait end with the runner all the same.
    impl Drop for Inner {
        fn drop(&mut self) {
            self.workers.dismiss();
        }
    }

    fn kept(bound: &Bindings) -> Vec<Option<AtomicU64>> {
        let is_kept = |at| storable::is_kept(bound, at).then(AtomicU64::default);
        bound.pipeline.dataset_indices().map(is_kept).collect()
    }
}
