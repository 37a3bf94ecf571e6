//! Random pipelines of numbers, whose datasets are stored or not, and which tell
//! what ran.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::{Arc, Mutex};

use entourage::{Catalog, Data, Dataset, NODE, Node, Pipeline, node};
use proptest::prelude::*;

const NUMBER: Data<u64> = Data::memory("number");

/// Where a dataset lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    Stored,
    CatalogMemory,
    Unbound,
}

/// A node `n<place>`, which writes `d<place>_0` and so on.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    /// The datasets, by the place among those that can be read here.
    reads: Vec<prop::sample::Index>,
    homes: Vec<Home>,
}

/// A pipeline, and the storage it writes to.
#[derive(Clone)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Wired>,
    pub(crate) homes: BTreeMap<String, Home>,
    /// What is stored.
    pub(crate) stored: Arc<Mutex<BTreeMap<String, u64>>>,
    /// The nodes whose functions ran, in that order.
    ran: Arc<Mutex<Vec<String>>>,
    /// Loads and saves of what is stored: dataset, then node.
    pub(crate) loads: Arc<Mutex<Vec<(String, String)>>>,
    pub(crate) saves: Arc<Mutex<Vec<(String, String)>>>,
    /// The nodes that fail.
    pub(crate) failing: Arc<Mutex<BTreeSet<String>>>,
}

#[derive(Clone)]
pub(crate) struct Wired {
    pub(crate) name: String,
    pub(crate) reads: Vec<String>,
    pub(crate) writes: Vec<String>,
}

/// What comes from outside, always stored and there.
const INPUT: &str = "input";

pub(crate) fn specs(most: usize) -> impl Strategy<Value = Vec<Spec>> {
    let home = prop_oneof![
        3 => Just(Home::Stored),
        1 => Just(Home::CatalogMemory),
        3 => Just(Home::Unbound),
    ];
    let reads = prop::collection::vec(any::<prop::sample::Index>(), 1..=3);
    let homes = prop::collection::vec(home, 0..=2);
    let spec = (reads, homes).prop_map(|(reads, homes)| Spec { reads, homes });
    prop::collection::vec(spec, 1..=most)
}

impl Graph {
    pub(crate) fn new(specs: &[Spec]) -> Self {
        let mut readable = vec![INPUT.to_owned()];
        let mut homes = BTreeMap::from([(INPUT.to_owned(), Home::Stored)]);
        let mut nodes = Vec::new();
        for (at, spec) in specs.iter().enumerate() {
            let mut reads: Vec<_> =
                spec.reads.iter().map(|index| index.get(&readable).clone()).collect();
            reads.dedup();
            let writes: Vec<_> = (0..spec.homes.len()).map(|n| format!("d{at}_{n}")).collect();
            readable.extend(writes.iter().cloned());
            homes.extend(writes.iter().cloned().zip(spec.homes.iter().copied()));
            nodes.push(Wired { name: format!("n{at}"), reads, writes });
        }
        let stored = Arc::new(Mutex::new(BTreeMap::from([(INPUT.to_owned(), 1)])));
        let (ran, loads, saves, failing) = Default::default();
        Self { nodes, homes, stored, ran, loads, saves, failing }
    }

    /// The pipeline of the nodes that `is_in` names.
    pub(crate) fn pipeline(&self, is_in: impl Fn(&str) -> bool) -> Pipeline {
        let nodes = self.nodes.iter().filter(|wired| is_in(&wired.name));
        Pipeline::new(nodes.map(|wired| self.node(wired))).unwrap()
    }

    pub(crate) fn whole(&self) -> Pipeline {
        self.pipeline(|_| true)
    }

    /// A catalog that binds the datasets as they are to be.
    pub(crate) fn catalog(&self) -> Catalog {
        let mut catalog = Catalog::builder();
        for (name, home) in &self.homes {
            let data = NUMBER.named(name.clone());
            catalog = match home {
                Home::Stored => {
                    catalog.dataset(&data, Store { name: name.clone(), graph: self.clone() })
                }
                Home::CatalogMemory => catalog.memory(name),
                Home::Unbound => catalog,
            };
        }
        catalog.build().unwrap()
    }

