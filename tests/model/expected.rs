//! The model: what each place of a program must see, were it run on one thread,
//! from top to bottom, with nothing but arguments to carry what is current.

use std::collections::BTreeMap;

use crate::tree::{Policy, ScopeKind, ScopeTask, Step, Which};

/// What is current somewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// The values of the keys, in the order of `Which::ALL`.
    pub(crate) keys: [Option<u8>; 3],
    /// The current span and those it lies in, outermost first.
    pub(crate) spans: Vec<u8>,
    /// Which subscriber this thread has: 0 is the process's.
    pub(crate) subscriber: u8,
    pub(crate) is_suppressed: bool,
}

impl State {
    /// What a task submitted here by this policy sees.
    fn carried(&self, policy: Policy) -> Self {
        // Of the keys, and last the span.
        let carries = match policy {
            _ if self.is_suppressed => return Self::default(),
            Policy::Off => return Self::default(),
            Policy::All => [true, false, false, true],
            Policy::Only(listed) => [listed.plain, listed.shy, false, listed.span],
            Policy::Except(listed) => [!listed.plain, false, false, !listed.span],
        };
        let mut carried = Self::default();
        for (at, key) in self.keys.into_iter().enumerate() {
            carried.keys[at] = key.filter(|_| carries[at]);
        }
        if carries[3] {
            carried.spans.clone_from(&self.spans);
            carried.subscriber = self.subscriber;
        }
        carried
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }
}

/// Where a look is taken: the steps' numbers on the way from the root.
pub(crate) type Path = Vec<u8>;

/// What may be seen at each look. More than one state only where it is left
/// open whether a closure moves: the second half of a join runs on in place with
/// all there is, or elsewhere with what the policy carries.
pub(crate) type Expected = BTreeMap<Path, Vec<State>>;

/// Ends the steps around it, up to whoever catches it.
struct Panicked;

pub(crate) fn expect(steps: &[Step]) -> Expected {
    let mut model = Model::default();
    // The caller's thread catches what is thrown.
    _ = model.run(&Vec::new(), steps, &Here { may: vec![State::default()], is_on_worker: false });
    model.looks
}

#[derive(Default)]
struct Model {
    looks: Expected,
}

/// What may be current at a place, and whether that is on a worker.
#[derive(Clone)]
struct Here {
    may: Vec<State>,
    is_on_worker: bool,
}

impl Here {
    fn map(&self, change: impl Fn(&State) -> State) -> Self {
        Self { may: self.may.iter().map(change).collect(), is_on_worker: self.is_on_worker }
    }

    fn set(&self, which: Which, value: Option<u8>) -> Self {
        self.map(|state| state.with(|state| state.keys[which as usize] = value))
    }

    /// In a task that is submitted here.
    fn submitted(&self, policy: Policy) -> Self {
        Self { is_on_worker: true, ..self.map(|state| state.carried(policy)) }
    }

    /// On a worker: here, if this is one.
    fn installed(&self, policy: Policy) -> Self {
        if self.is_on_worker { self.clone() } else { self.submitted(policy) }
    }

    fn or(mut self, other: Self) -> Self {
        self.may.extend(other.may);
        self.may.dedup();
        self
    }
}

impl Model {
    fn run(&mut self, path: &Path, steps: &[Step], here: &Here) -> Result<(), Panicked> {
        for (at, step) in (0..).zip(steps) {
            let path = below(path, at);
            self.look(&path, here);
            self.step(&path, step, here)?;
        }
        // After all that was waited for.
        self.look(&below(path, u8::MAX), here);
        Ok(())
    }

    fn look(&mut self, path: &Path, here: &Here) {
        let before = self.looks.insert(path.clone(), here.may.clone());
        assert!(before.is_none(), "two looks at one place");
    }

    fn step(&mut self, path: &Path, step: &Step, here: &Here) -> Result<(), Panicked> {
        match step {
            Step::Steal => {}
            Step::Panic => return Err(Panicked),
            // In place: what is thrown goes on.
            Step::Set(which, value, body) => {
                self.run(path, body, &here.set(*which, Some(*value)))?;
            }
            Step::Clear(which, body) => self.run(path, body, &here.set(*which, None))?,
            Step::Span(number, body) => {
                self.run(path, body, &here.map(|state| state.with(|s| s.spans.push(*number))))?;
            }
            Step::Subscriber(number, body) => {
                let set = |state: &mut State| {
                    state.subscriber = *number;
                    state.spans.clear();
                };
                self.run(path, body, &here.map(|state| state.with(set)))?;
            }
            Step::Suppress(body) => {
                self.run(path, body, &here.map(|state| state.with(|s| s.is_suppressed = true)))?;
            }
            // Elsewhere: what is thrown is caught by whoever waits.
            Step::Spawn(policy, body) | Step::Detached(policy, body) => {
                _ = self.run(path, body, &here.submitted(*policy));
            }
            Step::Install(policy, body) => _ = self.run(path, body, &here.installed(*policy)),
            Step::Join(policy, a, b) => {
                let here = here.installed(*policy);
                _ = self.run(&below(path, 0), a, &here);
                _ = self.run(&below(path, 1), b, &here.clone().or(here.submitted(*policy)));
            }
            Step::Scope(policy, kind, tasks) => {
                let is_in_place = matches!(kind, ScopeKind::InPlace | ScopeKind::InPlaceFifo);
                let here = if is_in_place { here.clone() } else { here.installed(*policy) };
                for (at, ScopeTask { under, body }) in (0..).zip(tasks) {
                    let task = match under {
                        Some(value) => here.set(Which::Plain, Some(*value)),
                        None => here.clone(),
                    };
                    let task = task.submitted(*policy);
                    let task = if at % 2 == 0 { task } else { task.submitted(*policy) };
                    _ = self.run(&below(path, at), body, &task);
                }
                self.look(&below(path, u8::MAX), &here);
            }
            Step::ParIter(policy, items, body) => {
                let leaf = here.installed(*policy).submitted(*policy);
                for item in 0..*items {
                    _ = self.run(&below(path, item), body, &leaf);
                }
            }
        }
        Ok(())
    }
}

pub(crate) fn below(path: &Path, at: u8) -> Path {
    path.iter().copied().chain([at]).collect()
}

const _: () = assert!(Which::Plain as usize == 0 && Which::Bound as usize == 2);
