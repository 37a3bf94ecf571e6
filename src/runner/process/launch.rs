//! How a worker process is started, and got to know.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::plan::some_of;
use super::digest;
use super::protocol::{Reply, Request};
use super::serve::WORKER;
use super::worker::{Heard, Worker};
use crate::pipeline::Pipeline;

/// How long a worker may take to answer what costs it nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// How workers are started.
pub(super) struct Launch {
    /// `None` for this very program, with this process's arguments.
    pub(super) command: Option<Arc<dyn Fn() -> Command + Send + Sync>>,
    pub(super) memory_limit: Option<u64>,
    pub(super) greeting_timeout: Duration,
}

impl Launch {
    /// Starts a worker that is ready for tasks, or says why there is none.
    pub(super) fn start(&self) -> Result<Worker, String> {
        let mut command = self.command.as_ref().map_or_else(this_program, |command| command());
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = |what: &str, error: io::Error| {
            format!("a worker process cannot be started: {what}: {error}")
        };
        let (ours, theirs) =
            UnixStream::pair().map_err(|error| failed("no channel to it", error))?;
        let theirs = std::fs::File::from(OwnedFd::from(theirs));
        let mark = theirs.metadata().map_err(|error| failed("no channel to it", error))?.ino();
        command.stdin(Stdio::from(theirs)).env(WORKER, mark.to_string());
        // In a group of its own, so that it can be killed with what it starts, and
        // that a Ctrl-C is this process's to answer.
        command.process_group(0);
        let child = command.spawn().map_err(|error| failed(&format!("`{program}`"), error))?;
        // With it goes this process's hold on the other end of the channel.
        drop(command);
        let mut worker = Worker::new(child, ours).map_err(|error| failed("its channel", error))?;
        self.meet(&mut worker)
            .map_err(|what| format!("`{program}`, started as a worker, {what}"))?;
        Ok(worker)
    }

    fn meet(&self, worker: &mut Worker) -> Result<(), String> {
        let until = Instant::now().checked_add(self.greeting_timeout);
        let limit = self.greeting_timeout;
        match heard(worker, until, limit)? {
            Reply::Greeting { served } => worker.served = served,
            other => return Err(format!("began with {other:?}")),
        }
        let settle = Request::Settle { memory_limit: self.memory_limit };
        worker.say(&settle).map_err(|error| error.to_string())?;
        match heard(worker, until, limit)? {
            Reply::Settled { problem: None } => Ok(()),
            Reply::Settled { problem: Some(problem) } => Err(problem),
            other => Err(format!("settled with {other:?}")),
        }
    }
}

/// What a worker that has not begun to work says next.
fn heard(worker: &mut Worker, until: Option<Instant>, limit: Duration) -> Result<Reply, String> {
    const ADVICE: &str = "its `main` has to call `entourage::serve_worker` before anything else";
    match worker.hear(until, None) {
        Ok(Heard::Reply(reply)) => Ok(reply),
        Ok(Heard::Ended) => Err(match worker.status() {
            Some(status) => format!("ended ({status}) without a word: {ADVICE}"),
            None => format!("ended without a word: {ADVICE}"),
        }),
        Ok(Heard::Nothing | Heard::Bell) => {
            worker.kill();
            Err(format!("said nothing for {limit:?}, its greeting_timeout: {ADVICE}"))
        }
        Err(error) => Err(format!("said what is not understood: {error}")),
    }
}

/// This program again, with this process's arguments.
fn this_program() -> Command {
    // A program that was replaced since it was started is still there by this
    // name, which means the process that asks.
    let replaced = || PathBuf::from("/proc/self/exe");
    let program = std::env::current_exe().ok().filter(|path| path.exists());
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| OsString::from("worker"));
    let mut command = Command::new(program.unwrap_or_else(replaced));
    command.arg0(name).args(arguments);
    command
}

/// The pipeline of a run, as workers are asked for it.
pub(super) struct Wanted {
    pub(super) pipeline: Pipeline,
    digest: u64,
}

impl Wanted {
    pub(super) fn new(pipeline: &Pipeline) -> Self {
        Self { pipeline: pipeline.clone(), digest: digest::of_pipeline(pipeline) }
    }

    /// Which of the worker's pipelines has all of the wanted one's nodes.
    pub(super) fn of(&self, worker: &mut Worker) -> Result<u32, String> {
        if let Some(found) = worker.known.get(&self.digest) {
            return Ok(*found);
        }
        let same = worker.served.iter().position(|served| served.digest == self.digest);
        let found = match same {
            Some(found) => found as u32,
            None => self.compare(worker)?,
        };
        worker.known.insert(self.digest, found);
        Ok(found)
    }

    /// Asks for every node: of a pipeline that was cut out of the worker's, say.
    fn compare(&self, worker: &mut Worker) -> Result<u32, String> {
        let mut nearest: Option<Unlike> = None;
        for pipeline in 0..worker.served.len() as u32 {
            let unlike = self.unlike(worker, pipeline).map_err(|error| {
                format!("a worker cannot say whether it has the pipeline: {error}")
            })?;
            if unlike.count() == 0 {
                return Ok(pipeline);
            }
            if nearest.as_ref().is_none_or(|nearest| unlike.count() < nearest.count()) {
                nearest = Some(unlike);
            }
        }
        let Unlike { missing, different } = nearest.unwrap_or_default();
        let mut ways = Vec::new();
        if !missing.is_empty() {
            ways.push(format!("it has no node {}", some_of(&missing)));
        }
        if !different.is_empty() {
            ways.push(format!("its node {} reads or writes otherwise", some_of(&different)));
        }
        Err(format!("the worker serves another pipeline: {}", ways.join(", and ")))
    }

    fn unlike(&self, worker: &mut Worker, pipeline: u32) -> io::Result<Unlike> {
        /// So many that the message stays small.
        const AT_ONCE: usize = 4096;
        let wanted = &self.pipeline;
        let mut unlike = Unlike::default();
        let all: Vec<_> = wanted.node_indices().collect();
        for some in all.chunks(AT_ONCE) {
            let node = |at: &u32| (wanted.name_of(*at).to_string(), digest::of_node(wanted, *at));
            let nodes = some.iter().map(node).collect();
            worker.say(&Request::Compare { pipeline, nodes })?;
            let until = Instant::now() + PATIENCE;
            match worker.hear(Some(until), None)? {
                Heard::Reply(Reply::Compared { missing, different }) => {
                    unlike.missing.extend(missing);
                    unlike.different.extend(different);
                }
                Heard::Reply(_) => return Err(io::Error::other("it speaks of something else")),
                Heard::Ended => return Err(io::Error::other("it is gone")),
                _ => return Err(io::Error::other("it does not answer")),
            }
        }
        Ok(unlike)
    }
}

#[derive(Default)]
struct Unlike {
    missing: Vec<String>,
    different: Vec<String>,
}

impl Unlike {
    fn count(&self) -> usize {
        self.missing.len() + self.different.len()
    }
}