    /// The nodes that ran since last asked, by name, each once.
    pub(crate) fn take_ran(&self) -> BTreeSet<String> {
        let ran = std::mem::take(&mut *self.ran.lock().unwrap());
        let names: BTreeSet<_> = ran.iter().cloned().collect();
        assert_eq!(names.len(), ran.len(), "a node ran twice: {ran:?}");
        names
    }

    pub(crate) fn is_stored(&self, dataset: &str) -> bool {
        self.homes[dataset] == Home::Stored
    }

    pub(crate) fn is_there(&self, dataset: &str) -> bool {
        self.stored.lock().unwrap().contains_key(dataset)
    }

    pub(crate) fn producer(&self, dataset: &str) -> Option<&Wired> {
        self.nodes.iter().find(|wired| wired.writes.iter().any(|write| write == dataset))
    }

    /// What everything that is stored comes to if every node runs.
    pub(crate) fn expected(&self) -> BTreeMap<String, u64> {
        let mut values = BTreeMap::from([(INPUT.to_owned(), 1)]);
        for wired in &self.nodes {
            let inputs: Vec<_> = wired.reads.iter().map(|read| values[read]).collect();
            let value = value(&wired.name, &inputs);
            let written = wired.writes.iter().cloned().zip(value..);
            values.extend(written);
        }
        values.retain(|name, _| self.is_stored(name));
        values
    }

    fn node(&self, wired: &Wired) -> Node {
        let Wired { name, reads, writes } = wired.clone();
        let (ran, failing) = (self.ran.clone(), self.failing.clone());
        let body = {
            let name = name.clone();
            move |inputs: &[u64]| {
                ran.lock().unwrap().push(name.clone());
                match failing.lock().unwrap().contains(&name) {
                    true => Err(format!("{name} fails")),
                    false => Ok(value(&name, inputs)),
                }
            }
        };
        let data = |name: &String| NUMBER.named(name.clone());
        macro_rules! node_of {
            ($($read:ident),*) => {{
                let reads = ($(data($read),)*);
                match &writes[..] {
                    [] => node(move |$($read: &u64),*| body(&[$(*$read),*]).map(drop))
                        .reads(reads)
                        .writes(()),
                    [one] => node(move |$($read: &u64),*| body(&[$(*$read),*]))
                        .reads(reads)
                        .writes(data(one)),
                    [one, two] => node(move |$($read: &u64),*| {
                        body(&[$(*$read),*]).map(|value| (value, value + 1))
                    })
                    .reads(reads)
                    .writes((data(one), data(two))),
                    _ => unreachable!("two outputs at most"),
                }
            }};
        }
        let node = match &reads[..] {
            [a] => node_of!(a),
            [a, b] => node_of!(a, b),
            [a, b, c] => node_of!(a, b, c),
            _ => unreachable!("one to three inputs"),
        };
        node.named(name)
    }
}

fn value(name: &str, inputs: &[u64]) -> u64 {
    let start = name.bytes().fold(7, |hash: u64, byte| hash * 31 + u64::from(byte));
    inputs.iter().fold(start, |hash, input| hash.wrapping_mul(1_000_003) ^ input) >> 1
}

struct Store {
    name: String,
    graph: Graph,
}

type BoxError = Box<dyn Error + Send + Sync>;

impl Store {
    /// The dataset and the node that now does something with it.
    fn told(&self) -> (String, String) {
        (self.name.clone(), NODE.get().map(|node| node.to_string()).unwrap_or_default())
    }
}

impl Dataset<u64> for Store {
    fn load(&self) -> Result<u64, BoxError> {
        self.graph.loads.lock().unwrap().push(self.told());
        let stored = self.graph.stored.lock().unwrap().get(&self.name).copied();
        Ok(stored.ok_or("it is not there")?)
    }

    fn save(&self, value: &u64) -> Result<(), BoxError> {
        self.graph.saves.lock().unwrap().push(self.told());
        self.graph.stored.lock().unwrap().insert(self.name.clone(), *value);
        Ok(())
    }

    fn exists(&self) -> Result<bool, BoxError> {
        Ok(self.graph.is_there(&self.name))
    }
}
