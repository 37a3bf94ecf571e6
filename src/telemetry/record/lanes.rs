//! The threads of a run, each told by a number.

use std::collections::HashMap;

/// Names of threads, in the order in which they were first met.
#[derive(Default)]
pub(crate) struct Lanes {
    names: Vec<Box<str>>,
    places: HashMap<Box<str>, u32>,
}

impl Lanes {
    /// The number of the thread of that name.
    pub(crate) fn of(&mut self, name: &str) -> u32 {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.names.len() as u32;
        self.names.push(name.into());
        self.places.insert(name.into(), place);
        place
    }

    /// The names, by number.
    pub(crate) fn names(&self) -> &[Box<str>] {
        &self.names
    }
}
