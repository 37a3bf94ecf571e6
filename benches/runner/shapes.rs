//! Pipelines of trivial nodes.

use entourage::{Data, Node, node};

const NUMBER: Data<u64> = Data::memory("number");

type Nodes = Box<dyn Iterator<Item = Node>>;

/// A kind of graph, of as many nodes as are asked for.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) nodes: fn(usize) -> Nodes,
}

pub(crate) const SHAPES: [Shape; 3] = [
    Shape { name: "fan_out", nodes: fan_out },
    Shape { name: "chain", nodes: chain },
    Shape { name: "grid", nodes: grid },
];

fn number(at: usize) -> Data<u64> {
    NUMBER.named(format!("d{at}"))
}

fn root(at: usize) -> Node {
    node(|| 1u64).reads(()).writes(number(at)).named(format!("n{at}"))
}

fn after(at: usize, read: usize) -> Node {
    let add = node(|n: &u64| n.wrapping_add(1));
    add.reads(number(read)).writes(number(at)).named(format!("n{at}"))
}

/// One node, read by all others.
fn fan_out(nodes: usize) -> Nodes {
    Box::new((0..nodes).map(|at| if at == 0 { root(at) } else { after(at, 0) }))
}

/// Each node reads the one before.
fn chain(nodes: usize) -> Nodes {
    Box::new((0..nodes).map(|at| if at == 0 { root(at) } else { after(at, at - 1) }))
}

/// Rows of 32; each node reads two neighbours of the row before.
fn grid(nodes: usize) -> Nodes {
    const WIDTH: usize = 32;
    Box::new((0..nodes).map(|at| {
        if at < WIDTH {
            return root(at);
        }
        let left = at - WIDTH;
        let right = left / WIDTH * WIDTH + (left + 1) % WIDTH;
        node(|a: &u64, b: &u64| a.wrapping_add(*b))
            .reads((number(left), number(right)))
            .writes(number(at))
            .named(format!("n{at}"))
    }))
}
