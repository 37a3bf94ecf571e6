//! What holds for the events of every run, whatever becomes of it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use entourage::events::{Event, EventKind, NodeEnd, NodeRef, RunEnd, Transfer};
use entourage::{Fate, Pipeline, RunError, RunReport};

use crate::events::in_words;

/// Fails unless the events of one run, by number, are a lawful story of it, and the
/// one that `outcome` tells.
#[track_caller]
pub(crate) fn assert_lawful(
    pipeline: &Pipeline,
    outcome: &Result<RunReport, RunError>,
    events: &[Event<'static>],
) {
    let story = read(pipeline, events);
    let agrees = story.agrees(outcome);
    assert!(agrees.is_ok(), "{} of\n{}", agrees.unwrap_err(), list(events));
}

/// The same, where there is nobody who could say how the run ended.
#[track_caller]
pub(crate) fn assert_lawful_so_far(pipeline: &Pipeline, events: &[Event<'static>]) {
    read(pipeline, events);
}

#[track_caller]
fn read<'p>(pipeline: &'p Pipeline, events: &[Event<'static>]) -> Story<'p> {
    let mut story = Story::of(pipeline);
    for (place, event) in events.iter().enumerate() {
        let told = story.take(place, event, events.len());
        assert!(told.is_ok(), "{}, at {event:?} of\n{}", told.unwrap_err(), list(events));
    }
    story
}

fn list(events: &[Event<'static>]) -> String {
    events.iter().map(|event| format!("{} {}\n", event.worker, in_words(&event.kind))).collect()
}

/// What of a run has been told so far.
struct Story<'p> {
    nodes: Vec<NodeStory<'p>>,
    /// The place of the node that writes it.
    producers: HashMap<&'p str, usize>,
    read: HashSet<&'p str>,
    released: HashSet<String>,
    /// When something was last told of each thread.
    threads: HashMap<String, Duration>,
    /// Whether the nodes run in processes, which read when the run has let go.
    is_elsewhere: bool,
    has_begun: bool,
    is_cancelled: bool,
    ended: Option<RunEnd>,
}

struct NodeStory<'p> {
    name: &'p str,
    inputs: Vec<&'p str>,
    outputs: Vec<&'p str>,
    state: State,
    /// The attempts that came to an end, and were not given back.
    attempts: u32,
    rows: Option<u64>,
    /// What was loaded in which attempt, and saved.
    moved: HashSet<(u32, bool, String)>,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Idle,
    UpToDate,
    Running { attempt: u32, began: Duration },
    GivenBack { attempt: u32 },
    Pausing { attempt: u32 },
    Done,
    Failed,
    Cancelled,
    Skipped { by: String },
}

type Lawful = Result<(), String>;

fn law(holds: bool, broken: &str) -> Lawful {
    if holds { Ok(()) } else { Err(broken.to_owned()) }
}

impl<'p> Story<'p> {
    fn of(pipeline: &'p Pipeline) -> Self {
        let nodes: Vec<_> = pipeline
            .nodes()
            .map(|node| NodeStory {
                name: node.name(),
                inputs: node.inputs().collect(),
                outputs: node.outputs().collect(),
                state: State::Idle,
                attempts: 0,
                rows: None,
                moved: HashSet::new(),
            })
            .collect();
        let (mut producers, mut read) = (HashMap::new(), HashSet::new());
        for (at, node) in nodes.iter().enumerate() {
            producers.extend(node.outputs.iter().map(|output| (*output, at)));
            read.extend(node.inputs.iter().copied());
        }
        Self {
            nodes,
            producers,
            read,
            released: HashSet::new(),
            threads: HashMap::new(),
            is_elsewhere: false,
            has_begun: false,
            is_cancelled: false,
            ended: None,
        }
    }

    fn take(&mut self, place: usize, event: &Event<'static>, all: usize) -> Lawful {
        law(event.seq == place as u64, "the numbers have a gap")?;
        law(self.ended.is_none(), "something comes after the end")?;
        let before = self.threads.insert(event.worker.to_string(), event.at);
        let is_later = before.is_none_or(|before| before <= event.at);
        // Of those who end what takes too long there are several with one name.
        let has_name_alone = event.worker != "entourage-overdue";
        law(is_later || !has_name_alone, "a thread goes back in time")?;
        let is_first = matches!(event.kind, EventKind::RunStarted(_) | EventKind::RunEnded(_));
        law(self.has_begun || is_first, "something comes before the beginning")?;
        match &event.kind {
            EventKind::RunStarted(started) => {
                law(!self.has_begun, "there are two beginnings")?;
                law(started.nodes as usize == self.nodes.len(), "not all nodes are counted")?;
                self.has_begun = true;
                self.is_elsewhere = started.runner == "process";
                Ok(())
            }
            EventKind::NodeUpToDate { node } => {
                let node = self.node(node)?;
                law(node.state == State::Idle, "a node is up to date that was begun")?;
                node.state = State::UpToDate;
                Ok(())
            }
            EventKind::NodeStarted { node, attempt, .. } => {
                self.may_start(node)?;
                self.node(node)?.start(*attempt, event.at)
            }
            EventKind::NodeGivenBack { node, attempt, dataset } => {
                let node = self.node(node)?;
                law(node.inputs.contains(&&**dataset), "it lacks what it does not read")?;
                law(node.is_running(*attempt), "what does not run is given back")?;
                node.state = State::GivenBack { attempt: *attempt };
                Ok(())
            }
            EventKind::DatasetLoaded(transfer) => {
                let is_left = self.is_elsewhere || !self.released.contains(&*transfer.dataset);
                law(is_left, "what is released is loaded")?;
                let node = self.node(&transfer.node)?;
                law(node.inputs.contains(&&*transfer.dataset), "it loads what it does not read")?;
                node.transfer(transfer, true, event.at)
            }
            EventKind::DatasetSaved(transfer) => {
                let node = self.node(&transfer.node)?;
                law(node.outputs.contains(&&*transfer.dataset), "it saves what it does not write")?;
                node.transfer(transfer, false, event.at)
            }
            EventKind::DatasetReleased { dataset } => self.release(dataset),
            EventKind::NodeDone(end) => self.end(end, State::Done, event.at),
            EventKind::NodeCancelled(end) => self.end(end, State::Cancelled, event.at),
            EventKind::NodeFailed { end, failure } => {
                law(!failure.message.is_empty(), "a failure has nothing to say")?;
                self.end(end, State::Failed, event.at)
            }
            EventKind::NodeRetried { end, .. } => {
                let attempt = end.attempt;
                law(self.node(&end.node)?.is_running(attempt), "what does not run is retried")?;
                self.end(end, State::Pausing { attempt }, event.at)
            }
            EventKind::NodeSkipped { node, by } => {
                let by_state = self.node(by)?.state.clone();
                law(by_state == State::Failed, "a node is skipped by one that did not fail")?;
                let node = self.node(node)?;
                let is_idle = matches!(node.state, State::Idle | State::GivenBack { .. });
                law(is_idle, "a node is skipped that was begun")?;
                node.state = State::Skipped { by: by.name.to_string() };
                Ok(())
            }
            EventKind::RunCancelled => {
                law(!self.is_cancelled, "the run is called off twice")?;
                self.is_cancelled = true;
                Ok(())
            }
            EventKind::RunEnded(ended) => {
                law(place + 1 == all, "the end is not the last")?;
                law(ended.took <= event.at || !self.has_begun, "it took longer than it did")?;
                self.ended = Some(ended.end);
                Ok(())
            }
            other => Err(format!("no law for {other:?}")),
        }
    }

    fn node(&mut self, node: &NodeRef<'_>) -> Result<&mut NodeStory<'p>, String> {
        let found = self.nodes.get_mut(node.index as usize);
        let found = found.filter(|found| found.name == node.name);
        found.ok_or_else(|| format!("{node:?} is not in the pipeline"))
    }

    /// Nothing of a node comes before its producers are done.
    fn may_start(&self, node: &NodeRef<'_>) -> Lawful {
        for input in &self.nodes[node.index as usize].inputs {
            let producer = self.producers.get(input).map(|at| &self.nodes[*at]);
            let is_there = producer
                .is_none_or(|producer| matches!(producer.state, State::Done | State::UpToDate));
            law(is_there, &format!("it is begun before `{input}` is there"))?;
            // Another attempt has what the one before has read.
            let has_read = matches!(self.nodes[node.index as usize].state, State::Pausing { .. });
            let is_left = has_read || !self.released.contains(*input);
            law(is_left, &format!("it is begun after `{input}` is released"))?;
        }
        Ok(())
    }

    /// Once; whoever reads it has begun to, or never will, which is seen later.
    fn release(&mut self, dataset: &str) -> Lawful {
        law(self.released.insert(dataset.to_owned()), "it is released twice")?;
        law(self.producers.contains_key(dataset), "what comes from outside is released")?;
        law(self.read.contains(dataset), "what is for outside is released")
    }

    fn end(&mut self, end: &NodeEnd<'_>, state: State, at: Duration) -> Lawful {
        let node = self.node(&end.node)?;
        let began = match node.state {
            State::Running { attempt, began } if attempt == end.attempt => Some(began),
            // It waited for another attempt, which will not be.
            State::Pausing { attempt } if attempt == end.attempt && state != State::Done => None,
            _ => return Err("what does not run comes to its end".to_owned()),
        };
        law(end.ran <= at.saturating_sub(began.unwrap_or(at)), "it ran longer than it did")?;
        node.attempts = end.attempt;
        node.rows = end.rows;
        node.state = state;
        Ok(())
    }

    /// Says whether the run's own report tells the same.
    fn agrees(&self, outcome: &Result<RunReport, RunError>) -> Lawful {
        let end = match outcome {
            Ok(_) => RunEnd::Done,
            Err(error) if error.is_refused() => RunEnd::Refused,
            Err(error) if error.is_cancelled() => RunEnd::Cancelled,
            Err(_) => RunEnd::Failed,
        };
        law(self.ended == Some(end), &format!("{:?} was told, and it was {end:?}", self.ended))?;
        let report = match outcome {
            Ok(report) => report,
            Err(error) => match error.report() {
                Some(report) => report,
                None => return law(!self.has_begun, "a run without a report has begun"),
            },
        };
        // Of a run that is called off with its last node every node may be done.
        law(
            self.is_cancelled || end != RunEnd::Cancelled,
            "nobody was told that it is called off",
        )?;
        for (told, node) in self.nodes.iter().zip(report.nodes()) {
            let expected = match node.fate {
                Fate::Done => State::Done,
                Fate::UpToDate => State::UpToDate,
                Fate::Failed(_) => State::Failed,
                Fate::Cancelled => State::Cancelled,
                Fate::Skipped { by } => State::Skipped { by: by.to_owned() },
                _ => State::Idle,
            };
            let state = match &told.state {
                // It waited for a load until the end.
                State::GivenBack { .. } => &State::Idle,
                state => state,
            };
            let name = node.name;
            law(told.name == name, "the nodes are in another order")?;
            law(*state == expected, &format!("`{name}` is {state:?}, and was {expected:?}"))?;
            law(
                told.attempts == node.attempts,
                &format!("`{name}` has {} attempts", node.attempts),
            )?;
            let rows = node.rows.map(|rows| rows as u64);
            let is_over = !matches!(expected, State::Idle | State::Skipped { .. });
            law(!is_over || told.rows == rows, &format!("`{name}` has other rows: {rows:?}"))?;
        }
        Ok(())
    }
}

impl NodeStory<'_> {
    fn is_running(&self, of: u32) -> bool {
        matches!(self.state, State::Running { attempt, .. } if attempt == of)
    }

    fn start(&mut self, attempt: u32, began: Duration) -> Lawful {
        let expected = match self.state {
            State::Idle => 1,
            State::GivenBack { attempt } => attempt,
            State::Pausing { attempt } => attempt + 1,
            _ => return Err("what is begun or over is begun again".to_owned()),
        };
        law(attempt == expected, &format!("it is attempt {expected}"))?;
        self.state = State::Running { attempt, began };
        Ok(())
    }

    /// A load or a save lies within its attempt, and is told once.
    fn transfer(&mut self, transfer: &Transfer<'_>, is_load: bool, at: Duration) -> Lawful {
        let Transfer { attempt, dataset, took, rows, bytes, error, .. } = transfer;
        let State::Running { attempt: running, began } = self.state else {
            return Err("a transfer is told of a node that does not run".to_owned());
        };
        law(running == *attempt, "a transfer is told of another attempt")?;
        let is_within = *took <= at.saturating_sub(began);
        law(is_within, "a transfer took longer than the attempt")?;
        let moved = (*attempt, is_load, dataset.to_string());
        law(self.moved.insert(moved), "a transfer is told twice")?;
        law(error.is_none() || (rows, bytes) == (&None, &None), "what failed has moved something")
    }
}
