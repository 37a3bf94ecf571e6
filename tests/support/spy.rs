//! An accessor that keeps a log and, where it is told to, panics.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use entourage::Accessor;

thread_local! {
    /// Stands for the thread-locals of other libraries, by name.
    static LOCALS: RefCell<BTreeMap<&'static str, u32>> = const { RefCell::new(BTreeMap::new()) };
}

pub(crate) fn local(name: &'static str) -> Option<u32> {
    LOCALS.with_borrow(|locals| locals.get(name).copied())
}

pub(crate) fn set_local(name: &'static str, value: Option<u32>) -> Option<u32> {
    LOCALS.with_borrow_mut(|locals| match value {
        Some(value) => locals.insert(name, value),
        None => locals.remove(name),
    })
}

/// Runs `f` with a thread-local set, then restores it.
pub(crate) fn with_local<R>(name: &'static str, value: u32, f: impl FnOnce() -> R) -> R {
    let outer = set_local(name, Some(value));
    let answer = catch_unwind(AssertUnwindSafe(f));
    set_local(name, outer);
    answer.unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Capture,
    Enter,
    Restore,
}

/// An accessor for one of the thread-locals above.
pub(crate) struct Spy {
    name: &'static str,
    local: &'static str,
    reads: Option<&'static str>,
    panics: Option<Step>,
    shares: bool,
    log: Log,
}

/// What spies did, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|other| *other == line).count()
    }

    fn say(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl Spy {
    /// A spy on the thread-local of its own name.
    pub(crate) fn on(name: &'static str) -> Self {
        let log = Log::default();
        Self { name, local: name, reads: None, panics: None, shares: false, log }
    }

    /// On a thread-local of another name.
    pub(crate) fn over(self, local: &'static str) -> Self {
        Self { local, ..self }
    }

    /// Reads another thread-local, too, when it enters.
    pub(crate) fn reading(self, reads: &'static str) -> Self {
        Self { reads: Some(reads), ..self }
    }

    pub(crate) fn panicking_at(self, step: Step) -> Self {
        Self { panics: Some(step), ..self }
    }

    /// Compares what is current with what was captured.
    pub(crate) fn sharing(self) -> Self {
        Self { shares: true, ..self }
    }

    pub(crate) fn logging_to(self, log: &Log) -> Self {
        Self { log: log.clone(), ..self }
    }

    /// As executors and lists want it; kept where a search for leaks finds it.
    pub(crate) fn leak(self) -> &'static Self {
        static SPIES: Mutex<Vec<&Spy>> = Mutex::new(Vec::new());
        let spy = Box::leak(Box::new(self));
        SPIES.lock().unwrap().push(spy);
        spy
    }

    fn fail_at(&self, step: Step) {
        assert!(self.panics != Some(step), "{} at {step:?}", self.name);
    }
}

impl Accessor for Spy {
    type Value = u32;
    type Guard = Guard;

    fn name(&self) -> &'static str {
        self.name
    }

    fn capture(&self) -> Option<u32> {
        self.log.say(format!("capture {}", self.name));
        self.fail_at(Step::Capture);
        local(self.local)
    }

    fn enter(&self, value: Option<&u32>) -> Guard {
        let sees = self.reads.map_or(String::new(), |other| format!(" sees {:?}", local(other)));
        self.log.say(format!("enter {}{sees}", self.name));
        self.fail_at(Step::Enter);
        let outer = set_local(self.local, value.copied());
        let fails = self.panics == Some(Step::Restore);
        Guard { name: self.name, local: self.local, outer, fails, log: self.log.clone() }
    }

    fn is_unchanged(&self, captured: Option<&u32>) -> bool {
        self.shares && local(self.local).as_ref() == captured
    }
}

pub(crate) struct Guard {
    name: &'static str,
    local: &'static str,
    outer: Option<u32>,
    fails: bool,
    log: Log,
}

impl Drop for Guard {
    fn drop(&mut self) {
        set_local(self.local, self.outer);
        self.log.say(format!("restore {}", self.name));
        assert!(!self.fails, "{} at {:?}", self.name, Step::Restore);
    }
}
