//! Nodes as they come in, taken apart into a few arrays before anything is
//! checked: so that a node can be let go as soon as it was looked at.

use std::any::TypeId;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::body::NodeBody;
use super::error::Problem;
use super::forms::Forms;
use super::names::is_form;
use super::node::{Extras, Node, Slot};
use super::packed::{self, Column, Lists, Texts};
use super::wires::Wires;
use crate::catalog::{Codec, Family};

/// The nodes of a pipeline, in some order.
pub(super) struct Draft {
    pub(super) nodes: NodeTable,
    /// What each node reads and writes; all of it once for each time its function
    /// has it.
    pub(super) reads: Lists,
    pub(super) writes: Lists,
    /// The type that each of `reads` and of `writes` has to its node.
    pub(super) read_types: Vec<u32>,
    pub(super) write_types: Vec<u32>,
    pub(super) datasets: Texts,
    pub(super) types: Vec<&'static dyn Codec>,
    /// Whether a dataset is named by one of its forms.
    pub(super) has_forms: bool,
}

/// What is kept of each node, a column each.
#[derive(Clone, Default)]
pub(super) struct NodeTable {
    pub(super) names: Texts,
    /// How much of each name is the namespace.
    pub(super) namespaces: Column<u32>,
    /// Whether the name is the function's own.
    pub(super) is_after_function: Column<bool>,
    /// Places in the list of functions.
    pub(super) function_of: Vec<u32>,
    pub(super) functions: Vec<&'static str>,
    pub(super) bodies: Vec<Arc<dyn NodeBody>>,
    pub(super) extras: Column<Option<Arc<Extras>>>,
    /// Whether any node is told about how it is to be run.
    pub(super) has_settings: bool,
}

impl Draft {
    /// Takes the nodes apart. One without a name goes to the problems.
    pub(super) fn of(nodes: impl IntoIterator<Item = Node>, problems: &mut Vec<Problem>) -> Self {
        let mut draft = Self {
            nodes: NodeTable::default(),
            reads: Lists::default(),
            writes: Lists::default(),
            read_types: Vec::new(),
            write_types: Vec::new(),
            datasets: Texts::default(),
            types: Vec::new(),
            has_forms: false,
        };
        let mut known = Known::default();
        for node in nodes {
            let Some(name) = &node.name else {
                problems.push(Problem::NoName { function: node.function });
                continue;
            };
            let (reads, writes) = node.reads_and_writes();
            for slot in reads {
                let (dataset, kind) = draft.place_of(slot, &mut known);
                draft.reads.push(dataset);
                draft.read_types.push(kind);
            }
            draft.reads.end();
            for slot in writes {
                let (dataset, kind) = draft.place_of(slot, &mut known);
                draft.writes.push(dataset);
                draft.write_types.push(kind);
            }
            draft.writes.end();
            let table = &mut draft.nodes;
            table.names.push(name);
            table.function_of.push(known.functions.place_of(
                (node.function.as_ptr() as usize, node.function.len()),
                || {
                    table.functions.push(node.function);
                    table.functions.len() as u32 - 1
                },
            ));
            table.namespaces.push(node.namespace_len, |len| *len == 0);
            table.is_after_function.push(!node.has_own_name, |is_so| !is_so);
            table.has_settings |= has_settings(node.extras.as_ref());
            table.extras.push(node.extras, Option::is_none);
            table.bodies.push(node.body);
        }
        draft
    }

    /// The place of the dataset that a slot names, and of the type it has there.
    fn place_of(&mut self, slot: &Slot, known: &mut Known) -> (u32, u32) {
        let codec = slot.codec;
        let family = codec.is_declared().then(|| codec.family());
        let key = (codec.type_id(), family, codec.type_name());
        let kind = known.types.place_of(key, || {
            self.types.push(codec);
            self.types.len() as u32 - 1
        });
        let hash_of = |name: &str| known.hasher.hash_one(name);
        let (datasets, hash) = (&mut self.datasets, hash_of(&slot.name));
        let found = known.datasets.find(hash, |at| datasets.get(*at) == slot.name);
        if let Some(&dataset) = found {
            return (dataset, kind);
        }
        let dataset = datasets.len() as u32;
        datasets.push(&slot.name);
        known.datasets.insert_unique(hash, dataset, |at| hash_of(datasets.get(*at)));
        self.has_forms |= is_form(&slot.name);
        (dataset, kind)
    }

