//! A worker at work: it runs the nodes that its parent names, one at a time.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use rustix::process::{Resource, Signal, getpgrp, getpid, getrlimit, setrlimit};

use super::super::control::CancelToken;
use super::channel::{Channel, Outgoing};
use super::held::Held;
use super::protocol::{Execute, Failure, Frames, Outcome, Reply, Request, Served, shortened};
use super::serve::Offer;
use super::{digest, part};
use crate::context::{Wire, discard};
use crate::executor::message_of;
use crate::pipeline::{NodeIndex, Pipeline};
use crate::sync::Mutex;

/// A node that this worker is told to run, with the token that calls it off.
struct Task {
    execute: Box<Execute>,
    node: NodeIndex,
    token: CancelToken,
}

/// What there is to do, one after the other.
enum Job {
    Task(Task),
    /// A run is over.
    Release,
}

/// The folder of the run whose node is being run, if one is.
type Running = Arc<Mutex<Option<PathBuf>>>;

/// Serves until the parent is gone. The nodes run on this thread.
pub(super) fn serve(channel: Channel, offers: Vec<Offer>, wire: Wire) -> ! {
    let Channel { incoming, outgoing } = channel;
    let (jobs, todo) = mpsc::channel();
    let running = Running::default();
    let offers = Arc::new(offers);
    let ear = Ear {
        offers: offers.clone(),
        by_name: HashMap::new(),
        outgoing: outgoing.clone(),
        running: running.clone(),
        jobs,
        last: None,
    };
    let thread = std::thread::Builder::new().name("entourage-worker".to_owned());
    if let Err(error) = thread.spawn(move || ear.listen(incoming)) {
        eprintln!("entourage: this worker has no thread to hear its parent: {error}");
        process::exit(1);
    }
    let served = offers.iter().map(|offer| Served {
        digest: digest::of_pipeline(&offer.pipeline),
        nodes: offer.pipeline.len() as u64,
    });
    _ = outgoing.say(&Reply::Greeting { served: served.collect() });
    work(&todo, &offers, &wire, &outgoing, &running);
    // Nobody sends any more: the other thread ends the process.
    loop {
        std::thread::park();
    }
}

fn work(
    todo: &Receiver<Job>,
    offers: &[Offer],
    wire: &Wire,
    outgoing: &Arc<Outgoing>,
    running: &Running,
) {
    let mut held = Held::default();
    for job in todo {
        let Job::Task(Task { execute, node, token }) = job else {
            held.release();
            continue;
        };
        held.begin(execute.run);
        let task = execute.task;
        *running.lock() = Some(folder(&execute));
        outgoing.begin(task);
        _ = outgoing.say(&Reply::Begun { task });
        let offer = &offers[execute.pipeline as usize];
        let run =
            AssertUnwindSafe(|| part::run(offer, node, &execute, wire, outgoing, token, &mut held));
        let outcome = catch_unwind(run).unwrap_or_else(|payload| {
            let message = message_of(&*payload);
            discard(payload);
            Outcome::Failed(Failure::Refused(shortened(format!("the worker panicked: {message}"))))
        });
        if !matches!(outcome, Outcome::Done { .. }) {
            // Another attempt may be made in another process.
            held.release();
        }
        outgoing.end();
        *running.lock() = None;
        if let Err(error) = outgoing.say(&Reply::Ended { task, outcome }) {
            let outcome = Outcome::Failed(Failure::Refused(error.to_string()));
            _ = outgoing.say(&Reply::Ended { task, outcome });
        }
    }
}

fn folder(execute: &Execute) -> PathBuf {
    PathBuf::from(OsString::from_vec(execute.folder.clone()))
}

/// Hears the parent, whatever the node does meanwhile.
struct Ear {
    offers: Arc<Vec<Offer>>,
    /// Made when first asked for.
    by_name: HashMap<u32, HashMap<Arc<str>, NodeIndex>>,
    outgoing: Arc<Outgoing>,
    running: Running,
    jobs: Sender<Job>,
    /// The task that came last.
    last: Option<(u64, CancelToken)>,
}

