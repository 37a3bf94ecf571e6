//! The threads of a run, each told by a number.

use std::collections::HashMap;

/// Names of threads, in the order in which they were first met.
#[derive(Default)]
pub(crate) struct Lanes {
    names: Vec<Box<str>>,
    /// The one that was asked for last, which is asked for again as a rule.
    last: u32,
    places: HashMap<Box<str>, u32>,
}

impl Lanes {
    /// The number of the thread of that name.
    pub(crate) fn of(&mut self, name: &str) -> u32 {
        if self.names.get(self.last as usize).is_some_and(|last| **last == *name) {
            return self.last;
        }
        let next = self.names.len() as u32;
        self.last = self.places.get(name).copied().unwrap_or(next);
        if self.last < next {
            return self.last;
        }
        self.names.push(name.into());
        self.places.insert(name.into(), next);
        next
    }

    /// The names, by number.
    pub(crate) fn names(&self) -> &[Box<str>] {
        &self.names
    }
}
