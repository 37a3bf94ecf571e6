//! Pipelines of trivial nodes.

use entourage::{Data, Node, node};

const NUMBER: Data<u64> = Data::memory("number");

fn number(at: usize) -> Data<u64> {
    NUMBER.named(format!("d{at}"))
}

/// One node, read by all others.
pub(crate) fn fan_out(nodes: usize) -> Vec<Node> {
    let root = node(|| 1u64).reads(()).writes(number(0)).named("n0");
    let rest = (1..nodes).map(|at| {
        node(|n: &u64| n + 1).reads(number(0)).writes(number(at)).named(format!("n{at}"))
    });
    std::iter::once(root).chain(rest).collect()
}

/// Each node reads the one before.
pub(crate) fn chain(nodes: usize) -> Vec<Node> {
    let root = node(|| 1u64).reads(()).writes(number(0)).named("n0");
    let rest = (1..nodes).map(|at| {
        node(|n: &u64| n + 1).reads(number(at - 1)).writes(number(at)).named(format!("n{at}"))
    });
    std::iter::once(root).chain(rest).collect()
}

/// Rows of a hundred; each node reads its neighbours of the row before.
pub(crate) fn grid(nodes: usize) -> Vec<Node> {
    const WIDTH: usize = 100;
    let all = (0..nodes).map(|at| {
        let name = format!("n{at}");
        if at < WIDTH {
            return node(|| 1u64).reads(()).writes(number(at)).named(name);
        }
        let left = at - WIDTH;
        let right = left / WIDTH * WIDTH + (left + 1) % WIDTH;
        node(|a: &u64, b: &u64| a.wrapping_add(*b))
            .reads((number(left), number(right)))
            .writes(number(at))
            .named(name)
    });
    all.collect()
}
