//! The ways to run a graph.

mod by_hand;
mod dagx;
mod entourage;
mod pondrs;

use std::time::Duration;

use crate::graph::Graph;

/// One run of a graph that was built for it.
pub(crate) struct Once {
    pub(crate) build: Duration,
    pub(crate) run: Duration,
    /// The number of the last node.
    pub(crate) answer: u64,
}

/// A way to run a graph, on workers of its own.
pub(crate) trait Way {
    fn start(threads: usize) -> Self;

    /// Builds and runs it. The error is as a person would be told.
    fn once(&self, graph: &Graph) -> Result<Once, String>;

    /// The same, but asks the run to end after some time. `None` where it cannot
    /// be asked.
    fn cancelled(&self, graph: &Graph, after: Duration) -> Option<String>;
}

/// A way, with its type gone.
pub(crate) struct Rival {
    pub(crate) name: &'static str,
    pub(crate) start: fn(usize) -> Box<dyn Started>,
}

/// A way that has its workers.
pub(crate) trait Started {
    fn once(&self, graph: &Graph) -> Result<Once, String>;
    fn cancelled(&self, graph: &Graph, after: Duration) -> Option<String>;
}

impl<W: Way> Started for W {
    fn once(&self, graph: &Graph) -> Result<Once, String> {
        Way::once(self, graph)
    }

    fn cancelled(&self, graph: &Graph, after: Duration) -> Option<String> {
        Way::cancelled(self, graph, after)
    }
}

const fn rival<W: Way + 'static>(name: &'static str) -> Rival {
    Rival { name, start: |threads| Box::new(W::start(threads)) }
}

pub(crate) const RIVALS: [Rival; 5] = [
    rival::<by_hand::Scope>("rayon, by hand"),
    rival::<entourage::Off>("entourage, off"),
    rival::<entourage::On>("entourage, on"),
    rival::<dagx::Dagx>("dagx"),
    rival::<pondrs::Pondrs>("pondrs"),
];

pub(crate) fn find(name: &str) -> Result<&'static Rival, String> {
    RIVALS.iter().find(|rival| rival.name == name).ok_or_else(|| format!("no rival {name}"))
}
