//! Many small things in few pieces of memory. A graph of a million nodes is a
//! handful of arrays, and not millions of strings and vectors.

use std::ops::Range;

/// One value a node, and nothing at all while every node has the usual one,
/// which is the default.
#[derive(Clone, Default)]
pub(super) struct Column<T> {
    len: usize,
    /// Empty, or as many as there are.
    values: Vec<T>,
}

impl<T: Clone + Default> Column<T> {
    pub(super) fn push(&mut self, value: T, is_usual: impl FnOnce(&T) -> bool) {
        if !self.values.is_empty() || !is_usual(&value) {
            self.values.resize(self.len, T::default());
            self.values.push(value);
        }
        self.len += 1;
    }

    pub(super) fn get(&self, at: u32) -> T {
        self.get_ref(at).cloned().unwrap_or_default()
    }

    pub(super) fn get_ref(&self, at: u32) -> Option<&T> {
        self.values.get(at as usize)
    }

    /// The values at `places`, in that order.
    pub(super) fn picked(&self, places: &[u32]) -> Self {
        let values = match self.values.is_empty() {
            true => Vec::new(),
            false => places.iter().map(|at| self.get(*at)).collect(),
        };
        Self { len: places.len(), values }
    }
}

/// Many short texts in one.
#[derive(Clone, Default)]
pub(super) struct Texts {
    text: String,
    ends: Vec<u32>,
}

impl Texts {
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len() as u32);
    }

    pub(super) fn get(&self, at: u32) -> &str {
        let at = at as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[at] as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        (0..self.len() as u32).map(|at| self.get(at))
    }

    /// Whether the places of all of it can be told in 32 bits.
    pub(super) fn fits(&self) -> bool {
        u32::try_from(self.text.len()).is_ok() && u32::try_from(self.len()).is_ok()
    }

    /// The texts at `places`, in that order.
    pub(super) fn picked(&self, places: &[u32]) -> Self {
        let mut picked = Self {
            text: String::with_capacity(self.text.len()),
            ends: Vec::with_capacity(places.len()),
        };
        places.iter().for_each(|at| picked.push(self.get(*at)));
        picked
    }

    pub(super) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// Many short lists of places in one.
#[derive(Clone, Default)]
pub(super) struct Lists {
    items: Vec<u32>,
    ends: Vec<u32>,
}

impl Lists {
    pub(super) fn with_capacity(lists: usize, items: usize) -> Self {
        Self { items: Vec::with_capacity(items), ends: Vec::with_capacity(lists) }
    }

    /// Adds to the list that is next to end.
    pub(super) fn push(&mut self, item: u32) {
        self.items.push(item);
    }

    /// Ends a list, after which another begins.
    pub(super) fn end(&mut self) {
        self.ends.push(self.items.len() as u32);
    }

    pub(super) fn get(&self, at: u32) -> &[u32] {
        &self.items[self.range(at)]
    }

    /// Where the list is among all [`items`](Self::items).
    pub(super) fn range(&self, at: u32) -> Range<usize> {
        let at = at as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[at] as usize
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        (0..self.len() as u32).map(|at| self.get(at))
    }

    pub(super) fn items(&self) -> &[u32] {
        &self.items
    }

    /// Whether the places of all of it can be told in 32 bits.
    pub(super) fn fits(&self) -> bool {
        u32::try_from(self.items.len()).is_ok() && u32::try_from(self.len()).is_ok()
    }

    /// The lists at `places`, in that order.
    pub(super) fn picked(&self, places: &[u32]) -> Self {
        let mut picked = Self::with_capacity(places.len(), self.items.len());
        for &at in places {
            picked.items.extend_from_slice(self.get(at));
            picked.end();
        }
        picked
    }

    /// Turns pairs around: from which lists hold which items to which items are
    /// held by which lists, in their order. `items` is how many items there are;
    /// a list that holds one twice is named once.
    pub(super) fn inverted(&self, items: usize) -> Self {
        const NOBODY: u32 = u32::MAX;
        let mut ends = vec![0_u32; items];
        let mut last = vec![NOBODY; items];
        for (at, list) in self.iter().enumerate() {
            for &item in list {
                if last[item as usize] != at as u32 {
                    last[item as usize] = at as u32;
                    ends[item as usize] += 1;
                }
            }
        }
        // Where each list begins; it is filled up to where it ends.
        let mut start = 0;
        for end in &mut ends {
            start += std::mem::replace(end, start);
        }
        last.fill(NOBODY);
        let mut holders = vec![0_u32; start as usize];
        for (at, list) in self.iter().enumerate() {
            for &item in list {
                if last[item as usize] != at as u32 {
                    last[item as usize] = at as u32;
                    holders[ends[item as usize] as usize] = at as u32;
                    ends[item as usize] += 1;
                }
            }
        }
        Self { items: holders, ends }
    }

    pub(super) fn shrink(&mut self) {
        self.items.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

/// Numbers what two rows of lists hold in the order in which they hold it, list
/// by list. Returns what was where before; `count` is how many there were.
pub(super) fn renumbered(first: &mut Lists, second: &mut Lists, count: usize) -> Vec<u32> {
    const UNSEEN: u32 = u32::MAX;
    let mut places = vec![UNSEEN; count];
    let mut seen = Vec::with_capacity(count);
    for (first, second) in first.iter().zip(second.iter()) {
        for &item in first.iter().chain(second) {
            if places[item as usize] == UNSEEN {
                places[item as usize] = seen.len() as u32;
                seen.push(item);
            }
        }
    }
    for item in first.items.iter_mut().chain(&mut second.items) {
        *item = places[*item as usize];
    }
    seen
}
