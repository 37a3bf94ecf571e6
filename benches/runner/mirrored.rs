//! The graphs of Taskflow's benchmarks, which carry no data: built and run, with
//! the context off, on as many threads as the machine has.
//!
//! Taskflow's wavefront computes a block of a matrix in each node; here, as in
//! the other graphs, a node does nothing, so that only the graph is measured.

use std::error::Error;
use std::iter;

use entourage::{
    Catalog, Data, Executor, Node, Pipeline, Propagation, RunOptions, ThreadRunner, node,
};

use crate::case::{Case, Found};
use crate::harness::{Figures, Rounds};

const ROUNDS: usize = 9;
/// What Taskflow 4 takes to build and run such a graph, measured apart on a
/// machine like the one the goals are for.
const TASKFLOW_NS: f64 = 260.0;

const DONE: Data<()> = Data::memory("done");

/// For each node those it waits for.
type Graph = Vec<Vec<usize>>;

/// A name, and how it is made.
type Mirror = (&'static str, fn() -> Graph);

const SHAPES: [Mirror; 4] = [
    ("linear_chain", linear_chain),
    ("binary_tree", binary_tree),
    ("wavefront", wavefront),
    ("graph_traversal", graph_traversal),
];

pub(crate) fn measure(figures: &mut Figures) -> Result<(), Box<dyn Error>> {
    for (shape, (name, _)) in SHAPES.iter().enumerate() {
        let found = Case::Mirrored { shape }.run_apart()?;
        let build_and_run = found["build_and_run"];
        figures.add(&format!("taskflow_{name}_run"), found["run"], "ns/node", None);
        let name = format!("taskflow_{name}_build_and_run");
        figures.add(&name, build_and_run, "ns/node", None);
        figures.add(&format!("{name}_of_taskflow"), build_and_run / TASKFLOW_NS, "x", 1.0);
    }
    Ok(())
}

pub(crate) fn run(shape: usize) -> Result<Found, Box<dyn Error>> {
    let runner = ThreadRunner::new(&Executor::builder().build()?);
    let graph = SHAPES[shape].1();
    let build = || match Pipeline::new(nodes(&graph)) {
        Ok(pipeline) => pipeline,
        Err(error) => panic!("{error}"),
    };
    let run = |pipeline: &Pipeline| {
        let options = RunOptions::new().propagation(Propagation::off());
        match runner.run(pipeline, &Catalog::empty(), options) {
            Ok(report) => drop(report),
            Err(error) => panic!("{error}"),
        }
    };
    let built = build();
    let rounds = Rounds::run(ROUNDS, [&|| run(&built), &|| run(&build())]);
    let per_node = |seconds: f64| seconds * 1e9 / graph.len() as f64;
    let run = per_node(rounds.median(|[run, _]| run));
    let build_and_run = per_node(rounds.median(|[_, build_and_run]| build_and_run));
    Ok(vec![("run", run), ("build_and_run", build_and_run)])
}

fn nodes(graph: &Graph) -> impl Iterator<Item = Node> + '_ {
    graph.iter().enumerate().map(|(at, waits_for)| {
        let done = |at: usize| DONE.named(format!("d{at}"));
        let node = match waits_for[..] {
            [] => node(|| ()).reads(()).writes(done(at)),
            [a] => node(|_: &()| ()).reads(done(a)).writes(done(at)),
            [a, b] => node(|_: &(), _: &()| ()).reads((done(a), done(b))).writes(done(at)),
            [a, b, c] => node(|_: &(), _: &(), _: &()| ())
                .reads((done(a), done(b), done(c)))
                .writes(done(at)),
            [a, b, c, d] => node(|_: &(), _: &(), _: &(), _: &()| ())
                .reads((done(a), done(b), done(c), done(d)))
                .writes(done(at)),
            _ => panic!("a node waits for four others at most"),
        };
        node.named(format!("n{at}"))
    })
}

fn linear_chain() -> Graph {
    iter::once(vec![]).chain((1..1 << 16).map(|at| vec![at - 1])).collect()
}

/// Sixteen layers; each node waits for the one above.
fn binary_tree() -> Graph {
    iter::once(vec![]).chain((1..(1 << 16) - 1).map(|at: usize| vec![(at - 1) / 2])).collect()
}

/// A square of 256 by 256; each node waits for the one above and the one to the
/// left.
fn wavefront() -> Graph {
    const SIDE: usize = 256;
    let node = |at: usize| {
        let above = at.checked_sub(SIDE);
        let left = at.checked_sub(1).filter(|_| !at.is_multiple_of(SIDE));
        above.into_iter().chain(left).collect()
    };
    (0..SIDE * SIDE).map(node).collect()
}

/// 256 levels of 256 nodes; each node goes before one to four of the next level,
/// dealt from a shuffled deck of that level which is shuffled anew when it is
/// through.
fn graph_traversal() -> Graph {
    const SIDE: usize = 256;
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut graph: Graph = vec![Vec::new(); SIDE * SIDE];
    for level in 0..SIDE - 1 {
        let mut deck: Vec<usize> = Vec::new();
        for at in 0..SIDE {
            if deck.is_empty() {
                deck.extend((level + 1) * SIDE..(level + 2) * SIDE);
                random.shuffle(&mut deck);
            }
            let dealt = deck.len() - random.below(4).min(deck.len() - 1) - 1;
            for next in deck.split_off(dealt) {
                graph[next].push(level * SIDE + at);
            }
        }
    }
    graph
}

/// The same numbers each time.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % most
    }

    fn shuffle(&mut self, deck: &mut [usize]) {
        for at in (1..deck.len()).rev() {
            deck.swap(at, self.below(at + 1));
        }
    }
}
