//! One dataset's value during a run, and who still wants it.

use std::mem;

use super::turn::Loader;
use crate::catalog::Value;
use crate::pipeline::NodeIndex;
use crate::sync::Mutex;

/// All of it under one lock, since the last reader takes what the others copy.
pub(super) struct DatasetState(Mutex<Held>);

struct Held {
    /// How many nodes still have to read it.
    readers: u32,
    content: Content,
}

enum Content {
    /// Not loaded, or not written yet.
    Nothing,
    Value(Value),
    /// Somebody is loading it; these nodes want it too.
    Loading(Box<Waiting>),
    /// The load failed, in this node. So it stays.
    Failed(NodeIndex),
    /// Read by all who would.
    Released,
}

struct Waiting {
    /// Who loads it.
    by: Loader,
    nodes: Vec<NodeIndex>,
}

/// What a node finds that wants a dataset which must be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nobody has loaded it: this node is to do so now.
    Nothing,
    Value,
    /// Somebody is loading it. The node will be woken, if it has said that it waits.
    Loading,
    Failed,
}

impl DatasetState {
    pub(super) fn new(readers: u32, value: Option<Value>) -> Self {
        let content = value.map_or(Content::Nothing, Content::Value);
        Self(Mutex::new(Held { readers, content }))
    }

    /// Makes the caller the one to load it, if nobody has.
    pub(super) fn claim(&self, by: Loader) -> Found {
        self.0.lock().claim(by)
    }

    /// As [`claim`](Self::claim); and where somebody else is loading it, puts the
    /// node on the list of those that wait, once it has been told by `waits`. In one
    /// step: a load that ends in between would wake nobody.
    pub(super) fn claim_or_wait(&self, by: Loader, waits: impl FnOnce()) -> Found {
        let mut held = self.0.lock();
        let found = held.claim(by);
        if let Content::Loading(waiting) = &mut held.content
            && found == Found::Loading
        {
            waits();
            waiting.nodes.push(by.at);
        }
        found
    }

    /// Gives a claim back, so that another node may load it, and returns the nodes
    /// that wait for it.
    pub(super) fn disclaim(&self, by: Loader) -> Vec<NodeIndex> {
        self.end_load(by, Content::Nothing)
    }

    /// What a load that took too long comes to later is nobody's: somebody else has
    /// ended it.
    fn end_load(&self, by: Loader, content: Content) -> Vec<NodeIndex> {
        let mut held = self.0.lock();
        if !matches!(&held.content, Content::Loading(waiting) if waiting.by == by) {
            drop(held);
            drop(content);
            return Vec::new();
        }
        match mem::replace(&mut held.content, content) {
            Content::Loading(waiting) => waiting.nodes,
            _ => Vec::new(),
        }
    }

    /// The value, for a look by one who has yet to read it.
    pub(super) fn peek(&self) -> Option<Value> {
        match &self.0.lock().content {
            Content::Value(value) => Some(value.clone()),
            _ => None,
        }
    }

    /// Puts down what a load came to, and returns the nodes that wait for it.
    pub(super) fn loaded(&self, by: Loader, value: Option<Value>) -> Vec<NodeIndex> {
        self.end_load(by, value.map_or(Content::Failed(by.at), Content::Value))
    }

    /// Puts a written value where its readers find it, or gives it back where
    /// all of them have become unable to run. What was there is given back, too: to
    /// be dropped outside the lock.
    pub(super) fn write(&self, value: Value) -> Option<Value> {
        let mut held = self.0.lock();
        if held.readers == 0 {
            return Some(value);
        }
        match mem::replace(&mut held.content, Content::Value(value)) {
            Content::Value(before) => Some(before),
            _ => None,
        }
    }

    /// The value for one of its readers, who counts as one from now on, and whether
    /// it is the last: then it is the very value that was kept. No value where there
    /// is none.
    pub(super) fn read(&self) -> (Option<Value>, bool) {
        let mut held = self.0.lock();
        held.readers = held.readers.saturating_sub(1);
        if held.readers == 0 {
            return (held.take(), true);
        }
        match &held.content {
            Content::Value(value) => (Some(value.clone()), false),
            _ => (None, false),
        }
    }

    /// Counts one reader that will never come; whether it is the last. That one is
    /// given the value that was kept for it, to be dropped outside the lock.
    pub(super) fn forgo(&self) -> (Option<Value>, bool) {
        let mut held = self.0.lock();
        held.readers = held.readers.saturating_sub(1);
        if held.readers == 0 { (held.take(), true) } else { (None, false) }
    }

    /// Whether somebody was to read it who did not.
    pub(super) fn is_unread(&self) -> bool {
        self.0.lock().readers > 0
    }

    /// Takes what is left of it at the end of the run.
    pub(super) fn take(&self) -> Option<Value> {
        self.0.lock().take()
    }

    /// The node whose load of it failed, if one's did.
    pub(super) fn failed_in(&self) -> Option<NodeIndex> {
        match self.0.lock().content {
            Content::Failed(at) => Some(at),
            _ => None,
        }
    }
}

impl Held {
    fn claim(&mut self, by: Loader) -> Found {
        match &self.content {
            Content::Nothing => {
                self.content = Content::Loading(Box::new(Waiting { by, nodes: Vec::new() }));
                Found::Nothing
            }
            Content::Value(_) => Found::Value,
            Content::Loading(_) => Found::Loading,
            Content::Failed(_) | Content::Released => Found::Failed,
        }
    }

    fn take(&mut self) -> Option<Value> {
        match mem::replace(&mut self.content, Content::Released) {
            Content::Value(value) => Some(value),
            failed @ Content::Failed(_) => {
                self.content = failed;
                None
            }
            Content::Nothing | Content::Loading(_) | Content::Released => None,
        }
    }
}