impl Ear {
    /// Hears the parent out, and ends the process.
    fn listen(mut self, mut incoming: impl io::Read) {
        let mut frames = Frames::default();
        let error = loop {
            match frames.next() {
                Ok(Some(request)) => self.answer(request),
                Ok(None) => match frames.fill(&mut incoming) {
                    Ok(1..) => {}
                    Ok(0) => break None,
                    Err(error) => break Some(error.to_string()),
                },
                Err(error) => break Some(error.to_string()),
            }
        };
        if let Some(error) = error {
            eprintln!("entourage: this worker does not understand its parent: {error}");
        }
        end(&self.running);
    }

    fn answer(&mut self, request: Request) {
        let reply = match request {
            Request::Settle { memory_limit } => {
                let limited = memory_limit.map_or(Ok(()), limit_memory);
                let what = |error| format!("cannot limit its memory: {error}");
                Reply::Settled { problem: limited.map_err(what).err() }
            }
            Request::Compare { pipeline, nodes } => self.compare(pipeline, nodes),
            Request::Execute(execute) => match self.find(execute.pipeline, &execute.node) {
                Some(node) => {
                    let token = CancelToken::new();
                    self.last = Some((execute.task, token.clone()));
                    // The receiver lives as long as the process.
                    return self.jobs.send(Job::Task(Task { execute, node, token })).unwrap_or(());
                }
                None => {
                    let problem = format!("the worker has no node `{}`", execute.node);
                    let outcome = Outcome::Failed(Failure::Refused(problem));
                    Reply::Ended { task: execute.task, outcome }
                }
            },
            Request::Release => return self.jobs.send(Job::Release).unwrap_or(()),
            Request::Cancel { task } => {
                // Others are over.
                if let Some((_, token)) = self.last.as_ref().filter(|(last, _)| *last == task) {
                    token.cancel();
                }
                return;
            }
        };
        _ = self.outgoing.say(&reply);
    }

    fn compare(&mut self, pipeline: u32, nodes: Vec<(String, u64)>) -> Reply {
        let (mut missing, mut different) = (Vec::new(), Vec::new());
        for (name, digest) in nodes {
            match self.find(pipeline, &name) {
                None => missing.push(name),
                Some(node) => {
                    let own = &self.offers[pipeline as usize].pipeline;
                    if digest::of_node(own, node) != digest {
                        different.push(name);
                    }
                }
            }
        }
        Reply::Compared { missing, different }
    }

    fn find(&mut self, pipeline: u32, node: &str) -> Option<NodeIndex> {
        let own = &self.offers.get(pipeline as usize)?.pipeline;
        self.by_name.entry(pipeline).or_insert_with(|| by_name(own)).get(node).copied()
    }
}

fn by_name(pipeline: &Pipeline) -> HashMap<Arc<str>, NodeIndex> {
    pipeline.node_indices().map(|at| (pipeline.name_of(at).into(), at)).collect()
}

/// The parent is gone, and nobody wants the work any more.
fn end(running: &Running) -> ! {
    // Kept locked: a node that ends now does not go on to another.
    let running = running.lock();
    let Some(folder) = &*running else { process::exit(0) };
    // Every worker of a parent that was killed does so, the last for good.
    _ = std::fs::remove_dir_all(folder);
    // The node may be anywhere: at nothing less does it stop. What it has started
    // goes with it.
    let me = getpid();
    _ = match getpgrp() == me {
        true => rustix::process::kill_current_process_group(Signal::KILL),
        false => rustix::process::kill_process(me, Signal::KILL),
    };
    process::abort()
}

fn limit_memory(bytes: u64) -> io::Result<()> {
    let mut limit = getrlimit(Resource::As);
    limit.current = Some(limit.maximum.map_or(bytes, |most| most.min(bytes)));
    Ok(setrlimit(Resource::As, limit)?)
}