    /// Whether all places can be told in 32 bits, and one of these to spare.
    pub(super) fn fits(&self) -> bool {
        let is_small = |len: usize| len < (u32::MAX / 2) as usize;
        self.nodes.names.fits()
            && self.datasets.fits()
            && self.reads.fits()
            && self.writes.fits()
            && is_small(self.nodes.names.len())
            && is_small(self.datasets.len())
    }

    pub(super) fn wires(&self, forms: Option<&Forms>) -> Wires {
        Wires::of(&self.reads, &self.writes, self.datasets.len(), forms)
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.names.len()
    }

    /// The same nodes in another order. The datasets are numbered as the nodes
    /// then name them.
    pub(super) fn ordered(mut self, order: &[u32]) -> Self {
        let is_so = order.is_sorted();
        if is_so {
            return self;
        }
        self.read_types = picked_items(&self.reads, &self.read_types, order);
        self.write_types = picked_items(&self.writes, &self.write_types, order);
        self.reads = self.reads.picked(order);
        self.writes = self.writes.picked(order);
        self.nodes = self.nodes.ordered(order);
        let seen = packed::renumbered(&mut self.reads, &mut self.writes, self.datasets.len());
        self.datasets = self.datasets.picked(&seen);
        self
    }
}

impl NodeTable {
    fn ordered(mut self, order: &[u32]) -> Self {
        let bodies = std::mem::take(&mut self.bodies);
        let mut bodies: Vec<_> = bodies.into_iter().map(Some).collect();
        let bodies = order.iter().filter_map(|at| bodies[*at as usize].take()).collect();
        self.picked_with(order, bodies)
    }

    /// The nodes at `places`, in that order.
    pub(super) fn picked(&self, places: &[u32]) -> Self {
        let bodies = places.iter().map(|at| self.bodies[*at as usize].clone()).collect();
        self.picked_with(places, bodies)
    }

    fn picked_with(&self, places: &[u32], bodies: Vec<Arc<dyn NodeBody>>) -> Self {
        let extras_of = |at: &u32| self.extras.get_ref(*at).and_then(Option::as_ref);
        let told = |at: &u32| has_settings(extras_of(at));
        Self {
            names: self.names.picked(places),
            namespaces: self.namespaces.picked(places),
            is_after_function: self.is_after_function.picked(places),
            function_of: places.iter().map(|at| self.function_of[*at as usize]).collect(),
            functions: self.functions.clone(),
            bodies,
            extras: self.extras.picked(places),
            has_settings: self.has_settings && places.iter().any(told),
        }
    }

    /// The node's namespace; empty where it has none.
    pub(super) fn namespace(&self, at: u32) -> &str {
        &self.names.get(at)[..self.namespaces.get(at) as usize]
    }

    pub(super) fn shrink(&mut self) {
        self.names.shrink();
        self.function_of.shrink_to_fit();
        self.bodies.shrink_to_fit();
    }
}

fn has_settings(extras: Option<&Arc<Extras>>) -> bool {
    extras.is_some_and(|extras| extras.settings.is_some())
}

/// What was met before, while nodes are taken apart.
#[derive(Default)]
struct Known {
    hasher: DefaultHashBuilder,
    datasets: HashTable<u32>,
    types: Places<(TypeId, Option<Family>, &'static str)>,
    /// By where their names are: to compare these would take longer.
    functions: Places<(usize, usize)>,
}

/// The places of things that are few, and mostly the same as the one before.
struct Places<K> {
    last: Option<(K, u32)>,
    all: HashMap<K, u32>,
}

impl<K> Default for Places<K> {
    fn default() -> Self {
        Self { last: None, all: HashMap::new() }
    }
}

impl<K: Copy + Eq + Hash> Places<K> {
    fn place_of(&mut self, key: K, add: impl FnOnce() -> u32) -> u32 {
        match self.last {
            Some((last, place)) if last == key => place,
            _ => {
                let place = *self.all.entry(key).or_insert_with(add);
                self.last = Some((key, place));
                place
            }
        }
    }
}

/// The items of the lists, one an item, as the lists are picked.
fn picked_items(lists: &Lists, items: &[u32], order: &[u32]) -> Vec<u32> {
    let mut picked = Vec::with_capacity(items.len());
    order.iter().for_each(|at| picked.extend_from_slice(&items[lists.range(*at)]));
    picked
}
