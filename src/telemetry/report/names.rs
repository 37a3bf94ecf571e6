//! Texts that occur again and again, each told by a number.

use std::borrow::Cow;
use std::collections::HashMap;

use super::clip::{NAME, clip};

/// Texts, in the order in which they were first met.
#[derive(Default)]
pub(super) struct Names<'a> {
    texts: Vec<Cow<'a, str>>,
    places: HashMap<&'a str, u32>,
}

impl<'a> Names<'a> {
    /// The number of `text`.
    pub(super) fn of(&mut self, text: &'a str) -> u32 {
        let next = self.texts.len() as u32;
        let place = *self.places.entry(text).or_insert(next);
        if place == next {
            self.texts.push(clip(text, NAME));
        }
        place
    }

    pub(super) fn all_of(&mut self, texts: Vec<&'a str>) -> Vec<u32> {
        texts.into_iter().map(|text| self.of(text)).collect()
    }

    /// The texts, by number.
    pub(super) fn into_texts(self) -> Vec<Cow<'a, str>> {
        self.texts
    }
}
