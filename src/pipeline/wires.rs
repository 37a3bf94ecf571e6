//! Who writes what, who reads it, and who therefore waits for whom.

use super::forms::{Forms, all_forms};
use super::packed::Lists;

const NOBODY: u32 = u32::MAX;
/// Set in what tells a node's dependents, where that is not one dataset.
const SEVERAL: u32 = 1 << 31;

/// The edges of the graph. A dataset that has several forms counts as one here:
/// who reads `data@csv` waits for who writes `data@parquet`.
#[derive(Clone)]
pub(super) struct Wires {
    /// Of each dataset.
    producers: Vec<u32>,
    /// The nodes that read each dataset under this very name, each once.
    consumers: Lists,
    /// Of each node, the dataset whose consumers its dependents are; or, with
    /// `SEVERAL`, a place in `dependents`. To write one dataset is what most
    /// nodes do, and it takes up no room.
    dependents_of: Vec<u32>,
    dependents: Lists,
    /// How many nodes each node waits for.
    waits_for: Vec<u32>,
}

impl Wires {
    /// Wires nodes by what they read and write, and by which of so many `datasets`
    /// are one.
    pub(super) fn of(
        reads: &Lists,
        writes: &Lists,
        datasets: usize,
        forms: Option<&Forms>,
    ) -> Self {
        let nodes = writes.len();
        let mut producers = vec![NOBODY; datasets];
        for (at, written) in (0..).zip(writes.iter()) {
            for &dataset in written {
                for &form in all_forms(forms, &dataset) {
                    producers[form as usize] = at;
                }
            }
        }
        let consumers = reads.inverted(datasets);
        let mut wires = Self {
            producers,
            consumers,
            dependents_of: Vec::with_capacity(nodes),
            dependents: Lists::default(),
            waits_for: vec![0; nodes],
        };
        for written in writes.iter() {
            wires.add_dependents(written, forms);
        }
        wires.dependents.shrink();
        for at in 0..nodes as u32 {
            // Not through `dependents`, which would borrow the counts as well.
            for &dependent in
                dependents(&wires.dependents_of, &wires.dependents, &wires.consumers, at)
            {
                wires.waits_for[dependent as usize] += 1;
            }
        }
        wires
    }

    /// Finds the dependents of the next node, which writes `written`.
    fn add_dependents(&mut self, written: &[u32], forms: Option<&Forms>) {
        if let [dataset] = written
            && all_forms(forms, dataset).len() == 1
        {
            self.dependents_of.push(*dataset);
            return;
        }
        let mut readers: Vec<u32> = Vec::new();
        for dataset in written {
            readers.extend(
                all_forms(forms, dataset).iter().flat_map(|form| self.consumers.get(*form)),
            );
        }
        readers.sort_unstable();
        readers.dedup();
        self.dependents_of.push(SEVERAL | self.dependents.len() as u32);
        readers.into_iter().for_each(|reader| self.dependents.push(reader));
        self.dependents.end();
    }

    pub(super) fn producer(&self, dataset: u32) -> Option<u32> {
        let producer = self.producers[dataset as usize];
        (producer != NOBODY).then_some(producer)
    }

    pub(super) fn consumers(&self, dataset: u32) -> &[u32] {
        self.consumers.get(dataset)
    }

    pub(super) fn dependents(&self, node: u32) -> &[u32] {
        dependents(&self.dependents_of, &self.dependents, &self.consumers, node)
    }

    pub(super) fn waits_for(&self) -> &[u32] {
        &self.waits_for
    }
}

fn dependents<'a>(of: &[u32], several: &'a Lists, consumers: &'a Lists, node: u32) -> &'a [u32] {
    match of[node as usize] {
        at if at & SEVERAL != 0 => several.get(at & !SEVERAL),
        dataset => consumers.get(dataset),
    }
}
